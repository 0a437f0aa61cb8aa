import CPlatform

/// Reading and writing of little-endian numbers and checksums in bytes that may be anything.
extension UnsafeMutableRawBufferPointer {
    /// 32 bits at an offset; 0 behind the end.
    func word(at offset: Int) -> Int {
        offset >= 0 && offset + 4 <= count ? Int(loadUnaligned(fromByteOffset: offset, as: UInt32.self)) : 0
    }

    /// Writes a number where there is room for it.
    func set(_ value: some FixedWidthInteger & BitwiseCopyable, at offset: Int) {
        guard offset >= 0, offset + MemoryLayout.size(ofValue: value) <= count else { return }
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: type(of: value))
    }

    /// The CRC-32C of a range, cut to the bytes that there are; continues from `seed`.
    func checksum(_ range: Range<Int>, seed: UInt32 = 0) -> UInt32 {
        let range = range.clamped(to: 0..<count)
        return range.isEmpty ? seed : sluice_crc32c(seed, baseAddress! + range.lowerBound, range.count)
    }

    /// Makes the checksum at `offset` that of a range.
    func seal(_ range: Range<Int>, at offset: Int) { set(checksum(range), at: offset) }

    /// A part, cut to the bytes that there are.
    func part(from start: Int, count wanted: Int) -> UnsafeMutableRawBufferPointer {
        let range = (start..<start + Swift.max(0, wanted)).clamped(to: 0..<count)
        return UnsafeMutableRawBufferPointer(rebasing: self[range])
    }
}

extension Array where Element == UInt8 {
    /// The bytes with their checksums made to match.
    func repaired(by repair: (UnsafeMutableRawBufferPointer) -> Void) -> [UInt8] {
        var bytes = self
        bytes.withUnsafeMutableBytes { repair($0) }
        return bytes
    }
}
