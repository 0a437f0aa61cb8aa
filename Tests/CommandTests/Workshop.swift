import Foundation
import Glibc
import Synchronization
import Testing

/// A temporary directory in which the built command is run; what was started in it is ended with it.
final class Workshop: Sendable {
    /// The directory.
    let path: String
    private let runCount = Atomic<Int>(0)

    /// The command's executable: `SLUICE_EXECUTABLE`, else the one that was built beside these tests.
    static let executable: String = {
        if let path = ProcessInfo.processInfo.environment["SLUICE_EXECUTABLE"] { return path }
        let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return bundle.deletingLastPathComponent().appending(path: "sluice").path
    }()

    private init() throws {
        // Without links and doubled slashes: strace compares paths as they are.
        let parent = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path
        var template = Array((parent + "/sluice-XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { throw CocoaError(.fileWriteUnknown) }
        path = String(cString: made)
    }

    /// Runs `work` in a new directory, which is gone afterwards.
    static func open(_ work: (Workshop) async throws -> Void) async throws {
        let workshop = try Workshop()
        defer { try? FileManager.default.removeItem(atPath: workshop.path) }
        try await work(workshop)
    }

    /// The ledger that most tests use.
    var data: String { path + "/data" }

    /// Writes a file and returns its path.
    func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let file = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    func write(_ name: String, _ text: String) throws -> String { try write(name, text.utf8) }

    /// How a command ended.
    struct Outcome: Sendable {
        var code: Int32
        var output: String
        var errors: String

        /// The rows of CSV without the header, of values without quotes.
        var rows: [[String]] {
            output.split(whereSeparator: \.isNewline).dropFirst().map { row in
                row.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            }
        }

        /// The one JSON object on standard output.
        func object() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        }
    }

    /// Runs `sluice` with arguments and waits for its end.
    func run(_ arguments: String..., input: String = "/dev/null", environment: [String: String] = [:]) async throws
        -> Outcome
    {
        try await run(program: [Workshop.executable] + arguments, input: input, environment: environment)
    }

    /// Runs any program and waits for its end. The ledger that a `load` names is made first, where there is none.
    func run(program: [String], input: String = "/dev/null", environment: [String: String] = [:]) async throws
        -> Outcome
    {
        if program.contains("load"), let place = program.firstIndex(of: "--data"), place + 1 < program.count {
            try await makeLedgerIfAbsent(program[place + 1])
        }
        let child = try start(program: program, input: input, environment: environment)
        let code = try await child.wait()
        return Outcome(code: code, output: child.standardOutput, errors: child.standardError)
    }

    /// Starts a program; whoever calls this ends it.
    func start(program: [String], input: String = "/dev/null", environment: [String: String] = [:]) throws
        -> ChildProcess
    {
        let number = runCount.wrappingAdd(1, ordering: .relaxed).newValue
        return try ChildProcess(program, outputs: "\(path)/run-\(number)", input: input, environment: environment)
    }

    /// Makes a ledger in UTC where there is none.
    func makeLedgerIfAbsent(_ data: String) async throws {
        guard !FileManager.default.fileExists(atPath: data) else { return }
        _ = try await run("init", "--data", data)
    }

    /// Starts a daemon, runs `work`, and asks the daemon to end; when `work` fails it goes with its object.
    func withDaemon(
        _ options: [String] = [], data: String? = nil, wrappedBy wrapper: [String] = [],
        _ work: (Daemon) async throws -> Void
    ) async throws {
        let daemon = try await Daemon(self, data: data ?? self.data, options: options, wrapper: wrapper)
        try await work(daemon)
        try await daemon.stop()
    }
}

/// The four counts that a load reports.
struct LoadCounts: Equatable, Decodable {
    var accepted: Int
    var duplicates: Int
    var conflicts: Int
    var rejected: Int

    init(_ accepted: Int, _ duplicates: Int = 0, _ conflicts: Int = 0, _ rejected: Int = 0) {
        (self.accepted, self.duplicates, self.conflicts, self.rejected) = (accepted, duplicates, conflicts, rejected)
    }
}

extension Workshop.Outcome {
    /// The counts of `load --json`.
    func counts() throws -> LoadCounts { try JSONDecoder().decode(LoadCounts.self, from: Data(output.utf8)) }
}
