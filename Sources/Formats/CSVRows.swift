import Foundation
import Transactions

/// The rows of CSV text: header first, then a record or a reject for each.
///
/// A row that breaks the rules, or that is longer than a row may be, is rejected as the one line on which it begins, and
/// reading goes on with the next line: a quote that is never closed costs a line and not the file.
///
/// Rows without a quote, which are most, are split by `CSVMarks`; `CSVScanner` takes the others, one at a time.
struct CSVRows: ~Copyable {
    private var buffer = InputBuffer()
    private var scanner: CSVScanner
    private let mapping: Mapping
    private let tokenPeriods: TokenPeriods
    private let separator: UInt8
    private var header: [String] = []
    /// The columns that the mapping reads, once the header is known.
    private(set) var input: InputColumns?
    /// The fields of a row, one for each column of the header.
    private var texts = UnsafeMutableBufferPointer<FieldText>.allocate(capacity: 0)
    /// The line on which the next row begins.
    private(set) var line = 1
    private var isSkipping = false
    private var isAtStart = true

    init(_ mapping: Mapping, _ tokenPeriods: TokenPeriods) {
        self.mapping = mapping
        self.tokenPeriods = tokenPeriods
        separator = mapping.separator.utf8.first!
        scanner = CSVScanner(separator: separator)
    }

    /// Rows under the header that `other` has read.
    init(under other: borrowing CSVRows) {
        self.init(other.mapping, other.tokenPeriods)
        (header, input, isAtStart) = (other.header, other.input, false)
        makeRoomForTexts()
    }

    deinit { texts.deallocate() }

    var unfinishedRow: UnfinishedRow { buffer.unfinishedRow(isSkipping: isSkipping) }

    mutating func begin(after row: UnfinishedRow, firstRow: Int) {
        buffer.begin(after: row)
        scanner.reset()
        (line, isSkipping) = (firstRow, row.isSkipping)
    }

