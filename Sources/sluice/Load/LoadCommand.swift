import ArgumentParser
import Formats
import Foundation
import Ledger
import Presentation
import Transactions

struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Take files in: CSV, NDJSON or raw 64-byte records.",
        discussion: """
            Each row is accepted, a duplicate (in the ledger already, with the same content), a conflict (in the \
            ledger with other content) or rejected, and the four counts add up to the rows. What was not accepted \
            goes to --rejects with row, field and reason; nothing else is held up by it. Loading the same file again \
            accepts nothing.

            A mapping says which columns mean what (docs/mapping.md). Without one, columns have the names of the \
            fields, as 'sluice generate --format csv' writes them.

            EXAMPLES
              sluice load shop.csv --mapping shop.json --data ledger
              sluice load shop.csv --mapping shop.json --rejects rejects.csv
              gunzip -c shop.csv.gz | sluice load - --format csv --mapping shop.json
              sluice load day.raw --server 127.0.0.1:7501 --json
              sluice load day.raw --server 127.0.0.1:7501 --receipt day.receipts
              sluice load day.raw --server ledger.example:7502 --tls \\
                --token-file gateway.token
            """)

    @Argument(help: "Files; '-' is standard input.", completion: .file()) var files: [String]
    @OptionGroup var data: DataOption
    @Option(help: ArgumentHelp("Send to a running daemon instead.", valueName: "host:port")) var server: HostAndPort?
    @OptionGroup var access: ServerOptions
    @Flag(help: "With --server: send batches compressed (LZ4), for a slow network.") var compress = false
    @Option(help: "csv, ndjson or raw; by the file's name when absent.") var format: FileFormat?
    @Option(help: "The mapping, a JSON file.", completion: .file(extensions: ["json"])) var mapping: String?
    @Option(help: "The source of all rows; goes before the mapping's.") var source: String?
    @Option(help: "A file for what was not accepted.", completion: .file()) var rejects: String?
    @Option(
        help: "A file to which the receipt of each batch is added, for 'sluice verify --receipt'.",
        completion: .file())
    var receipt: String?
    @Option(help: "The most new names of each space (source, payee, ...); rows that need more are rejected.")
    var newNames: Int?
    @Flag(help: "The counts as one JSON object.") var json = false

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("name a file, or - for standard input") }
        if let newNames, newNames < 0 { throw ValidationError("--new-names \(newNames): expected 0 or more") }
        if server != nil, data.data != nil { throw ValidationError("--data and --server: name one of them") }
        if server != nil, newNames != nil {
            throw ValidationError("--new-names goes with --data: a server's own limit holds for what is sent to it")
        }
        if server == nil, compress { throw ValidationError("--compress goes with --server") }
        if server == nil, access.tls || access.tokenFile != nil {
            throw ValidationError("--tls and --token-file go with --server")
        }
    }

    func run() async throws {
        try await reportingErrors {
            keepFreedMemory()
            let mapping = try readMapping(mapping, source: source)
            // Before any file is begun: a ledger that is not there is a word that is off.
            let ledgerFiles = server == nil ? try data.files().existing() : nil
            let inputs = try files.map { try InputFile($0, format: format) }
            try writeRejects([])
            let receiptFile = try receipt.map { try ReceiptFile(addingTo: $0) }
            let start = ContinuousClock.now
            var ledger: Ledger?
            defer { ledger?.close() }
            let sink: any LoadSink
            if let server {
                var configuration = try access.configuration()
                configuration.compressesBatches = compress
                sink = try await ServerSink(server.address, configuration, keepsReceipts: receipt != nil)
            } else {
                let opened = try Ledger(ledgerFiles!, report: { complain("sluice: \($0)") })
                ledger = opened
                sink = LedgerSink(opened, keepsReceipts: receipt != nil)
            }
            var rejected: [(file: String, rejects: [RowReject])] = []
            var rows = 0
            var failure: (any Error)?
            do {
                for input in inputs {
                    let loading = try Loading(
                        input.format, mapping: mapping, sink: sink, receipts: receiptFile, newNameLimit: newNames)
                    do {
                        try await loading.load(try input.open(), name: input.name)
                    } catch {
                        failure = input.told(error)
                    }
                    rows += loading.rowCount
                    rejected.append((input.name, loading.rejects))
                    for key in loading.keysNeverSeen {
                        complain("\(input.name): no row has the key '\(key)' of the mapping")
                    }
                    if failure != nil { break }
                }
                try await sink.finish()
            } catch {
                failure = failure ?? error
            }
            try receiptFile?.add(sink.takeReceipts())
            try receiptFile?.synchronise()
            let totals = await sink.takeTotals()
            let all = rejected.flatMap(\.rejects) + totals.exceptions
            try writeRejects(all)
            if rejects == nil { showSome(of: all) }
            let summary = LoadSummary(
                rows: rows, accepted: totals.accepted, duplicates: totals.duplicates, conflicts: totals.conflicts,
                rejected: totals.rejected + rejected.reduce(0) { $0 + $1.rejects.count },
                seconds: (ContinuousClock.now - start) / .seconds(1))
            // Nothing was read at all: the error says it better than four zeros.
            if failure == nil || rows > 0 || json { try emit(json ? try jsonText(summary) : text(summary)) }
            if let failure { throw failure }
            if summary.conflicts + summary.rejected > 0 { throw ExitCode.rowsRejected }
        }
    }

    /// Done once before anything is loaded, so that a place that cannot be written costs nothing.
    private func writeRejects(_ all: [RowReject]) throws {
        guard let path = rejects else { return }
        var writer = RejectsWriter()
        writer.write(all.sorted { $0.row < $1.row })
        do {
            try Data(writer.take()).write(to: URL(fileURLWithPath: path))
        } catch {
            throw InputOutputError(
                "cannot write to \(path): \(reason(of: error))")
        }
    }

    private func showSome(of all: [RowReject]) {
        for reject in all.prefix(10) { complain("\(reject)") }
        if all.count > 10 { complain("and \(formatCount(all.count - 10)) more; --rejects FILE writes all of them") }
    }

    private func text(_ summary: LoadSummary) -> String {
        """
        \(counted(summary.rows, "row")) in \(String(format: "%.2f", summary.seconds)) s \
        (\(formatRate(summary.rows, seconds: summary.seconds))): \
        \(formatCount(summary.accepted)) accepted, \(formatCount(summary.duplicates)) duplicates, \
        \(formatCount(summary.conflicts)) conflicts, \(formatCount(summary.rejected)) rejected

        """
    }
}

/// What `load --json` says.
struct LoadSummary: Codable {
    var rows: Int
    var accepted: Int
    var duplicates: Int
    var conflicts: Int
    var rejected: Int
    var seconds: Double
}
