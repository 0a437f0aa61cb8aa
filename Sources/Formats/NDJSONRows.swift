import Foundation
import Transactions

/// The rows of NDJSON: one object on each line.
struct NDJSONRows: ~Copyable {
    private var buffer = InputBuffer()
    private var object: JSONObjectReader
    /// Bytes at the front of the buffer that hold no line break.
    private var searchedByteCount = 0
    /// The number of the next line.
    private(set) var line = 1
    private var isSkipping = false
    private var isAtStart: Bool

    /// - Parameter isFirst: false for rows from somewhere in the input, where no byte order mark can come.
    init(_ mapping: Mapping, _ input: InputColumns, isFirst: Bool = true) {
        isAtStart = isFirst
        object = JSONObjectReader(mapping, input)
    }

    var unfinishedRow: UnfinishedRow { buffer.unfinishedRow(isSkipping: isSkipping) }

    var keysNeverSeen: [String] { object.keysNeverSeen }

    /// After `begin`: what comes next is another input.
    mutating func restart(mayHaveMark: Bool) {
        isAtStart = mayHaveMark
        object.restart()
    }

    mutating func begin(after row: UnfinishedRow, firstRow: Int) {
        buffer.begin(after: row)
        (line, isSkipping, searchedByteCount) = (firstRow, row.isSkipping, 0)
    }

    mutating func read(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, nowMicroseconds: Int64, _ assembler: inout RowAssembler?,
        into batch: inout ParsedBatch
    ) {
        buffer.append(bytes)
        if isAtStart {
            guard isLast || buffer.count >= 3 else { return }
            isAtStart = false
            if buffer.count >= 3, buffer.base[0] == 0xEF, buffer.base[1] == 0xBB, buffer.base[2] == 0xBF {
                buffer.consume(3)
            }
        }
        while let (byteCount, isLine) = nextLine(isLast: isLast) {
            if !isSkipping {
                if byteCount > InputBuffer.largestRowByteCount {
                    batch.reject(row: line, .init(nil, "a line of more than \(InputBuffer.largestRowByteCount) bytes"))
                } else {
                    readLine(byteCount, nowMicroseconds, &assembler!, &batch)
                }
            }
            isSkipping = !isLine
            if isLine { line += 1 }
            buffer.consume(min(buffer.count, byteCount + 1))
            searchedByteCount = 0
        }
    }

    /// The bytes before the next line break; or all that there are, when they are the last or too many for one line.
    private mutating func nextLine(isLast: Bool) -> (byteCount: Int, isLine: Bool)? {
        let start = buffer.base + searchedByteCount
        if let newline = memchr(start, 0x0A, buffer.count - searchedByteCount) {
            return (newline - UnsafeMutableRawPointer(buffer.base), true)
        }
        searchedByteCount = buffer.count
        guard buffer.count > (isLast ? 0 : InputBuffer.largestRowByteCount) else { return nil }
        return (buffer.count, false)
    }

    private mutating func readLine(
        _ byteCount: Int, _ nowMicroseconds: Int64, _ assembler: inout RowAssembler, _ batch: inout ParsedBatch
    ) {
        let text = UnsafeMutableBufferPointer(start: buffer.base, count: byteCount)
        guard !text.allSatisfy({ isBlank($0) || $0 == UInt8(ascii: "\r") }) else {
            batch.blankLineCount += 1
            return
        }
        guard !buffer.hasNonASCII || isUTF8(UnsafeBufferPointer(text)) else {
            batch.reject(row: line, RowFault(nil, "is not UTF-8"))
            return
        }
        do throws(JSONFault) {
            try object.read(text)
            assembler.assemble(object.texts, row: line, nowMicroseconds: nowMicroseconds, into: &batch)
        } catch {
            batch.reject(row: line, RowFault(nil, "character \(error.offset + 1): \(error.message)"))
        }
    }
}
