import Rollups

/// Rows of values under named columns: what every output format renders.
public struct Report: Hashable, Sendable {
    /// One value of a row.
    public indirect enum Value: Hashable, Sendable {
        /// Words; a string in every format.
        case text(String)
        /// A whole number; a number in JSON, with thousands separators in a table.
        case count(Int128)
        /// A value that is near the true one: as the value itself, with `≈` before it in a table.
        case estimate(Value)
        /// A share or a growth in hundredths of a percent, as `97.31`; a number in JSON. What may be negative has its sign in a
        /// table.
        case percent(hundredths: Int128, isSigned: Bool)
        /// An exact decimal such as `58397.63`; a string in JSON, where numbers lose digits.
        case decimal(String)
        /// A number in these digits, without separators in any format: a number in JSON.
        case number(String)
        /// Nothing: `null` in JSON, empty in CSV, `-` in a table.
        case none
    }

    /// A column's heading, which is its key in JSON, and whether it holds numbers, which tables align on the right.
    public struct Column: Hashable, Sendable {
        /// In snake case.
        public var name: String
        /// True for counts and decimals.
        public var isNumeric: Bool

        /// A column.
        public init(_ name: String, isNumeric: Bool) {
            self.name = name
            self.isNumeric = isNumeric
        }
    }

    /// The columns, from left to right.
    public var columns: [Column]
    /// Every row has a value for each column.
    public var rows: [[Value]]
    /// The sequence that the figures are true as of; nil where that says nothing.
    public var sequence: UInt64?
    /// Damage of the log that whoever reads the figures should know of.
    public var damage: [DamageMark]
    /// How long each of several answers took, where that was asked; JSON tells it.
    public var milliseconds: [Double] = []

    /// A report from its parts.
    public init(columns: [Column], rows: [[Value]], sequence: UInt64? = nil, damage: [DamageMark] = []) {
        precondition(rows.allSatisfy { $0.count == columns.count }, "a row has a value for each column")
        self.columns = columns
        self.rows = rows
        self.sequence = sequence
        self.damage = damage
    }
}

/// How a report is written.
public enum OutputFormat: String, CaseIterable, Sendable {
    /// All of them, for help and errors.
    public static let words = allCases.map(\.rawValue).joined(separator: ", ")

    /// Aligned columns for people.
    case table
    /// RFC 4180, with a header.
    case csv
    /// One document: `{"sequence": ..., "rows": [{...}, ...]}`, with `damage` before the rows where some is known, and
    /// `milliseconds` where they were asked for.
    case json
    /// One object a line, without a frame.
    case ndjson
    /// A table as GitHub and most editors show it; numbers without separators, on the right.
    case markdown
}

extension Report {
    /// The report as text that ends with a line break, or no text at all (CSV has its header, JSON its frame in any case).
    /// - Parameter width: columns of the terminal that it is for; see `table(width:)`.
    public func rendered(as format: OutputFormat, width: Int? = nil) -> String {
        switch format {
        case .table: table(width: width)
        case .csv: csv()
        case .json: json()
        case .ndjson: ndjson()
        case .markdown: markdown()
        }
    }
}
