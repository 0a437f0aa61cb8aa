import Foundation
import Testing

/// Commands in pages that are shown but too long to be run by tests: they, their subcommands and options must exist.
@Suite struct ShownCommandTests {
    @Test func theBenchmarksCommandsExist() throws {
        let commands = try Self.commands(in: Project.text("docs/benchmarks.md"))
        for command in commands { #expect(try Self.isUnderstood(command), "docs/benchmarks.md: \(command)") }
        #expect(commands.count >= 6)
    }

    @Test(arguments: [
        "sluice no-such-command", "sluice bench ingest --no-such-option", "tools/no-such-tool",
        "tools/compare-peers --no-such-option",
    ]) func whatDoesNotExistIsFound(command: String) throws { #expect(try !Self.isUnderstood(command)) }

    /// The lines of the shell's fenced blocks, without comments.
    private static func commands(in text: String) -> [String] {
        text.matches(of: /```sh\n(?<lines>[^`]*)```/).flatMap { block in
            block.lines.split(separator: "\n").map {
                $0.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
            }
        }
    }

    /// Whether the help of a command of the project names all that is said to it.
    private static func isUnderstood(_ command: String) throws -> Bool {
        let words = command.split(separator: " ").map(String.init)
        let subcommands = words.dropFirst().prefix { $0.first != "-" }
        let executable: URL
        if words[0] == "sluice" {
            executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
                .appending(path: "sluice")
        } else {
            executable = Project.root.appending(path: words[0])
        }
        guard FileManager.default.isExecutableFile(atPath: executable.path) else { return false }
        let help = try printed(by: executable, Array(subcommands) + ["--help"])
        let options = words.filter { $0.hasPrefix("--") }
        // An unknown subcommand prints the help of the command above it.
        let usage = (words.prefix(1) + subcommands).joined(separator: " ")
        return help.map { text in
            text.lowercased().contains("usage: " + usage.lowercased()) && options.allSatisfy { text.contains($0) }
        } ?? false
    }

    /// What a command prints; nil when it fails.
    private static func printed(by executable: URL, _ arguments: [String]) throws -> String? {
        let process = Process()
        let output = Pipe()
        process.executableURL = executable
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
