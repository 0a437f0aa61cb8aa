import Foundation

/// Commands with what they are said to print.
struct Transcript {
    struct Step {
        var command: String
        var expected: [String]
        var isDaemon = false
        /// The line of the page.
        var line: Int
    }

    private(set) var steps: [Step] = []

    /// The commands of a page's examples, in order.
    init(_ page: Page) throws {
        for example in page.examples {
            switch example.kind {
            case .commands, .daemon: try add(example, of: page)
            case .file(let name):
                let text = example.lines.joined(separator: "\n")
                steps.append(Step(command: "cat > \(name) <<'END'\n\(text)\nEND", expected: [], line: example.line))
            case .source, .mapping: break
            }
        }
    }

    private mutating func add(_ example: Page.Example, of page: Page) throws {
        let first = steps.count
        for (offset, line) in example.lines.enumerated() {
            if line.hasPrefix("$ ") {
                steps.append(
                    Step(
                        command: String(line.dropFirst(2)), expected: [], isDaemon: example.kind == .daemon,
                        line: example.line + offset + 1))
            } else if steps.count == first {
                throw PageError("\(page.path), line \(example.line): an example of commands begins with '$ '")
            } else if steps[steps.count - 1].command.hasSuffix("\\") {
                steps[steps.count - 1].command += "\n" + line
            } else {
                steps[steps.count - 1].expected.append(line)
            }
        }
    }

    /// Runs all steps in one shell, in a fresh directory with `sluice` on the path, and returns what each printed.
    func run(executables: URL) throws -> [[String]] {
        let place = FileManager.default.temporaryDirectory.appending(path: "sluice-documentation-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let mark = "end-of-step-\(UUID().uuidString)"
        try script(mark: mark).write(to: place.appending(path: ".steps"), atomically: true, encoding: .utf8)
        let shell = Process()
        let output = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        shell.arguments = ["timeout", "240", "bash", ".steps"]
        shell.currentDirectoryURL = place
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = executables.path + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
        environment["SLUICE_DATA"] = nil
        environment["PYTHONPATH"] = Project.root.appending(path: "tools").path
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        shell.environment = environment
        shell.standardInput = FileHandle.nullDevice
        shell.standardOutput = output
        shell.standardError = output
        try shell.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        shell.waitUntilExit()
        let parts = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\n\(mark)\n")
        guard shell.terminationStatus == 0, parts.count == steps.count + 1 else {
            throw PageError(
                "the shell ended with \(shell.terminationStatus) after \(parts.count - 1) steps: \(parts.last!)")
        }
        return parts.dropLast().map(lines)
    }

    private func script(mark: String) -> String {
        let end = "status=$?; printf '\\n%s\\n' \(mark); (exit $status)\n"
        let steps = steps.enumerated().map { index, step in
            guard step.isDaemon else { return step.command + "\n" + end }
            // One that listens in several places says so in several lines, not all at once.
            let shown = step.expected.map { $0.components(separatedBy: "...")[0] }.filter { !$0.isEmpty }
            let isThere = (["[[ -s .daemon-\(index) ]]"] + shown.map { "grep -qF '\($0)' .daemon-\(index)" })
                .joined(separator: " && ")
            return """
                \(step.command) >.daemon-\(index) 2>/dev/null & daemons+=($!)
                until \(isThere); do kill -0 "${daemons[-1]}" || break; sleep 0.02; done
                cat .daemon-\(index)

                """ + end
        }
        return "daemons=()\ntrap 'kill \"${daemons[@]}\" 2>/dev/null' EXIT\n" + steps.joined() + """
            for daemon in "${daemons[@]}"; do kill -TERM "$daemon"; wait "$daemon" || exit 9; done
            daemons=()
            exit 0

            """
    }

    private func lines(_ text: String) -> [String] {
        // CSV ends its lines with CR LF, which a terminal does not show.
        var lines = text.replacing("\r\n", with: "\n").split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }
}

/// True when the lines are those expected, `...` standing for anything.
func agrees(_ lines: ArraySlice<String>, with expected: ArraySlice<String>) -> Bool {
    guard let first = expected.first else { return lines.isEmpty }
    if first == "..." {
        return (lines.startIndex...lines.endIndex).contains { agrees(lines[$0...], with: expected.dropFirst()) }
    }
    guard let line = lines.first, agrees(line, with: first) else { return false }
    return agrees(lines.dropFirst(), with: expected.dropFirst())
}

private func agrees(_ line: String, with expected: String) -> Bool {
    let pieces = expected.components(separatedBy: "...")
    guard pieces.count > 1 else { return line == expected }
    guard line.hasPrefix(pieces[0]) else { return false }
    var rest = line.dropFirst(pieces[0].count)
    for piece in pieces.dropFirst().dropLast() {
        guard let range = rest.range(of: piece) else { return false }
        rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(pieces[pieces.count - 1])
}
