import Analysis
import ArgumentParser
import Presentation
import Rollups

struct ChangesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes", abstract: "What moved since a sequence or a moment, day by day.",
        discussion: """
            Every event counts on its own day, so what comes late changes a day that was already read. Shows each group \
            to which anything was added: the figures before, what was added, and now. Only the records since then are \
            read. A sequence stands below every answer ('as of sequence'); with --as-of of 'sluice daily' the figures \
            can be had as they stood at any.

            EXAMPLES
              sluice changes --data ledger --since 26000000
              sluice changes --data ledger --since 2026-11-28T06:00:00+07:00 \\
                --by day,source --measures settled,amount
              sluice daily --data ledger --as-of 26000000
            """)

    @OptionGroup var options: QuestionOptions
    @Option(help: ArgumentHelp("The last sequence that was known, or a moment.", valueName: "sequence|time"))
    var since: Instant
    @Option(help: "Dimensions, with commas between.") var by = WordList(argument: "day")
    @Option(help: "Counts and sums, with commas between.") var measures = WordList(argument: "attempts,settled,amount")

    func run() async throws {
        try await Analyst.with(options) { analyst in
            let inquiry = try await analyst.inquiry(options.text(by: by.words, measures: measures.words))
            let changes = try Changes(inquiry, since: try await since.sequence(analyst.access))
            try await analyst.show(changes.sheet(try await analyst.answers(changes.questions, by: by.words)))
        }
    }
}
