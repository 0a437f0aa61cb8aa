import ArgumentParser
import Formats
import Foundation
import Ledger
import Presentation
import Rollups
import Storage
import Tables
import Transactions

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Copy records out: an SQLite database, CSV or NDJSON.",
        discussion: """
            The database has the tables of 'sluice sql': records, the kept statistics, and names; any SQLite tool \
            reads it. CSV and NDJSON are in the form that 'sluice load' takes back, also into another ledger; payers \
            stay the tokens of this ledger. The file appears under its name when it is whole.

            Works with and without a running daemon, and includes everything that was receipted before it began.

            EXAMPLES
              sluice export ledger.sqlite --data ledger
              sluice export november.csv --data ledger --from 2026-11-01 --to 2026-11-30
              sluice export - --format ndjson --data ledger | head
            """)

    @Argument(help: "The file to write, which must not be there; - for standard output.", completion: .file())
    var file: String
    @OptionGroup var data: DataOption
    @Option(help: "sqlite, csv or ndjson; absent: what the file's name says.") var format: ExportFormat?
    @Option(help: "The first business day (yyyy-MM-dd).") var from: CalendarDay?
    @Option(help: "The last business day, included.") var to: CalendarDay?
    @OptionGroup var damage: DamageOption

    func validate() throws {
        if let from, let to, from > to { throw ValidationError("--from \(from) is after --to \(to)") }
        if format == nil, ExportFormat(fileName: file) == nil {
            throw ValidationError("'\(file)' says no format: name one with --format sqlite, csv or ndjson")
        }
        if format == .sqlite, file == "-" { throw ValidationError("a database is not for standard output") }
    }

    func run() async throws {
        try await reportingErrors {
            let format = format ?? ExportFormat(fileName: file)!
            let (files, from, to, file, despiteDamage) = (try data.files(), from, to, file, damage.despiteDamage)
            try await onOwnThread {
                try withSource(of: files) { source in
                    try Export(source: source, from: from, to: to, despiteDamage: despiteDamage)
                        .write(to: file, as: format)
                }
            }
        }
    }
}

/// The formats of an export.
enum ExportFormat: String, CaseIterable, ExpressibleByArgument {
    case sqlite, csv, ndjson

    /// What a file's name says; nil when it says nothing.
    init?(fileName: String) {
        switch fileName.lowercased().split(separator: ".").last {
        case "sqlite", "sqlite3", "db": self = .sqlite
        case "csv": self = .csv
        case "ndjson", "jsonl": self = .ndjson
        default: return nil
        }
    }
}

/// Records on their way out of a ledger.
private struct Export {
    let source: any LedgerView & SnapshotSource
    let from: CalendarDay?
    let to: CalendarDay?
    let despiteDamage: Bool

    /// Nil: all.
    private var days: ClosedRange<CalendarDay>? {
        guard from != nil || to != nil else { return nil }
        let all = CalendarDay(year: 1, month: 1, day: 1)!...CalendarDay(year: 9999, month: 12, day: 31)!
        return (from ?? all.lowerBound)...(to ?? all.upperBound)
    }

    func write(to path: String, as format: ExportFormat) throws {
        if path == "-" { return try writeText(to: .standardOutput, format) }
        guard !FileManager.default.fileExists(atPath: path) else { throw UsageError("\(path) is there already") }
        try DraftFile.make(path) { draft in
            if format == .sqlite { try writeDatabase(to: draft) } else { try writeText(to: try newFile(draft), format) }
        }
    }

    private func newFile(_ path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw InputOutputError("cannot write to \(path): \(String(cString: strerror(errno)))") }
        return file
    }

    private func writeDatabase(to path: String) throws {
        let progress = ProgressLine()
        let export = try DatabaseExport(source, to: path, days: days, despiteDamage: despiteDamage)
        let count = try export.run { table, count in progress.show("\(table): \(formatCount(count)) rows") }
        progress.finish()
        complain("\(formatCount(count)) \(count == 1 ? "record" : "records")")
    }

    private func writeText(to file: FileHandle, _ format: ExportFormat) throws {
        // Names are durable before the records that use them: asked for later, all are there.
        let snapshot = try source.snapshot()
        let names = Dictionary(uniqueKeysWithValues: NameSpace.ofRecords.map { ($0, source.names(of: $0)) })
        var writer = RecordWriter(format == .csv ? .csv : .ndjson) { names[$0]?[$1] }
        let progress = ProgressLine()
        var count = 0
        var leftOut: [DamagedStretch] = []
        try snapshot.forEachBatch(
            of: days,
            damage: { stretch in
                guard despiteDamage else { throw stretch.error }
                leftOut.append(stretch)
            }
        ) { records in
            writer.write(records)
            try write(writer.take(), to: file)
            count += records.count
            progress.show("\(formatCount(count)) records")
        }
        // The header of a file without records.
        try write(writer.take(), to: file)
        progress.finish()
        for stretch in leftOut { complain("\(stretch); left out") }
        complain("\(formatCount(count)) \(count == 1 ? "record" : "records")")
    }

    private func write(_ bytes: [UInt8], to file: FileHandle) throws {
        do { try file.write(contentsOf: Data(bytes)) } catch {
            throw InputOutputError("cannot write: \(reason(of: error))")
        }
    }
}
