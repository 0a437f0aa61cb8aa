import Ledger
import Storage
import Testing

/// Zeros are written ahead of small blocks. To everyone else the log ends where its last block does.
@Suite struct ZeroedLogTests {
    private static let options = {
        var options = LedgerOptions()
        (options.zeroedByteCount, options.zeroingBlockCount) = (64 << 10, 3)
        return options
    }()

    /// A ledger with a block for each 20 records, and what a crash would leave of it.
    private func crashed(
        _ directory: TemporaryDirectory, options: LedgerOptions = ZeroedLogTests.options
    ) throws -> LedgerFiles {
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files, options: options)
        defer { ledger.close() }
        for start in stride(from: 0, to: 400, by: 20) { _ = try ledger.load(records(start..<start + 20)) }
        return try directory.crashImage(of: directory.files)
    }

    private func openLog(_ files: LedgerFiles, mayWrite: Bool) throws -> (log: Log, cut: LogRecovery.Cut?) {
        try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: mayWrite) { _ in 0 }
    }

    private func faults(_ files: LedgerFiles) throws -> [String] {
        var verification = Verification(files)
        return try verification.run { _, _ in }.faults
    }

    @Test func zerosBehindTheLastBlockAreTheEndOfTheLog() throws {
        let directory = try TemporaryDirectory()
        let files = try crashed(directory)
        let (log, cut) = try openLog(files, mayWrite: false)
        let last = try #require(try log.blocks(of: log.segments[0]).last)
        let end = last.offset + last.byteCount
        let bytes = try readFile(files.firstSegment)
        #expect(cut == nil && log.endSequence == 401)
        #expect(bytes.count > end && bytes[end...].allSatisfy { $0 == 0 })
        #expect(try log.byteCount() == end)
        #expect(try faults(files) == [])
        let ledger = try Ledger(files, options: ZeroedLogTests.options)
        #expect(ledger.cut == nil)
        #expect(try readFile(files.firstSegment).count <= end + 200, "a mark at most")
        #expect(try ledger.load(records(0..<420)).accepted == 20)
        ledger.close()
        #expect(try faults(files) == [])
    }

    @Test func aCleanStopLeavesNoZeros() throws {
        let directory = try TemporaryDirectory()
        _ = try crashed(directory)
        let (log, _) = try openLog(directory.files, mayWrite: false)
        let last = try #require(try log.blocks(of: log.segments[0]).last)
        #expect(try readFile(directory.files.firstSegment).count == last.offset + last.byteCount)
    }

    /// Whatever of a block reached the disk before the power went: the block before it is kept, and nothing else.
    @Test func aBlockThatIsPartlyZerosIsCut() throws {
        let directory = try TemporaryDirectory()
        let files = try crashed(directory)
        let last = try #require(try directory.blocks(of: files).last)
        let whole = try readFile(files.firstSegment)
        let block = last.offset..<last.offset + last.header.totalByteCount
        for written in [
            block.lowerBound..<block.lowerBound, block.lowerBound..<block.upperBound - 600,
            block.lowerBound + 512..<block.upperBound, block,
        ] {
            var bytes = whole
            for position in block.lowerBound..<bytes.count where !written.contains(position) { bytes[position] = 0 }
            try writeFile(files.firstSegment, bytes)
            let (log, cut) = try openLog(files, mayWrite: true)
            #expect(log.endSequence == (written == block ? 401 : 381))
            #expect(cut?.offset == (written == block || written.isEmpty ? nil : block.lowerBound))
            if let cut {
                #expect(try readFile(cut.keptAt).prefix(block.count) == bytes[block])
            }
        }
    }

    /// A compactor walks them from the first byte to the last.
    @Test func sealedSegmentsEndWithTheirLastBlock() throws {
        let directory = try TemporaryDirectory()
        var options = ZeroedLogTests.options
        (options.segmentByteCount, options.zeroedByteCount) = (8000, 4000)
        options.compactsSegments = false
        let files = try crashed(directory, options: options)
        let (log, cut) = try openLog(files, mayWrite: false)
        #expect(cut == nil && log.endSequence == 401 && log.segments.count > 2)
        for segment in log.segments.dropLast() {
            let last = try #require(try log.blocks(of: segment).last)
            #expect(try log.byteCount(of: segment) == last.offset + last.byteCount)
        }
        #expect(try faults(files) == [])
    }
}
