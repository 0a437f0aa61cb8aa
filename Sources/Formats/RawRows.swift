import Transactions

/// Records of 64 bytes, one after the other.
struct RawRows: ~Copyable {
    private var buffer = InputBuffer()
    private var recordNumber = 0

    var nextRow: Int { recordNumber + 1 }

    var unfinishedRow: UnfinishedRow { buffer.unfinishedRow(isSkipping: false) }

    mutating func begin(after row: UnfinishedRow, firstRow: Int) {
        buffer.begin(after: row)
        recordNumber = firstRow - 1
    }

    mutating func read(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, nowMicroseconds: Int64, into batch: inout ParsedBatch
    ) {
        if buffer.count == 0 {
            let taken = take(bytes, nowMicroseconds, &batch)
            buffer.append(UnsafeRawBufferPointer(rebasing: bytes[taken...]))
        } else {
            buffer.append(bytes)
            let taken = take(
                UnsafeRawBufferPointer(start: buffer.base, count: buffer.count), nowMicroseconds, &batch)
            buffer.consume(taken)
        }
        if isLast, buffer.count > 0 {
            let message = "the input ends inside a record, after \(buffer.count) of its \(Record.byteCount) bytes"
            batch.rejects.append(RowReject(row: recordNumber + 1, field: nil, message: message))
            buffer.removeAll()
        }
    }

    /// Takes whole records.
    /// - Returns: their bytes.
    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ nowMicroseconds: Int64, _ batch: inout ParsedBatch
    ) -> Int {
        let count = bytes.count / Record.byteCount
        for position in 0..<count {
            let record = bytes.loadUnaligned(fromByteOffset: position * Record.byteCount, as: Record.self)
            recordNumber += 1
            if let fault = record.fault(nowMicroseconds: nowMicroseconds) {
                batch.rejects.append(RowReject(row: recordNumber, fault: fault))
            } else {
                batch.records.append(record)
                batch.rows.append(recordNumber)
            }
        }
        return count * Record.byteCount
    }
}
