import CPlatform
import Transactions

extension FileFormat {
    /// How many of the bytes, which begin with a row, are whole rows; 0 when no row ends in them.
    ///
    /// In CSV a row ends at a line feed with an even number of quotes before it. That is so wherever the input keeps the
    /// rules; `ChunkOrder` finds out where it does not.
    public func wholeRowByteCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch self {
        case .raw: return bytes.count / Record.byteCount * Record.byteCount
        case .ndjson: return lineEnd(in: bytes)
        case .csv: break
        }
        let last = lineEnd(in: bytes)
        var quotesBefore = quoteCount(in: bytes)
        var end = bytes.count
        var line = last
        while line > 0, quotesBefore > 0 {
            quotesBefore -= quoteCount(in: UnsafeRawBufferPointer(rebasing: bytes[line..<end]))
            if quotesBefore % 2 == 0 { return line }
            end = line
            line = lineEnd(in: UnsafeRawBufferPointer(rebasing: bytes[..<(line - 1)]))
        }
        return last
    }

    /// Behind the last line feed; 0 when there is none.
    private func lineEnd(in bytes: UnsafeRawBufferPointer) -> Int {
        var end = bytes.count
        while end > 0, bytes[end - 1] != UInt8(ascii: "\n") { end -= 1 }
        return end
    }

    private func quoteCount(in bytes: UnsafeRawBufferPointer) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        return sluice_count_byte(base.assumingMemoryBound(to: UInt8.self), bytes.count, UInt8(ascii: "\""))
    }
}

/// Puts in order what several readers made of an input's chunks, so that it is what one reader of the whole would have made.
///
/// Each reader takes its chunk for one that begins with a row. That is right when the chunk before ended with one, which its
/// own reader knows. Where it did not (a quote that is never closed, a row longer than rows may be), the chunk is read again,
/// now with what came before: a wrong guess costs time and nothing else.
public struct ChunkOrder {
    private var unfinished = UnfinishedRow.none
    private var rowCount = 0

    /// The order of an input of which nothing was read.
    public init() {}

    /// Takes the turn of a chunk that was read ahead.
    /// - Parameter batch: what `reader` made of the chunk with `readChunk`. Its tokens may be supplied, its codes not yet.
    public mutating func settle(
        _ batch: inout ParsedBatch, of chunk: UnsafeRawBufferPointer, _ reader: inout RowReader, nowMicroseconds: Int64
    ) throws(FormatError) {
        guard unfinished.isNone else {
            return batch = try readNext(chunk, &reader, nowMicroseconds: nowMicroseconds)
        }
        batch.shiftRows(by: rowCount)
        take(reader)
    }

    /// Reads the next chunk, knowing what came before.
    public mutating func readNext(
        _ chunk: UnsafeRawBufferPointer, _ reader: inout RowReader, nowMicroseconds: Int64
    ) throws(FormatError) -> ParsedBatch {
        reader.begin(after: unfinished, firstRow: rowCount + 1)
        let batch = try reader.read(chunk, nowMicroseconds: nowMicroseconds)
        take(reader)
        return batch
    }

    /// Takes note that the input has ended: a last row may lack its line break.
    /// - Parameter reader: any of the readers.
    public func finish(_ reader: inout RowReader, nowMicroseconds: Int64) throws(FormatError) -> ParsedBatch {
        reader.begin(after: unfinished, firstRow: rowCount + 1)
        return try reader.finish(nowMicroseconds: nowMicroseconds)
    }

    private mutating func take(_ reader: borrowing RowReader) {
        rowCount += reader.finishedRowCount
        unfinished = reader.unfinishedRow
    }
}
