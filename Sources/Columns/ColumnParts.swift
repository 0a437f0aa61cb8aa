/// What the stored bytes of a column are made of, found and bounded, and not yet decoded.
///
/// | codec | bytes |
/// |---|---|
/// | constant | none |
/// | packed | the packed values |
/// | patched | the packed values (any bits where one did not fit); three lists: ranges of the pieces among the patches, place of each patch in its piece (ascending), value of each patch |
/// | dictionary | list of distinct values; the packed indices |
/// | range-coded | number of groups (4 bytes); lists: frequency of each group, symbols of each group, distinct values, escaped values, ranges of the pieces among these (both only with escapes), ranges of the pieces among the words; the words |
/// | compressed | list of the offset at which each LZ4 block ends; the blocks, each of four pieces of packed values |
///
/// With differences or lags (never both) the codec holds a step for each value, plus 2^63, modulo 2^64: its difference
/// from the value before, or its lag, the difference from the largest value before. Times in order of arrival are
/// behind the latest one so far by their own delay only, and one that is very late is one outlier, not two. What was
/// before each piece, its anchor, comes first: 8 bytes for the first piece, and a list for the others, unless there are
/// none or the codec is constant.
struct ColumnParts {
    /// The codec's own.
    enum Body {
        case constant
        case packed(UnsafeRawBufferPointer)
        case patched(UnsafeRawBufferPointer, Patches)
        case dictionary(PackedList, UnsafeRawBufferPointer)
        case rangeCoded(RangeCodedParts)
        case compressed(CompressedParts)
    }

    /// The values that did not fit.
    struct Patches {
        let ranges: PieceRanges
        let places: PackedList
        let values: PackedList
    }

    let descriptor: ColumnDescriptor
    let body: Body
    private let firstAnchor: UInt64
    private let furtherAnchors: PackedList

    /// Takes apart the stored bytes of a column, whose checksum is not looked at.
    init(_ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer) throws(ColumnError) {
        guard bytes.count == descriptor.storedByteCount else {
            throw .truncated(needed: descriptor.storedByteCount, available: bytes.count)
        }
        self.descriptor = descriptor
        var offset = 0
        if descriptor.transform == .none {
            (firstAnchor, furtherAnchors) = (0, .empty)
        } else {
            guard bytes.count >= 8 else { throw .truncated(needed: 8, available: bytes.count) }
            firstAnchor = bytes.loadUnaligned(as: UInt64.self)
            offset = 8
            let furtherCount = Piece.count(of: descriptor.count) - 1
            furtherAnchors =
                descriptor.codec == .constant || furtherCount == 0
                ? .empty : try PackedList(parsing: bytes, at: &offset, count: furtherCount)
        }
        body = try ColumnParts.body(descriptor, UnsafeRawBufferPointer(rebasing: bytes[offset...]))
    }

    private static func body(
        _ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer
    ) throws(ColumnError) -> Body {
        let pieceCount = Piece.count(of: descriptor.count)
        let packedByteCount = BitPacking.byteCount(count: descriptor.count, width: descriptor.width)
        var offset = 0
        switch descriptor.codec {
        case .constant:
            guard bytes.isEmpty else { throw .malformed("constant") }
            return .constant
        case .packed:
            guard bytes.count == packedByteCount else { throw .malformed("packed length") }
            return .packed(bytes)
        case .patched:
            guard bytes.count >= packedByteCount else { throw .malformed("packed length") }
            offset = packedByteCount
            let patches = Patches(
                ranges: try PieceRanges(
                    parsing: bytes, at: &offset, pieceCount: pieceCount, total: descriptor.entryCount),
                places: try PackedList(parsing: bytes, at: &offset, count: descriptor.entryCount),
                values: try PackedList(parsing: bytes, at: &offset, count: descriptor.entryCount))
            guard offset == bytes.count else { throw .malformed("bytes behind the patches") }
            return .patched(UnsafeRawBufferPointer(rebasing: bytes[..<packedByteCount]), patches)
        case .dictionary:
            let entries = try PackedList(parsing: bytes, at: &offset, count: descriptor.entryCount)
            guard bytes.count - offset == packedByteCount else { throw .malformed("packed indices") }
            return .dictionary(entries, UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        case .rangeCoded:
            return .rangeCoded(try RangeCodedParts(descriptor, bytes))
        case .compressed:
            return .compressed(try CompressedParts(descriptor, bytes))
        }
    }

    /// True when each piece has an anchor; all steps of a constant are the same, so it needs none but the first.
    var hasAnchors: Bool {
        if case .constant = body { false } else { true }
    }

    /// What the steps of a piece start from.
    func anchor(_ piece: Int) -> UInt64 { piece == 0 ? firstAnchor : furtherAnchors[piece - 1] }
}

/// The parts of a range-coded column.
struct RangeCodedParts {
    static let largestGroupCount = 256
    let precision: Int
    let frequencies: PackedList
    let symbolCounts: PackedList
    let entries: PackedList
    let escaped: PackedList
    let wordRanges: PieceRanges
    /// Those of the escaped values.
    let escapes: PieceRanges
    let words: UnsafeRawBufferPointer
    /// Distinct values, and the escape if there is one.
    let alphabetCount: Int

