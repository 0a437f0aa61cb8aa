import Foundation

/// A field's bytes, after quotes and escapes were taken off.
///
/// At least `slackByteCount` bytes behind its end may be read too, whatever they hold: words are loaded whole, and what does
/// not belong to the text is cut off. Whoever makes one sees to that: `InputBuffer` and `OwnedText` keep such a slack.
struct FieldText {
    static let slackByteCount = 64

    var start: UnsafePointer<UInt8>
    var count: Int
    /// True for a JSON number, whose decimal separator is always a point.
    var isNumber = false

    @inline(__always)
    var isEmpty: Bool { count == 0 }

    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }

    /// The text without blanks and tabs at both ends.
    @inline(__always)
    var trimmed: FieldText {
        guard count > 0, isBlank(start[0]) || isBlank(start[count - 1]) else { return self }
        return trimmedFully
    }

    private var trimmedFully: FieldText {
        var first = 0
        var end = count
        while first < end, isBlank(start[first]) { first += 1 }
        while end > first, isBlank(start[end - 1]) { end -= 1 }
        return FieldText(start: start + first, count: end - first, isNumber: isNumber)
    }

    /// A part of the text, or of what lies behind it within the slack.
    @inline(__always)
    func part(_ range: Range<Int>) -> FieldText { FieldText(start: start + range.lowerBound, count: range.count) }

    static func == (text: FieldText, other: [UInt8]) -> Bool {
        text.count == other.count && text.bytes.elementsEqual(other)
    }
}

/// Text that outlives the input, with the slack that a `FieldText` needs.
struct OwnedText: ~Copyable {
    private let memory: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String) {
        memory = .allocate(capacity: text.utf8.count + FieldText.slackByteCount)
        memory.initialize(repeating: 0)
        for (position, byte) in text.utf8.enumerated() { memory[position] = byte }
    }

    deinit { memory.deallocate() }

    /// The text, as long as this lives.
    var text: FieldText {
        FieldText(start: UnsafePointer(memory.baseAddress!), count: memory.count - FieldText.slackByteCount)
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

/// True when a byte is beyond ASCII.
func hasNonASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    var seen = SIMD8<UInt64>()
    while position + 64 <= bytes.count {
        seen |= bytes.loadUnaligned(fromByteOffset: position, as: SIMD8<UInt64>.self)
        position += 64
    }
    var rest: UInt8 = 0
    while position < bytes.count {
        rest |= bytes[position]
        position += 1
    }
    return (seen & 0x8080_8080_8080_8080) != SIMD8<UInt64>() || rest >= 0x80
}
