/// How the values of a column are stored.
public enum Codec: UInt8, Sendable {
    /// Every value is the reference; no bytes.
    case constant = 0
    /// `(value - reference) / scale`, packed at the width.
    case packed = 1
    /// As `packed`, with the values that do not fit kept apart.
    case patched = 2
    /// Sorted distinct values, and a packed index into them for each value.
    case dictionary = 3
    /// Sorted distinct values with their frequencies, and a range-coded string of indices into them.
    case rangeCoded = 4
}

/// The description of an encoded column: 40 bytes, little-endian, in front of its bytes or in a block's directory.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | codec |
/// | 1 | 1 | bit 0: the stored bytes are compressed with LZ4 (block format); bit 1: the codec holds differences; others 0 |
/// | 2 | 1 | width of a packed value in bits, 0 to 64 |
/// | 3 | 1 | number of the column in a block's directory; 0 elsewhere |
/// | 4 | 4 | number of values |
/// | 8 | 8 | reference |
/// | 16 | 8 | scale, 1 or more |
/// | 24 | 4 | number of entries kept apart: values that do not fit (patched), distinct values (dictionary, range-coded) |
/// | 28 | 4 | bytes before compression |
/// | 32 | 4 | bytes stored |
/// | 36 | 4 | CRC-32C of the bytes stored |
///
/// The bytes before compression are, by codec:
///
/// | codec | bytes |
/// |---|---|
/// | constant | none |
/// | packed | the packed values |
/// | patched | the packed values (any bits where one did not fit), column of ascending positions, column of those values |
/// | dictionary | column of ascending distinct values, then the packed indices |
/// | range-coded | column of ascending distinct values, column of their frequencies, then the range coder's words |
///
/// With differences, the first value (8 bytes) comes before these, and the codec holds, for each further value, its
/// wrapping difference from the one before plus 2^63, so that a signed order becomes an unsigned one. An inner column
/// is a descriptor followed by its bytes; it is constant or packed, with or without differences, and never compressed.
public struct ColumnDescriptor: Hashable, Sendable {
    /// How the values are stored.
    public var codec: Codec
    /// True when the stored bytes are an LZ4 block.
    public var isCompressed = false
    /// True when the codec holds differences.
    public var isDifferenced = false
    /// Bits of a packed value.
    public var width: Int
    /// The column's number in a block's directory.
    public var number: UInt8 = 0
    /// Number of values.
    public var count: Int
    /// What is stored as 0.
    public var reference: UInt64
    /// The common divisor.
    public var scale: UInt64
    /// Number of entries kept apart.
    public var entryCount = 0
    /// Bytes before compression.
    public var encodedByteCount = 0
    /// Bytes stored.
    public var storedByteCount = 0
    /// CRC-32C of the bytes stored.
    public var checksum: UInt32 = 0

    /// Bytes of a descriptor.
    public static let byteCount = 40

    init(codec: Codec, frame: Frame, count: Int) {
        self.codec = codec
        self.width = frame.width
        self.count = count
        self.reference = frame.reference
        self.scale = frame.scale
    }

    var frame: Frame { Frame(reference: reference, scale: scale, width: width) }

    /// The values that the codec itself holds: one fewer with differences, as the first stands apart.
    var codedCount: Int { isDifferenced ? count - 1 : count }

