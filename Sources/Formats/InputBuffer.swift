import Foundation

/// The bytes of a stream that no row has consumed yet, in one piece.
///
/// Pieces of any size are appended; a row that is cut by the end of a piece waits at the front for the next one. The
/// buffer holds at most one row and one piece, as the reader gives up rows beyond `largestRowByteCount`.
struct InputBuffer: ~Copyable {
    /// The longest row, in bytes.
    static let largestRowByteCount = 1 << 20

    private var storage = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1 << 16)
    private var start = 0
    private var end = 0

    deinit { storage.deallocate() }

    /// The first byte that was not consumed. Valid until the next `append`.
    var base: UnsafeMutablePointer<UInt8> { storage.baseAddress! + start }
    /// How many bytes there are from `base` on.
    var count: Int { end - start }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        if end + bytes.count > storage.count { makeRoom(for: bytes.count) }
        memcpy(storage.baseAddress! + end, source, bytes.count)
        end += bytes.count
    }

    mutating func consume(_ byteCount: Int) {
        precondition(byteCount <= count)
        start += byteCount
        if start == end {
            start = 0
            end = 0
        }
    }

    private mutating func makeRoom(for byteCount: Int) {
        let kept = count
        if kept + byteCount > storage.count {
            let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: (kept + byteCount) * 3 / 2)
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

/// A field's bytes in the input buffer, after quotes and escapes were taken off.
struct FieldText {
    var start: UnsafeMutablePointer<UInt8>
    var count: Int
    /// True for a JSON number, whose decimal separator is always a point.
    var isNumber = false

    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }

    /// The bytes without blanks and tabs at both ends.
    var trimmed: UnsafeBufferPointer<UInt8> {
        var first = 0
        var end = count
        while first < end, isBlank(start[first]) { first += 1 }
        while end > first, isBlank(start[end - 1]) { end -= 1 }
        return UnsafeBufferPointer(start: start + first, count: end - first)
    }
}

@inline(__always)
func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

/// True when the bytes are well-formed UTF-8.
func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    (try? UTF8Span(validating: bytes.span)) != nil
}
