import Analysis
import ArgumentParser
import Presentation
import Rollups

struct RollupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollup", abstract: "Which statistics are kept, and what answers a question.",
        subcommands: [RollupListCommand.self, RollupExplainCommand.self])
}

struct RollupListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The statistics that are kept while records come in.",
        discussion: """
            The one with presumably the fewest cells comes first; questions are answered by the first that can.

            EXAMPLES
              sluice rollup list
            """)

    @Option(help: "\(OutputFormat.words).") var format = OutputFormat.table

    func run() async throws {
        try await reportingErrors {
            let rows = RollupDeclaration.defaults.map { rollup -> [Report.Value] in
                let measures =
                    rollup.measures == Measure.kept
                    ? "all that are kept" : rollup.measures.map(\.name).joined(separator: ", ")
                return [
                    .text(rollup.name), .text(rollup.grain.rawValue),
                    .text(rollup.dimensions.map(\.name).joined(separator: ", ")), .text(measures),
                ]
            }
            let columns = ["rollup", "grain", "dimensions", "measures"].map { Report.Column($0, isNumeric: false) }
            try emit(Report(columns: columns, rows: rows).rendered(as: format, width: terminalWidth()))
        }
    }
}

struct RollupExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "What a question of 'sluice daily' is answered from, and why.",
        discussion: """
            Takes the words of 'sluice daily' and asks nothing. A row for each rollup: whether it answers, could answer, \
            or what it lacks. Where none can, the records of the days asked for are counted.

            EXAMPLES
              sluice rollup explain --data ledger --by service,region
              sluice rollup explain --data ledger --by day --measures payers
            """)

    @OptionGroup var options: QuestionOptions
    @Option(help: "Dimensions, with commas between.") var by = WordList(argument: "day")
    @Option(help: "Measures and figures made of them, with commas between.")
    var measures = WordList(argument: QuestionText.usualMeasures.joined(separator: ","))

    func run() async throws {
        try await Analyst.with(options) { analyst in
            let inquiry = try await analyst.inquiry(options.text(by: by.words, measures: measures.words))
            var rows: [[Report.Value]] = []
            for (number, question) in inquiry.questions.enumerated() {
                rows += explanation(of: question, number: number + 1)
            }
            let columns =
                [Report.Column("question", isNumeric: true)]
                + ["source", "answers", "lacks"].map { Report.Column($0, isNumeric: false) }
            try emit(Report(columns: columns, rows: rows).rendered(as: options.format, width: terminalWidth()))
        }
    }

    private func explanation(of question: Question, number: Int) -> [[Report.Value]] {
        let chosen = question.rollup(among: RollupDeclaration.defaults)
        let rollups = RollupDeclaration.defaults.map { rollup -> [Report.Value] in
            let obstacles = question.obstacles(to: rollup)
            let answers = rollup == chosen ? "yes, the first that can" : obstacles.isEmpty ? "could" : "no"
            return [
                .count(Int128(number)), .text(rollup.name), .text(answers),
                .text(obstacles.map(\.words).joined(separator: "; ")),
            ]
        }
        let records: [Report.Value] = [
            .count(Int128(number)), .text("records"), .text(chosen == nil ? "yes, no rollup can" : "could"), .text(""),
        ]
        return rollups + [records]
    }
}

extension Question.Obstacle {
    fileprivate var words: String {
        switch self {
        case .sequences: "figures as of a sequence"
        case .dimensions(let dimensions): dimensions.map(\.name).joined(separator: ", ")
        case .measures(let measures): measures.map(\.name).joined(separator: ", ")
        }
    }
}
