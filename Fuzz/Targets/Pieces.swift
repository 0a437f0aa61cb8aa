import CPlatform
import Chance
import Simulation

/// Cuts bytes into pieces of sizes that follow from the bytes themselves, so that a run can be repeated.
///
/// Each piece lies in memory of its own, of its own size and at its own alignment, where an address sanitizer sees whoever
/// reads behind it.
struct Pieces {
    private var generator: SeededGenerator
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(of bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        generator = .following(bytes)
    }

    /// Gives the next piece to `body`; false when there is none.
    mutating func next(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows -> Bool {
        guard offset < bytes.count else { return false }
        let most = 1 << Int.random(in: 0...12, using: &generator)
        let count = min(bytes.count - offset, Int.random(in: 1...most, using: &generator))
        let shift = Int.random(in: 0..<8, using: &generator)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: shift + count, alignment: 8)
        defer { memory.deallocate() }
        let piece = UnsafeMutableRawBufferPointer(rebasing: memory[shift...])
        piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
        offset += count
        try body(UnsafeRawBufferPointer(piece))
        return true
    }
}

extension SeededGenerator {
    /// A generator that the bytes decide.
    static func following(_ bytes: UnsafeRawBufferPointer) -> SeededGenerator {
        SeededGenerator(seed: UInt64(sluice_crc32c(0, bytes.baseAddress, bytes.count)))
    }
}
