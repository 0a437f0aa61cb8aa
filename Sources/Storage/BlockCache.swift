import Columns
import Transactions

/// Reads single records of blocks; keeps the last blocks mapped, and few of their pages in memory. For one thread at a time.
///
/// A block's checksums are checked when it is first opened. After that only the pages that a row needs are looked at, until so
/// many rows were asked for that all of them would have cost no more: then the block is decoded whole, and the records of the
/// last one are kept.
public final class BlockCache {
    private struct Key: Hashable {
        var file: LogSegment.FileID
        var offset: Int
        /// The header's: another block may come to lie there when a segment is rewritten.
        var checksum: UInt32
    }

    private final class Opened {
        let header: BlockHeader
        let mapped: MappedBytes
        var lastUse: UInt64
        /// Rows that were asked for since the block was opened, or decoded whole.
        var readRowCount = 0
        /// Some of its pages are in memory.
        var hasPages = true

        init(header: BlockHeader, mapped: MappedBytes, lastUse: UInt64) {
            (self.header, self.mapped, self.lastUse) = (header, mapped, lastUse)
        }

        func forgetPages() {
            mapped.forgetPages()
            hasPages = false
        }
    }

    private let decoder = BlockDecoder()
    private let capacity: Int
    private var blocks: [Key: Opened] = [:]
    private var useCount: UInt64 = 0
    private var verified: Set<Key> = []
    /// The records of the last block that was decoded whole.
    private var whole: UnsafeMutableBufferPointer<Record>?
    private var wholeKey: Key?
    /// Rows that were read since pages were given back.
    private var rowCountWithPages = 0

    /// A row brings some hundred kilobytes of pages into memory: the kernel maps those beside the ones that are looked at.
    private static let mostRowsWithPages = 1024
    /// One row costs as much as decoding so many of a whole block.
    private static let rowCost = 512
    private static let largestVerifiedCount = 1 << 16

    /// A cache of at most `capacity` blocks, up to 4 MiB of address space each: by default those of two national days, so
    /// that a day which is sent again out of order is confirmed without mapping blocks anew for each record.
    public init(capacity: Int = 1024) { self.capacity = capacity }

    deinit { whole?.deallocate() }

    /// Lets go of a segment's file, so that its space is free once it has no name.
    public func forget(_ file: LogSegment.FileID) {
        blocks = blocks.filter { $0.key.file != file }
        verified = verified.filter { $0.file != file }
        if wholeKey?.file == file { wholeKey = nil }
    }

    /// The records in `rows` of a block, which are sorted and unique.
    /// - Parameters:
    ///   - columns: those of ids and perhaps others; fields outside may be anything.
    ///   - passing: is shown all records of the block, and the first one's sequence, when it is decoded whole.
    func records(
        of entry: BlockEntry, rows: [Int], columns: ColumnSet, in segment: LogSegment, log: Log,
        passing: (UnsafeBufferPointer<Record>, UInt64) -> Void
    ) throws -> [Record] {
        let key = Key(file: segment.fileID, offset: entry.offset, checksum: entry.checksum)
        if let whole, wholeKey == key { return rows.map { whole[$0] } }
        do {
            let block = try open(entry, key, in: segment, log: log)
            block.readRowCount += rows.count
            if block.header.layout == .columns,
                block.readRowCount * BlockCache.rowCost >= entry.recordCount
            {
                let records = try decodeWhole(block, key)
                block.forgetPages()
                passing(records, entry.firstSequence)
                return rows.map { records[$0] }
            }
            block.hasPages = true
            defer { notePages(ofRows: rows.count) }
            return try [Record](unsafeUninitializedCapacity: rows.count) { buffer, count in
                let decoded = Result { () throws(BlockError) in
                    try decoder.decode(
                        block.header, block.mapped.bytes, rows: rows, columns: columns,
                        into: UnsafeMutableBufferPointer(rebasing: buffer[..<rows.count]))
                }
                // What could not be read looks like any damage; the disk's own word goes first.
                try block.mapped.check()
                try decoded.get()
                count = rows.count
            }
        } catch  where error is BlockError || error is StorageError {
            forget(key)
            throw log.damaged(entry, in: segment, "\(error)")
        }
    }

    private func notePages(ofRows count: Int) {
        rowCountWithPages += count
        guard rowCountWithPages >= BlockCache.mostRowsWithPages else { return }
        rowCountWithPages = 0
        for block in blocks.values where block.hasPages { block.forgetPages() }
    }

    private func decodeWhole(_ block: Opened, _ key: Key) throws -> UnsafeBufferPointer<Record> {
        let records = whole ?? .allocate(capacity: BlockHeader.largestRecordCount)
        (whole, wholeKey) = (records, nil)
        let decoded = Result { () throws(BlockError) in
            try decoder.decode(block.header, block.mapped.bytes, into: records)
        }
        try block.mapped.check()
        try decoded.get()
        wholeKey = key
        block.readRowCount = 0
        return UnsafeBufferPointer(rebasing: records[..<block.header.recordCount])
    }

    private func open(_ entry: BlockEntry, _ key: Key, in segment: LogSegment, log: Log) throws -> Opened {
        useCount += 1
        if let block = blocks[key] {
            block.lastUse = useCount
            return block
        }
        let mapped = try segment.file.map(byteCount: entry.byteCount, at: entry.offset)
        let header = Result { try log.header(of: entry, in: segment, mapped.bytes) }
        try mapped.check()
        let block = Opened(header: try header.get(), mapped: mapped, lastUse: useCount)
        try verify(block, key)
        if blocks.count >= capacity, let oldest = blocks.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            blocks[oldest.key] = nil
        }
        blocks[key] = block
        return block
    }

    private func verify(_ block: Opened, _ key: Key) throws {
        guard !verified.contains(key) else { return }
        let outcome = Result { () throws(BlockError) in try decoder.verify(block.header, block.mapped.bytes) }
        try block.mapped.check()
        try outcome.get()
        block.forgetPages()
        if verified.count >= BlockCache.largestVerifiedCount { verified = [] }
        verified.insert(key)
    }

    /// A block that could not be read is verified again when it is asked for the next time.
    private func forget(_ key: Key) {
        blocks[key] = nil
        verified.remove(key)
        if wholeKey == key { wholeKey = nil }
    }
}
