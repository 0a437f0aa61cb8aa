/// A list of values beside those of the codec itself, in a frame of its own, each of which can be read alone.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | reference |
/// | 8 | 8 | scale |
/// | 16 | 1 | width in bits, 0 to 64 |
/// | 17 | | packed values; how many follows from what the list is for |
struct PackedList {
    static let headByteCount = 17

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
        let start = offset + PackedList.headByteCount
        guard start <= bytes.count else {
            throw .truncated(needed: PackedList.headByteCount, available: bytes.count - offset)
        }
        reference = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        scale = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        width = Int(bytes[offset + 16])
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
        destination.storeBytes(of: frame.scale, toByteOffset: 8, as: UInt64.self)
        destination.storeBytes(of: UInt8(frame.width), toByteOffset: 16, as: UInt8.self)
        BitPacking.pack(values, frame: frame, to: destination + headByteCount)
        return headByteCount + BitPacking.byteCount(count: values.count, width: frame.width)
    }
}
