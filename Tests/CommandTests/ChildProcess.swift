import Foundation
import Glibc
import Synchronization
import Testing

/// A program that was started, and ends with this object, with its output in files, so that no pipe can fill up or be inherited by another child.
final class ChildProcess: Sendable {
    /// The process's number.
    let id: pid_t
    private let output: String
    private let errors: String
    private let exitCode = Mutex<Int32?>(nil)

    struct CannotStart: Error {
        var program: String
        var reason: String
    }

    /// - Parameters:
    ///   - arguments: the program's path or name, and its arguments.
    ///   - outputs: the stem of the files that take standard output and standard error.
    ///   - input: a file for standard input.
    init(_ arguments: [String], outputs: String, input: String = "/dev/null", environment: [String: String] = [:])
        throws
    {
        (output, errors) = (outputs + ".out", outputs + ".err")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var variables = ProcessInfo.processInfo.environment
        variables["SLUICE_DATA"] = nil
        variables.merge(environment) { $1 }
        var words = arguments.map { strdup($0) } + [nil]
        var settings = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in words + settings { free(text) } }
        var id: pid_t = 0
        let result = posix_spawnp(&id, arguments[0], &actions, nil, &words, &settings)
        guard result == 0 else { throw CannotStart(program: arguments[0], reason: String(cString: strerror(result))) }
        self.id = id
    }

    /// What it wrote to standard output up to now.
    var standardOutput: String {
        String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self)
    }
    /// What it wrote to standard error up to now.
    var standardError: String {
        String(decoding: FileManager.default.contents(atPath: errors) ?? Data(), as: UTF8.self)
    }

    deinit { crash() }

    /// Sends a signal, unless it has ended.
    func signal(_ number: Int32) {
        exitCode.withLock { code in
            if code == nil { _ = kill(id, number) }
        }
    }

    /// The exit code, or 128 and the signal that ended it; nil while it runs.
    func reap() -> Int32? { reap(WNOHANG) }

    private func reap(_ options: Int32) -> Int32? {
        exitCode.withLock { code in
            var status: Int32 = 0
            if code == nil, waitpid(id, &status, options) == id {
                code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
            }
            return code
        }
    }

    /// Waits for the end; ends it by force, and records an issue, when that takes longer than two minutes.
    func wait() async throws -> Int32 {
        for _ in 0..<24_000 {
            if let code = reap() { return code }
            try await Task.sleep(for: .milliseconds(5))
        }
        signal(SIGKILL)
        Issue.record("process \(id) did not end: \(standardError)")
        return try await wait()
    }

    /// Ends it at once, as a crash would, and waits until it is gone.
    func crash() {
        signal(SIGKILL)
        _ = reap(0)
    }
}
