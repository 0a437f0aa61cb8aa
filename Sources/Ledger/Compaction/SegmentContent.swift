import Columns
import Crypto
import Storage
import Transactions

/// What a sealed segment holds, whatever its blocks are: of two files with equal contents one may take the other's place.
struct SegmentContent: Equatable {
    /// Its records' sequences.
    private(set) var sequences: Range<UInt64>
    /// What its first block says of the block before it.
    private(set) var previousChecksum: UInt32 = 0
    /// The header checksum that the next segment's first block repeats: the last block's, or what the first block declares.
    private(set) var endChecksum: UInt32 = 0
    /// SHA-256 of all that it declares, in order.
    private(set) var declarationsDigest: [UInt8] = []
    /// The chain up to its last record: of other records it would be another one.
    private(set) var chain: ChainHead
    /// Complete links, and the last of them.
    private(set) var linkCount: UInt64
    private(set) var link: [UInt8]

    /// Reads a file once and checks everything, each block's link of the chain against the records before it too.
    ///
    /// - Parameters:
    ///   - chain: the chain before its first record.
    ///   - visit: told each block once it was checked.
    /// - Throws: `LogError` at the first damage, and whatever `visit` throws.
    init(
        reading walk: SegmentWalk, after chain: ChainHasher, with decoder: BlockDecoder,
        _ visit: (SegmentWalk.Block) throws -> Void
    ) throws {
        var hasher = chain
        var declared = SHA256()
        var (previousChecksum, lastChecksum): (UInt32?, UInt32) = (nil, 0)
        var formerEnd: UInt32?
        try walk.forEachBlock(with: decoder) { block in
            let preface = block.header.preface
            guard preface.chainLinkCount == hasher.linkCount, preface.chainDigest == hasher.link else {
                throw walk.damage(
                    at: Int(preface.offset), sequences: preface.firstSequence..<block.header.nextSequence,
                    "the chain before it is not that of the records")
            }
            if previousChecksum == nil {
                previousChecksum = preface.previousChecksum
                formerEnd = FormerEnd.checksum(in: block.declarations)
            }
            for declaration in block.declarations where !FormerEnd.isDeclared(by: declaration) {
                declaration.hash(into: &declared)
            }
            try visit(block)
            hasher.append(block.records)
            lastChecksum = block.header.checksum
        }
        sequences = walk.sequences
        self.previousChecksum = previousChecksum ?? 0
        endChecksum = formerEnd ?? lastChecksum
        declarationsDigest = Array(declared.finalize())
        self.chain = hasher.head
        (linkCount, link) = (hasher.linkCount, hasher.link)
    }

    /// Checks that the next segment's first block follows this content.
    func check(isFollowedBy header: BlockHeader, in next: LogSegment) throws {
        let preface = header.preface
        let reason: String
        if preface.previousChecksum != endChecksum {
            reason = "the block does not follow the last one of the segment before"
        } else if preface.chainLinkCount != linkCount || preface.chainDigest != link {
            reason = "the chain before sequence \(preface.firstSequence) is not that of the records"
        } else {
            return
        }
        throw LogError.damaged(
            path: next.path, offset: 0, sequences: preface.firstSequence..<header.nextSequence, reason: reason)
    }
}

extension Declaration {
    /// Adds what it declares to a hash, each part with its length.
    fileprivate func hash(into hash: inout SHA256) {
        let (kind, code, text): (UInt8, UInt32, String) =
            switch self {
            case .name(let name, let code): (name.space.rawValue, code, name.text)
            case .setting(let key, let value): (0xFF, key, value)
            }
        let bytes = Array(text.utf8)
        hash.update(data: [kind])
        withUnsafeBytes(of: (code, UInt32(bytes.count))) { hash.update(bufferPointer: $0) }
        hash.update(data: bytes)
    }
}
