import Transactions

/// The rows that answer a question, true as of a sequence.
public struct Answer: Hashable, Sendable {
    /// One group of events.
    public struct Row: Hashable, Sendable {
        /// The codes of the group, in the order of the answer's dimensions.
        public var codes: [UInt32]
        /// The measures, in the order of the answer's; nil for an extreme where nothing settled.
        public var values: [Int128?]

        /// A row from its parts.
        public init(codes: [UInt32], values: [Int128?]) {
            self.codes = codes
            self.values = values
        }
    }

    /// What the rows stand for: the question's `grouping`.
    public var dimensions: [Dimension]
    /// The measures of the question.
    public var measures: [Measure]
    /// Sorted by their codes; there is one for each group in which an event counts in any measure, asked for or not.
    public var rows: [Row]
    /// Every record up to this sequence is in the figures, and none after it.
    public var sequence: UInt64
    /// Parts of the log that are known to be damaged; empty when none is known.
    public var damage: [DamageMark] = []
    /// The dimensions whose codes are numbers of an attribute's values instead. Whoever folds answers sets it; it is not
    /// encoded.
    public var attributes: [Dimension: AttributeColumn] = [:]

    /// An answer from its parts.
    public init(dimensions: [Dimension], measures: [Measure], rows: [Row], sequence: UInt64) {
        self.dimensions = dimensions
        self.measures = measures
        self.rows = rows
        self.sequence = sequence
    }
}

/// A column of an answer that stands for an attribute of a dimension: its codes are numbers of values.
public struct AttributeColumn: Hashable, Sendable {
    /// The column's name, such as `region.area`.
    public var name: String
    /// The values, by number.
    public var texts: [String]

    /// A column from its parts.
    public init(name: String, texts: [String]) {
        self.name = name
        self.texts = texts
    }
}

extension Answer: Codable {
    private enum CodingKeys: String, CodingKey {
        case dimensions, measures, rows, sequence, damage
    }

    /// Reads the form that `encode` writes; anything else is a decoding error that says what was expected.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        dimensions = try container.vocabulary(.dimensions)
        measures = try container.vocabulary(.measures)
        rows = try container.decode([Row].self, forKey: .rows)
        sequence = try container.decode(UInt64.self, forKey: .sequence)
        damage = try container.decodeIfPresent([DamageMark].self, forKey: .damage) ?? []
        for row in rows where row.codes.count != dimensions.count || row.values.count != measures.count {
            throw DecodingError.dataCorruptedError(
                forKey: .rows, in: container, debugDescription: "a row with another number of codes or values")
        }
    }

    /// Dimensions and measures by their names; see `Row` for the rows.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(dimensions.map(\.name), forKey: .dimensions)
        try container.encode(measures.map(\.name), forKey: .measures)
        try container.encode(rows, forKey: .rows)
        try container.encode(sequence, forKey: .sequence)
        if !damage.isEmpty { try container.encode(damage, forKey: .damage) }
    }
}

extension Answer.Row: Codable {
    private enum CodingKeys: String, CodingKey {
        case codes, values
    }

    /// Reads the form that `encode` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        codes = try container.decode([UInt32].self, forKey: .codes)
        values = try container.decode([String?].self, forKey: .values).map { text in
            guard let text else { return nil }
            guard let value = Int128(text) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .values, in: container, debugDescription: "\(text) is no whole number of 128 bits")
            }
            return value
        }
    }

    /// Values as strings of digits, because JSON numbers are not exact beyond 2^53.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(codes, forKey: .codes)
        try container.encode(values.map { $0.map { String($0) } }, forKey: .values)
    }
}
