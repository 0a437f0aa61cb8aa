import Formats
import Foundation
import Glibc
import Testing

@Suite struct DocumentationTests {
    /// The ports that examples show; free ones take their places.
    private static let shownPorts = ["7501", "7502", "7580", "7443"]

    @Test(arguments: Project.pagePaths) func examplesPrintWhatIsShown(path: String) throws {
        let text = try Self.shownPorts.reduce(Project.text(path)) { text, port in
            text.replacingOccurrences(of: port, with: String(try freePort()))
        }
        let transcript = try Transcript(try Page(path: path, text: text))
        guard !transcript.steps.isEmpty else { return }
        let executables = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let printed = try transcript.run(executables: executables)
        for (step, lines) in zip(transcript.steps, printed) {
            #expect(
                agrees(lines[...], with: step.expected[...]),
                """
                \(path), line \(step.line): \(step.command)
                shown:
                \(step.expected.joined(separator: "\n"))
                printed:
                \(lines.joined(separator: "\n"))
                """)
        }
    }

    @Test(arguments: Project.pagePaths) func mappingsAreUnderstood(path: String) throws {
        for example in try Project.page(path).examples where example.kind == .mapping {
            #expect(throws: Never.self, "\(path), line \(example.line)") {
                try Mapping(json: Data(example.lines.joined(separator: "\n").utf8))
            }
        }
    }

    @Test(arguments: Project.pagePaths) func sourcesAreShownAsTheyAre(path: String) throws {
        for example in try Project.page(path).examples {
            guard case .source(let source) = example.kind else { continue }
            #expect(
                try Project.text(source) == example.lines.joined(separator: "\n") + "\n",
                "\(path), line \(example.line) is not \(source)")
        }
    }

    @Test(arguments: Project.pagePaths) func linksLeadSomewhere(path: String) throws {
        let page = try Project.page(path)
        let folder = (path as NSString).deletingLastPathComponent
        for link in page.links where !link.target.contains("://") {
            let parts = link.target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            let target = parts[0].isEmpty ? path : (folder as NSString).appendingPathComponent(parts[0])
            #expect(
                FileManager.default.fileExists(atPath: Project.root.appending(path: target).path),
                "\(path), line \(link.line): there is no \(target)")
            if parts.count == 2 {
                #expect(
                    try Project.page(target).anchors.contains(parts[1]),
                    "\(path), line \(link.line): \(target) has no heading for #\(parts[1])")
            }
        }
    }

    @Test func theReadmeLeadsToEveryPage() throws {
        let targets = Set(try Project.page("README.md").links.map(\.target))
        for path in Project.pagePaths.dropFirst() { #expect(targets.contains(path), "README.md does not name \(path)") }
    }

    /// Tests are named as `Target.function`, and further ones of the same target as `.function`.
    @Test func testsThatAreNamedExist() throws {
        let path = "docs/reliability.md"
        var sources = ""
        var count = 0
        for (line, text) in try Project.page(path).prose {
            for name in text.matches(of: /`([A-Za-z]+Tests)?\.?([A-Za-z0-9]*)`/) {
                if let target = name.1 { sources = try Project.sources(ofTests: String(target)) }
                guard !name.2.isEmpty, name.1 != nil || name.0.hasPrefix("`.") else { continue }
                count += 1
                #expect(sources.contains("func \(name.2)("), "\(path), line \(line): there is no test \(name.0)")
            }
        }
        #expect(count > 40)
    }

    @Test func theReadmeNamesEverySubcommand() throws {
        let readme = try Project.text("README.md")
        let sources = try FileManager.default.contentsOfDirectory(
            atPath: Project.root.appending(path: "Sources/sluice").path)
        let commands = sources.filter { $0.hasSuffix("Command.swift") }.map { $0.dropLast("Command.swift".count) }
        #expect(commands.count >= 8)
        for command in commands + ["load", "bench"] {
            let words = command.replacing(/(?<small>[a-z])(?<large>[A-Z])/) { "\($0.small)-\($0.large)" }
            #expect(readme.contains("| `\(words.lowercased())` |"), "README.md does not name \(words.lowercased())")
        }
    }

    @Test func examplesAreComparedLineByLine() {
        func holds(_ lines: [String], _ expected: [String]) -> Bool { agrees(lines[...], with: expected[...]) }
        #expect(holds(["a", "b"], ["a", "b"]))
        #expect(!holds(["a", "b"], ["a"]))
        #expect(!holds(["a"], ["a", "b"]))
        #expect(holds(["6 rows in 0.02 s: 5 accepted"], ["6 rows in ... s: 5 accepted"]))
        #expect(!holds(["6 rows in 0.02 s: 4 accepted"], ["6 rows in ... s: 5 accepted"]))
        #expect(holds(["a", "x", "y", "b"], ["a", "...", "b"]))
        #expect(!holds(["a", "x", "y"], ["a", "...", "b"]))
        #expect(!holds(["aa"], ["aa...aa"]))
    }

    /// A port of this machine that nobody listens on just now.
    private func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutableBytes(of: &address) { bytes in
            let address = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            return bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
        }
        guard status == 0 else { throw PageError("no port is free") }
        return UInt16(bigEndian: address.sin_port)
    }
}
