import ArgumentParser
import Foundation
import Ledger
import Presentation
import Tables

struct SQLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Ask in SQL: over every record, the kept statistics, and the names.",
        discussion: """
            The tables are SQLite's virtual tables over the ledger, and nothing can be changed through them: \
            'transactions' has every record, 'rollup_...' the statistics that are kept, 'daily(by, from, to, where)' \
            has the ledger group by itself, and 'sources', 'payees', 'regions' and the like have names to join. \
            docs/sql.md tells every column, what is quick, and the limits.

            Works with and without a running daemon; each statement sees what was receipted before it began. Without a \
            statement it is read from standard input, where several may follow one another, each ended by ';'. On a \
            terminal there is a prompt then, with .tables, .schema and .help.

            CSV and NDJSON are written while the statement runs, however long the result is. Ctrl-C stops a statement.

            EXAMPLES
              sluice sql 'SELECT day, count(*) FROM transactions GROUP BY day'
              sluice sql "SELECT * FROM transactions WHERE id = 'A-1001'" --format markdown
              sluice sql "SELECT day, amount FROM daily('day') ORDER BY amount DESC"
              sluice sql < questions.sql --format csv
              sluice sql
            """)

    @Argument(help: "One statement, or several with ';' between.") var statement: String?
    @OptionGroup var data: DataOption
    @Option(help: "table, csv, json, ndjson or markdown.") var format = OutputFormat.table
    @Option(help: "A statement is stopped after so many seconds.") var seconds = QueryLimits().seconds
    @Option(name: .customLong("memory-mib"), help: "SQLite may use so much memory, in MiB.")
    var memoryMebibytes = QueryLimits().memoryByteCount >> 20
    @OptionGroup var damage: DamageOption

    func validate() throws {
        guard seconds > 0, seconds <= 1e6 else { throw ValidationError("--seconds is more than 0, at most a million") }
        guard 16...65_536 ~= memoryMebibytes else { throw ValidationError("--memory-mib is 16 to 65,536") }
    }

    func run() async throws {
        try await reportingErrors {
            var limits = QueryLimits()
            (limits.seconds, limits.memoryByteCount) = (seconds, memoryMebibytes << 20)
            let runner = StatementRunner(
                files: try data.files(), limits: limits, despiteDamage: damage.despiteDamage, format: format)
            let statement = statement
            // SQLite waits for files, and for a daemon's answers: not on a thread that others wait for.
            try await onOwnThread {
                if let statement {
                    try runner.run(StatementText.statements(of: statement))
                } else if isatty(STDIN_FILENO) == 1 {
                    try SQLPrompt(runner).run()
                } else {
                    let text = String(decoding: try FileHandle.standardInput.readToEnd() ?? Data(), as: UTF8.self)
                    try runner.run(StatementText.statements(of: text))
                }
            }
        }
    }
}

/// Runs statements and prints what they give. Used by one thread.
///
/// The ledger is opened for each statement: between them a prompt keeps no daemon from starting, and no connection open.
final class StatementRunner: @unchecked Sendable {
    private let files: LedgerFiles
    private let limits: QueryLimits
    private let despiteDamage: Bool
    var format: OutputFormat

    init(files: LedgerFiles, limits: QueryLimits, despiteDamage: Bool, format: OutputFormat) {
        (self.files, self.limits, self.despiteDamage, self.format) = (files, limits, despiteDamage, format)
    }

    func run(_ statements: [String]) throws {
        if statements.isEmpty { throw UsageError("there is no statement") }
        for statement in statements { try run(statement) }
    }

    /// Runs one statement; Ctrl-C stops it.
    func run(_ statement: String) throws {
        try withQuery { query in
            var printer = ResultPrinter(format: format)
            try Interrupts.whileCaught(seconds: limits.seconds) {
                try query.run(statement) {
                    printer.begin($0)
                } row: {
                    try printer.add($0)
                }
                try printer.finish()
            }
            complain(of: query.damage)
        }
    }

    /// What asks the ledger, for the length of `work`.
    func withQuery(_ work: (LedgerQuery) throws -> Void) throws {
        try withSource(of: files) { source in
            try work(
                LedgerQuery(source, limits: limits, despiteDamage: despiteDamage, stop: Interrupts.signal))
        }
    }
}

/// Opens what tables and exports are laid over, for the length of `work`. Blocks.
func withSource(of files: LedgerFiles, _ work: (any LedgerView & SnapshotSource) throws -> Void) throws {
    let access = try waiting { try await LedgerAccess.open(files) }
    defer { try? waiting { await access.close() } }
    let source = try waiting { try await access.source(files) }
    try work(source)
    try (source as? ServedLedger)?.checkNames()
}

/// Ctrl-C, which stops a statement and not the command.
enum Interrupts {
    static let signal = StopSignal()

    /// SQLite looks for a reason to stop between two of its steps, and one call of `instr` or `printf` can take hours. So three
    /// seconds after it should have stopped the whole command ends: a statement only reads, and leaves nothing behind.
    private static let graceSeconds = 3.0

    /// - Parameter seconds: as long as the work may take.
    static func whileCaught(seconds: Double, _ work: () throws -> Void) throws {
        signal.clear()
        let former = Glibc.signal(SIGINT) { _ in Interrupts.signal.raise() }
        defer { _ = Glibc.signal(SIGINT, former) }
        let watch = OverdueWatch(seconds: seconds, graceSeconds: graceSeconds, stop: signal)
        watch.begin()
        defer { watch.end() }
        try work()
    }
}
