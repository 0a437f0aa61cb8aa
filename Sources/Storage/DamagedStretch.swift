/// A part of the log that cannot be read: what was durable there is not what was written, or the disk does not give it back.
public struct DamagedStretch: Hashable, Sendable, CustomStringConvertible {
    /// The segment.
    public var path: String
    /// Where it begins.
    public var offset: Int
    /// Bytes up to where the log can be read again.
    public var byteCount: Int
    /// The sequences of its records; empty when it can have held none.
    public var sequences: Range<UInt64>
    /// The times of its records, microseconds since 1970-01-01 UTC; nil when no intact header tells them.
    public var timeRange: ClosedRange<Int64>?
    /// What is wrong.
    public var reason: String

    /// A stretch from its parts.
    public init(
        path: String, offset: Int, byteCount: Int, sequences: Range<UInt64>, timeRange: ClosedRange<Int64>? = nil,
        reason: String
    ) {
        self.path = path
        self.offset = offset
        self.byteCount = byteCount
        self.sequences = sequences
        self.timeRange = timeRange
        self.reason = reason
    }

    /// A block whose header is whole and whose content is not.
    public init(_ entry: BlockEntry, in path: String, reason: String) {
        self.init(
            path: path, offset: entry.offset, byteCount: entry.byteCount,
            sequences: entry.firstSequence..<entry.endSequence, timeRange: entry.timeRange, reason: reason)
    }

    /// The error of whoever needs what was there.
    public var error: LogError { .damaged(path: path, offset: offset, sequences: sequences, reason: reason) }

    /// File, offset, sequences, and what is wrong.
    public var description: String { error.description }
}

extension [DamagedStretch] {
    /// By sequence, and by place where these are the same.
    public var inOrder: [DamagedStretch] {
        sorted { ($0.sequences.lowerBound, $0.offset) < ($1.sequences.lowerBound, $1.offset) }
    }
}
