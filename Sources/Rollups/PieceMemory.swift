/// Zeroed pieces of memory whose sizes are powers of two, out of slabs that grow with their number: what the collections of an
/// answer's groups lie in. All goes at once, with this object.
///
/// One thread at a time.
final class PieceMemory {
    private static let largestPieceBits = 40
    private static let smallSlabByteCount = 1 << 16
    /// Slabs of this size lie in large pages and are kept for the next question.
    private static let largeSlabByteCount = 4 << 20
    /// As long as pieces take less than this, slabs are small.
    private static let fewBytes = 256 << 10

    /// Bytes of all slabs.
    private(set) var byteCount = 0
    private var slabs: [(memory: UnsafeMutableRawPointer, byteCount: Int)] = []
    /// What is left of the last slab.
    private var rest = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    /// Pieces that are in no use, by the power of two of their size.
    private var free = [[UnsafeMutableRawPointer]](repeating: [], count: largestPieceBits + 1)

    deinit {
        for slab in slabs { TableMemory.deallocate(slab.memory, byteCount: slab.byteCount) }
    }

    /// A piece of 2^bits bytes, all 0.
    func take(bits: Int) -> UnsafeMutableRawPointer {
        let size = 1 << bits
        let piece: UnsafeMutableRawPointer
        if let used = free[bits].popLast() {
            piece = used
        } else {
            if rest.count < size { addSlab(size) }
            piece = rest.baseAddress.unsafelyUnwrapped
            rest = UnsafeMutableRawBufferPointer(rebasing: rest[size...])
        }
        piece.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        return piece
    }

    /// Takes back a piece of 2^bits bytes.
    func giveBack(_ piece: UnsafeMutableRawPointer, bits: Int) { free[bits].append(piece) }

    private func addSlab(_ least: Int) {
        let isLarge = byteCount >= PieceMemory.fewBytes
        let size = max(least, isLarge ? PieceMemory.largeSlabByteCount : PieceMemory.smallSlabByteCount)
        let slab = TableMemory.allocate(byteCount: size)
        slabs.append((slab, size))
        byteCount += size
        rest = UnsafeMutableRawBufferPointer(start: slab, count: size)
    }
}