    func write(to destination: UnsafeMutableRawPointer) {
        destination.storeBytes(of: codec.rawValue, toByteOffset: 0, as: UInt8.self)
        let flags: UInt8 = (isCompressed ? 1 : 0) | (isDifferenced ? 2 : 0)
        destination.storeBytes(of: flags, toByteOffset: 1, as: UInt8.self)
        destination.storeBytes(of: UInt8(width), toByteOffset: 2, as: UInt8.self)
        destination.storeBytes(of: number, toByteOffset: 3, as: UInt8.self)
        destination.storeBytes(of: UInt32(count), toByteOffset: 4, as: UInt32.self)
        destination.storeBytes(of: reference, toByteOffset: 8, as: UInt64.self)
        destination.storeBytes(of: scale, toByteOffset: 16, as: UInt64.self)
        destination.storeBytes(of: UInt32(entryCount), toByteOffset: 24, as: UInt32.self)
        destination.storeBytes(of: UInt32(encodedByteCount), toByteOffset: 28, as: UInt32.self)
        destination.storeBytes(of: UInt32(storedByteCount), toByteOffset: 32, as: UInt32.self)
        destination.storeBytes(of: checksum, toByteOffset: 36, as: UInt32.self)
    }

    /// Reads the 40 bytes at `offset` and checks all that can be checked without the column's bytes.
    ///
    /// A descriptor that passes claims no more than 8 bytes a value before compression and no more after it.
    init(parsing bytes: UnsafeRawBufferPointer, at offset: Int) throws(ColumnError) {
        guard offset >= 0, offset <= bytes.count, bytes.count - offset >= ColumnDescriptor.byteCount else {
            throw .truncated(needed: ColumnDescriptor.byteCount, available: max(0, bytes.count - offset))
        }
        let raw = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + ColumnDescriptor.byteCount])
        guard let codec = Codec(rawValue: raw[0]) else { throw .malformed("codec") }
        guard raw[1] & ~3 == 0 else { throw .malformed("reserved flags") }
        self.codec = codec
        isCompressed = raw[1] & 1 != 0
        isDifferenced = raw[1] & 2 != 0
        width = Int(raw[2])
        number = raw[3]
        count = Int(raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        reference = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        scale = raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        entryCount = Int(raw.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
        encodedByteCount = Int(raw.loadUnaligned(fromByteOffset: 28, as: UInt32.self))
        storedByteCount = Int(raw.loadUnaligned(fromByteOffset: 32, as: UInt32.self))
        checksum = raw.loadUnaligned(fromByteOffset: 36, as: UInt32.self)
        try check()
    }

    private func check() throws(ColumnError) {
        guard width <= 64 else { throw .malformed("width") }
        guard scale >= 1 else { throw .malformed("scale") }
        guard !isDifferenced || count >= 2 else { throw .malformed("differences of fewer than two values") }
        guard encodedByteCount <= 8 * count else { throw .malformed("encoded length") }
        guard isCompressed ? storedByteCount < encodedByteCount : storedByteCount == encodedByteCount else {
            throw .malformed("stored length")
        }
        guard entryCount <= count else { throw .malformed("entry count") }
        let packedByteCount = BitPacking.byteCount(count: codedCount, width: width)
        let fixedByteCount = isDifferenced ? 8 : 0
        switch codec {
        case .constant:
            guard encodedByteCount == fixedByteCount, width == 0 else { throw .malformed("constant") }
        case .packed:
            guard encodedByteCount == fixedByteCount + packedByteCount else { throw .malformed("packed length") }
        case .patched, .dictionary:
            guard encodedByteCount >= fixedByteCount + packedByteCount else { throw .malformed("packed length") }
        case .rangeCoded:
            guard entryCount <= RangeCoder.largestAlphabetCount, width == 0 else { throw .malformed("alphabet") }
        }
        switch codec {
        case .constant, .packed:
            guard entryCount == 0 else { throw .malformed("entry count") }
        case .patched, .dictionary, .rangeCoded:
            guard entryCount >= 1 else { throw .malformed("entry count") }
        }
    }
}

/// Why bytes are no column.
public enum ColumnError: Error, Equatable, Sendable {
    /// The bytes end before the column does.
    case truncated(needed: Int, available: Int)
    /// The stored bytes do not match their CRC-32C.
    case checksum
    /// What a descriptor or the bytes say cannot be: which part of it.
    case malformed(String)
    /// The column holds another number of values than was asked for.
    case count(expected: Int, found: Int)
}
