import Columns
import Crypto
import Storage
import Transactions

/// Extends the chain by records as they get their sequences (see `ChainHead`).
public struct ChainHasher {
    /// Complete spans so far.
    private(set) var linkCount: UInt64
    /// The link after them, 32 bytes.
    private(set) var link: [UInt8]
    private var span = SHA256()
    private var spanRecordCount = 0

    /// The chain after `linkCount` complete spans.
    public init(linkCount: UInt64 = 0, link: [UInt8] = ChainHead.origin.digest) {
        self.linkCount = linkCount
        self.link = link
    }

    /// The last sequence that the chain covers.
    var sequence: UInt64 { linkCount * UInt64(ChainHead.spanRecordCount) + UInt64(spanRecordCount) }

    /// The chain up to `sequence`.
    public var head: ChainHead {
        ChainHead(sequence: sequence, digest: spanRecordCount == 0 ? link : ChainHasher.next(link, span))
    }

    /// Adds the records of the next sequences.
    public mutating func append(_ records: UnsafeBufferPointer<Record>) {
        var rest = records[...]
        while !rest.isEmpty {
            let piece = rest.prefix(ChainHead.spanRecordCount - spanRecordCount)
            span.update(bufferPointer: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: piece)))
            spanRecordCount += piece.count
            rest = rest.dropFirst(piece.count)
            if spanRecordCount == ChainHead.spanRecordCount {
                link = ChainHasher.next(link, span)
                linkCount += 1
                span = SHA256()
                spanRecordCount = 0
            }
        }
    }

    /// Begins to add the records of the next sequences, on the assistant's thread when there are at least `leastSharedCount`.
    /// They must stay as they are until the result was asked for.
    func appending(
        _ records: UnsafeBufferPointer<Record>, by assistant: Assistant, from leastSharedCount: Int
    ) -> Chaining {
        let chaining = Chaining(self, records, assistant)
        if records.count >= leastSharedCount { assistant.begin(chaining.run) } else { chaining.run() }
        return chaining
    }

    private static func next(_ link: [UInt8], _ span: SHA256) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: link)
        span.finalize().withUnsafeBytes { hash.update(bufferPointer: $0) }
        // Not element by element, which takes several arrays.
        return hash.finalize().withUnsafeBytes { Array($0) }
    }

    /// Resumes at the end of a log: from the last block's link over the records since.
    init(endOf log: Log) throws {
        let (segment, _, _) = log.tail
        guard let last = try log.blocks(of: segment).last else {
            self.init()
            return
        }
        try self.init(from: try log.read(last, in: segment).header, in: segment, upTo: log.endSequence, of: log)
    }

    /// Resumes before the record with sequence `end`: from the link that a block's header states over the log's records since.
    init(from header: BlockHeader, in segment: LogSegment, upTo end: UInt64, of log: Log) throws {
        let preface = header.preface
        guard preface.chainLinkCount == (preface.firstSequence - 1) / UInt64(ChainHead.spanRecordCount) else {
            throw LogError.damaged(
                path: segment.path, offset: Int(preface.offset),
                sequences: preface.firstSequence..<header.nextSequence,
                reason:
                    "it states \(preface.chainLinkCount) links of the chain before sequence \(preface.firstSequence)")
        }
        self.init(linkCount: preface.chainLinkCount, link: preface.chainDigest)
        let first = linkCount * UInt64(ChainHead.spanRecordCount) + 1
        guard first < end else { return }
        let decoder = BlockDecoder()
        try log.forEachBlock(
            from: first, before: end, where: { $0.recordCount > 0 && $0.firstSequence < end }
        ) { segment, entry in
            let records = try log.decode(entry, in: segment, with: decoder)
            records.withUnsafeBufferPointer { records in
                let known = Int(max(first, entry.firstSequence) - entry.firstSequence)
                let count = Int(min(end, entry.endSequence) - entry.firstSequence)
                append(UnsafeBufferPointer(rebasing: records[min(known, count)..<count]))
            }
        }
    }
}

/// A chain that is being extended, maybe on another thread.
final class Chaining: @unchecked Sendable {
    private var chain: ChainHasher
    private let records: UnsafeBufferPointer<Record>
    private let assistant: Assistant

    fileprivate init(_ chain: ChainHasher, _ records: UnsafeBufferPointer<Record>, _ assistant: Assistant) {
        self.chain = chain
        self.records = records
        self.assistant = assistant
    }

    fileprivate func run() { chain.append(records) }

    /// The chain with the records; waits until they are in it.
    func finish() -> ChainHasher {
        assistant.finish()
        return chain
    }
}
