import Transactions

/// Decodes blocks of up to 65,536 records. Not for use by two threads at once.
///
/// Takes a parsed header and the bytes from the block's start. Everything read is checked first; bytes that no encoder
/// wrote end in a `BlockError`, and never in a trap or more memory than is allocated here once (about 15 MB) and
/// a table at the first range-coded column (256 KiB).
public final class BlockDecoder {
    /// The most records of a block.
    public let capacity: Int
    private let table: ColumnTable
    private let columnDecoder: ColumnDecoder
    private let rowReader: RowReader

    /// A decoder of blocks of up to `capacity` records, 1 to 65,536.
    public init(capacity: Int = BlockHeader.largestRecordCount) {
        precondition((1...BlockHeader.largestRecordCount).contains(capacity), "a block has 1 to 65,536 records")
        self.capacity = capacity
        table = ColumnTable(capacity: capacity)
        columnDecoder = ColumnDecoder(capacity: capacity)
        rowReader = RowReader(table)
    }

    /// Decodes all records, or only the fields of `columns`, to the first `header.recordCount` places of `records`.
    ///
    /// Only the columns read are verified. Fields outside `columns` are 0, or in a block of rows what was recorded.
    /// After an error `records` holds any values. `columns` with a part of an id's columns is taken as `.ids`.
    public func decode(
        _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer, columns: ColumnSet = .all,
        into records: UnsafeMutableBufferPointer<Record>
    ) throws(BlockError) {
        try checkLength(header, bytes)
        precondition(
            header.recordCount <= min(capacity, records.count), "more records than there is room for")
        guard header.recordCount > 0 else { return }
        let output = UnsafeMutableBufferPointer(rebasing: records[..<header.recordCount])
        if header.layout == .rows {
            UnsafeMutableRawBufferPointer(output).copyMemory(from: try verifiedRows(header, bytes))
            try checkTimes(
                header, output.reduce(.max) { min($0, $1.timeMicroseconds) },
                output.reduce(.min) { max($0, $1.timeMicroseconds) })
            return
        }
        let withIDs = !columns.isDisjoint(with: ColumnSet(rawValue: 1 << 10 - 1))
        let wanted = withIDs ? columns.union(.ids) : columns
        try readColumns(header, bytes, wanted)
        if withIDs { try checkRanks(header, bytes) }
        var joiner = RecordJoiner()
        let outcome = joiner.join(table, withIDs: withIDs, into: output)
        guard outcome.areIDsValid else { throw .valueOutOfRange(.timeOrderedMilliseconds) }
        if wanted.contains(.time) { try checkTimes(header, outcome.earliest, outcome.latest) }
    }

