/// Decodes what `ColumnEncoder` encoded, and any other bytes to an error. Not for use by two threads at once.
///
/// Nothing is believed before it is checked: `ColumnDescriptor` bounds all lengths by 8 bytes a value, and the checks
/// here see to it that every read stays inside the stored bytes. Values are exact for valid bytes; for forged bytes
/// with valid checksums they may be any values, but never more than were asked for.
public final class ColumnDecoder {
    /// The most values that a column may have.
    public let capacity: Int
    private let entryPlaces: UnsafeMutablePointer<UInt64>
    private let entryValues: UnsafeMutablePointer<UInt64>
    private let decompressed: UnsafeMutableRawPointer
    /// Its table is larger than all that a decoder of few values needs, and many never meet a range-coded column.
    private lazy var rangeDecoder = RangeDecoder()

    /// A decoder of columns of up to `capacity` values, which may not exceed 2^28.
    public init(capacity: Int) {
        precondition((1...1 << 28).contains(capacity), "a column has 1 to 2^28 values")
        self.capacity = capacity
        entryPlaces = .allocate(capacity: capacity + 1)
        entryValues = .allocate(capacity: capacity + 1)
        decompressed = .allocate(byteCount: 8 * CompressedParts.valueCount, alignment: 64)
    }

    deinit {
        decompressed.deallocate()
        entryPlaces.deallocate()
        entryValues.deallocate()
    }

    /// Decodes the stored bytes of a column into `output`, whose count must be the column's.
    ///
    /// Throws `.checksum` when the bytes do not match the descriptor's, `.malformed` when they match and are no column.
    /// - Parameter isVerified: the caller has held descriptor and bytes against a checksum of its own.
    public func decode(
        _ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer,
        into output: UnsafeMutableBufferPointer<UInt64>, isVerified: Bool = false
    ) throws(ColumnError) {
        guard descriptor.count == output.count else {
            throw .count(expected: output.count, found: descriptor.count)
        }
        precondition(output.count <= capacity, "more values than the decoder has room for")
        guard isVerified || crc32c(of: bytes) == descriptor.checksum else { throw .checksum }
        let parts = try ColumnParts(descriptor, bytes)
        switch parts.body {
        case .constant: output.update(repeating: descriptor.reference)
        case .packed(let packed): unpack(packed, descriptor, into: output)
        case .patched(let packed, let patches):
            unpack(packed, descriptor, into: output)
            try patch(output, patches)
        case .dictionary(let entries, let packed):
            unpack(packed, descriptor, into: output)
            try replaceIndices(output, entries.unpack(into: entryValues))
        case .rangeCoded(let coded): try decodeRangeCoded(coded, into: output)
        case .compressed(let compressed): try decompress(compressed, descriptor, into: output)
        }
        if descriptor.transform != .none { try addSteps(parts, output) }
    }

    /// Turns steps into values, and sees to it that single pieces, which begin at their anchors, have the same ones.
    private func addSteps(
        _ parts: ColumnParts, _ output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        var last = parts.anchor(0)
        for piece in 0..<Piece.count(of: output.count) {
            guard !parts.hasAnchors || parts.anchor(piece) == last else { throw .malformed("anchor of a piece") }
            let range = Piece.range(piece, of: output.count)
            last = parts.addSteps(UnsafeMutableBufferPointer(rebasing: output[range]), from: last)
        }
    }

    private func unpack(
        _ bytes: UnsafeRawBufferPointer, _ descriptor: ColumnDescriptor,
        into output: UnsafeMutableBufferPointer<UInt64>
    ) {
        BitPacking.unpack(
            bytes, reference: descriptor.reference, scale: descriptor.scale, width: descriptor.width, into: output)
    }

    private func patch(
        _ output: UnsafeMutableBufferPointer<UInt64>, _ patches: ColumnParts.Patches
    ) throws(ColumnError) {
        let places = patches.places.unpack(into: entryPlaces)
        let values = patches.values.unpack(into: entryValues)
        for piece in 0..<Piece.count(of: output.count) {
            let range = Piece.range(piece, of: output.count)
            var next: UInt64 = 0
            for index in try patches.ranges.range(piece) {
                guard places[index] >= next, places[index] < range.count else { throw .malformed("place of a patch") }
                output[range.lowerBound + Int(places[index])] = values[index]
                next = places[index] + 1
            }
        }
    }

    private func replaceIndices(
        _ output: UnsafeMutableBufferPointer<UInt64>, _ entries: UnsafeBufferPointer<UInt64>
    ) throws(ColumnError) {
        for index in 0..<output.count {
            guard output[index] < entries.count else { throw .malformed("index into the dictionary") }
            output[index] = entries[Int(output[index])]
        }
    }

    private func decompress(
        _ compressed: CompressedParts, _ descriptor: ColumnDescriptor, into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        for block in 0..<CompressedParts.blockCount(of: output.count) {
            let start = block * CompressedParts.valueCount
            let end = min(output.count, start + CompressedParts.valueCount)
            let packed = try compressed.decompress(block, to: decompressed)
            unpack(packed, descriptor, into: UnsafeMutableBufferPointer(rebasing: output[start..<end]))
        }
    }

    private func decodeRangeCoded(
        _ parts: RangeCodedParts, into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        let values = entryValues
        _ = parts.entries.unpack(into: values)
        guard parts.escaped.count > 0 else {
            try rangeDecoder.decode(parts, into: output) { values[Int(truncatingIfNeeded: $0)] }
            return
        }
        try rangeDecoder.decode(parts, into: output) { $0 }
        try replaceEscapes(output, parts)
    }

    /// Turns indices into values, the escape's into the next escaped value; each piece must use up its own.
    ///
    /// `entryPlaces`, which holds the escaped values, has room for one more than there can be.
    private func replaceEscapes(
        _ output: UnsafeMutableBufferPointer<UInt64>, _ parts: RangeCodedParts
    ) throws(ColumnError) {
        let (values, next) = (entryValues, entryPlaces)
        let escape = UInt64(parts.entries.count)
        let escapedCount = parts.escaped.unpack(into: next).count
        values[Int(escape)] = 0
        var used = 0
        for piece in 0..<Piece.count(of: output.count) {
            let own = try parts.escapes.range(piece)
            guard own.lowerBound == used else { throw .malformed("escapes") }
            for index in Piece.range(piece, of: output.count) {
                let symbol = output[index]
                output[index] = symbol == escape ? next[used] : values[Int(symbol)]
                used &+= symbol == escape ? 1 : 0
            }
            guard own.upperBound == used else { throw .malformed("escapes") }
        }
        guard used == escapedCount else { throw .malformed("escapes") }
    }
}

extension ColumnParts {
    /// Turns steps into values, from what was before the first of them.
    /// - Returns: what is before whatever follows them.
    @discardableResult
    func addSteps(_ steps: UnsafeMutableBufferPointer<UInt64>, from anchor: UInt64) -> UInt64 {
        var value = anchor
        if descriptor.transform == .differences {
            for index in 0..<steps.count {
                value = value &+ steps[index] &- (1 << 63)
                steps[index] = value
            }
        } else {
            for index in 0..<steps.count {
                steps[index] = value &+ steps[index] &- (1 << 63)
                value = max(value, steps[index])
            }
        }
        return value
    }
}
