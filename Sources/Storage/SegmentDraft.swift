import Columns
import Transactions

/// The file of a segment that is being rewritten, beside the one that it will replace: `SEGMENT.new`, which the next start
/// removes when it is never finished.
public final class SegmentDraft {
    /// Where it is until it is finished.
    public let path: String
    /// Bytes so far.
    public private(set) var byteCount = 0
    private let log: Log
    private let file: any StorageFile
    private let sequences: Range<UInt64>
    private var lastChecksum: UInt32
    private var durableByteCount = 0

    /// So much is written at most before it is flushed: a flush of the log waits for whatever else is on its way to the disk,
    /// and its receipts with it.
    private static let flushedByteCount = 4 << 20

    /// Begins a draft.
    /// - Parameters:
    ///   - sequences: those of the segment.
    ///   - previousChecksum: what the segment's first block says of the block before it.
    public init(of segment: LogSegment, sequences: Range<UInt64>, previousChecksum: UInt32, in log: Log) throws {
        self.log = log
        self.sequences = sequences
        path = segment.path + ".new"
        lastChecksum = previousChecksum
        file = try log.fileSystem.open(path, .replace)
    }

    /// Encodes and writes a block behind the last one. A mark when there are no records.
    public func append(
        _ records: UnsafeBufferPointer<Record>, declarations: [Declaration], firstSequence: UInt64,
        commitTimeMicroseconds: Int64, chainLinkCount: UInt64, chainDigest: [UInt8], with encoder: BlockEncoder
    ) throws {
        let preface = BlockPreface(
            firstSequence: firstSequence, commitTimeMicroseconds: commitTimeMicroseconds, ledger: log.settings.ledger,
            offset: UInt64(byteCount), previousChecksum: lastChecksum, chainLinkCount: chainLinkCount,
            chainDigest: chainDigest)
        let block = encoder.encode(records, preface: preface, declarations: declarations)
        try file.write(block.bytes, at: byteCount)
        byteCount += block.bytes.count
        lastChecksum = block.header.checksum
        if byteCount - durableByteCount >= SegmentDraft.flushedByteCount { try synchronise() }
    }

    /// Makes all of it durable; its name is not.
    public func synchronise() throws {
        try file.synchronise()
        durableByteCount = byteCount
    }

    /// Reads back what was written.
    public var walk: SegmentWalk {
        SegmentWalk(file: file, ledger: log.settings.ledger, sequences: sequences, path: path)
    }

    /// Removes the file, if it is still a draft. The next start does so when this fails.
    public func discard() { try? log.fileSystem.remove(path) }
}
