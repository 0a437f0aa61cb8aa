import Analysis
import ArgumentParser
import Rollups
import Transactions

struct HoursCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hours", abstract: "The hours of a day: how many, how well, and the peak.",
        discussion: """
            A row for each of the 24 hours of the clock in the ledger's time zone, where any has events, over the \
            days asked for (the last day with events where none are). --peak adds the most attempts within one second \
            and when that was, for which the records are read.

            EXAMPLES
              sluice hours --data ledger
              sluice hours --data ledger --from 2026-11-27 --to 2026-11-27 --peak
              sluice hours --data ledger --where channel=qr --plot
            """)

    @OptionGroup var options: QuestionOptions
    @Option(help: "Figures that need no currency, with commas between.")
    var measures = WordList(argument: "attempts,approved_percent,technical_decline_percent")
    @Flag(help: "Add the peak of each hour.") var peak = false

    func run() async throws {
        try await Analyst.with(options) { analyst in
            var text = options.text(
                by: ["hour"], measures: measures.words + (peak ? ["peak_per_second", "peak_second"] : []))
            let asked = try await analyst.inquiry(text)
            text.showsShares = asked.canShowShares
            guard !asked.question.by.contains(.currency) || asked.question.filters[.currency]?.count == 1 else {
                throw UsageError("money by the hour needs one currency: --where currency=VND, for example")
            }
            if options.from == nil, options.to == nil {
                let day = try await analyst.lastDay(asked.question)
                (text.from, text.to) = (day, day)
            }
            let inquiry = try await analyst.inquiry(text)
            try await analyst.show(try await analyst.sheet(inquiry).withAllHours())
        }
    }
}
