import Analysis
import Rollups
import Transactions

/// A question about statistics as people write it, on a command line or in a query: words for dimensions, measures and
/// conditions.
///
/// It becomes a `Question` in two steps, as names stand for codes that only the ledger knows: `names` says which they are,
/// `question(codes:)` takes what they stand for.
public struct QuestionText: Sendable {
    /// The first business day; nil: the first that there is.
    public var from: CalendarDay?
    /// The last business day, included; nil: the last that there is.
    public var to: CalendarDay?
    /// Names of dimensions.
    public var by = ["day"]
    /// Names of figures: measures and what is made of them; `all` alone stands for every measure that rollups hold.
    public var measures = QuestionText.usualMeasures
    /// `previous`, `week`, `month` or `year`.
    public var comparison: String?
    /// Days of a moving average.
    public var averageDays: Int?
    /// True for the shares of each row.
    public var showsShares = false
    /// `figure=percent`, such as `approved_percent=98.5`.
    public var targets: [String] = []
    /// Edges of the bands of `amount_band` in major units of the currency; nil: powers of ten.
    public var bands: [String]?
    /// `dimension=value`; values of one dimension are alternatives, dimensions all have to hold.
    public var conditions: [String] = []

    /// What is shown when nobody says what to measure.
    public static let usualMeasures = ["attempts", "approved", "settled", "amount", "refunds", "refund_amount"]

    /// The usual measures of every day.
    public init() {}

    /// What is wrong with a part of a question.
    public struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        /// The parts that can be.
        public enum Part: String, Sendable {
            /// The dimensions.
            case by
            /// The measures.
            case measures
            /// A condition.
            case conditions = "where"
            /// What the figures are compared with.
            case compare
            /// The days of a moving average.
            case average = "moving_average"
            /// A target.
            case target
            /// Edges of bands of amounts.
            case bands
            /// How the parts go together.
            case whole
        }

