import Transactions

/// A part of the log that cannot be read, as an answer tells of it.
public struct DamageMark: Hashable, Sendable, CustomStringConvertible {
    /// The segment.
    public var path: String
    /// Where in it.
    public var offset: Int
    /// The sequences of its records; nil when it can have held none.
    public var sequences: ClosedRange<UInt64>?
    /// The business days of which it may have held records; nil: any.
    public var days: [CalendarDay]?
    /// What is wrong.
    public var reason: String
    /// True when the figures lack what was there; false when they were counted before the damage, or never needed it.
    public var isLeftOut: Bool

    /// A mark from its parts.
    public init(
        path: String, offset: Int, sequences: ClosedRange<UInt64>?, days: [CalendarDay]?, reason: String,
        isLeftOut: Bool
    ) {
        self.path = path
        self.offset = offset
        self.sequences = sequences
        self.days = days
        self.reason = reason
        self.isLeftOut = isLeftOut
    }

    /// File, offset, sequences, what is wrong, and which days it concerns.
    public var description: String {
        let range = sequences.map { ", sequences \($0.lowerBound) to \($0.upperBound)" } ?? ""
        return "damage in \(path) at offset \(offset)\(range): \(reason); it may hold records of \(daysText)"
    }

    private var daysText: String {
        guard let days else { return "any day" }
        guard let first = days.first, let last = days.last else { return "no day" }
        if first == last { return "\(first)" }
        let isWithoutGaps = Int(last.daysSince1970) - Int(first.daysSince1970) == days.count - 1
        return isWithoutGaps || days.count > 10
            ? "\(first) to \(last)" : days.map(\.description).joined(separator: ", ")
    }
}

extension DamageMark: Codable {
    private enum CodingKeys: String, CodingKey {
        case path, offset, firstSequence, lastSequence, days, reason, isLeftOut
    }

    /// Reads the form that `encode` writes; anything else is a decoding error that says what was expected.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        path = try container.decode(String.self, forKey: .path)
        offset = try container.decode(Int.self, forKey: .offset)
        reason = try container.decode(String.self, forKey: .reason)
        isLeftOut = try container.decode(Bool.self, forKey: .isLeftOut)
        let first = try container.decodeIfPresent(UInt64.self, forKey: .firstSequence)
        let last = try container.decodeIfPresent(UInt64.self, forKey: .lastSequence)
        if let first, let last, first <= last { sequences = first...last }
        days = try container.decodeIfPresent([String].self, forKey: .days)?.map { text in
            guard let day = CalendarDay(text) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .days, in: container, debugDescription: "\(text) is no date yyyy-MM-dd")
            }
            return day
        }
    }

    /// Days as dates; without sequences and days where they are nil.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(path, forKey: .path)
        try container.encode(offset, forKey: .offset)
        try container.encodeIfPresent(sequences?.lowerBound, forKey: .firstSequence)
        try container.encodeIfPresent(sequences?.upperBound, forKey: .lastSequence)
        try container.encodeIfPresent(days?.map(\.description), forKey: .days)
        try container.encode(reason, forKey: .reason)
        try container.encode(isLeftOut, forKey: .isLeftOut)
    }
}
