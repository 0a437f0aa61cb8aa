import Transactions

/// The cells of one rollup and business day that a range of sequences adds up to, sorted by key.
///
/// Chunks of successive ranges add up: `merge` makes of them what one chunk over the whole range would have been.
public struct RollupChunk: Hashable, Sendable {
    /// What the cells are.
    public let rollup: RollupDeclaration
    /// The day whose events are counted; where cells cover months, the first of the month.
    public let day: CalendarDay
    /// The records that were looked at; those that lie on other days or count in no measure left nothing here.
    public let sequences: ClosedRange<UInt64>
    /// The packed dimensions of each cell, ascending and unique.
    let keys: [UInt128]
    /// The declared measures, sums as two columns (low and high half), each with a value for each key.
    let columns: [[UInt64]]

    init(
        rollup: RollupDeclaration, day: CalendarDay, sequences: ClosedRange<UInt64>, keys: [UInt128],
        columns: [[UInt64]]
    ) {
        self.rollup = rollup
        self.day = day
        self.sequences = sequences
        self.keys = keys
        self.columns = columns
    }

    /// Number of cells.
    public var count: Int { keys.count }

    /// The codes of a cell, in the order of the rollup's dimensions.
    /// - Parameter row: 0 to `count` - 1.
    public func codes(row: Int) -> [UInt32] { rollup.key.codes(of: keys[row]) }

    /// A measure of a cell; nil when the rollup does not hold it, or for an extreme when nothing settled.
    /// - Parameter row: 0 to `count` - 1.
    public func value(of measure: Measure, row: Int) -> Int128? {
        guard let first = rollup.firstColumn(of: measure) else { return nil }
        switch measure.form {
        case .count: return Int128(columns[first][row])
        case .sum: return Int128(columns[first + 1][row]) << 64 | Int128(columns[first][row])
        case .smallest, .largest: return columns[first][row] == .max ? nil : Int128(columns[first][row])
        case .collected: return nil
        }
    }
}

/// Where two chunks of the same rollup and day differ.
public struct RollupDifference: Hashable, Sendable, CustomStringConvertible {
    /// The rollup's name.
    public let rollup: String
    /// The day.
    public let day: CalendarDay
    /// Dimension and code of the first cell that differs.
    public let cell: [(dimension: Dimension, code: UInt32)]
    /// The measure that differs; nil when only one of the chunks has the cell.
    public let measure: Measure?
    /// The values of both; nil where the cell or its value is missing.
    public let values: (Int128?, Int128?)

    /// Which cell and what, in a sentence.
    public var description: String {
        let place = cell.map { "\($0.dimension.name) \($0.code)" }.joined(separator: ", ")
        func text(_ value: Int128?) -> String { value.map { "\($0)" } ?? "none" }
        let what =
            measure.map { "\($0.name) is \(text(values.0)) and \(text(values.1))" } ?? "only one side has the cell"
        return "rollup \(rollup), \(day), \(place): \(what)"
    }

    /// Equal when rollup, day, cell, measure and both values are.
    public static func == (a: RollupDifference, b: RollupDifference) -> Bool {
        a.description == b.description
    }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

extension RollupChunk {
    /// The first cell, in the order of keys, in which two chunks of the same rollup and day differ; nil when they agree.
    ///
    /// The ranges of sequences are not compared. Throws `notMergeable` for chunks of different rollups or days.
    public func difference(from other: RollupChunk) throws(RollupError) -> RollupDifference? {
        guard rollup == other.rollup, day == other.day else {
            throw .notMergeable("\(rollup.name) of \(day) and \(other.rollup.name) of \(other.day)")
        }
        if keys == other.keys && columns == other.columns { return nil }
        for row in 0..<max(count, other.count) {
            guard row < count, row < other.count, keys[row] == other.keys[row] else {
                let key = min(row < count ? keys[row] : .max, row < other.count ? other.keys[row] : .max)
                return difference(key, nil, (nil, nil))
            }
            for measure in rollup.measures {
                let values = (value(of: measure, row: row), other.value(of: measure, row: row))
                if values.0 != values.1 { return difference(keys[row], measure, values) }
            }
        }
        return nil
    }

    private func difference(_ key: UInt128, _ measure: Measure?, _ values: (Int128?, Int128?)) -> RollupDifference {
        let cell = rollup.key.fields.map { (dimension: $0.dimension, code: $0.code(in: key)) }
        return RollupDifference(rollup: rollup.name, day: day, cell: cell, measure: measure, values: values)
    }
}
