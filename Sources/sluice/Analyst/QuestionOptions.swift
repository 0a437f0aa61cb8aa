import ArgumentParser
import Foundation
import Presentation
import Transactions

/// What every command takes that answers questions about days: which ledger, which days, which events, and how it is shown.
struct QuestionOptions: ParsableArguments {
    @OptionGroup var data: DataOption
    @Option(help: "The first business day (yyyy-MM-dd).") var from: CalendarDay?
    @Option(help: "The last business day, included.") var to: CalendarDay?
    @Option(
        name: .customLong("where"), parsing: .singleValue,
        help: ArgumentHelp(
            "Only rows with this value; may be repeated, also for one dimension.", valueName: "dimension=value"))
    var conditions: [String] = []
    @Option(
        help: ArgumentHelp(
            "Where the bands of amount_band begin, in major units of the currency, with commas between; powers of ten when absent.",
            valueName: "edges"))
    var bands: WordList?
    @Option(
        help: ArgumentHelp(
            "The figures as they stood at a sequence, or at a moment such as 2026-11-28T10:00:00Z; records are read for it.",
            valueName: "sequence|time"))
    var asOf: Instant?
    @Option(help: "\(OutputFormat.words).") var format = OutputFormat.table
    @Option(
        name: .long, defaultAsFlag: PlotTarget.terminal,
        help: ArgumentHelp(
            "Draw the first figure: on the terminal, or with a file's name, which ends with .svg, as a picture.",
            valueName: "file.svg"))
    var plot: PlotTarget?
    @Flag(help: "Show codes instead of names.") var codes = false
    @OptionGroup var damage: DamageOption

    /// The question of these options.
    func text(by: [String], measures: [String]) -> QuestionText {
        var text = QuestionText()
        (text.from, text.to, text.conditions) = (from, to, conditions)
        (text.by, text.measures) = (by, measures)
        text.bands = bands?.words
        return text
    }
}

/// A place in the log: a sequence, or the last one that was committed by a moment.
enum Instant: ExpressibleByArgument, Hashable {
    case sequence(UInt64)
    case microseconds(Int64)

    init?(argument: String) {
        if let sequence = UInt64(argument), sequence < UInt64.max {
            self = .sequence(sequence)
        } else if let date = try? Date(argument, strategy: .iso8601),
            let microseconds = Int64(exactly: (date.timeIntervalSince1970 * 1_000_000).rounded())
        {
            self = .microseconds(microseconds)
        } else {
            return nil
        }
    }

    func sequence(_ access: LedgerAccess) async throws -> UInt64 {
        switch self {
        case .sequence(let sequence): sequence
        case .microseconds(let microseconds): try await access.sequence(committedBy: microseconds)
        }
    }
}

/// Where a plot goes.
enum PlotTarget: ExpressibleByArgument, Hashable, CustomStringConvertible {
    case terminal
    case file(String)

    init?(argument: String) {
        guard argument.hasSuffix(".svg"), argument.count > 4 else { return nil }
        self = .file(argument)
    }

    var description: String {
        switch self {
        case .terminal: "the terminal"
        case .file(let path): path
        }
    }
}

extension CalendarDay: ExpressibleByArgument {
    /// `yyyy-MM-dd`.
    public init?(argument: String) { self.init(argument) }
}
