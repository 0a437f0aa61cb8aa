/// Cuts a JSON array into lines, an element to each, so that they can be read as NDJSON. It may come in pieces of any size.
///
/// Only what lies between the elements is checked here: brackets, commas, strings. What an element is, its reader finds out.
/// Line breaks inside an element, which can only be blanks between its parts, become spaces.
public struct JSONArraySplitter {
    private enum Place {
        /// Before the opening bracket, behind so many bytes of a byte order mark.
        case start(markByteCount: Int)
        /// Where an element or, in an array without any, the closing bracket is expected.
        case element(isFirst: Bool)
        /// In an element that is no string, object or array, or behind one that is.
        case word
        /// In an object or array, so many deep.
        case nested(depth: Int)
        /// In a string of an element, and whether a backslash came before.
        case string(depth: Int, isEscaped: Bool)
        /// Behind the closing bracket.
        case end
    }

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    private var place = Place.start(markByteCount: 0)
    private var elementCount = 0

    /// A splitter before its array.
    public init() {}

    /// Takes the next bytes in.
    /// - Returns: the lines, the last of which may go on in the next call.
    /// - Throws: the element at which what lies between the elements is wrong.
    public mutating func split(_ bytes: UnsafeRawBufferPointer) throws(FormatError) -> [UInt8] {
        var lines: [UInt8] = []
        lines.reserveCapacity(bytes.count + 1)
        for byte in bytes { try take(byte, &lines) }
        return lines
    }

    /// Takes note that there are no more bytes.
    public func finish() throws(FormatError) {
        guard case .end = place else { throw fault("the end of the body, before the array's ']'") }
    }

    private mutating func take(_ byte: UInt8, _ lines: inout [UInt8]) throws(FormatError) {
        switch place {
        case .string(let depth, let isEscaped):
            if byte == 0x0A { throw fault("a line break in a string") }
            lines.append(byte)
            if isEscaped {
                place = .string(depth: depth, isEscaped: false)
            } else if byte == UInt8(ascii: "\\") {
                place = .string(depth: depth, isEscaped: true)
            } else if byte == UInt8(ascii: "\"") {
                place = depth == 0 ? .word : .nested(depth: depth)
            }
        case .nested(let depth): append(byte, depth: depth, &lines)
        case .word:
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") {
                lines.append(0x0A)
                place = byte == UInt8(ascii: ",") ? .element(isFirst: false) : .end
            } else {
                append(byte, depth: 0, &lines)
            }
        case .element(let isFirst):
            if isBlank(byte) { return }
            if byte == UInt8(ascii: "]"), isFirst {
                place = .end
                return
            }
            elementCount += 1
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") {
                throw fault("nothing before '\(Character(Unicode.Scalar(byte)))'")
            }
            append(byte, depth: 0, &lines)
        case .start(let markByteCount): try begin(byte, markByteCount)
        case .end:
            if !isBlank(byte) { throw fault("more behind the array's ']'") }
        }
    }

    /// A mark that is cut short is none.
    private mutating func begin(_ byte: UInt8, _ markByteCount: Int) throws(FormatError) {
        let mark = JSONArraySplitter.mark
        if markByteCount < mark.count, byte == mark[markByteCount] {
            place = .start(markByteCount: markByteCount + 1)
        } else if markByteCount == 0 || markByteCount == mark.count, isBlank(byte) || byte == UInt8(ascii: "[") {
            // No mark can follow.
            place = isBlank(byte) ? .start(markByteCount: mark.count) : .element(isFirst: true)
        } else {
            throw fault("no '[' at the beginning")
        }
    }

    /// Adds a byte of an element that is in no string.
    private mutating func append(_ byte: UInt8, depth: Int, _ lines: inout [UInt8]) {
        lines.append(byte == 0x0A || byte == 0x0D ? UInt8(ascii: " ") : byte)
        switch byte {
        case UInt8(ascii: "\""): place = .string(depth: depth, isEscaped: false)
        case UInt8(ascii: "{"), UInt8(ascii: "["): place = .nested(depth: depth + 1)
        case UInt8(ascii: "}"), UInt8(ascii: "]"): place = depth > 1 ? .nested(depth: depth - 1) : .word
        default: place = depth > 0 ? .nested(depth: depth) : .word
        }
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    private func fault(_ found: String) -> FormatError {
        FormatError(
            (elementCount == 0 ? "" : "item \(elementCount): ") + "found \(found); a JSON array of objects was expected"
        )
    }
}
