/// How the values of a column are stored.
public enum Codec: UInt8, Sendable {
    /// Every value is the reference; no bytes.
    case constant = 0
    /// `(value - reference) / scale`, packed at the width.
    case packed = 1
    /// As `packed`, with the values that do not fit kept apart.
    case patched = 2
    /// Distinct values, and a packed index into them for each value.
    case dictionary = 3
    /// Distinct values with their frequencies, and range-coded indices into them.
    case rangeCoded = 4
    /// As `packed`, in LZ4 blocks of four pieces each.
    case compressed = 5
}

/// What the codec of a column holds; steps are kept plus 2^63, so that a signed order becomes an unsigned one.
public enum Transform: UInt8, Sendable {
    /// The values.
    case none = 0
    /// Differences of neighbours.
    case differences = 1
    /// Differences from the largest value before.
    case lags = 2
}

/// The description of an encoded column: 40 bytes, little-endian, in front of its bytes or in a block's directory.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | codec |
/// | 1 | 1 | transform: 0 none, 1 differences, 2 lags |
/// | 2 | 1 | width of a packed value in bits, 0 to 64; 0 with the range coder |
/// | 3 | 1 | number of the column in a block's directory; 0 elsewhere |
/// | 4 | 4 | number of values |
/// | 8 | 8 | reference |
/// | 16 | 8 | scale, 1 or more |
/// | 24 | 4 | number of entries: values that do not fit (patched), distinct values (dictionary, range-coded); else 0 |
/// | 28 | 4 | number of values that escape (range-coded); else 0 |
/// | 32 | 4 | bytes stored |
/// | 36 | 4 | CRC-32C of the bytes stored |
///
/// What the bytes are is told by `ColumnParts`.
public struct ColumnDescriptor: Hashable, Sendable {
    /// How the values are stored.
    public var codec: Codec
    /// What the codec holds.
    public var transform = Transform.none
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
    /// Number of values that escape.
    public var escapedCount = 0
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

    func write(to destination: UnsafeMutableRawPointer) {
        destination.storeBytes(of: codec.rawValue, toByteOffset: 0, as: UInt8.self)
        destination.storeBytes(of: transform.rawValue, toByteOffset: 1, as: UInt8.self)
        destination.storeBytes(of: UInt8(width), toByteOffset: 2, as: UInt8.self)
        destination.storeBytes(of: number, toByteOffset: 3, as: UInt8.self)
        destination.storeBytes(of: UInt32(count), toByteOffset: 4, as: UInt32.self)
        destination.storeBytes(of: reference, toByteOffset: 8, as: UInt64.self)
        destination.storeBytes(of: scale, toByteOffset: 16, as: UInt64.self)
        destination.storeBytes(of: UInt32(entryCount), toByteOffset: 24, as: UInt32.self)
        destination.storeBytes(of: UInt32(escapedCount), toByteOffset: 28, as: UInt32.self)
        destination.storeBytes(of: UInt32(storedByteCount), toByteOffset: 32, as: UInt32.self)
        destination.storeBytes(of: checksum, toByteOffset: 36, as: UInt32.self)
    }

    /// Reads the 40 bytes at `offset` and checks all that can be checked without the column's bytes.
    ///
    /// A descriptor that passes claims no more than 8 bytes and two entries a value.
    init(parsing bytes: UnsafeRawBufferPointer, at offset: Int) throws(ColumnError) {
        guard offset >= 0, offset <= bytes.count, bytes.count - offset >= ColumnDescriptor.byteCount else {
            throw .truncated(needed: ColumnDescriptor.byteCount, available: max(0, bytes.count - offset))
        }
        let raw = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + ColumnDescriptor.byteCount])
        guard let codec = Codec(rawValue: raw[0]) else { throw .malformed("codec") }
        guard let transform = Transform(rawValue: raw[1]) else { throw .malformed("transform") }
        self.codec = codec
        self.transform = transform
        width = Int(raw[2])
        number = raw[3]
        count = Int(raw.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        reference = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        scale = raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        entryCount = Int(raw.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
        escapedCount = Int(raw.loadUnaligned(fromByteOffset: 28, as: UInt32.self))
        storedByteCount = Int(raw.loadUnaligned(fromByteOffset: 32, as: UInt32.self))
        checksum = raw.loadUnaligned(fromByteOffset: 36, as: UInt32.self)
        try check()
    }

    private func check() throws(ColumnError) {
        guard width <= 64 else { throw .malformed("width") }
        guard scale >= 1 else { throw .malformed("scale") }
        guard storedByteCount <= 8 * count else { throw .malformed("stored length") }
        guard entryCount <= count, escapedCount <= count else { throw .malformed("entry count") }
        switch codec {
        case .constant, .packed, .compressed:
            guard entryCount == 0 else { throw .malformed("entry count") }
        case .patched, .dictionary, .rangeCoded:
            guard entryCount >= 1 else { throw .malformed("entry count") }
        }
        guard codec == .rangeCoded || escapedCount == 0 else { throw .malformed("number of escapes") }
        switch codec {
        case .constant:
            guard width == 0 else { throw .malformed("constant") }
        case .rangeCoded:
            guard entryCount <= RangeCoder.largestAlphabetCount, width == 0 else { throw .malformed("alphabet") }
        case .packed, .patched, .dictionary, .compressed: break
        }
        guard transform != .none else { return }
        guard count >= 2 else { throw .malformed("differences of fewer than two values") }
        switch codec {
        case .packed, .patched, .compressed: break
        case .constant:
            guard transform == .differences else { throw .malformed("constant lags") }
        case .dictionary, .rangeCoded: throw .malformed("codec of differences")
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