    init(_ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer) throws(ColumnError) {
        guard bytes.count >= 4 else { throw .truncated(needed: 4, available: bytes.count) }
        let groupCount = Int(bytes.loadUnaligned(as: UInt32.self))
        guard (1...RangeCodedParts.largestGroupCount).contains(groupCount) else { throw .malformed("groups") }
        let hasEscapes = descriptor.escapedCount > 0
        alphabetCount = descriptor.entryCount + (hasEscapes ? 1 : 0)
        precision = RangeCoder.precision(alphabetCount: alphabetCount)
        let pieceCount = Piece.count(of: descriptor.count)
        var offset = 4
        frequencies = try PackedList(parsing: bytes, at: &offset, count: groupCount)
        symbolCounts = try PackedList(parsing: bytes, at: &offset, count: groupCount)
        entries = try PackedList(parsing: bytes, at: &offset, count: descriptor.entryCount)
        escaped =
            hasEscapes ? try PackedList(parsing: bytes, at: &offset, count: descriptor.escapedCount) : .empty
        escapes =
            try hasEscapes
            ? PieceRanges(parsing: bytes, at: &offset, pieceCount: pieceCount, total: descriptor.escapedCount) : .empty
        var ranges = try PieceRanges(parsing: bytes, at: &offset, pieceCount: pieceCount, total: 0)
        words = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        guard words.count % 2 == 0 else { throw .malformed("words") }
        ranges.total = words.count / 2
        wordRanges = ranges
    }

    /// The bytes of a piece's state and words among `words`.
    func byteRange(_ piece: Int) throws(ColumnError) -> Range<Int> {
        let range = try wordRanges.range(piece)
        guard range.count >= 2 else { throw .malformed("words of a piece") }
        return 2 * range.lowerBound..<2 * range.upperBound
    }

    /// The value of a symbol that is not the escape, or of an escape.
    @inline(__always)
    func value(symbol: Int, escapes: Int) throws(ColumnError) -> UInt64 {
        if symbol < entries.count { return entries[symbol] }
        guard escapes < escaped.count else { throw .malformed("escape") }
        return escaped[escapes]
    }
}

/// The parts of a column in LZ4 blocks.
struct CompressedParts {
    /// Values of a block; the last may have fewer.
    static let valueCount = 4 * Piece.valueCount
    private let count: Int
    private let width: Int
    private let ends: PackedList
    private let blocks: UnsafeRawBufferPointer

    init(_ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer) throws(ColumnError) {
        (count, width) = (descriptor.count, descriptor.width)
        var offset = 0
        let blockCount = CompressedParts.blockCount(of: count)
        ends = try PackedList(parsing: bytes, at: &offset, count: blockCount)
        blocks = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        guard blockCount > 0, ends[blockCount - 1] == blocks.count else { throw .malformed("LZ4 blocks") }
    }

    static func blockCount(of count: Int) -> Int { (count + valueCount - 1) / valueCount }

    /// Decompresses a block to `output`, which needs room for 8 bytes a value; returns the packed values.
    func decompress(_ block: Int, to output: UnsafeMutableRawPointer) throws(ColumnError) -> UnsafeRawBufferPointer {
        let start = block == 0 ? 0 : ends[block - 1]
        let end = ends[block]
        guard start <= end, end <= blocks.count else { throw .malformed("LZ4 blocks") }
        let values = min(CompressedParts.valueCount, count - block * CompressedParts.valueCount)
        let packed = UnsafeMutableRawBufferPointer(
            start: output, count: BitPacking.byteCount(count: values, width: width))
        guard Compressor.decompress(UnsafeRawBufferPointer(rebasing: blocks[Int(start)..<Int(end)]), into: packed)
        else { throw .malformed("LZ4 block") }
        return UnsafeRawBufferPointer(packed)
    }
}
