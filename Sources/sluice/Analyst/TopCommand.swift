import Analysis
import ArgumentParser
import Presentation
import Rollups
import Transactions

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "The largest payees, services, regions, days...: how few carry how much.",
        discussion: """
            Ranks what a dimension holds by the first measure, which must add up (a count or a sum), with the share of \
            each and what all down to it have together. Money is ranked for each currency by itself. Below a table \
            stands how few have four fifths of all.

            EXAMPLES
              sluice top service --data ledger --from 2026-11-01 --to 2026-11-30
              sluice top payee --data ledger --measures amount,settled --limit 20
              sluice top day --data ledger --measures attempts --limit 1
              sluice top region --data ledger --where kind=request --plot regions.svg
            """)

    @Argument(help: "The dimension: \(Dimension.names.joined(separator: ", ")).") var dimension: String
    @OptionGroup var options: QuestionOptions
    @Option(help: "What ranks, and further figures behind it, with commas between.")
    var measures = WordList(argument: "settled")
    @Option(help: "So many are shown, of each currency where money ranks.") var limit = 10

    func validate() throws {
        guard 1...1_000_000 ~= limit else { throw ValidationError("--limit is 1 to 1,000,000") }
    }

    func run() async throws {
        try await Analyst.with(options) { analyst in
            let inquiry = try await analyst.inquiry(options.text(by: [dimension], measures: measures.words))
            let ranking = try Ranking(inquiry, limit: limit)
            let (sheet, concentrations) = ranking.sheet(try await analyst.answers(inquiry.questions, by: [dimension]))
            let notes = concentrations.map { concentration in
                let currency = Currency(rawValue: UInt16(truncatingIfNeeded: concentration.currency))
                return "\(formatCount(concentration.rowCount)) of \(formatCount(concentration.allCount)) have "
                    + "\(concentration.percent) % of \(inquiry.figures[0].name)"
                    + (concentration.currency == 0 ? "" : " in \(currency.code)")
            }
            try await analyst.show(sheet, note: notes.isEmpty ? nil : notes.joined(separator: "\n"))
        }
    }
}