    /// Takes the next bytes in and adds the rows that end in them.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, nowMicroseconds: Int64, _ assembler: inout RowAssembler?,
        into batch: inout ParsedBatch
    ) throws(FormatError) {
        buffer.append(bytes)
        if isAtStart, !(try startsText(isLast: isLast)) { return }
        while buffer.count > 0 {
            if isSkipping {
                skipLine()
                continue
            }
            if !scanner.isInRow, assembler != nil {
                takePlainRows(&assembler!, nowMicroseconds, &batch)
                guard buffer.count > 0 else { break }
            }
            let available = UnsafeBufferPointer(start: buffer.base, count: buffer.count)
            var result = scanner.scan(available, isLast: isLast)
            if case .row(let byteCount) = result, byteCount > InputBuffer.largestRowByteCount { result = .tooLong }
            if case .incomplete = result {
                guard buffer.count > InputBuffer.largestRowByteCount else { return }
                result = .tooLong
            }
            switch result {
            case .row(let byteCount):
                try finishRow(&assembler, nowMicroseconds, &batch)
                line += 1 + scanner.innerLineCount
                buffer.consume(byteCount)
            case .malformed(let message):
                guard assembler != nil else { throw FormatError("line \(line): the header has \(message)") }
                batch.reject(row: line, RowFault(nil, message))
                isSkipping = true
            case .incomplete: return
            }
            scanner.reset()
        }
        if isLast, assembler == nil { throw FormatError("the input has no header: it is empty") }
    }

    /// Takes a byte order mark away; false while there are too few bytes to tell.
    private mutating func startsText(isLast: Bool) throws(FormatError) -> Bool {
        guard isLast || buffer.count >= 3 else { return false }
        isAtStart = false
        let start = (0..<min(3, buffer.count)).map { buffer.base[$0] }
        if start == [0xEF, 0xBB, 0xBF] { buffer.consume(3) }
        if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) {
            throw FormatError("the input is UTF-16; UTF-8 was expected")
        }
        return true
    }

    private mutating func skipLine() {
        if let newline = memchr(buffer.base, 0x0A, buffer.count) {
            buffer.consume(newline - UnsafeMutableRawPointer(buffer.base) + 1)
            line += 1
            isSkipping = false
        } else {
            buffer.consume(buffer.count)
        }
    }

    private mutating func finishRow(
        _ assembler: inout RowAssembler?, _ nowMicroseconds: Int64, _ batch: inout ParsedBatch
    ) throws(FormatError) {
        if isBlankLine {
            batch.blankLineCount += 1
        } else if assembler == nil {
            assembler = try readHeader()
        } else if let fault = rowFault {
            batch.reject(row: line, fault)
        } else {
            for column in header.indices {
                texts[column] = CSVScanner.unquote(scanner.span(column), of: buffer.base)
            }
            assembler!.assemble(
                UnsafeBufferPointer(texts), row: line, nowMicroseconds: nowMicroseconds, into: &batch)
        }
    }

    /// Takes whole rows up to the first that has a quote, or is longer than a row may be.
    private mutating func takePlainRows(
        _ assembler: inout RowAssembler, _ nowMicroseconds: Int64, _ batch: inout ParsedBatch
    ) {
        let start = UnsafePointer(buffer.base)
        let columnCount = texts.count
        let mayHaveNonASCII = buffer.hasNonASCII
        var marks = CSVMarks(start, count: buffer.count, separator: separator)
        var row = start
        while let fieldCount = marks.splitRow(from: row, into: texts) {
            guard marks.rowEnd - row <= InputBuffer.largestRowByteCount else { break }
            if fieldCount == 1, texts[0].bytes.allSatisfy(isBlank) {
                batch.blankLineCount += 1
            } else if fieldCount != columnCount {
                batch.reject(row: line, columnCountFault(fieldCount))
            } else if mayHaveNonASCII, let fault = textFault(of: row..<marks.rowEnd) {
                batch.reject(row: line, fault)
            } else {
                assembler.assemble(
                    UnsafeBufferPointer(texts), row: line, nowMicroseconds: nowMicroseconds, into: &batch)
            }
            line += 1
            row = marks.rowEnd
        }
        buffer.consume(row - start)
    }

    private func columnCountFault(_ count: Int) -> RowFault {
        RowFault(nil, "has \(count) columns, the header has \(header.count)")
    }

    /// Finds the column that is not UTF-8, where the row is not.
    private func textFault(of row: Range<UnsafePointer<UInt8>>) -> RowFault? {
        guard !isUTF8(UnsafeBufferPointer(start: row.lowerBound, count: row.count)),
            let column = texts.firstIndex(where: { !isUTF8($0.bytes) })
        else { return nil }
        return RowFault(nil, "column \(Excerpt.quoted(header[column])) is not UTF-8")
    }

    private var isBlankLine: Bool {
        guard scanner.fieldCount == 1 else { return false }
        let span = scanner.span(0)
        return (span.start == 0 || buffer.base[0] != UInt8(ascii: "\""))
            && (span.start..<span.end).allSatisfy { isBlank(buffer.base[$0]) }
    }

    /// What is wrong with the row as a whole.
    private var rowFault: RowFault? {
        guard scanner.fieldCount == header.count else {
            return columnCountFault(scanner.fieldCount)
        }
        guard scanner.hasNonASCII else { return nil }
        for position in header.indices {
            let span = scanner.span(position)
            let bytes = UnsafeBufferPointer(start: buffer.base + span.start, count: span.end - span.start)
            guard isUTF8(bytes) else {
                return RowFault(nil, "column \(Excerpt.quoted(header[position])) is not UTF-8")
            }
        }
        return nil
    }

    private mutating func readHeader() throws(FormatError) -> RowAssembler {
        guard scanner.fieldCount <= CSVScanner.largestColumnCount else {
            throw FormatError(
                "line \(line): the header has \(scanner.fieldCount) columns; at most "
                    + "\(CSVScanner.largestColumnCount) were expected")
        }
        for position in 0..<scanner.fieldCount {
            let bytes = CSVScanner.unquote(scanner.span(position), of: buffer.base).trimmed.bytes
            guard isUTF8(bytes) else {
                throw FormatError("line \(line): the header's column \(position + 1) is not UTF-8")
            }
            header.append(String(decoding: bytes, as: UTF8.self))
        }
        let input = try CSVHeader(header, line: line).match(mapping)
        self.input = input
        makeRoomForTexts()
        return try RowAssembler(mapping, input, tokenPeriods)
    }

    private mutating func makeRoomForTexts() {
        texts.deallocate()
        texts = .allocate(capacity: header.count)
        texts.initialize(repeating: FieldText(start: UnsafePointer(buffer.base), count: 0))
    }
}

extension CSVScanner.Result {
    fileprivate static let tooLong = CSVScanner.Result.malformed(
        "a row of more than \(InputBuffer.largestRowByteCount) bytes; this line is left aside")
}
