import Columns
import Transactions

/// Reads single records of blocks; keeps the bytes of the last few blocks. For one thread at a time.
///
/// A block's checksums are checked when it is first read. After that its rows are decoded one by one.
public final class BlockCache {
    private struct Key: Hashable {
        var segment: UInt64
        var offset: Int
    }

    private struct Opened {
        var header: BlockHeader
        var bytes: [UInt8]
    }

    private let decoder = BlockDecoder()
    private let byteLimit: Int
    private var byteCount = 0
    private var blocks: [Key: Opened] = [:]
    /// The block used last is at the end.
    private var order: [Key] = []
    private var verified: Set<Key> = []

    private static let largestVerifiedCount = 1 << 16

    /// A cache of blocks that take at most `byteLimit` bytes together, and of one block in any case.
    public init(byteLimit: Int = 64 << 20) { self.byteLimit = byteLimit }

    /// The records in `rows` of a block, which are sorted and unique.
    func records(of entry: BlockEntry, rows: [Int], in segment: LogSegment, log: Log) throws -> [Record] {
        let block = try open(entry, in: segment, log: log)
        do {
            return try block.bytes.withUnsafeBytes { bytes in
                try [Record](unsafeUninitializedCapacity: rows.count) { buffer, count in
                    try decoder.decode(
                        block.header, bytes, rows: rows,
                        into: UnsafeMutableBufferPointer(rebasing: buffer[..<rows.count]))
                    count = rows.count
                }
            }
        } catch let error as BlockError {
            throw LogError.damaged(entry, in: segment, error)
        }
    }

    private func open(_ entry: BlockEntry, in segment: LogSegment, log: Log) throws -> Opened {
        let key = Key(segment: segment.firstSequence, offset: entry.offset)
        if let known = blocks[key] {
            if order.last != key {
                order.removeAll { $0 == key }
                order.append(key)
            }
            return known
        }
        let (header, bytes) = try log.read(entry, in: segment)
        let block = Opened(header: header, bytes: bytes)
        try verify(block, key, entry, in: segment)
        blocks[key] = block
        order.append(key)
        byteCount += bytes.count
        while byteCount > byteLimit, order.count > 1 {
            byteCount -= blocks.removeValue(forKey: order.removeFirst())?.bytes.count ?? 0
        }
        return block
    }

    private func verify(_ block: Opened, _ key: Key, _ entry: BlockEntry, in segment: LogSegment) throws {
        guard !verified.contains(key) else { return }
        do {
            try block.bytes.withUnsafeBytes { try decoder.verify(block.header, $0) }
        } catch let error as BlockError {
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
