import Foundation

/// The bytes of a stream that no row has consumed yet, in one piece.
///
/// Pieces of any size are appended; a row that is cut by the end of a piece waits at the front for the next one. The
/// buffer holds at most one row and one piece, as the reader gives up rows beyond `largestRowByteCount`. Behind its last byte
/// lies the slack of a `FieldText`.
struct InputBuffer: ~Copyable {
    /// The longest row, in bytes.
    static let largestRowByteCount = 1 << 20

    private var storage = InputBuffer.allocate(1 << 10)
    private var start = 0
    private var end = 0
    /// True when a byte beyond ASCII came since the buffer was empty.
    private(set) var hasNonASCII = false

    private static func allocate(_ byteCount: Int) -> UnsafeMutableBufferPointer<UInt8> {
        let storage = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: byteCount + FieldText.slackByteCount)
        storage.initialize(repeating: 0)
        return storage
    }

    private var capacity: Int { storage.count - FieldText.slackByteCount }

    deinit { storage.deallocate() }

    /// The first byte that was not consumed. Valid until the next `append`.
    var base: UnsafeMutablePointer<UInt8> { storage.baseAddress! + start }
    /// How many bytes there are from `base` on.
    var count: Int { end - start }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        if end + bytes.count > capacity { makeRoom(for: bytes.count) }
        if !hasNonASCII { hasNonASCII = Formats.hasNonASCII(bytes) }
        memcpy(storage.baseAddress! + end, source, bytes.count)
        end += bytes.count
    }

    mutating func consume(_ byteCount: Int) {
        precondition(byteCount <= count)
        start += byteCount
        if start == end {
            start = 0
            end = 0
            hasNonASCII = false
        }
    }

    mutating func removeAll() { consume(count) }

    private mutating func makeRoom(for byteCount: Int) {
        let kept = count
        if kept + byteCount > capacity {
            let larger = InputBuffer.allocate((kept + byteCount) * 3 / 2)
            memcpy(larger.baseAddress!, base, kept)
            storage.deallocate()
            storage = larger
        } else {
            memmove(storage.baseAddress!, base, kept)
        }
        start = 0
        end = kept
    }
}
