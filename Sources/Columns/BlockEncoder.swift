import Transactions

/// A block as it is to be written.
public struct EncodedBlock {
    /// All bytes, a multiple of 8; valid until the encoder's next block.
    public var bytes: UnsafeRawBufferPointer
    /// The header, as a reader of the bytes would parse it. Its `checksum` goes into the next block's preface.
    public var header: BlockHeader
}

/// Encodes blocks of up to 65,536 records. Not for use by two threads at once.
///
/// Memory (about 4 MB for the largest blocks, besides the scratch) is allocated once and grows only with the declarations. The
/// rows or columns are written at a fixed place and the declarations and the header before them, when it is known how
/// long these are.
public final class BlockEncoder {
    /// Of so few records columns take no less than rows, because of their directory.
    public static let leastRowsRecordCount = 16
    private static let slackByteCount = 64

    /// The most records of a block.
    public let capacity: Int
    private let scratch: EncodingScratch
    private let rowsRecordCount: Int
    private var buffer: UnsafeMutableRawPointer
    private var declarationsCapacity = 0

    /// An encoder of blocks of up to `capacity` records, 1 to 65,536.
    public convenience init(capacity: Int = BlockHeader.largestRecordCount) {
        self.init(scratch: EncodingScratch(capacity: capacity))
    }

    /// An encoder that shares scratch memory with others.
    /// - Parameter rowsRecordCount: blocks of at most so many records are stored as rows without trying columns.
    public init(scratch: EncodingScratch, rowsRecordCount: Int = leastRowsRecordCount) {
        capacity = scratch.capacity
        self.scratch = scratch
        self.rowsRecordCount = rowsRecordCount
        buffer = BlockEncoder.allocate(capacity: capacity, declarationsCapacity: 0)
    }

    deinit { buffer.deallocate() }

    private static func allocate(capacity: Int, declarationsCapacity: Int) -> UnsafeMutableRawPointer {
        let front = BlockHeader.largestByteCount + declarationsCapacity
        return .allocate(byteCount: front + capacity * Record.byteCount + slackByteCount, alignment: 64)
    }

    /// The most bytes that a block of so many records and bytes of declarations can take: those of its rows, because
    /// columns are stored only where they take less. A multiple of 8.
    public static func largestByteCount(recordCount: Int, declarationsByteCount: Int) -> Int {
        (BlockHeader.fixedByteCount + declarationsByteCount + recordCount * Record.byteCount + 7) / 8 * 8
    }

    /// Encodes `records`, at most `capacity`; a mark when there are none.
    ///
    /// The declarations' texts must have the lengths that `Declaration` allows, 2^28 bytes together, and the sequences
    /// must begin at 1 and not overflow: these are the caller's to check beforehand, and trap here.
    public func encode(
        _ records: UnsafeBufferPointer<Record>, preface: BlockPreface, declarations: [Declaration] = []
    ) -> EncodedBlock {
        precondition(records.count <= capacity, "more records than the encoder has room for")
        precondition(
            preface.firstSequence >= 1 && preface.firstSequence <= .max - UInt64(records.count), "sequences overflow")
        var header = BlockHeader(preface: preface, layout: records.isEmpty ? .mark : .rows, recordCount: records.count)
        let declared = declare(declarations, header: &header)
        let payload = buffer + BlockHeader.largestByteCount + declarationsCapacity
        var payloadByteCount = 0
        if !records.isEmpty {
            payloadByteCount =
                writeColumns(records, to: payload, header: &header) ?? writeRows(records, to: payload, header: &header)
        }
        let start = payload - declared.count - header.byteCount
        declared.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress {
                (start + header.byteCount).copyMemory(from: base, byteCount: bytes.count)
            }
        }
        (payload + payloadByteCount).storeBytes(of: 0, as: UInt64.self)
        header.checksum = header.write(to: start)
        return EncodedBlock(bytes: UnsafeRawBufferPointer(start: start, count: header.totalByteCount), header: header)
    }

    private func declare(_ declarations: [Declaration], header: inout BlockHeader) -> [UInt8] {
        var bytes: [UInt8] = []
        for declaration in declarations { declaration.append(to: &bytes) }
        precondition(bytes.count <= BlockHeader.largestDeclarationsByteCount, "too many declarations for one block")
        header.declarationsByteCount = bytes.count
        header.declarationCount = declarations.count
        header.declarationsChecksum = bytes.withUnsafeBytes { crc32c(of: $0) }
        if bytes.count > declarationsCapacity {
            buffer.deallocate()
            declarationsCapacity = (bytes.count * 2 + 7) / 8 * 8
            buffer = BlockEncoder.allocate(capacity: capacity, declarationsCapacity: declarationsCapacity)
        }
        return bytes
    }

    private func writeRows(
        _ records: UnsafeBufferPointer<Record>, to payload: UnsafeMutableRawPointer, header: inout BlockHeader
    ) -> Int {
        let rows = UnsafeRawBufferPointer(records)
        payload.copyMemory(from: rows.baseAddress.unsafelyUnwrapped, byteCount: rows.count)
        header.layout = .rows
        header.columns = []
        header.rowsChecksum = crc32c(of: rows)
        header.earliestTimeMicroseconds = records.reduce(.max) { min($0, $1.timeMicroseconds) }
        header.latestTimeMicroseconds = records.reduce(.min) { max($0, $1.timeMicroseconds) }
        return rows.count
    }

    /// Nil where rows take no more; what was written of the columns is then worthless.
    private func writeColumns(
        _ records: UnsafeBufferPointer<Record>, to payload: UnsafeMutableRawPointer, header: inout BlockHeader
    ) -> Int? {
        guard records.count > rowsRecordCount else { return nil }
        let (splitter, columns) = scratch.encode(records)
        header.layout = .columns
        header.earliestTimeMicroseconds = splitter.earliest
        header.latestTimeMicroseconds = splitter.latest
        let rowsByteCount = records.count * Record.byteCount
        var payloadByteCount = 0
        for column in columns where !column.isAllZeros {
            header.columns.append(column.descriptor)
            let directoryByteCount = header.columns.count * ColumnDescriptor.byteCount
            guard directoryByteCount + payloadByteCount + column.bytes.count < rowsByteCount else { return nil }
            if let base = column.bytes.baseAddress {
                (payload + payloadByteCount).copyMemory(from: base, byteCount: column.bytes.count)
            }
            payloadByteCount += column.bytes.count
        }
        return payloadByteCount
    }
}

extension EncodedColumn {
    /// What a column is that a block does not name.
    fileprivate var isAllZeros: Bool {
        descriptor.codec == .constant && descriptor.transform == .none && descriptor.reference == 0
    }
}
