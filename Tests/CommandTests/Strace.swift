import Foundation
import Testing

/// Watching and disturbing a program's system calls.
enum Strace {
    struct Missing: Error, CustomStringConvertible {
        let description = "these tests watch system calls; install strace: apt-get install --yes strace"
    }

    /// The words that run a program under strace. The program keeps the process number that was started.
    static func wrapper(_ options: [String]) throws -> [String] {
        let places = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        guard places.contains(where: { FileManager.default.isExecutableFile(atPath: "\($0)/strace") }) else {
            throw Missing()
        }
        return ["strace", "-D", "-f", "-q", "-s", "0"] + options
    }

    /// Ends the program by SIGKILL at the beginning of its `number`th `call` that concerns `path`.
    static func killing(at call: String, number: Int, path: String, output: String) throws -> [String] {
        try wrapper([
            "-o", output, "-P", path, "-e", "trace=\(call)", "-e", "inject=\(call):signal=KILL:when=\(number)",
        ])
    }
}
