/// A list of values beside those of the codec itself, in a frame of its own, each of which can be read alone.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | reference |
/// | 8 | 1 | width in bits, 0 to 64; 128 more when there is a scale |
/// | 9 | 8 | scale, unless it is 1 |
/// | 9 or 17 | | packed values; how many follows from what the list is for |
struct PackedList {
    /// Bytes in front of the values of a list without a scale.
    static let headByteCount = 9
    private static let scaleByteCount = 8
    private static let scaleFlag: UInt8 = 128

    let count: Int
    private let bytes: UnsafeRawBufferPointer
    private let reference: UInt64
    private let scale: UInt64
    private let width: Int

    /// No values.
    static var empty: PackedList { PackedList() }

    private init() {
        (count, bytes, reference, scale, width) = (0, UnsafeRawBufferPointer(start: nil, count: 0), 0, 1, 0)
    }

    /// The list of `count` values at `offset`, which then moves behind it.
    init(parsing bytes: UnsafeRawBufferPointer, at offset: inout Int, count: Int) throws(ColumnError) {
        var start = offset + PackedList.headByteCount
        guard start <= bytes.count else {
            throw .truncated(needed: PackedList.headByteCount, available: bytes.count - offset)
        }
        reference = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        width = Int(bytes[start - 1] & ~PackedList.scaleFlag)
        if bytes[start - 1] & PackedList.scaleFlag == 0 {
            scale = 1
        } else {
            guard bytes.count - start >= PackedList.scaleByteCount else {
                throw .truncated(needed: PackedList.scaleByteCount, available: bytes.count - start)
            }
            scale = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
            start += PackedList.scaleByteCount
        }
        guard width <= 64 else { throw .malformed("width of a list") }
        self.count = count
        let byteCount = BitPacking.byteCount(count: count, width: width)
        guard byteCount <= bytes.count - start else {
            throw .truncated(needed: byteCount, available: bytes.count - start)
        }
        self.bytes = UnsafeRawBufferPointer(rebasing: bytes[start..<start + byteCount])
        offset = start + byteCount
    }

    /// One value; `index` must be below `count`.
    subscript(index: Int) -> UInt64 {
        precondition(index >= 0 && index < count, "behind the list")
        return reference &+ BitPacking.value(bytes, at: index, width: width) &* scale
    }

    /// All values, to the first `count` places of `output`.
    func unpack(into output: UnsafeMutablePointer<UInt64>) -> UnsafeBufferPointer<UInt64> {
        let values = UnsafeMutableBufferPointer(start: output, count: count)
        BitPacking.unpack(bytes, reference: reference, scale: scale, width: width, into: values)
        return UnsafeBufferPointer(values)
    }

    /// Writes `values` at `destination`, which needs room for `BitPacking.slackByteCount` bytes more than are returned.
    static func write(_ values: UnsafeBufferPointer<UInt64>, to destination: UnsafeMutableRawPointer) -> Int {
        let frame = Frame(covering: values)
        destination.storeBytes(of: frame.reference, as: UInt64.self)
        let isScaled = frame.scale != 1
        let width = UInt8(frame.width) | (isScaled ? scaleFlag : 0)
        destination.storeBytes(of: width, toByteOffset: headByteCount - 1, as: UInt8.self)
        if isScaled { destination.storeBytes(of: frame.scale, toByteOffset: headByteCount, as: UInt64.self) }
        let start = headByteCount + (isScaled ? scaleByteCount : 0)
        BitPacking.pack(values, frame: frame, to: destination + start)
        return start + BitPacking.byteCount(count: values.count, width: frame.width)
    }
}

/// Where the pieces of a column begin among things of which each piece has some: patches, escapes, words.
///
/// A list with an entry for each piece: how many come before it, less piece * total / pieces (rounded down), plus 2^63.
/// What is spread evenly takes a few bits a piece.
struct PieceRanges {
    /// Of all pieces together.
    var total: Int
    private let list: PackedList

    /// No pieces, each of which has nothing.
    static var empty: PieceRanges { PieceRanges() }

    private init() { (total, list) = (0, .empty) }

    /// The list at `offset`, which then moves behind it.
    init(
        parsing bytes: UnsafeRawBufferPointer, at offset: inout Int, pieceCount: Int, total: Int
    ) throws(ColumnError) {
        self.total = total
        list = try PackedList(parsing: bytes, at: &offset, count: pieceCount)
    }

    /// The things of a piece, inside 0..<total.
    func range(_ piece: Int) throws(ColumnError) -> Range<Int> {
        guard list.count > 0 else { return 0..<0 }
        let first = first(of: piece)
        let end = piece + 1 < list.count ? self.first(of: piece + 1) : UInt64(total)
        guard first <= end, end <= total else { throw .malformed("range of a piece") }
        return Int(first)..<Int(end)
    }

    private func first(of piece: Int) -> UInt64 {
        list[piece] &- (1 << 63) &+ PieceRanges.expected(piece, pieceCount: list.count, total: total)
    }

    private static func expected(_ piece: Int, pieceCount: Int, total: Int) -> UInt64 {
        UInt64(piece * total / pieceCount)
    }

    /// Writes the list for `firsts`, which it spoils; `destination` needs room as for `PackedList.write`.
    static func write(
        _ firsts: UnsafeMutableBufferPointer<UInt64>, total: Int, to destination: UnsafeMutableRawPointer
    ) -> Int {
        for piece in 0..<firsts.count {
            firsts[piece] = difference(firsts[piece], expected(piece, pieceCount: firsts.count, total: total))
        }
        return PackedList.write(UnsafeBufferPointer(firsts), to: destination)
    }
}
