import Foundation

/// This executable, run once more: a daemon, or a command that is measured from outside. It is killed with the object.
final class OwnProcess: @unchecked Sendable {
    /// How it ended, and what it took.
    struct End: Sendable {
        /// The exit code, or 128 and the signal that ended it.
        var code: Int32
        var cpu: CPUSeconds
        var peakResidentBytes: Int
    }

    let id: pid_t
    private let output: FileHandle
    private let errors: FileHandle
    /// One thread waits for it and reads it.
    private var end: End?

    /// Starts it with its output in a pipe; what it says on standard error is kept.
    init(_ arguments: [String]) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0, let kept = tmpfile() else { throw OwnProcess.failure() }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        output = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        defer { close(ends[1]) }
        errors = FileHandle(fileDescriptor: fcntl(fileno(kept), F_DUPFD_CLOEXEC, 0), closeOnDealloc: true)
        fclose(kept)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, errors.fileDescriptor, 2)
        var words = (["sluice"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, OwnProcess.executable, &actions, nil, &words, environ)
        guard status == 0 else { throw OwnProcess.failure(status) }
        self.id = id
    }

    deinit {
        signal(SIGKILL)
        _ = wait()
    }

    /// This very executable, even when a newer one has taken its place since it was started.
    private static let executable = "/proc/self/exe"

    private static func failure(_ code: Int32 = errno) -> InputOutputError {
        InputOutputError("cannot start this command once more: \(String(cString: strerror(code)))")
    }

    /// What it says until it says a line or ends.
    func firstLine() -> String {
        var line: [UInt8] = []
        while let byte = try? output.read(upToCount: 1)?.first {
            if byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// What it says until it ends.
    func wholeOutput() throws -> Data { try output.readToEnd() ?? Data() }

    /// What it said on standard error.
    var messages: String {
        try? errors.seek(toOffset: 0)
        return String(decoding: (try? errors.readToEnd()) ?? Data(), as: UTF8.self)
    }

    func signal(_ number: Int32) {
        if end == nil { kill(id, number) }
    }

    /// Waits for its end.
    func wait() -> End {
        if let end { return end }
        var (status, usage): (Int32, rusage) = (0, rusage())
        while wait4(id, &status, 0, &usage) < 0, errno == EINTR {}
        let signal = status & 0x7F
        let end = End(
            code: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, cpu: CPUSeconds(usage),
            peakResidentBytes: usage.ru_maxrss * 1024)
        self.end = end
        return end
    }
}
