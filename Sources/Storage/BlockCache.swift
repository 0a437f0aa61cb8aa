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
    }

    private struct Opened {
        var header: BlockHeader
        var mapped: MappedBytes
    }

    private let decoder = BlockDecoder()
    private let capacity: Int
    private var blocks: [Key: Opened] = [:]
    /// The block used last is at the end.
    private var order: [Key] = []
    private var verified: Set<Key> = []

    private static let largestVerifiedCount = 1 << 16

    /// A cache of at most `capacity` blocks, up to 4 MiB of address space each.
    public init(capacity: Int = 64) { self.capacity = capacity }

    /// Lets go of a segment's file, so that its space is free once it has no name.
    public func forget(_ segment: LogSegment) {
        func isOfSegment(_ key: Key) -> Bool {
            key.segment == segment.firstSequence && key.edition == segment.edition
        }
        for key in order where isOfSegment(key) { blocks[key] = nil }
        order.removeAll(where: isOfSegment)
        verified = verified.filter { !isOfSegment($0) }
    }

    /// The records in `rows` of a block, which are sorted and unique.
    func records(of entry: BlockEntry, rows: [Int], in segment: LogSegment, log: Log) throws -> [Record] {
        let block = try open(entry, in: segment, log: log)
        do {
            return try [Record](unsafeUninitializedCapacity: rows.count) { buffer, count in
                try decoder.decode(
                    block.header, block.mapped.bytes, rows: rows,
                    into: UnsafeMutableBufferPointer(rebasing: buffer[..<rows.count]))
                count = rows.count
            }
        } catch let error as BlockError {
            throw LogError.damaged(entry, in: segment, error)
        }
    }

    private func open(_ entry: BlockEntry, in segment: LogSegment, log: Log) throws -> Opened {
        let key = Key(segment: segment.firstSequence, edition: segment.edition, offset: entry.offset)
        if let known = blocks[key] {
            if order.last != key {
                order.removeAll { $0 == key }
                order.append(key)
            }
            return known
        }
        let mapped = try segment.file.map(byteCount: entry.byteCount, at: entry.offset)
        let block = Opened(header: try log.header(of: entry, in: segment, mapped.bytes), mapped: mapped)
        try verify(block, key, entry, in: segment)
        blocks[key] = block
        order.append(key)
        if order.count > capacity { blocks[order.removeFirst()] = nil }
        return block
    }

    private func verify(_ block: Opened, _ key: Key, _ entry: BlockEntry, in segment: LogSegment) throws {
        guard !verified.contains(key) else { return }
        do throws(BlockError) {
            try decoder.verify(block.header, block.mapped.bytes)
        } catch {
            throw LogError.damaged(entry, in: segment, error)
        }
        if verified.count >= BlockCache.largestVerifiedCount { verified = [] }
        verified.insert(key)
    }
}

extension LogError {
    /// Damage of a block that the list of blocks knows.
    static func damaged(_ entry: BlockEntry, in segment: LogSegment, _ error: BlockError) -> LogError {
        .damaged(
            path: segment.path, offset: entry.offset, sequences: entry.firstSequence..<entry.endSequence,
            reason: "\(error)")
    }
}
