import Analysis
import ArgumentParser
import Formats
import Foundation
import Ledger
import Presentation
import Synchronization
import Transactions

struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile", abstract: "A gateway's own file against the ledger, record by record.",
        discussion: """
            Reads the file as 'sluice load' does and changes nothing. Every record is matched (all of it is the same), \
            differing (the same identity with other content), missing here (not in the ledger) or missing there (in \
            the ledger, of the file's sources and within its span of time, and not in the file); a record that the file \
            has again is repeated, or contradicting where its content is another. The classes add up to both sides. \
            --details says which they are and where they differ. --since and --until widen the span to that of a whole \
            day, for example; with --source they are enough for a file that has no record at all.

            Ends with 0 when both sides have the same, else with 1. Keeps the file's records in memory, about 200 bytes \
            each.

            EXAMPLES
              sluice reconcile shop.csv --mapping shop.json --data ledger
              sluice reconcile day.raw --data ledger --details differences.csv
              gunzip -c shop.csv.gz | sluice reconcile - --format csv \\
                --mapping shop.json --data ledger
            """)

    @Argument(help: "The file; '-' is standard input.", completion: .file()) var file: String
    @OptionGroup var data: DataOption
    @Option(help: "What is in the file: csv, ndjson or raw; by its name when absent.") var format: FileFormat?
    @Option(help: "The mapping, a JSON file.", completion: .file(extensions: ["json"])) var mapping: String?
    @Option(help: "The source of all rows; goes before the mapping's.") var source: String?
    @Option(help: "Look at the ledger from this moment on, such as 2026-11-20T00:00:00+07:00.") var since: Instant?
    @Option(help: "Look at the ledger up to this moment.") var until: Instant?
    @Option(help: "A file for what is not matched, as CSV.", completion: .file()) var details: String?
    @Option(help: "How the classes are shown: \(OutputFormat.words).") var output = OutputFormat.table

    func validate() throws {
        for case .sequence? in [since, until] { throw ValidationError("--since and --until are moments") }
    }

    func run() async throws {
        try await reportingErrors {
            let files = try data.files()
            let input = try InputFile(file, format: format)
            let access = try await LedgerAccess.open(files)
            let sink = ReconcilingSink(access, try TokenKeys(files.tokenKeyFile()))
            let loading = try Loading(
                input.format, mapping: try readMapping(mapping, source: source), sink: sink, receipts: nil,
                newNameLimit: nil)
            do { try await loading.load(try input.open(), name: file) } catch { throw input.told(error) }
            for reject in loading.rejects.prefix(10) { complain("\(reject)") }
            if !loading.rejects.isEmpty {
                complain("\(formatCount(loading.rejects.count)) rows are no records and were left out")
            }
            var reconciliation = sink.take()
            let snapshot = try await access.source(files).snapshot()
            if reconciliation.times == nil { try await cover(&reconciliation, access) }
            try meet(&reconciliation, snapshot)
            reconciliation.finish()
            let sheet = reconciliation.sheet(sequence: snapshot.endSequence - 1)
            try emit(Report(sheet) { _, _ in nil }.rendered(as: output, width: terminalWidth()))
            try await writeDetails(reconciliation.findings, access, unknown: sink.unknownNames)
            await access.close()
            if !reconciliation.isClean || !loading.rejects.isEmpty { throw ExitCode.rowsRejected }
        }
    }

    /// What a file without records is about.
    private func cover(_ reconciliation: inout Reconciliation, _ access: LedgerAccess) async throws {
        guard let source, case .microseconds(let start)? = since, case .microseconds(let end)? = until, start <= end
        else {
            throw UsageError(
                "\(file) has no record: --source, --since and --until together say what the ledger should not have either"
            )
        }
        guard let code = try await access.codes(of: [source], in: .source)[0].flatMap({ UInt16(exactly: $0) }) else {
            throw UsageError("the ledger knows no source '\(source)'")
        }
        reconciliation.cover(source: code, times: start...end)
    }

    /// Shows all records of the list's sources and span.
    private func meet(_ reconciliation: inout Reconciliation, _ snapshot: LogSnapshot) throws {
        guard var times = reconciliation.times else { return }
        if case .microseconds(let time)? = since { times = min(time, times.lowerBound)...times.upperBound }
        if case .microseconds(let time)? = until { times = times.lowerBound...max(time, times.upperBound) }
        reconciliation.times = times
        // The same identity may lie anywhere on its date.
        let day: Int64 = 86_400_000_000
        let first = floorDivision(times.lowerBound, day) * day
        let last = floorDivision(times.upperBound, day) * day + day - 1
        var request = RecordRequest(sources: reconciliation.sources, times: first...last)
        while true {
            let page = try snapshot.page(request)
            for found in page.records { reconciliation.meet(found.record, sequence: found.sequence) }
            guard let next = page.next else { return }
            request.after = next
        }
    }

    private func writeDetails(
        _ findings: [Reconciliation.Finding], _ access: LedgerAccess, unknown: [NameSpace: [UInt32: String]]
    ) async throws {
        guard let details else {
            if !findings.isEmpty { complain("--details FILE writes which they are") }
            return
        }
        var book = NameBook()
        let records = findings.map(\.record)
        for space in NameSpace.ofRecords {
            try await book.fetch(Set(records.flatMap { $0.codes(in: space) }), space, from: access)
        }
        let events = Report(events: records.map { (0, $0) }, names: { [book] in unknown[$0]?[$1] ?? book.name($0, $1) })
        let heads = ["class", "row", "ledger_sequence", "differs_in"]
        let rows = zip(findings, events.rows).map { finding, event -> [Report.Value] in
            let field = finding.other.flatMap { finding.record.firstDifference(from: $0)?.name }
            return [
                .text(finding.kind.rawValue), finding.row.map { .count(Int128($0)) } ?? .none,
                finding.sequence.map { .count(Int128($0)) } ?? .none, field.map { .text($0) } ?? .none,
            ] + event.dropFirst()
        }
        let columns = heads.map { Report.Column($0, isNumeric: false) } + events.columns.dropFirst()
        do {
            try Data(Report(columns: columns, rows: rows).rendered(as: .csv).utf8).write(
                to: URL(fileURLWithPath: details))
        } catch {
            throw InputOutputError("cannot write to \(details): \(reason(of: error))")
        }
    }
}

