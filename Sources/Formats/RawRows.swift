import Transactions

/// Records of 64 bytes, one after the other.
struct RawRows: ~Copyable {
    private var buffer = InputBuffer()
    private var recordNumber = 0

    mutating func read(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, nowMicroseconds: Int64, into batch: inout ParsedBatch
    ) {
        buffer.append(bytes)
        let count = buffer.count / Record.byteCount
        let source = UnsafeRawPointer(buffer.base)
        for position in 0..<count {
            let record = source.loadUnaligned(fromByteOffset: position * Record.byteCount, as: Record.self)
            recordNumber += 1
            if let fault = record.fault(nowMicroseconds: nowMicroseconds) {
                batch.rejects.append(RowReject(row: recordNumber, fault: fault))
            } else {
                batch.records.append(record)
                batch.rows.append(recordNumber)
            }
        }
        buffer.consume(count * Record.byteCount)
        if isLast, buffer.count > 0 {
            let message = "the input ends inside a record, after \(buffer.count) of its \(Record.byteCount) bytes"
            batch.rejects.append(RowReject(row: recordNumber + 1, field: nil, message: message))
            buffer.consume(buffer.count)
        }
    }
}