        /// Which part it is.
        public var part: Part
        /// What was found and what was expected.
        public var description: String
    }

    /// The names in conditions, which the ledger is to be asked for; one that has no code may be a code itself.
    public func names() throws(Fault) -> Set<Name> {
        var names: Set<Name> = []
        for condition in conditions {
            let (dimension, value) = try parsed(condition)
            if let space = dimension.nameSpace { names.insert(Name(space, value)) }
        }
        return names
    }

    /// What is asked.
    /// - Parameter codes: of those `names` that have one.
    public func inquiry(codes: [Name: UInt32]) throws(Fault) -> Inquiry {
        var filters: [Dimension: Set<UInt32>] = [:]
        for condition in conditions {
            let (dimension, value) = try parsed(condition)
            let code = dimension.nameSpace.flatMap { codes[Name($0, value)] } ?? dimension.code(of: value)
            guard let code else {
                throw Fault(
                    part: .conditions,
                    description: "\(dimension.name)=\(value): the ledger knows no such \(dimension.name)")
            }
            filters[dimension, default: []].insert(code)
        }
        let dimensions: [Dimension] = try by.map { text throws(Fault) in
            try word(text, .by, "dimension")
        }
        do {
            var inquiry = try Inquiry(from: from, to: to, by: dimensions, filters: filters, figures: figures())
            inquiry.comparison = try parsedComparison()
            inquiry.averageDays = try parsedAverage()
            inquiry.showsShares = showsShares
            inquiry.targets = try targets.map(parsedTarget)
            if let bands { inquiry.bands = try parsed(bands, isAsked: inquiry.question.asksForBands) }
            try checkBands(filters[.amountBand, default: []], among: inquiry.bands)
            try inquiry.check()
            return inquiry
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(part: .whole, description: "\(error)")
        }
    }

    private func figures() throws(Fault) -> [Figure] {
        if measures == ["all"] { return Measure.kept.map(Figure.measure) }
        return try measures.map(figure)
    }

    private func figure(_ text: String) throws(Fault) -> Figure {
        if let figure = Figure(name: text) { return figure }
        throw Fault(
            part: .measures,
            description: "'\(text)' is no measure; there are \(Figure.all.map(\.name).joined(separator: ", "))")
    }

    private func parsedComparison() throws(Fault) -> Comparison? {
        guard let comparison else { return nil }
        if let known = Comparison(rawValue: comparison) { return known }
        throw Fault(part: .compare, description: "'\(comparison)': expected one of \(Comparison.words)")
    }

    private func parsedAverage() throws(Fault) -> Int? {
        guard let averageDays else { return nil }
        guard 2...1000 ~= averageDays else {
            throw Fault(part: .average, description: "\(averageDays) days: expected 2 to 1,000")
        }
        return averageDays
    }

    private func parsed(_ bands: [String], isAsked: Bool) throws(Fault) -> AmountBands {
        guard isAsked else {
            throw Fault(part: .bands, description: "are those of amount_band, which the question does not have")
        }
        let edges = try bands.map { text throws(Fault) in
            guard let edge = Int64(text) else {
                throw Fault(part: .bands, description: "'\(text)': expected edges such as 10000,50000,1000000")
            }
            return edge
        }
        do throws(RollupError) {
            return try AmountBands(edges: edges)
        } catch {
            guard case .amountBands(let reason) = error else { throw Fault(part: .bands, description: "\(error)") }
            throw Fault(part: .bands, description: "'\(bands.joined(separator: ","))': \(reason)")
        }
    }

    /// A condition names one of the bands.
    private func checkBands(_ codes: Set<UInt32>, among bands: AmountBands) throws(Fault) {
        guard let unknown = codes.subtracting(bands.codes).min() else { return }
        let texts = bands.codes.map { Dimension.amountBand.text(of: $0) { _, _ in nil } }
        throw Fault(
            part: .conditions,
            description: "amount_band=\(Dimension.amountBand.text(of: unknown) { _, _ in nil }): the bands are "
                + texts.joined(separator: "; "))
    }

    private func parsedTarget(_ text: String) throws(Fault) -> Inquiry.Target {
        guard let separator = text.firstIndex(of: "="),
            let hundredths = hundredthsOfPercent(text[text.index(after: separator)...])
        else {
            throw Fault(
                part: .target, description: "'\(text)': expected figure=percent, such as approved_percent=98.5")
        }
        return Inquiry.Target(try figure(String(text[..<separator])), hundredths: Int128(hundredths))
    }

    private func parsed(_ condition: String) throws(Fault) -> (Dimension, value: String) {
        guard let separator = condition.firstIndex(of: "=") else {
            throw Fault(
                part: .conditions, description: "'\(condition)': expected dimension=value, such as kind=payment")
        }
        let dimension: Dimension = try word(String(condition[..<separator]), .conditions, "dimension")
        return (dimension, String(condition[condition.index(after: separator)...]))
    }

    private func word<Word: Vocabulary>(_ text: String, _ part: Fault.Part, _ what: String) throws(Fault) -> Word {
        if let word = Word(name: text) { return word }
        throw Fault(part: part, description: "'\(text)' is no \(what); there are \(Word.names.joined(separator: ", "))")
    }
}

/// `30`, `30%`, `98.5` or `98.55 %` in hundredths; nil when it is anything else or more than a thousand percent.
public func hundredthsOfPercent(_ text: some StringProtocol) -> Int? {
    var digits = text.drop { $0 == " " }
    if digits.last == "%" { digits = digits.dropLast() }
    while digits.last == " " { digits = digits.dropLast() }
    let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, 1...4 ~= whole.utf8.count,
        parts.allSatisfy({ $0.utf8.allSatisfy { 48...57 ~= $0 } }),
        let units = Int(whole), units <= 1000
    else { return nil }
    guard parts.count == 2 else { return units * 100 }
    guard 1...2 ~= parts[1].utf8.count, let fraction = Int(parts[1]) else { return nil }
    return units * 100 + (parts[1].utf8.count == 1 ? fraction * 10 : fraction)
}
