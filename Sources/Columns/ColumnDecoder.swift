/// Decodes what `ColumnEncoder` encoded, and any other bytes to an error. Not for use by two threads at once.
///
/// Nothing is believed before it is checked: `ColumnDescriptor` bounds all lengths by 8 bytes a value, and the checks
/// here see to it that every read stays inside the stored bytes. Values are exact for valid bytes; for forged bytes
/// with valid checksums they may be any values, but never more than were asked for.
public final class ColumnDecoder {
    /// The most values that a column may have.
    public let capacity: Int
    private let decompressed: UnsafeMutableRawPointer
    private let entryPlaces: UnsafeMutablePointer<UInt64>
    private let entryValues: UnsafeMutablePointer<UInt64>
    private let rangeTable: UnsafeMutablePointer<UInt64>

    /// A decoder of columns of up to `capacity` values, which may not exceed 2^28.
    public init(capacity: Int) {
        precondition((1...1 << 28).contains(capacity), "a column has 1 to 2^28 values")
        self.capacity = capacity
        decompressed = .allocate(byteCount: 8 * capacity, alignment: 64)
        entryPlaces = .allocate(capacity: capacity)
        entryValues = .allocate(capacity: capacity)
        rangeTable = .allocate(capacity: 1 << 15)
    }

    deinit {
        decompressed.deallocate()
        entryPlaces.deallocate()
        entryValues.deallocate()
        rangeTable.deallocate()
    }

    /// Decodes the stored bytes of a column into `output`, whose count must be the column's.
    ///
    /// Throws `.checksum` when the bytes do not match the descriptor's, `.malformed` when they match and are no column.
    public func decode(
        _ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer,
        into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        guard descriptor.count == output.count else {
            throw .count(expected: output.count, found: descriptor.count)
        }
        precondition(output.count <= capacity, "more values than the decoder has room for")
        guard bytes.count == descriptor.storedByteCount else {
            throw .truncated(needed: descriptor.storedByteCount, available: bytes.count)
        }
        guard crc32c(of: bytes) == descriptor.checksum else { throw .checksum }
        guard descriptor.isCompressed else {
            try decodePlain(descriptor, bytes, into: output)
            return
        }
        let plain = UnsafeMutableRawBufferPointer(start: decompressed, count: descriptor.encodedByteCount)
        guard Compressor.decompress(bytes, into: plain) else { throw .malformed("LZ4 block") }
        try decodePlain(descriptor, UnsafeRawBufferPointer(plain), into: output)
    }

    private func decodePlain(
        _ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer,
        into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        guard descriptor.isDifferenced else {
            try decodeCodec(descriptor, bytes, into: output)
            return
        }
        let steps = UnsafeMutableBufferPointer(rebasing: output[1...])
        output[0] = bytes.loadUnaligned(as: UInt64.self)
        try decodeCodec(descriptor, UnsafeRawBufferPointer(rebasing: bytes[8...]), into: steps)
        var value = output[0]
        for index in 0..<steps.count {
            value = value &+ steps[index] &- (1 << 63)
            steps[index] = value
        }
    }

    private func decodeCodec(
        _ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer,
        into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        switch descriptor.codec {
        case .constant, .packed:
            BitPacking.unpack(bytes, frame: descriptor.frame, into: output)
        case .patched:
            try decodePatched(descriptor, bytes, into: output)
        case .dictionary:
            try decodeDictionary(descriptor, bytes, into: output)
        case .rangeCoded:
            try decodeRangeCoded(descriptor, bytes, into: output)
        }
    }

    private func decodePatched(
        _ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer,
        into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        BitPacking.unpack(bytes, frame: descriptor.frame, into: output)
        var offset = BitPacking.byteCount(count: output.count, width: descriptor.width)
        let places = try decodeInner(bytes, at: &offset, count: descriptor.entryCount, into: entryPlaces)
        let entries = try decodeInner(bytes, at: &offset, count: descriptor.entryCount, into: entryValues)
        guard offset == bytes.count else { throw .malformed("bytes behind the patches") }
        for index in 0..<places.count {
            guard places[index] < output.count else { throw .malformed("place of a patch") }
            output[Int(places[index])] = entries[index]
        }
    }

    private func decodeDictionary(
        _ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer,
        into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        var offset = 0
        let entries = try decodeInner(bytes, at: &offset, count: descriptor.entryCount, into: entryValues)
        guard bytes.count - offset == BitPacking.byteCount(count: output.count, width: descriptor.width) else {
            throw .malformed("packed indices")
        }
        BitPacking.unpack(UnsafeRawBufferPointer(rebasing: bytes[offset...]), frame: descriptor.frame, into: output)
        for index in 0..<output.count {
            guard output[index] < entries.count else { throw .malformed("index into the dictionary") }
            output[index] = entries[Int(output[index])]
        }
    }

    private func decodeRangeCoded(
        _ descriptor: ColumnDescriptor, _ bytes: UnsafeRawBufferPointer,
        into output: UnsafeMutableBufferPointer<UInt64>
    ) throws(ColumnError) {
        var offset = 0
        let entries = try decodeInner(bytes, at: &offset, count: descriptor.entryCount, into: entryValues)
        let frequencies = try decodeInner(bytes, at: &offset, count: descriptor.entryCount, into: entryPlaces)
        let precision = RangeCoder.precision(alphabetCount: entries.count)
        guard RangeCoder.fillTable(rangeTable, frequencies: frequencies, precision: precision) else {
            throw .malformed("frequencies")
        }
        let words = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        guard
            RangeCoder.decode(
                words, table: rangeTable, precision: precision, values: entryValues, into: output)
        else { throw .malformed("range coder's words") }
    }

    /// Decodes an inner column, which may only be constant or packed, so that nothing nests deeper.
    private func decodeInner(
        _ bytes: UnsafeRawBufferPointer, at offset: inout Int, count: Int, into storage: UnsafeMutablePointer<UInt64>
    ) throws(ColumnError) -> UnsafeBufferPointer<UInt64> {
        let descriptor = try ColumnDescriptor(parsing: bytes, at: offset)
        guard descriptor.codec == .constant || descriptor.codec == .packed, !descriptor.isCompressed else {
            throw .malformed("codec of an inner column")
        }
        guard descriptor.count == count else { throw .count(expected: count, found: descriptor.count) }
        let start = offset + ColumnDescriptor.byteCount
        guard bytes.count - start >= descriptor.storedByteCount else {
            throw .truncated(needed: descriptor.storedByteCount, available: bytes.count - start)
        }
        offset = start + descriptor.storedByteCount
        let body = UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
        guard crc32c(of: body) == descriptor.checksum else { throw .checksum }
        let output = UnsafeMutableBufferPointer(start: storage, count: count)
        try decodePlain(descriptor, body, into: output)
        return UnsafeBufferPointer(output)
    }
}