    /// Decodes the records at `rows`, which ascend and lie below `header.recordCount`, to the first places of `records`.
    ///
    /// - Parameter columns: those of ids and perhaps others; of a block of columns, fields outside may be anything.
    /// A row costs a part of a piece (`Piece`), whatever the block's size; rows of the same piece cost hardly more than
    /// one. For whoever verified the block before (`verify`): no checksum is looked at here. Bytes that were not
    /// verified yield an error or wrong records, and nothing worse.
    public func decode(
        _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer, rows: [Int], columns: ColumnSet = .all,
        into records: UnsafeMutableBufferPointer<Record>
    ) throws(BlockError) {
        try checkLength(header, bytes)
        precondition(rows.count <= min(capacity, records.count), "more records than there is room for")
        guard let first = rows.first, let last = rows.last else { return }
        precondition(first >= 0 && last < header.recordCount, "a row that the block does not have")
        precondition(zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 }, "rows that do not ascend")
        let output = UnsafeMutableBufferPointer(rebasing: records[..<rows.count])
        guard header.layout == .columns else {
            for (number, row) in rows.enumerated() {
                output[number] = bytes.loadUnaligned(
                    fromByteOffset: header.payloadOffset + row * Record.byteCount, as: Record.self)
            }
            return
        }
        precondition(columns.isSuperset(of: .ids), "a record without its id")
        try rowReader.read(header, bytes, rows, columns)
        var joiner = RecordJoiner()
        guard joiner.join(table, withIDs: true, into: output).areIDsValid else {
            throw .valueOutOfRange(.timeOrderedMilliseconds)
        }
    }

    /// The values of one column as they are stored, valid until the decoder's next call.
    ///
    /// One for each record, or for each record of the column's class, or for ranks one for each piece; for `time` and `amount` plus 2^63. Nil for a block
    /// that is stored as rows.
    public func values(
        of column: Column, _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer
    ) throws(BlockError) -> UnsafeBufferPointer<UInt64>? {
        try checkLength(header, bytes)
        precondition(header.recordCount <= capacity, "more records than there is room for")
        guard header.layout == .columns else { return nil }
        if column.idClass != nil { try readColumn(.idClass, header, bytes, count: header.recordCount) }
        let idCounts = column.idClass == nil ? IDClassCounts() : countIDs(header.recordCount)
        let count = column.valueCount(recordCount: header.recordCount, idCounts: idCounts)
        try readColumn(column, header, bytes, count: count)
        return UnsafeBufferPointer(table.values(column, count: count))
    }

    /// Fields of all records side by side, each verified; whatever else the block holds is not looked at.
    ///
    /// - Parameters:
    ///   - wanted: columns of `ColumnSet.fields`.
    ///   - bytes: from the block's start; those outside `header.byteRanges(of: wanted)` may be anything.
    public func columns(
        _ wanted: ColumnSet, of header: BlockHeader, _ bytes: UnsafeRawBufferPointer
    ) throws(BlockError) -> BlockColumns {
        precondition(wanted.isSubset(of: .fields), "a column that not every record has")
        precondition(header.recordCount <= capacity, "more records than there is room for")
        let total = header.totalByteCount
        guard bytes.count >= total else { throw .truncated(needed: total, available: bytes.count) }
        if header.layout == .rows {
            var splitter = RecordSplitter()
            let rows = try verifiedRows(header, bytes)
            // Rows lie where the names before them end, which is no place for whole words.
            withUnsafeTemporaryAllocation(of: Record.self, capacity: max(1, header.recordCount)) { records in
                let records = UnsafeMutableBufferPointer(rebasing: records[..<header.recordCount])
                UnsafeMutableRawBufferPointer(records).copyMemory(from: rows)
                splitter.split(UnsafeBufferPointer(records), into: table)
            }
        } else {
            for column in Column.allCases where wanted.contains(column) {
                try readColumn(column, header, bytes, count: header.recordCount)
            }
        }
        if wanted.contains(.time), header.recordCount > 0 {
            var (earliest, latest) = (UInt64.max, UInt64.min)
            for time in table.values(.time, count: header.recordCount) {
                earliest = min(earliest, time)
                latest = max(latest, time)
            }
            try checkTimes(header, Int64(bitPattern: earliest ^ signBit), Int64(bitPattern: latest ^ signBit))
        }
        return BlockColumns(count: header.recordCount, table: table, filled: wanted)
    }

    /// The declarations, verified.
    public func declarations(
        _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer
    ) throws(BlockError) -> [Declaration] {
        let end = header.byteCount + header.declarationsByteCount
        guard bytes.count >= end else { throw .truncated(needed: end, available: bytes.count) }
        let declared = UnsafeRawBufferPointer(rebasing: bytes[header.byteCount..<end])
        guard crc32c(of: declared) == header.declarationsChecksum else {
            throw .declarationsChecksum
        }
        return try Declaration.parse(declared, count: header.declarationCount)
    }

    /// Checks every checksum and every byte that must be zero, without decoding the records.
    public func verify(_ header: BlockHeader, _ bytes: UnsafeRawBufferPointer) throws(BlockError) {
        try checkLength(header, bytes)
        _ = try declarations(header, bytes)
        if header.layout == .rows { _ = try verifiedRows(header, bytes) }
        var offset = header.payloadOffset
        for descriptor in header.columns {
            let stored = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + descriptor.storedByteCount])
            offset += descriptor.storedByteCount
            guard let column = Column(rawValue: descriptor.number) else { throw .malformed("number of a column") }
            guard crc32c(of: stored) == descriptor.checksum else {
                throw .column(column, .checksum)
            }
        }
    }

    private func checkLength(_ header: BlockHeader, _ bytes: UnsafeRawBufferPointer) throws(BlockError) {
        let total = header.totalByteCount
        guard bytes.count >= total else { throw .truncated(needed: total, available: bytes.count) }
        let padding = bytes[header.payloadOffset + header.payloadByteCount..<total]
        guard padding.allSatisfy({ $0 == 0 }) else { throw .malformed("padding") }
    }

    private func verifiedRows(
        _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer
    ) throws(BlockError) -> UnsafeRawBufferPointer {
        let start = header.payloadOffset
        let rows = UnsafeRawBufferPointer(rebasing: bytes[start..<start + header.payloadByteCount])
        guard crc32c(of: rows) == header.rowsChecksum else { throw .rowsChecksum }
        return rows
    }

    private func checkTimes(_ header: BlockHeader, _ earliest: Int64, _ latest: Int64) throws(BlockError) {
        guard earliest == header.earliestTimeMicroseconds, latest == header.latestTimeMicroseconds else {
            throw .malformed("time range")
        }
    }

    /// Fills the table with the wanted columns, and the others with what makes their fields 0.
    private func readColumns(
        _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer, _ wanted: ColumnSet
    ) throws(BlockError) {
        if wanted.contains(.idClass) {
            try readColumn(.idClass, header, bytes, count: header.recordCount)
        }
        let idCounts = wanted.contains(.idClass) ? countIDs(header.recordCount) : IDClassCounts()
        for column in Column.allCases where column != .idClass && !column.isRank {
            let count = column.valueCount(recordCount: header.recordCount, idCounts: idCounts)
            if wanted.contains(column) {
                try readColumn(column, header, bytes, count: count)
            } else if column.idClass == nil {
                let zero = column == .time || column == .amount ? signBit : 0
                table.values(column, count: count).update(repeating: zero)
            }
        }
    }

    private func readColumn(
        _ column: Column, _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer, count: Int
    ) throws(BlockError) {
        let output = table.values(column, count: count)
        var offset = header.payloadOffset
        for descriptor in header.columns {
            guard descriptor.number == column.rawValue else {
                offset += descriptor.storedByteCount
                continue
            }
            let stored = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + descriptor.storedByteCount])
            do throws(ColumnError) {
                try columnDecoder.decode(descriptor, stored, into: output)
            } catch {
                throw .column(column, error)
            }
            return try column.checkRange(output)
        }
        output.update(repeating: 0)
    }

    /// Single rows find their ids by the ranks, which must be what the classes of all ids say.
    private func checkRanks(_ header: BlockHeader, _ bytes: UnsafeRawBufferPointer) throws(BlockError) {
        let classes = table.values(.idClass, count: header.recordCount)
        let pieceCount = Piece.count(of: header.recordCount)
        for (column, idClass) in [(Column.randomRank, 1), (.textRank, 2), (.otherRank, 3)] as [(Column, UInt64)] {
            try readColumn(column, header, bytes, count: pieceCount)
            let ranks = table.values(column, count: pieceCount)
            var rank: UInt64 = 0
            for piece in 0..<pieceCount {
                guard ranks[piece] == rank else { throw .column(column, .malformed("rank")) }
                for each in classes[Piece.range(piece, of: header.recordCount)] { rank &+= each == idClass ? 1 : 0 }
            }
        }
    }

    private func countIDs(_ recordCount: Int) -> IDClassCounts {
        var counts = IDClassCounts()
        for idClass in table.values(.idClass, count: recordCount) {
            counts.timeOrdered &+= idClass == 0 ? 1 : 0
            counts.random &+= idClass == 1 ? 1 : 0
            counts.text &+= idClass == 2 ? 1 : 0
            counts.other &+= idClass == 3 ? 1 : 0
        }
        return counts
    }
}
