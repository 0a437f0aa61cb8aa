import Transactions

/// What is wrong with a declaration, a question or the bytes of a chunk.
public enum RollupError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A rollup's name is empty or longer than 255 bytes.
    case name(byteCount: Int)
    /// A declaration or a question has no measure.
    case noMeasure
    /// A dimension or measure stands there twice.
    case repeated(String)
    /// `day` and `month` are known of every chunk and cannot be part of a key.
    case impliedDimension(Dimension)
    /// Amounts cannot be divided like that.
    case amountBands(String)
    /// No rollup can hold the measure: it is counted from the records.
    case notKept(Measure)
    /// What a question's groups collect takes more memory than there may be.
    case tooMuchCollected(byteLimit: Int)
    /// The dimensions together need more bits than a key has.
    case keyTooWide(dimensions: [Dimension], bitCount: Int)
    /// A chunk does not hold what a question needs.
    case notInChunk(rollup: String, missing: String)
    /// Chunks of another rollup or day, or whose sequences overlap, cannot be merged.
    case notMergeable(String)
    /// The bytes are no chunk: at `offset` something else was expected.
    case damaged(offset: Int, expected: String)
    /// A question covers a day after its last.
    case emptyRange(from: CalendarDay, to: CalendarDay)

    /// What is wrong, in a sentence.
    public var description: String {
        switch self {
        case .name(let count): "a rollup's name has 1 to 255 bytes of UTF-8, this one has \(count)"
        case .noMeasure: "at least one measure is needed"
        case .repeated(let name): "\(name) is named twice"
        case .impliedDimension(let dimension): "\(dimension.name) is known of every rollup and cannot be declared"
        case .amountBands(let what): "bands of amounts: \(what)"
        case .notKept(let measure): "no rollup can hold \(measure.name)"
        case .tooMuchCollected(let limit):
            "distinct payers, percentiles or peaks of so many groups take more than \(limit >> 20) MiB: ask for fewer dimensions, or for "
                + "fewer of their values (--where), at a time"
        case .keyTooWide(let dimensions, let bits):
            "\(dimensions.map(\.name).joined(separator: ", ")) together take \(bits) bits and a key has 128: "
                + "ask for fewer dimensions at a time"
        case .notInChunk(let rollup, let missing): "the rollup \(rollup) does not hold \(missing)"
        case .notMergeable(let what): "chunks cannot be merged: \(what)"
        case .damaged(let offset, let expected): "damaged rollup chunk: at byte \(offset) expected \(expected)"
        case .emptyRange(let from, let to): "the first day, \(from), is after the last, \(to)"
        }
    }
}
