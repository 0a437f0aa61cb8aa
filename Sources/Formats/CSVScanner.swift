/// Splits the next row of RFC 4180 text into fields, and can be interrupted at any byte.
///
/// The scanner keeps offsets from the row's first byte, never pointers, so that it resumes after the buffer has moved. It
/// changes nothing: quotes are taken off by `unquote`, once a row is complete and well-formed.
///
/// | state | separator | line feed | quote | other |
/// |---|---|---|---|---|
/// | field start | field | row | quoted | plain |
/// | plain | field | row | malformed | plain |
/// | quoted | quoted | quoted | quote seen | quoted |
/// | quote seen | field | row | quoted (one quote is meant) | malformed |
struct CSVScanner: ~Copyable {
    /// A field as offsets from the row's first byte, its quotes not included.
    struct Span {
        var start: Int
        var end: Int
        var hasDoubledQuotes: Bool
    }

    enum Result: Equatable {
        /// A row ends; it and its line break take that many bytes.
        case row(byteCount: Int)
        /// The bytes end inside the row.
        case incomplete
        /// The row breaks the rules, in words.
        case malformed(String)
    }

    private enum State: UInt8 { case fieldStart, plain, quoted, quoteSeen }

    /// Columns that are kept; more are counted and not kept.
    static let largestColumnCount = 4096

    private let separator: UInt8
    private let spans = UnsafeMutableBufferPointer<Span>.allocate(capacity: largestColumnCount)
    private var state = State.fieldStart
    private var position = 0
    private var fieldStart = 0
    private var fieldHasDoubledQuotes = false
    /// Fields of the row that was scanned last.
    private(set) var fieldCount = 0
    /// Line feeds inside of the row's quoted fields.
    private(set) var innerLineCount = 0
    /// True when the row has a byte beyond ASCII.
    private(set) var hasNonASCII = false

    init(separator: UInt8) { self.separator = separator }

    deinit { spans.deallocate() }

    /// The span of a field among the first `largestColumnCount`.
    func span(_ field: Int) -> Span {
        precondition(field < min(fieldCount, CSVScanner.largestColumnCount))
        return spans[field]
    }

    /// True when a row has begun and not ended.
    var isInRow: Bool { position > 0 }

    /// Forgets the row, so that the next `scan` begins another.
    mutating func reset() {
        state = .fieldStart
        position = 0
        fieldStart = 0
        fieldHasDoubledQuotes = false
        fieldCount = 0
        innerLineCount = 0
        hasNonASCII = false
    }

    /// Goes on with the row that begins at `bytes[0]`.
    /// - Parameter isLast: no byte comes after these, so the end of the bytes ends the row.
    mutating func scan(_ bytes: UnsafeBufferPointer<UInt8>, isLast: Bool) -> Result {
        var nonASCII: UInt8 = 0
        defer { hasNonASCII = hasNonASCII || nonASCII >= 0x80 }
        while position < bytes.count {
            let byte = bytes[position]
            nonASCII |= byte
            switch state {
            case .fieldStart, .plain:
                if byte == separator {
                    endField(at: position)
                } else if byte == UInt8(ascii: "\n") {
                    return endRow(bytes, lineEnd: position, byteCount: position + 1)
                } else if byte == UInt8(ascii: "\"") {
                    if state == .plain { return .malformed("a quote inside a field that does not begin with one") }
                    state = .quoted
                    fieldStart = position + 1
                } else {
                    state = .plain
                }
            case .quoted:
                if byte == UInt8(ascii: "\"") {
                    state = .quoteSeen
                } else if byte == UInt8(ascii: "\n") {
                    innerLineCount += 1
                }
            case .quoteSeen:
                if byte == UInt8(ascii: "\"") {
                    state = .quoted
                    fieldHasDoubledQuotes = true
                } else if byte == separator {
                    endField(at: position - 1)
                } else if byte == UInt8(ascii: "\n") {
                    return endRow(bytes, lineEnd: position, byteCount: position + 1)
                } else if byte == UInt8(ascii: "\r") {
                    if position + 1 == bytes.count, !isLast { return .incomplete }
                    if position + 1 < bytes.count, bytes[position + 1] != UInt8(ascii: "\n") {
                        return .malformed("text after a field's closing quote")
                    }
                } else {
                    return .malformed("text after a field's closing quote")
                }
            }
            position += 1
        }
        guard isLast else { return .incomplete }
        if state == .quoted { return .malformed("a quote that is never closed") }
        return endRow(bytes, lineEnd: bytes.count, byteCount: bytes.count)
    }

    private mutating func endField(at end: Int) {
        if fieldCount < CSVScanner.largestColumnCount {
            spans.initializeElement(
                at: fieldCount, to: Span(start: fieldStart, end: end, hasDoubledQuotes: fieldHasDoubledQuotes))
        }
        fieldCount += 1
        fieldStart = position + 1
        fieldHasDoubledQuotes = false
        state = .fieldStart
    }

    private mutating func endRow(_ bytes: UnsafeBufferPointer<UInt8>, lineEnd: Int, byteCount: Int) -> Result {
        var end = lineEnd
        if end > fieldStart, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        if state == .quoteSeen { end -= 1 }
        endField(at: end)
        return .row(byteCount: byteCount)
    }

    /// The field's text: doubled quotes become single ones, in place.
    static func unquote(_ span: Span, of row: UnsafeMutablePointer<UInt8>) -> FieldText {
        let start = row + span.start
        guard span.hasDoubledQuotes else {
            return FieldText(start: UnsafePointer(start), count: span.end - span.start)
        }
        var count = 0
        var position = 0
        while position < span.end - span.start {
            let byte = start[position]
            start[count] = byte
            count += 1
            position += byte == UInt8(ascii: "\"") ? 2 : 1
        }
        return FieldText(start: UnsafePointer(start), count: count)
    }
}
