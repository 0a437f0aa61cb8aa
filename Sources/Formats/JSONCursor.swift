import CPlatform

/// What breaks JSON text, and where.
struct JSONFault: Error {
    /// Bytes before the fault, from 0.
    var offset: Int
    var message: String
}

/// Reads JSON (RFC 8259) token by token over bytes in place; escapes are taken off where they stand.
///
/// Numbers stay text, so that amounts stay exact. Strings must be well-formed UTF-8, which the caller checks for the text
/// as a whole, and the slack of a `FieldText` lies behind the text. Values nest at most `largestDepth` deep.
struct JSONCursor {
    static let largestDepth = 32

    private let text: UnsafeMutableBufferPointer<UInt8>
    /// The next byte to be read.
    private(set) var position = 0

    init(_ text: UnsafeMutableBufferPointer<UInt8>) { self.text = text }

    func fault(_ message: String) -> JSONFault { JSONFault(offset: position, message: message) }

    /// The next byte that is no blank, 0 at the end.
    @inline(__always)
    mutating func peek() -> UInt8 {
        if position < text.count, text[position] > UInt8(ascii: " ") { return text[position] }
        return peekBehindBlanks()
    }

    private mutating func peekBehindBlanks() -> UInt8 {
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): position += 1
            case let byte: return byte
            }
        }
        return 0
    }

    /// Skips blanks and `byte`; false, and nothing but blanks skipped, when something else comes.
    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte, position < text.count else { return false }
        position += 1
        return true
    }

    @inline(__always)
    mutating func expect(_ byte: UInt8, _ what: String) throws(JSONFault) {
        guard take(byte) else { throw fault("expected \(what)") }
    }

    /// Fails unless only blanks are left.
    mutating func expectEnd() throws(JSONFault) {
        _ = peek()
        guard position == text.count else { throw fault("text after the end of the value") }
    }

    /// Reads a string and takes its escapes off in place.
    mutating func string() throws(JSONFault) -> FieldText {
        try expect(UInt8(ascii: "\""), "a string")
        let start = text.baseAddress! + position
        var count = plainByteCount
        position += count
        while position < text.count {
            let byte = text[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                return FieldText(start: UnsafePointer(start), count: count)
            case UInt8(ascii: "\\"):
                try escape(into: start, &count)
            case 0..<0x20:
                position -= 1
                throw fault("a control character inside a string")
            default:
                start[count] = byte
                count += 1
            }
        }
        throw fault("the text ends inside a string")
    }

    /// Bytes of a string that are known to come before the first quote, backslash or control character. The last 15 bytes of
    /// the text are not looked at: nothing is read behind it.
    private var plainByteCount: Int {
        let start = UnsafePointer(text.baseAddress! + position)
        var count = 0
        while position + count + 16 <= text.count {
            let marks = sluice_json_marks(start + count)
            if marks != 0 { return count + marks.trailingZeroBitCount }
            count += 16
        }
        return count
    }

    /// Reads a number, as it is written.
    mutating func number() throws(JSONFault) -> FieldText {
        _ = peek()
        let start = position
        if position < text.count, text[position] == UInt8(ascii: "-") { position += 1 }
        let leading = digits()
        if leading == 0 { throw fault("expected a value") }
        if leading > 1, text[position - leading] == UInt8(ascii: "0") { throw fault("a number with a leading zero") }
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            if digits() == 0 { throw fault("a number without digits after its point") }
        }
        if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
                position += 1
            }
            if digits() == 0 { throw fault("a number without digits in its exponent") }
        }
        return FieldText(start: UnsafePointer(text.baseAddress! + start), count: position - start, isNumber: true)
    }

    /// Reads `true`, `false` or `null`, as it is written.
    mutating func word() throws(JSONFault) -> FieldText {
        _ = peek()
        let expected: StaticString =
            switch position < text.count ? text[position] : 0 {
            case UInt8(ascii: "t"): "true"
            case UInt8(ascii: "f"): "false"
            default: "null"
            }
        let count = expected.utf8CodeUnitCount
        guard position + count <= text.count,
            (0..<count).allSatisfy({ text[position + $0] == expected.utf8Start[$0] })
        else { throw fault("expected a value") }
        defer { position += count }
        return FieldText(start: UnsafePointer(text.baseAddress! + position), count: count)
    }

    private mutating func digits() -> Int {
        let start = position
        while position < text.count, isDigit(text[position]) { position += 1 }
        return position - start
    }

    private mutating func escape(into start: UnsafeMutablePointer<UInt8>, _ count: inout Int) throws(JSONFault) {
        guard position < text.count else { throw fault("the text ends inside a string") }
        let letter = text[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): start[count] = letter
        case UInt8(ascii: "b"): start[count] = 0x08
        case UInt8(ascii: "f"): start[count] = 0x0C
        case UInt8(ascii: "n"): start[count] = 0x0A
        case UInt8(ascii: "r"): start[count] = 0x0D
        case UInt8(ascii: "t"): start[count] = 0x09
        case UInt8(ascii: "u"):
            // An escape takes at least six bytes and at most four come of it (twelve for a pair), so it fits in place.
            for unit in UTF8.encode(try scalar())! {
                start[count] = unit
                count += 1
            }
            return
        default:
            position -= 1
            throw fault("an unknown escape in a string")
        }
        count += 1
    }

    private mutating func scalar() throws(JSONFault) -> Unicode.Scalar {
        let first = try hexadecimalUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, position + 1 < text.count, text[position] == UInt8(ascii: "\\"),
            text[position + 1] == UInt8(ascii: "u")
        else { throw fault("half of a surrogate pair") }
        position += 2
        let second = try hexadecimalUnit()
        guard (0xDC00...0xDFFF).contains(second) else { throw fault("half of a surrogate pair") }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))!
    }

    private mutating func hexadecimalUnit() throws(JSONFault) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard position < text.count, let digit = Character(Unicode.Scalar(text[position])).hexDigitValue,
                text[position] < 0x80
            else { throw fault("expected four hexadecimal digits") }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }
}
