import Columns
import Transactions

/// Reads single records of blocks; keeps the last few blocks mapped. For one thread at a time.
///
/// A block's checksums are checked when it is first opened. After that only the pages that a row needs are looked at.
public final class BlockCache {
    private struct Key: Hashable {
        var segment: UInt64
        var edition: Int
        var offset: Int
        /// The header's: another block may come to lie there when a segment is rewritten.
        var checksum: UInt32
    }

    private struct Opened {
        var header: BlockHeader
        var mapped: MappedBytes
        var lastUse: UInt64
    }

    private let decoder = BlockDecoder()
    private let capacity: Int
    private var blocks: [Key: Opened] = [:]
    private var useCount: UInt64 = 0
    private var verified: Set<Key> = []

    private static let largestVerifiedCount = 1 << 16

    /// A cache of at most `capacity` blocks, up to 4 MiB of address space each: by default those of two national days, so
    /// that a day which is sent again out of order is confirmed without mapping blocks anew for each record.
    public init(capacity: Int = 1024) { self.capacity = capacity }

    /// Lets go of a segment's file, so that its space is free once it has no name.
    public func forget(_ segment: LogSegment) {
        func isOfSegment(_ key: Key) -> Bool {
            key.segment == segment.firstSequence && key.edition == segment.edition
        }
        blocks = blocks.filter { !isOfSegment($0.key) }
        verified = verified.filter { !isOfSegment($0) }
    }

    /// The records in `rows` of a block, which are sorted and unique.
    func records(of entry: BlockEntry, rows: [Int], in segment: LogSegment, log: Log) throws -> [Record] {
        let key = Key(
            segment: segment.firstSequence, edition: segment.edition, offset: entry.offset, checksum: entry.checksum)
        do {
            let block = try open(entry, key, in: segment, log: log)
            return try [Record](unsafeUninitializedCapacity: rows.count) { buffer, count in
                let decoded = Result { () throws(BlockError) in
                    try decoder.decode(
                        block.header, block.mapped.bytes, rows: rows,
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

    private func open(_ entry: BlockEntry, _ key: Key, in segment: LogSegment, log: Log) throws -> Opened {
        useCount += 1
        if let place = blocks.index(forKey: key) {
            blocks.values[place].lastUse = useCount
            return blocks.values[place]
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
        if verified.count >= BlockCache.largestVerifiedCount { verified = [] }
        verified.insert(key)
    }

    /// A block that could not be read is verified again when it is asked for the next time.
    private func forget(_ key: Key) {
        blocks[key] = nil
        verified.remove(key)
    }
}
