import ArgumentParser
import Foundation
import Presentation
import Rollups
import Transactions

struct DailyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daily", abstract: "Statistics: how many, how much, how well, by whom, where.",
        discussion: """
            Works with and without a running daemon, and includes everything that was receipted. Amounts are exact \
            decimals in the currency's major unit; where money is asked for, rows are given for each currency. \
            docs/statistics.md defines every dimension and measure.

            'payers' and 'approved_payers' count accounts, each once in a row, however often it paid: exactly up to \
            1,024, beyond as an estimate, marked with ≈, whose standard error is 0.41 % and stands behind it as \
            'payers_error'. No statistics are kept for them: every record of the days asked for is read, as it is for \
            combinations of dimensions that nothing is kept for, at tens of millions of records a second. Name the days.

            Where the log is damaged, questions that need no record from there are answered, and known damage is named \
            on standard error and as 'damage' in JSON; others fail, or with --despite-damage leave out what is lost.

            DIMENSIONS
              \(wrapped(Dimension.names))

            MEASURES
              \(wrapped(Measure.names))

            EXAMPLES
              sluice daily --data ledger
              sluice daily --data ledger --by day,channel --measures approved,amount
              sluice daily --data ledger --from 2026-11-01 --to 2026-11-30 --by region
              sluice daily --data ledger --by payee --where kind=payment --format csv
              sluice daily --data ledger --by hour --measures attempts --plot
              sluice daily --data ledger --from 2026-11-20 --by region --measures payers
              sluice daily --data ledger --by source,service --timed 5
            """)

    @OptionGroup var data: DataOption
    @Option(help: "The first business day (yyyy-MM-dd).") var from: CalendarDay?
    @Option(help: "The last business day, included.") var to: CalendarDay?
    @Option(help: "Dimensions, with commas between.") var by = WordList(argument: "day")
    @Option(
        name: .customLong("where"), parsing: .singleValue,
        help: ArgumentHelp(
            "Only rows with this value; may be repeated, also for one dimension.", valueName: "dimension=value"))
    var conditions: [String] = []
    @Option(help: "Measures, with commas between, or 'all' for all but distinct payers.")
    var measures = WordList(argument: QuestionText.usualMeasures.joined(separator: ","))
    @Option(help: "table, csv, json, ndjson or markdown.") var format = OutputFormat.table
    @Flag(help: "Draw the first measure as bars.") var plot = false
    @Flag(help: "Show codes instead of names.") var codes = false
    @Option(
        name: .customLong("timed"),
        help: ArgumentHelp(
            "Ask so many times more over the open ledger and tell how long each took: in JSON as milliseconds, else on standard error.",
            valueName: "n"))
    var timedCount = 0
    @OptionGroup var damage: DamageOption

    func validate() throws {
        guard 0...10_000 ~= timedCount else { throw ValidationError("--timed is 0 to 10,000") }
    }

    func run() async throws {
        try await reportingErrors {
            let access = try await LedgerAccess.open(try data.files())
            let question = try await question(access)
            let answer = try await access.answer(question, despiteDamage: damage.despiteDamage)
            let milliseconds = try await times(of: question, access)
            var book = NameBook()
            if !codes { try await book.fetch(for: answer, from: access) }
            await access.close()
            let names: NameLookup = { [codes, book] space, code in codes ? "\(code)" : book.name(space, code) }
            if plot {
                try emit(Presentation.plot(answer, width: terminalWidth(), names: names))
            } else {
                var report = Report(answer, names: names)
                report.milliseconds = milliseconds
                try emit(report.rendered(as: format))
            }
            if timedCount > 0, plot || format != .json {
                let spread = Spread(milliseconds)
                complain(
                    "asked \(formatCount(timedCount)) times more in \(formatMilliseconds(spread.median)) "
                        + "(\(formatMilliseconds(spread.min)) to \(formatMilliseconds(spread.max))) each")
            }
            complain(of: answer.damage)
            if plot && answer.rows.isEmpty { complain("no matching events") }
            if plot || format == .csv || format == .ndjson {
                complain("as of sequence \(formatCount(answer.sequence))")
            }
        }
    }

    /// Milliseconds of each further time.
    private func times(of question: Question, _ access: LedgerAccess) async throws -> [Double] {
        var times: [Double] = []
        for _ in 0..<timedCount {
            let start = ContinuousClock.now
            _ = try await access.answer(question, despiteDamage: damage.despiteDamage)
            times.append((ContinuousClock.now - start) / .milliseconds(1))
        }
        return times
    }

    private func question(_ access: LedgerAccess) async throws -> Question {
        var text = QuestionText()
        (text.from, text.to, text.by) = (from, to, by.words)
        (text.measures, text.conditions) = (measures.words, conditions)
        do {
            var codes: [Name: UInt32] = [:]
            for name in try text.names() {
                codes[name] = try await access.codes(of: [name.text], in: name.space)[0]
            }
            return try text.question(codes: codes)
        } catch let fault as QuestionText.Fault {
            throw UsageError(fault.part == .conditions ? "--where \(fault)" : "\(fault)")
        }
    }
}

extension CalendarDay: ExpressibleByArgument {
    /// `yyyy-MM-dd`.
    public init?(argument: String) { self.init(argument) }
}

/// Words with commas between, broken into lines for a help text.
private func wrapped(_ words: [String]) -> String {
    var lines = [""]
    for word in words {
        if lines[lines.count - 1].count + word.count > 74 { lines.append("") }
        lines[lines.count - 1] += lines[lines.count - 1].isEmpty ? word : ", \(word)"
    }
    return lines.joined(separator: ",\n  ")
}
