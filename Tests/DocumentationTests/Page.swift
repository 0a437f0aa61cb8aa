import Foundation

/// A page of the documentation.
///
/// A fenced block with a comment right before its fence is an example that is held to be true:
///
/// | comment | the block is |
/// |---|---|
/// | `<!-- test -->` | commands, each after `$ `, and what they print; those of a page run one after another in one shell |
/// | `<!-- test: daemon -->` | a command that is started, prints what is shown, and is stopped at the end of the page |
/// | `<!-- test: file NAME -->` | a file that is written before the commands that follow |
/// | `<!-- test: source PATH -->` | the whole of that file of the project |
/// | `<!-- test: mapping -->` | a mapping that must be understood |
///
/// In what is printed, `...` stands for anything within a line, and alone on a line for any number of lines.
struct Page {
    struct Example: Equatable {
        enum Kind: Equatable {
            case commands
            case daemon
            case file(String)
            case source(String)
            case mapping
        }

        var kind: Kind
        /// The line of the fence, from 1.
        var line: Int
        var lines: [String]
    }

    /// The path within the project.
    let path: String
    private(set) var examples: [Example] = []
    /// Lines outside of fenced blocks, with their numbers.
    private(set) var prose: [(number: Int, text: String)] = []

    init(path: String, text: String) throws {
        self.path = path
        var mark: String?
        var open: Example?
        var isFenced = false
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).enumerated()
        {
            if line.hasPrefix("```") {
                if let example = open { examples.append(example) }
                open =
                    isFenced ? nil : try mark.map { Example(kind: try Page.kind(of: $0), line: index + 1, lines: []) }
                isFenced.toggle()
                mark = nil
            } else if isFenced {
                open?.lines.append(line)
            } else {
                mark = line.hasPrefix("<!-- test") ? line : nil
                prose.append((index + 1, line))
            }
        }
    }

    private static func kind(of comment: String) throws -> Example.Kind {
        let words = comment.dropFirst("<!-- test".count).split(whereSeparator: { $0 == " " || $0 == ":" })
        switch words.dropLast().first {
        case nil: return .commands
        case "daemon": return .daemon
        case "mapping": return .mapping
        case "file" where words.count == 3: return .file(String(words[1]))
        case "source" where words.count == 3: return .source(String(words[1]))
        default: throw PageError("'\(comment)' is no kind of example")
        }
    }

    /// The anchors that a renderer gives the page's headings: lower case, blanks as hyphens, without other punctuation.
    var anchors: Set<String> {
        Set(
            prose.filter { $0.text.hasPrefix("#") }.map { _, heading in
                let words = heading.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
                return String(
                    words.filter { $0.isLetter || $0.isNumber || " -_".contains($0) }.map { $0 == " " ? "-" : $0 })
            })
    }

    /// The targets of the page's links.
    var links: [(line: Int, target: String)] {
        prose.flatMap { number, text in
            text.matches(of: /\]\(([^)\s]+)\)/).map { (number, String($0.1)) }
        }
    }
}

struct PageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The project's own files.
enum Project {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// `README.md` and everything in `docs`.
    static let pagePaths: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: "docs").path)) ?? []
        return ["README.md"] + names.filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }
    }()

    static func page(_ path: String) throws -> Page { try Page(path: path, text: try text(path)) }

    /// The sources of a target of tests, one after another.
    static func sources(ofTests target: String) throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Tests/" + target).path)
        return try names.filter { $0.hasSuffix(".swift") }.map { try text("Tests/\(target)/\($0)") }.joined()
    }
}
