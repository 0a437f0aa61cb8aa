import Columns
import Locks

/// Where a block is, and what it holds; from its header.
public struct BlockEntry: Hashable, Sendable {
    /// The first record's sequence; of a block without records, the next record's.
    public var firstSequence: UInt64
    /// Number of records, 0 or more.
    public var recordCount: Int
    /// Where it begins in its segment.
    public var offset: Int
    /// Bytes from there to the next block.
    public var byteCount: Int
    /// The times of its records, microseconds since 1970-01-01 UTC; 0 without records.
    public var timeRange: ClosedRange<Int64>
    /// When it was written, microseconds since 1970-01-01 UTC; of a compacted block, the last of those that it was made of.
    public var commitTimeMicroseconds: Int64
    /// CRC-32C of the header, which the next block repeats.
    public var checksum: UInt32

    /// The sequence after the last record's.
    public var endSequence: UInt64 { firstSequence + UInt64(recordCount) }

    /// Those of its records.
    public var sequences: Range<UInt64> { firstSequence..<endSequence }

    init(_ header: BlockHeader) {
        firstSequence = header.preface.firstSequence
        recordCount = header.recordCount
        offset = Int(header.preface.offset)
        byteCount = header.totalByteCount
        timeRange = header.earliestTimeMicroseconds...header.latestTimeMicroseconds
        commitTimeMicroseconds = header.preface.commitTimeMicroseconds
        checksum = header.checksum
    }
}

/// The blocks of a segment in order, and what cannot be read between them.
public struct SegmentListing: Hashable, Sendable {
    /// The durable blocks whose headers are whole.
    public var blocks: [BlockEntry]
    /// Everything else, in order.
    public var damage: [DamagedStretch]
}

/// One file of the log: blocks one after another, the first without records and with the ledger's settings.
public final class LogSegment: Sendable {
    /// Tells one file from another that was in its place before.
    public struct FileID: Hashable, Sendable {
        let firstSequence: UInt64
        let edition: Int
    }

    /// The sequence of the first record that it holds or will hold.
    public let firstSequence: UInt64
    /// Its file.
    public let path: String
    /// How often this process has put another file in its place (see `Log.replace`); offsets are those of one edition.
    let edition: Int
    let file: any StorageFile
    /// Names the file without keeping it open.
    public var fileID: FileID { FileID(firstSequence: firstSequence, edition: edition) }
    /// The durable blocks in order; nil until they are asked for.
    private let directory: Lock<SegmentListing?>

    init(
        firstSequence: UInt64, path: String, edition: Int = 0, file: any StorageFile, directory: [BlockEntry]?,
        damage: [DamagedStretch] = []
    ) {
        self.firstSequence = firstSequence
        self.path = path
        self.edition = edition
        self.file = file
        self.directory = Lock(directory.map { SegmentListing(blocks: $0, damage: damage) })
    }

    /// The file's name for a first sequence: 20 digits, so that names sort as numbers do.
    static func fileName(firstSequence: UInt64) -> String {
        let digits = String(firstSequence)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".log"
    }

    static func firstSequence(fileName: String) -> UInt64? {
        guard let sequence = UInt64(fileName.dropLast(4)), sequence > 0 else { return nil }
        return fileName == self.fileName(firstSequence: sequence) ? sequence : nil
    }

    /// The durable blocks in order; `scan` makes the list when it is not there.
    func listing(_ scan: () throws -> SegmentListing) throws -> SegmentListing {
        if let known = directory.withLock({ $0 }) { return known }
        let scanned = try scan()
        return directory.withLock { directory in
            // Another thread may have been first, and an appended block may be in its list already.
            if let known = directory { return known }
            directory = scanned
            return scanned
        }
    }

    /// Number of blocks, where the list of them is there.
    var knownBlockCount: Int? { directory.withLock { $0?.blocks.count } }

    /// The block with a sequence, without making a list that is not there; nil when unknown.
    func knownBlock(with sequence: UInt64) -> BlockEntry?? {
        directory.withLock { directory in
            guard let directory else { return nil }
            return .some(LogSegment.block(with: sequence, in: directory.blocks))
        }
    }

    /// What cannot be read, if the list is there.
    var knownDamage: [DamagedStretch]? { directory.withLock { $0?.damage } }

    /// Binary search; blocks without records are passed over.
    static func block(with sequence: UInt64, in blocks: [BlockEntry]) -> BlockEntry? {
        let position = partitionPoint(blocks.count) { blocks[$0].endSequence <= sequence }
        guard position < blocks.count, blocks[position].firstSequence <= sequence else { return nil }
        return blocks[position]
    }

    func append(_ entry: BlockEntry) {
        directory.withLock { $0?.blocks.append(entry) }
    }

    func forgetDirectory() {
        directory.withLock { $0 = nil }
    }
}

extension LogSegment {
    /// Makes all that was written to the segment durable.
    public func synchronise() throws(StorageError) { try file.synchronise() }

    /// Secures space for a block that will be written at `offset`.
    public func secure(byteCount: Int, at offset: Int) throws(StorageError) {
        try file.secure(byteCount: byteCount, at: offset)
    }

    /// Writes zeros behind the last block, which must be durable; they are not, before the next `synchronise`.
    ///
    /// A flush of what was written over them is the quickest there is: it changes neither the file's size nor where its bytes
    /// lie, so the disk has nothing else to write with it.
    public func writeZeros(_ range: Range<Int>) throws(StorageError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let count = min(LogSegment.zeros.count, range.upperBound - offset)
            try file.write(UnsafeRawBufferPointer(rebasing: LogSegment.zeros[..<count]), at: offset)
            offset += count
        }
    }

    private nonisolated(unsafe) static let zeros: UnsafeRawBufferPointer = {
        let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        return UnsafeRawBufferPointer(zeros)
    }()

    /// Cuts off what lies behind the last block: zeros, and space that was secured and not used.
    public func trim(to end: Int) throws(StorageError) { try file.truncate(to: end) }
}
