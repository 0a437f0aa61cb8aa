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
    /// Names of measures; `all` alone stands for every one that rollups hold.
    public var measures = QuestionText.usualMeasures
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

    /// The question.
    /// - Parameter codes: of those `names` that have one.
    public func question(codes: [Name: UInt32]) throws(Fault) -> Question {
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
        let asked = try measures == ["all"] ? Measure.kept : words(measures, .measures, "measure")
        let dimensions: [Dimension] = try words(by, .by, "dimension")
        do {
            return try Question(from: from, to: to, by: dimensions, filters: filters, measures: asked)
        } catch {
            throw Fault(part: .whole, description: "\(error)")
        }
    }

    private func parsed(_ condition: String) throws(Fault) -> (Dimension, value: String) {
        guard let separator = condition.firstIndex(of: "=") else {
            throw Fault(
                part: .conditions, description: "'\(condition)': expected dimension=value, such as kind=payment")
        }
        let dimension: Dimension = try word(String(condition[..<separator]), .conditions, "dimension")
        return (dimension, String(condition[condition.index(after: separator)...]))
    }

    private func words<Word: Vocabulary>(_ texts: [String], _ part: Fault.Part, _ what: String) throws(Fault) -> [Word]
    {
        var words: [Word] = []
        for text in texts { words.append(try word(text, part, what)) }
        return words
    }

    private func word<Word: Vocabulary>(_ text: String, _ part: Fault.Part, _ what: String) throws(Fault) -> Word {
        if let word = Word(name: text) { return word }
        throw Fault(part: part, description: "'\(text)' is no \(what); there are \(Word.names.joined(separator: ", "))")
    }
}
