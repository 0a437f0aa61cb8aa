import Foundation
import Presentation
import Tables

/// Reads statements from a terminal and runs them until the end. A fault ends a statement and not the prompt.
struct SQLPrompt {
    private let runner: StatementRunner
    private let lines: LineReader

    init(_ runner: StatementRunner) {
        self.runner = runner
        lines = LineReader(historyPath: LineReader.usualHistoryPath)
    }

    func run() throws {
        complain("statements end with ';'; .help tells more, .quit or Ctrl-D ends")
        var text = ""
        while let line = lines.read(prompt: text.isEmpty ? "sluice> " : "   ...> ") {
            if text.isEmpty, line.hasPrefix(".") {
                lines.remember(line)
                let words = line.split(separator: " ").map(String.init)
                if words[0] == ".quit" || words[0] == ".exit" { break }
                do { try obey(words) } catch { complain("\(error)") }
                continue
            }
            text += (text.isEmpty ? "" : "\n") + line
            guard !text.allSatisfy(\.isWhitespace) else {
                text = ""
                continue
            }
            guard StatementText.isComplete(text) else { continue }
            lines.remember(text)
            for statement in StatementText.statements(of: text) {
                do { try runner.run(statement) } catch {
                    complain("\(error)")
                    break
                }
            }
            text = ""
        }
        lines.save()
    }

    private func obey(_ words: [String]) throws {
        switch words[0] {
        case ".tables":
            try runner.withQuery { query in
                let tables = try query.tables()
                let width = tables.reduce(0) { max($0, $1.name.count) }
                for (name, summary) in tables {
                    try emit(name + String(repeating: " ", count: width - name.count) + "  \(summary)\n")
                }
            }
        case ".schema":
            try runner.withQuery { query in
                let schema = try query.schema(of: words.count > 1 ? words[1] : nil)
                if schema.isEmpty { throw UsageError("there is no table \(words[1]); .tables tells which there are") }
                for table in schema { try emit(table + "\n") }
            }
        case ".format":
            guard words.count == 2, let format = OutputFormat(rawValue: words[1]) else {
                let known = OutputFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw UsageError("expected .format and one of \(known)")
            }
            runner.format = format
        case ".help":
            try emit(
                """
                .tables          which tables there are
                .schema [TABLE]  their columns
                .format FORMAT   how results are written: table, csv, json, ndjson or markdown
                .quit            ends, as Ctrl-D does
                SELECT ...;      a statement, on as many lines as it needs; Ctrl-C stops it

                """)
        default: throw UsageError("\(words[0]): there are .tables, .schema, .format, .help and .quit")
        }
    }
}

/// Reads lines from a terminal: with the arrow keys of libedit where the system has it, else as the terminal gives them.
///
/// What was entered before is kept in a file of the user's.
final class LineReader {
    private let historyPath: String?
    private let editor = LineEditor()

    /// Entries that are kept.
    private static let mostEntries: Int32 = 1000

    init(historyPath: String?) {
        self.historyPath = historyPath
        if let historyPath { editor?.load(historyPath, most: LineReader.mostEntries) }
    }

    /// `sluice/sql_history` in the user's directory for such things.
    static var usualHistoryPath: String? {
        let environment = ProcessInfo.processInfo.environment
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/sluice/sql_history" }
        return environment["HOME"].map { $0 + "/.local/state/sluice/sql_history" }
    }

    /// The next line; nil at the end.
    func read(prompt: String) -> String? {
        if let editor { return editor.read(prompt) }
        FileHandle.standardOutput.write(Data(prompt.utf8))
        return readLine()
    }

    /// Keeps an entry to be found again; one line, whatever it had.
    func remember(_ entry: String) { editor?.add(entry.split(whereSeparator: \.isNewline).joined(separator: " ")) }

    /// Writes the file. It is for the user alone; where it cannot be written there is none.
    func save() {
        guard let historyPath, let editor else { return }
        let directory = URL(fileURLWithPath: historyPath).deletingLastPathComponent()
        try? FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let former = umask(0o077)
        editor.save(historyPath)
        umask(former)
    }
}

/// libedit, if the system has it; the command does without.
private final class LineEditor {
    private typealias Read = @convention(c) (UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar>?
    private typealias Entry = @convention(c) (UnsafePointer<CChar>) -> Int32
    private typealias Number = @convention(c) (Int32) -> Void

    private let readFunction: Read
    private let addFunction: Entry
    private let loadFunction: Entry
    private let saveFunction: Entry
    private let limitFunction: Number

    init?() {
        guard let library = dlopen("libedit.so.2", RTLD_NOW) else { return nil }
        func function<Function>(_ name: String, _ type: Function.Type) -> Function? {
            dlsym(library, name).map { unsafeBitCast($0, to: type) }
        }
        guard let read = function("readline", Read.self), let add = function("add_history", Entry.self),
            let load = function("read_history", Entry.self), let save = function("write_history", Entry.self),
            let limit = function("stifle_history", Number.self)
        else { return nil }
        (readFunction, addFunction, loadFunction, saveFunction, limitFunction) = (read, add, load, save, limit)
        setlocale(LC_CTYPE, "")
    }

    func read(_ prompt: String) -> String? {
        guard let line = readFunction(prompt) else {
            print()
            return nil
        }
        defer { free(line) }
        return String(cString: line)
    }

    func add(_ entry: String) { _ = addFunction(entry) }

    func load(_ path: String, most: Int32) {
        _ = loadFunction(path)
        limitFunction(most)
    }

    func save(_ path: String) { _ = saveFunction(path) }
}
