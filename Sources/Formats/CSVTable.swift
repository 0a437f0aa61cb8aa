import Foundation

/// All of a CSV text at once: a header, and rows with as many fields. For lists that a person keeps, not for days of
/// transactions.
public struct CSVTable: Sendable {
    /// A row.
    public struct Row: Sendable {
        /// The line on which it begins, from 1.
        public var number: Int
        /// A field for each column, without blanks at both ends.
        public var fields: [String]
    }

    /// The names of the columns.
    public private(set) var header: [String] = []
    /// The rows below the header that are whole.
    public private(set) var rows: [Row] = []
    /// Those that break the rules.
    public private(set) var rejects: [RowReject] = []

    /// Reads RFC 4180 in UTF-8, with or without a byte order mark. Blank lines are passed over.
    /// - Throws: `FormatError` when there is no header, or one that cannot be used.
    public init(_ bytes: [UInt8], separator: UInt8 = UInt8(ascii: ",")) throws(FormatError) {
        var text = bytes[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        if text.starts(with: [0xFF, 0xFE]) || text.starts(with: [0xFE, 0xFF]) {
            throw FormatError("the input is UTF-16; UTF-8 was expected")
        }
        var scanner = CSVScanner(separator: separator)
        var line = 1
        var buffer = InputBuffer()
        text.withUnsafeBytes { buffer.append($0) }
        while buffer.count > 0 {
            let result = scanner.scan(UnsafeBufferPointer(start: buffer.base, count: buffer.count), isLast: true)
            var byteCount = buffer.count
            switch result {
            case .row(let count):
                byteCount = count
                try take((0..<scanner.fieldCount).map { scanner.text($0, of: buffer.base) }, line: line)
                line += scanner.innerLineCount
            case .malformed(let message):
                if header.isEmpty { throw FormatError("line \(line): the header has \(message)") }
                rejects.append(RowReject(row: line, field: nil, message: "has \(message)"))
                if let feed = memchr(buffer.base, 0x0A, buffer.count) {
                    byteCount = feed - UnsafeMutableRawPointer(buffer.base) + 1
                }
            case .incomplete: preconditionFailure("the last bytes end a row")
            }
            buffer.consume(byteCount)
            line += 1
            scanner.reset()
        }
        if header.isEmpty { throw FormatError("the input has no header: it is empty") }
    }

    private mutating func take(_ fields: [String?], line: Int) throws(FormatError) {
        if fields.count == 1, fields[0]?.isEmpty == true { return }
        if fields.count > CSVScanner.largestColumnCount {
            throw FormatError("line \(line) has more than \(CSVScanner.largestColumnCount) columns")
        }
        guard !header.isEmpty else {
            for (place, name) in fields.enumerated() {
                guard let name, !name.isEmpty else {
                    throw FormatError("line \(line): the header's column \(place + 1) has no name in UTF-8")
                }
                if header.contains(name) { throw FormatError("line \(line): the header has '\(name)' twice") }
                header.append(name)
            }
            return
        }
        guard fields.count == header.count else {
            let message = "has \(fields.count) columns, the header has \(header.count)"
            return rejects.append(RowReject(row: line, field: nil, message: message))
        }
        if let place = fields.firstIndex(of: nil) {
            return rejects.append(RowReject(row: line, field: header[place], message: "is not UTF-8"))
        }
        rows.append(Row(number: line, fields: fields.compactMap(\.self)))
    }
}

extension CSVScanner {
    /// A field of the row that was scanned last, without blanks at both ends; nil when it is not UTF-8.
    fileprivate func text(_ field: Int, of row: UnsafeMutablePointer<UInt8>) -> String? {
        guard field < CSVScanner.largestColumnCount else { return "" }
        return String(validating: CSVScanner.unquote(span(field), of: row).trimmed.bytes, as: UTF8.self)
    }
}
