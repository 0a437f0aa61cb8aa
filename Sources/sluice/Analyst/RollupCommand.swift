import Analysis
import ArgumentParser
import Presentation
import Rollups

struct RollupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollup", abstract: "Which statistics are kept, and what answers a question.",
        subcommands: [
            RollupListCommand.self, RollupExplainCommand.self, RollupAddCommand.self, RollupDropCommand.self,
        ])
}

struct RollupListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The statistics that a ledger keeps while records come in.",
        discussion: """
            In the order in which questions try them: a question is answered by the first that can.

            EXAMPLES
              sluice rollup list --data ledger
            """)

    @OptionGroup var data: DataOption
    @Option(help: "\(OutputFormat.words).") var format = OutputFormat.table

    func run() async throws {
        try await reportingErrors {
            let rows = try await LedgerAccess.with(data) { try await $0.rollups() }.map { rollup -> [Report.Value] in
                let declaration = rollup.declaration
                let measures =
                    declaration.measures == Measure.kept
                    ? "all that are kept" : declaration.measures.map(\.name).joined(separator: ", ")
                return [
                    .text(declaration.name), .text(declaration.grain.rawValue),
                    .text(declaration.dimensions.map(\.name).joined(separator: ", ")), .text(measures),
                    .text(rollup.retentionWords), .text(rollup.stateWords),
                ]
            }
            let columns = ["rollup", "grain", "dimensions", "measures", "kept", "state"].map {
                Report.Column($0, isNumeric: false)
            }
            try emit(Report(columns: columns, rows: rows).rendered(as: format, width: terminalWidth()))
        }
    }
}

extension KeptRollup {
    /// Which days are kept.
    fileprivate var retentionWords: String {
        guard let retentionDays else { return "all days" }
        return "\(counted(retentionDays, "day"))" + (keptFrom.map { ", from \($0)" } ?? "")
    }

    /// How much of it there is.
    var stateWords: String {
        if let failure { return "cannot be filled: \(failure)" }
        guard let fill else { return "whole" }
        return "filled up to \(formatCount(fill.sequence)) of \(formatCount(fill.end))"
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
            let rollups = try await analyst.access.rollups()
            var rows: [[Report.Value]] = []
            for (number, question) in inquiry.questions.enumerated() {
                rows += explanation(of: question, among: rollups, number: number + 1)
            }
            let columns =
                [Report.Column("question", isNumeric: true)]
                + ["source", "answers", "lacks"].map { Report.Column($0, isNumeric: false) }
            try emit(Report(columns: columns, rows: rows).rendered(as: options.format, width: terminalWidth()))
        }
    }

    private func explanation(
        of question: Question, among rollups: [KeptRollup], number: Int
    ) -> [[Report.Value]] {
        let chosen = question.rollup(among: rollups)
        let rows = rollups.map { rollup -> [Report.Value] in
            let obstacles = question.obstacles(to: rollup)
            let answers = rollup == chosen ? "yes, the first that can" : obstacles.isEmpty ? "could" : "no"
            return [
                .count(Int128(number)), .text(rollup.declaration.name), .text(answers),
                .text(obstacles.map(\.words).joined(separator: "; ")),
            ]
        }
        let records: [Report.Value] = [
            .count(Int128(number)), .text("records"), .text(chosen == nil ? "yes, no rollup can" : "could"), .text(""),
        ]
        return rows + [records]
    }
}

extension Question.Obstacle {
    fileprivate var words: String {
        switch self {
        case .sequences: "figures as of a sequence"
        case .dimensions(let dimensions): dimensions.map(\.name).joined(separator: ", ")
        case .measures(let measures): measures.map(\.name).joined(separator: ", ")
        case .days: "days: its cells cover months"
        case .before(let day): "days before \(day)"
        case .unfinished: "records that it is still being filled with"
        }
    }
}
