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
              sluice sql 'SELECT day, count(*) FROM transactions GROUP BY day' --data ledger
              sluice sql "SELECT * FROM transactions WHERE id = 'A-1001'" --format markdown
              sluice sql "SELECT day, amount FROM daily('day', '2026-11-01') ORDER BY amount DESC"
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
            let access = try await LedgerAccess.open(try data.files())
            var limits = QueryLimits()
            (limits.seconds, limits.memoryByteCount) = (seconds, memoryMebibytes << 20)
            let runner = StatementRunner(
                query: LedgerQuery(
                    try access.source(), limits: limits, despiteDamage: damage.despiteDamage, stop: Interrupts.signal),
                format: format)
            let work: @Sendable () throws -> Void
            if let statement {
                work = { try runner.run(StatementText.statements(of: statement)) }
            } else if isatty(STDIN_FILENO) == 1 {
                work = { try SQLPrompt(runner).run() }
            } else {
                let text = String(decoding: try FileHandle.standardInput.readToEnd() ?? Data(), as: UTF8.self)
                work = { try runner.run(StatementText.statements(of: text)) }
            }
            // SQLite waits for files, and for a daemon's answers: not on a thread that others wait for.
            let result = await onOwnThread(work)
            await access.close()
            try result.get()
        }
    }
}

/// Runs blocking work on a thread of its own.
private func onOwnThread(_ work: @escaping @Sendable () throws -> Void) async -> Result<Void, any Error> {
    await withCheckedContinuation { continuation in
        let thread = Thread { continuation.resume(returning: Result { try work() }) }
        thread.stackSize = 16 << 20
        thread.start()
    }
}

/// Runs statements and prints what they give. Used by one thread.
final class StatementRunner: @unchecked Sendable {
    let query: LedgerQuery
    var format: OutputFormat

    init(query: LedgerQuery, format: OutputFormat) { (self.query, self.format) = (query, format) }

    func run(_ statements: [String]) throws {
        if statements.isEmpty { throw UsageError("there is no statement") }
        for statement in statements { try run(statement) }
    }

    /// Runs one statement; Ctrl-C stops it.
    func run(_ statement: String) throws {
        var printer = ResultPrinter(format: format)
        try Interrupts.whileCaught {
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

/// Ctrl-C, which stops a statement and not the command.
enum Interrupts {
    static let signal = StopSignal()

    static func whileCaught(_ work: () throws -> Void) throws {
        signal.clear()
        let former = Glibc.signal(SIGINT) { _ in Interrupts.signal.raise() }
        defer { _ = Glibc.signal(SIGINT, former) }
        try work()
    }
}
