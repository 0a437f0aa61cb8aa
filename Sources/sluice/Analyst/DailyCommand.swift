import Analysis
import ArgumentParser
import Presentation
import Rollups

struct DailyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daily", abstract: "Statistics: how many, how much, how well, by whom, where.",
        discussion: """
            Works with and without a running daemon, and includes everything that was receipted. Amounts are exact \
            decimals in the currency's major unit; where money is asked for, rows are given for each currency. \
            docs/statistics.md defines every dimension and measure.

            Figures with 'percent' or 'mean' in their names are made of measures, from the whole numbers. --compare puts \
            beside each figure what it was a day, week, month or year earlier ('before'), the difference ('change') and \
            the growth in percent; --moving-average the mean of the days up to each; --share how much of the rows of \
            the same time and currency it is; --target by how many percentage points it is missed or passed.

            'payers' and 'approved_payers' count accounts, each once in a row, however often it paid: exactly up to \
            1,024, beyond as an estimate, marked with ≈, whose standard error is 0.41 % and stands behind it as \
            'payers_error'. No statistics are kept for them: every record of the days asked for is read, as it is for \
            combinations of dimensions that nothing is kept for, at tens of millions of records a second. Name the days. \
            The same holds for percentiles ('p50' to 'p999', within 0.8 %), deviations, peaks and 'reversals_failed'.

            A dimension of which reference data is known has attributes, as in service.agency, region.area or \
            region.merged_into.area: rows and conditions can be about them (docs/reference.md). Each day counts with the \
            values that were valid on it.

            Where the log is damaged, questions that need no record from there are answered, and known damage is named \
            on standard error and as 'damage' in JSON; others fail, or with --despite-damage leave out what is lost.

            DIMENSIONS
              \(wrapped(Dimension.names))

            MEASURES
              \(wrapped(Measure.names))

            MADE OF MEASURES
              \(wrapped(Figure.derived.map(\.name)))

            EXAMPLES
              sluice daily --data ledger
              sluice daily --data ledger --by day,channel --measures approved,amount
              sluice daily --data ledger --from 2026-11-01 --to 2026-11-30 --by region
              sluice daily --data ledger --by payee --where kind=payment --format csv
              sluice daily --data ledger --by hour --measures attempts --plot
              sluice daily --data ledger --from 2026-11-20 --by region --measures payers
              sluice daily --data ledger --by month --compare year \\
                --measures settled,amount
              sluice daily --data ledger --measures attempts --moving-average 7 \\
                --plot attempts.svg
              sluice daily --data ledger --by payer_institution \\
                --measures attempts,approved_percent --target approved_percent=98
              sluice daily --data ledger --by service.agency --where region.area=south
              sluice daily --data ledger --by source,service --timed 5
            """)

    @OptionGroup var options: QuestionOptions
    @Option(help: "Dimensions, with commas between.") var by = WordList(argument: "day")
    @Option(
        help: ArgumentHelp(
            "Measures and figures made of them, with commas between, or 'all' for all measures that are kept. Unless said: \(QuestionText.usualMeasures.joined(separator: ", ")); with --compare settled, amount."
        ))
    var measures: WordList?
    @Option(help: ArgumentHelp("Put what was earlier beside it: \(Comparison.words).", valueName: "time"))
    var compare: String?
    @Option(help: ArgumentHelp("Add the mean of so many days, the row's own the last of them.", valueName: "days"))
    var movingAverage: Int?
    @Flag(help: "Add the share of all rows of the same time and currency.") var share = false
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Add how far a percentage is from what it should be; may be repeated.", valueName: "figure=percent"))
    var target: [String] = []
    @Option(
        name: .customLong("timed"),
        help: ArgumentHelp(
            "Ask so many times more over the open ledger and tell how long each took: in JSON as milliseconds, else on standard error.",
            valueName: "n"))
    var timedCount = 0

    func validate() throws {
        guard 0...10_000 ~= timedCount else { throw ValidationError("--timed is 0 to 10,000") }
    }

    func run() async throws {
        try await Analyst.with(options) { analyst in
            let inquiry = try await analyst.inquiry(text)
            let sheet = try await analyst.sheet(inquiry, by: by.words)
            let milliseconds = try await times(of: inquiry, analyst)
            try await analyst.show(sheet, milliseconds: milliseconds)
            if timedCount > 0, options.plot != nil || options.format != .json {
                let spread = Spread(milliseconds)
                complain(
                    "asked \(formatCount(timedCount)) times more in \(formatMilliseconds(spread.median)) "
                        + "(\(formatMilliseconds(spread.min)) to \(formatMilliseconds(spread.max))) each")
            }
        }
    }

    private var text: QuestionText {
        let usual = compare == nil ? QuestionText.usualMeasures : ["settled", "amount"]
        var text = options.text(by: by.words, measures: measures?.words ?? usual)
        (text.comparison, text.averageDays, text.showsShares, text.targets) = (compare, movingAverage, share, target)
        return text
    }

    /// Milliseconds of each further time.
    private func times(of inquiry: Inquiry, _ analyst: Analyst) async throws -> [Double] {
        var times: [Double] = []
        for _ in 0..<timedCount {
            let start = ContinuousClock.now
            _ = try await analyst.answers(inquiry.questions, by: by.words)
            times.append((ContinuousClock.now - start) / .milliseconds(1))
        }
        return times
    }
}

/// Words with commas between, broken into lines for a help text.
func wrapped(_ words: [String]) -> String {
    var lines = [""]
    for word in words {
        if lines[lines.count - 1].count + word.count > 74 { lines.append("") }
        lines[lines.count - 1] += lines[lines.count - 1].isEmpty ? word : ", \(word)"
    }
    return lines.joined(separator: ",\n  ")
}
