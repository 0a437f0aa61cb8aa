import CLZ4

/// LZ4 block compression into memory of its own, tried only where a sample shows that it pays.
final class Compressor {
    private static let sampleByteCount = 4096
    private static let leastByteCount = 64
    private let output: UnsafeMutablePointer<CChar>
    private let sampleOutput: UnsafeMutablePointer<CChar>

    /// For inputs of at most `capacity` bytes.
    init(capacity: Int) {
        output = .allocate(capacity: capacity)
        sampleOutput = .allocate(capacity: Compressor.sampleByteCount)
    }

    deinit {
        output.deallocate()
        sampleOutput.deallocate()
    }

    /// The LZ4 block of `bytes`, valid until the next call; nil where it would save less than 3 %.
    func compress(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard bytes.count >= Compressor.leastByteCount else { return nil }
        if bytes.count > 4 * Compressor.sampleByteCount {
            let start = (bytes.count - Compressor.sampleByteCount) / 2
            let middle = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Compressor.sampleByteCount])
            guard compress(middle, into: sampleOutput) != nil else { return nil }
        }
        return compress(bytes, into: output)
    }

    /// LZ4 gives up as soon as the output would outgrow 97 % of the input.
    private func compress(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<CChar>)
        -> UnsafeRawBufferPointer?
    {
        let input = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        let written = LZ4_compress_default(input, output, Int32(bytes.count), Int32(bytes.count * 97 / 100))
        return written > 0 ? UnsafeRawBufferPointer(start: output, count: Int(written)) : nil
    }

    /// Fills `output` from an LZ4 block; false unless it yields exactly as many bytes.
    static func decompress(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Bool {
        let source = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        let target = output.baseAddress?.assumingMemoryBound(to: CChar.self)
        return LZ4_decompress_safe(source, target, Int32(bytes.count), Int32(output.count)) == output.count
    }
}
