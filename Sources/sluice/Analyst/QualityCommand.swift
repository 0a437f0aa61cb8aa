import Analysis
import ArgumentParser
import Rollups
import Transactions

struct QualityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quality", abstract: "Approvals and declines by institution, beside what is usual for each.",
        discussion: """
            A row for each institution with its attempts and the shares that were approved, declined for a reason of \
            business, and failed technically, over the days asked for (the last day with events where none are). \
            'usual' is its own rate over the \(Quality.usualDays) days before, 'change' the difference in percentage \
            points. 'unusual' marks what is three times as far from it as its days and its number of attempts let one \
            expect; docs/statistics.md has the formula.

            EXAMPLES
              sluice quality --data ledger
              sluice quality --data ledger --side payee --from 2026-11-27 --to 2026-11-27
              sluice quality --data ledger --where kind=payment --format csv
            """)

    @OptionGroup var options: QuestionOptions
    @Option(help: "Whose institutions: payer (remitters) or payee (beneficiaries).") var side = Quality.Side.payer

    func run() async throws {
        try await Analyst.with(options) { analyst in
            let question = try await analyst.inquiry(options.text(by: [], measures: ["attempts"])).question
            let last = try await options.to == nil || options.from == nil ? analyst.lastDay(question) : nil
            let to = options.to ?? last ?? CalendarDay(daysSince1970: 0)
            let quality = try Quality(side: side, from: options.from ?? to, to: to, of: question)
            try await analyst.show(quality.sheet(try await analyst.answers(quality.questions)))
        }
    }
}

extension Quality.Side: ExpressibleByArgument {}
