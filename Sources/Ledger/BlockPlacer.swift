import Columns
import Storage
import Transactions

/// Decides where the next block goes: keeps the log's end as it will be once what is on its way is written, secures space
/// ahead, has it filled with zeros where that pays, and begins a new segment when one is full. The committer owns it.
struct BlockPlacer {
    private let log: Log
    private let largestSegmentByteCount: Int
    /// Space is secured in steps, so that few commits pay for it.
    private let securedStep: Int
    private(set) var segment: LogSegment
    private var offset: Int
    private var checksum: UInt32
    private var securedEnd = 0
    private let zeroedStep: Int
    private let zeroingBlockCount: Int
    private var zeroedEnd = 0
    /// Blocks behind each other that were small.
    private var smallBlockCount = 0

    /// Of a larger block zeros cost as much as they save.
    private static let smallBlockByteCount = 32 << 10

    init(log: Log, options: LedgerOptions) {
        self.log = log
        largestSegmentByteCount = options.segmentByteCount
        securedStep = options.securedByteCount
        zeroedStep = options.zeroedByteCount
        zeroingBlockCount = options.zeroingBlockCount
        (segment, offset, checksum) = log.tail
    }

    /// True when a block of that size does not fit into the segment any more. A segment without records goes on, whatever its
    /// size: the name of the next one, its first sequence, would be the same.
    func needsSegment(for byteCount: Int, firstSequence: UInt64) -> Bool {
        firstSequence > segment.firstSequence && offset + byteCount > largestSegmentByteCount
    }

    /// Secures space for a block of at most `byteCount` bytes.
    /// - Throws: a `StorageError` that is a full disk; nothing has changed then.
    mutating func secure(_ byteCount: Int) throws(StorageError) {
        let end = offset + byteCount
        guard end > securedEnd else { return }
        do {
            let step = max(byteCount, securedStep)
            try segment.secure(byteCount: step, at: offset)
            securedEnd = offset + step
        } catch  where error.isDiskFull {
            try segment.secure(byteCount: byteCount, at: offset)
            securedEnd = end
        }
    }

    /// What the next block's header says of its place.
    func preface(firstSequence: UInt64, commitTime: Int64, chain: ChainHasher) -> BlockPreface {
        preface(at: offset, firstSequence: firstSequence, commitTime: commitTime, chain: chain)
    }

    private func preface(
        at offset: Int, firstSequence: UInt64, commitTime: Int64, chain: ChainHasher
    ) -> BlockPreface {
        BlockPreface(
            firstSequence: firstSequence, commitTimeMicroseconds: commitTime, ledger: log.settings.ledger,
            offset: UInt64(offset), previousChecksum: checksum, chainLinkCount: chain.linkCount, chainDigest: chain.link
        )
    }

    /// The block goes there: what comes next begins behind it.
    mutating func place(_ header: BlockHeader) {
        offset += header.totalByteCount
        checksum = header.checksum
        smallBlockCount = header.totalByteCount <= BlockPlacer.smallBlockByteCount ? smallBlockCount + 1 : 0
    }

    /// What is to be filled with zeros next, behind the block that was placed last; nil: nothing.
    mutating func takeZeros() -> Range<Int>? {
        guard smallBlockCount >= zeroingBlockCount, zeroedEnd < offset + zeroedStep / 8 else { return nil }
        let start = max(offset, zeroedEnd)
        let end = min(offset + zeroedStep, securedEnd, largestSegmentByteCount)
        // Where there is hardly any space left, a flush for it would not pay.
        guard end - start > zeroedStep / 2 else { return nil }
        zeroedEnd = end
        return start..<end
    }

    /// Begins a segment. Nothing may be on its way.
    mutating func startSegment(with encoder: BlockEncoder, firstSequence: UInt64, commitTime: Int64, chain: ChainHasher)
        throws
    {
        precondition(firstSequence > segment.firstSequence, "two segments cannot have one name")
        let preface = preface(at: 0, firstSequence: firstSequence, commitTime: commitTime, chain: chain)
        let block = encoder.encode(
            UnsafeBufferPointer(start: nil, count: 0), preface: preface, declarations: log.settings.declarations)
        try endWithLastBlock()
        // Until the new segment stands, the old one stays the end of the log.
        try log.startSegment(with: block)
        try? segment.trim(to: offset)
        (segment, offset, checksum) = log.tail
        (securedEnd, zeroedEnd, smallBlockCount) = (0, 0, 0)
    }

    /// A sealed segment ends with its last block, also after a crash: only at the log's end there may be zeros.
    private mutating func endWithLastBlock() throws {
        guard zeroedEnd > offset else { return }
        try segment.trim(to: offset)
        (securedEnd, zeroedEnd) = (0, 0)
        do throws(StorageError) {
            try segment.synchronise()
        } catch {
            throw UncertainSegment(reason: error)
        }
    }

    /// Gives back what was secured and not used. Nothing may be on its way.
    func trim() throws { try segment.trim(to: offset) }
}
