import CLZ4

/// LZ4 block compression into memory of its own.
final class Compressor {
    /// Fewer are not worth a try.
    static let leastByteCount = 64
    private static let sampleByteCount = 4096
    private let output: UnsafeMutablePointer<CChar>
    private let outputByteCount: Int

    /// For inputs of at most `capacity` bytes.
    init(capacity: Int) {
        outputByteCount = Int(LZ4_compressBound(Int32(max(capacity, Compressor.sampleByteCount))))
        output = .allocate(capacity: outputByteCount)
    }

    deinit { output.deallocate() }

    /// True when a sample from the middle shrinks by 3 %.
    func isWorthwhile(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= Compressor.leastByteCount else { return false }
        let count = min(bytes.count, Compressor.sampleByteCount)
        let start = (bytes.count - count) / 2
        let sample = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
        return compress(sample).count * 100 <= count * 97
    }

    /// The LZ4 block of `bytes`, valid until the next call.
    func compress(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let input = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        let written = LZ4_compress_default(input, output, Int32(bytes.count), Int32(outputByteCount))
        return UnsafeRawBufferPointer(start: output, count: Int(written))
    }

    /// Fills `output` from an LZ4 block; false unless it yields exactly as many bytes.
    static func decompress(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
        let source = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        let target = output.baseAddress?.assumingMemoryBound(to: CChar.self)
        return LZ4_decompress_safe(source, target, Int32(bytes.count), Int32(output.count)) == output.count
    }
}
