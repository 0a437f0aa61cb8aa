import Rollups
import Transactions

/// Figures made of answers: rows by codes, as an answer's, and columns of values that know their unit.
public struct Sheet: Hashable, Sendable {
    /// One figure.
    public indirect enum Value: Hashable, Sendable {
        /// A number of events or accounts, or milliseconds.
        case whole(Int128)
        /// Minor units of the row's currency.
        case money(Int128)
        /// A second since 1970, UTC.
        case second(Int64)
        /// Hundredths of a percent.
        case percent(Int128)
        /// Hundredths of a percent, or of percentage points, more or less than something else.
        case growth(Int128)
        /// A value near the true one; a column beside it has its error.
        case estimate(Value)
        /// Words.
        case text(String)
        /// A code, shown by the name that it has.
        case name(Dimension, UInt32)
        /// There is none.
        case none
    }

    /// A column of values.
    public struct Column: Hashable, Sendable {
        /// In snake case, with its unit.
        public var name: String
        /// False for words.
        public var isNumeric: Bool

        /// A column.
        public init(_ name: String, isNumeric: Bool = true) { (self.name, self.isNumeric) = (name, isNumeric) }
    }

    /// One group of events.
    public struct Row: Hashable, Sendable {
        /// The codes of the group, in the order of the sheet's dimensions.
        public var codes: [UInt32]
        /// A value for each column.
        public var values: [Value]

        /// A row from its parts.
        public init(codes: [UInt32], values: [Value]) { (self.codes, self.values) = (codes, values) }
    }

    /// What the rows stand for.
    public var dimensions: [Dimension]
    /// What there is of each row.
    public var columns: [Column]
    /// In the order in which they are shown.
    public var rows: [Row]
    /// Every record up to this sequence is in the figures; of several answers the least.
    public var sequence: UInt64
    /// Parts of the log that are known to be damaged.
    public var damage: [DamageMark]
    /// The dimensions whose codes are numbers of an attribute's values instead.
    public var attributes: [Dimension: AttributeColumn] = [:]
    /// The column that a plot draws.
    public var drawnColumn = 0

    /// A sheet from its parts.
    public init(
        dimensions: [Dimension], columns: [Column], rows: [Row], sequence: UInt64, damage: [DamageMark] = []
    ) {
        precondition(rows.allSatisfy { $0.codes.count == dimensions.count && $0.values.count == columns.count })
        self.dimensions = dimensions
        self.columns = columns
        self.rows = rows
        self.sequence = sequence
        self.damage = damage
    }

    /// The currency of a row; 0 where rows have none.
    public func currencyCode(of row: Row) -> UInt32 {
        dimensions.firstIndex(of: .currency).map { row.codes[$0] } ?? 0
    }
}

extension [Answer] {
    /// As of which sequence figures made of several answers are true at least.
    var leastSequence: UInt64 { map(\.sequence).min() ?? 0 }

    /// What is known to be damaged by any of them, once each.
    var allDamage: [DamageMark] {
        reduce(into: []) { all, answer in
            for mark in answer.damage where !all.contains(mark) { all.append(mark) }
        }
    }
}

/// What a row of an answer has of each measure.
struct RowValues {
    private let places: [Measure: Int]
    private let values: [Int128?]

    /// Of a row that is not there.
    static let none = RowValues(places: [:], values: [])

    init(places: [Measure: Int], values: [Int128?]) { (self.places, self.values) = (places, values) }

    subscript(measure: Measure) -> Int128? { places[measure].flatMap { values[$0] } }
}

extension Answer {
    /// The rows with their codes, in order.
    var measuredRows: [(codes: [UInt32], values: RowValues)] {
        let places = Dictionary(uniqueKeysWithValues: measures.enumerated().map { ($0.element, $0.offset) })
        return rows.map { ($0.codes, RowValues(places: places, values: $0.values)) }
    }

    /// The rows by their codes.
    var rowsByCodes: [[UInt32]: RowValues] { Dictionary(uniqueKeysWithValues: measuredRows.map { ($0, $1) }) }
}

extension Sheet {
    /// With a row for each of the 24 hours, where there is any row: one without events has none of everything.
    public func withAllHours() -> Sheet {
        guard let place = dimensions.firstIndex(of: .hour), let pattern = rows.first else { return self }
        var sheet = self
        for hour in 0..<24 as Range<UInt32> where !rows.contains(where: { $0.codes[place] == hour }) {
            var row = pattern
            row.codes[place] = hour
            row.values = row.values.map { if case .whole = $0 { .whole(0) } else { .none } }
            sheet.rows.append(row)
        }
        sheet.rows.sort { $0.codes[place] < $1.codes[place] }
        return sheet
    }
}
