import Transactions

extension BlockHeader {
    /// Reads the header at the start of `bytes`, which may end behind it, and checks all that it says of itself.
    ///
    /// What passes is bounded: at most 65,536 records, each column at most 8 bytes a value, and `totalByteCount` equal
    /// to the sum of the parts. Throws `.truncated` when the header is longer than the bytes.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(BlockError) {
        let header = try BlockHeader.intactHeader(at: bytes)
        guard header[4] == BlockHeader.version else { throw .unsupportedVersion(found: header[4]) }
        guard header[5] == Record.version else { throw .unsupportedRecordVersion(found: header[5]) }
        guard let layout = Layout(rawValue: header[6]) else { throw .malformed("layout") }
        guard header[7] == 0 else { throw .malformed("reserved byte") }
        let columnCount = Int(header.word(at: 128))
        guard columnCount <= Column.allCases.count, header.count == BlockHeader.byteCount(columnCount: columnCount)
        else { throw .malformed("number of columns") }
        self.layout = layout
        preface = BlockPreface(
            firstSequence: header.doubleWord(at: 40),
            commitTimeMicroseconds: Int64(bitPattern: header.doubleWord(at: 48)),
            ledger: header.doubleWord(at: 24), offset: header.doubleWord(at: 32),
            previousChecksum: header.word(at: 20), chainLinkCount: header.doubleWord(at: 72),
            chainDigest: Array(header[80..<112]))
        recordCount = Int(header.word(at: 12))
        earliestTimeMicroseconds = Int64(bitPattern: header.doubleWord(at: 56))
        latestTimeMicroseconds = Int64(bitPattern: header.doubleWord(at: 64))
        declarationsByteCount = Int(header.word(at: 112))
        declarationCount = Int(header.word(at: 116))
        declarationsChecksum = header.word(at: 120)
        rowsChecksum = header.word(at: 124)
        checksum = header.word(at: header.count - 4)
        columns = try BlockHeader.parseDirectory(header, columnCount: columnCount)
        try checkConsistency()
        guard Int(header.word(at: 16)) == totalByteCount else { throw .malformed("total length") }
    }

    /// The bytes of the header, of whatever version, once its checksum was found to match.
    private static func intactHeader(at bytes: UnsafeRawBufferPointer) throws(BlockError) -> UnsafeRawBufferPointer {
        guard bytes.count >= commonByteCount else {
            throw .truncated(needed: commonByteCount, available: bytes.count)
        }
        guard bytes.word(at: 0) == magic else { throw .badMagic }
        let byteCount = Int(bytes.word(at: 8))
        guard byteCount >= commonByteCount + 4, byteCount <= largestCommonByteCount else {
            throw .malformed("header length")
        }
        guard bytes.count >= byteCount else { throw .truncated(needed: byteCount, available: bytes.count) }
        let header = UnsafeRawBufferPointer(rebasing: bytes[..<byteCount])
        guard crc32c(of: UnsafeRawBufferPointer(rebasing: header.dropLast(4))) == header.word(at: byteCount - 4) else {
            throw .headerChecksum
        }
        guard header[4] != version || byteCount >= fixedByteCount else { throw .malformed("header length") }
        return header
    }

    private static func parseDirectory(
        _ header: UnsafeRawBufferPointer, columnCount: Int
    ) throws(BlockError) -> [ColumnDescriptor] {
        var columns: [ColumnDescriptor] = []
        for index in 0..<columnCount {
            let offset = 132 + index * ColumnDescriptor.byteCount
            guard let column = Column(rawValue: header[offset + 3]) else { throw .malformed("number of a column") }
            if let last = columns.last, last.number >= column.rawValue { throw .malformed("order of columns") }
            do throws(ColumnError) {
                columns.append(try ColumnDescriptor(parsing: header, at: offset))
            } catch {
                throw .column(column, error)
            }
        }
        return columns
    }

    private func checkConsistency() throws(BlockError) {
        guard recordCount <= BlockHeader.largestRecordCount else { throw .malformed("number of records") }
        guard (recordCount == 0) == (layout == .mark) else { throw .malformed("layout") }
        guard layout == .columns || columns.isEmpty else { throw .malformed("directory") }
        guard layout == .rows || rowsChecksum == 0 else { throw .malformed("checksum of rows") }
        guard preface.firstSequence >= 1, preface.firstSequence <= UInt64.max - UInt64(recordCount) else {
            throw .malformed("first sequence")
        }
        guard earliestTimeMicroseconds <= latestTimeMicroseconds else { throw .malformed("time range") }
        guard layout != .mark || (earliestTimeMicroseconds == 0 && latestTimeMicroseconds == 0) else {
            throw .malformed("time range")
        }
        guard declarationsByteCount <= BlockHeader.largestDeclarationsByteCount,
            declarationCount <= declarationsByteCount / Declaration.fixedByteCount
        else { throw .malformed("declarations") }
        for descriptor in columns {
            guard let column = Column(rawValue: descriptor.number) else { throw .malformed("number of a column") }
            let isOfSomeRecords = column.idClass != nil
            let most = column.valueCount(
                recordCount: recordCount, idCounts: IDClassCounts(eachOf: recordCount))
            guard isOfSomeRecords ? (1...most).contains(descriptor.count) : descriptor.count == most
            else { throw .malformed("number of values") }
        }
    }

    /// Writes the header with its directory and checksum, `byteCount` bytes; returns the checksum.
    package func write(to destination: UnsafeMutableRawPointer) -> UInt32 {
        let bytes = UnsafeMutableRawBufferPointer(start: destination, count: byteCount)
        bytes.store(BlockHeader.magic, at: 0)
        bytes.store(BlockHeader.version, at: 4)
        bytes.store(Record.version, at: 5)
        bytes.store(layout.rawValue, at: 6)
        bytes.store(UInt8(0), at: 7)
        bytes.store(UInt32(byteCount), at: 8)
        bytes.store(UInt32(recordCount), at: 12)
        bytes.store(UInt32(totalByteCount), at: 16)
        bytes.store(preface.previousChecksum, at: 20)
        bytes.store(preface.ledger, at: 24)
        bytes.store(preface.offset, at: 32)
        bytes.store(preface.firstSequence, at: 40)
        bytes.store(preface.commitTimeMicroseconds, at: 48)
        bytes.store(earliestTimeMicroseconds, at: 56)
        bytes.store(latestTimeMicroseconds, at: 64)
        bytes.store(preface.chainLinkCount, at: 72)
        for (index, byte) in preface.chainDigest.enumerated() { bytes.store(byte, at: 80 + index) }
        bytes.store(UInt32(declarationsByteCount), at: 112)
        bytes.store(UInt32(declarationCount), at: 116)
        bytes.store(declarationsChecksum, at: 120)
        bytes.store(rowsChecksum, at: 124)
        bytes.store(UInt32(columns.count), at: 128)
        for (index, descriptor) in columns.enumerated() {
            descriptor.write(to: destination + 132 + index * ColumnDescriptor.byteCount)
        }
        let checksum = crc32c(of: UnsafeRawBufferPointer(rebasing: bytes.dropLast(4)))
        bytes.store(checksum, at: byteCount - 4)
        return checksum
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func word(at offset: Int) -> UInt32 { loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    fileprivate func doubleWord(at offset: Int) -> UInt64 { loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func store(_ value: some BitwiseCopyable, at offset: Int) {
        storeBytes(of: value, toByteOffset: offset, as: type(of: value))
    }
}