/// Takes what is read as a list, and gives no code to any name: what the ledger does not know cannot match.
private final class ReconcilingSink: LoadSink {
    private let access: LedgerAccess
    private let keys: TokenKeys
    private let list = Mutex(Reconciliation())
    /// Codes of names that the ledger does not know, each its own, from the largest of its space down.
    private let unknown = Mutex<[Name: UInt32]>([:])

    init(_ access: LedgerAccess, _ keys: TokenKeys) { (self.access, self.keys) = (access, keys) }

    func knownCodes(for names: [Name]) async throws -> [UInt32?] {
        var codes = [UInt32?](repeating: nil, count: names.count)
        for space in NameSpace.ofRecords {
            let places = names.indices.filter { names[$0].space == space }
            guard !places.isEmpty else { continue }
            for start in stride(from: 0, to: places.count, by: 200) {
                let part = places[start..<min(start + 200, places.count)]
                let found = try await access.codes(of: part.map { names[$0].text }, in: space)
                for (place, code) in zip(part, found) { codes[place] = code }
            }
        }
        return codes
    }

    func codes(for names: [Name]) async throws -> [UInt32] {
        zip(names, try await knownCodes(for: names)).map { name, code in code ?? standIn(for: name) }
    }

    private func standIn(for name: Name) -> UInt32 {
        unknown.withLock { unknown in
            if let code = unknown[name] { return code }
            let code = name.space.largestCode - UInt32(unknown.keys.count { $0.space == name.space })
            unknown[name] = code
            return code
        }
    }

    /// The names that the ledger does not know, by the codes that stand for them.
    var unknownNames: [NameSpace: [UInt32: String]] {
        unknown.withLock { unknown in
            unknown.reduce(into: [:]) { $0[$1.key.space, default: [:]][$1.value] = $1.key.text }
        }
    }

    func tokens(for accounts: AccountNumbers) throws -> [UInt64] { try keys.tokens(for: accounts) }

    var tokenKeys: TokenKeys? { keys }

    func send(_ records: [Record], rows: [Int]) throws {
        list.withLock { list in
            for (record, row) in zip(records, rows) { list.list(record, row: row) }
        }
    }

    func takeTotals() -> LoadTotals { LoadTotals() }
    func takeReceipts() -> [StoredReceipt] { [] }
    func finish() {}

    func take() -> Reconciliation { list.withLock { $0 } }
}
