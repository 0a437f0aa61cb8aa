import Columns
import Storage
import Transactions

/// Takes the blocks of a segment in order and writes their records to a draft in full blocks.
///
/// The first block has no records, as before; it declares what the old one did, and the checksum that the segment ended with.
/// What other blocks declare goes before the records that came after it, or before earlier ones: never later (invariant 11).
/// Marks go. In memory are one full block's records and about as much of names.
final class BlockMerger {
    let draft: SegmentDraft
    private let endChecksum: UInt32
    private var chain: ChainHasher
    private let encoder: BlockEncoder
    private let records: UnsafeMutableBufferPointer<Record>
    private var recordCount = 0
    private var declarations: [Declaration] = []
    private var declarationsByteCount = 0
    private var nextSequence: UInt64
    private var commitTimeMicroseconds: Int64 = 0

    private static let largestDeclarationsByteCount = 1 << 20

    /// - Parameters:
    ///   - endChecksum: the header checksum of the old last block.
    ///   - chain: the chain before the first record.
    init(
        into draft: SegmentDraft, firstSequence: UInt64, endChecksum: UInt32, chain: ChainHasher, blockRecordCount: Int
    ) {
        self.draft = draft
        self.endChecksum = endChecksum
        self.chain = chain
        nextSequence = firstSequence
        encoder = BlockEncoder(capacity: blockRecordCount)
        records = .allocate(capacity: blockRecordCount)
    }

    deinit { records.deallocate() }

    /// Takes the next block.
    func add(_ block: SegmentWalk.Block) throws {
        commitTimeMicroseconds = block.header.preface.commitTimeMicroseconds
        for declaration in block.declarations where !FormerEnd.isDeclared(by: declaration) { declare(declaration) }
        if draft.byteCount == 0 {
            declare(FormerEnd.declaration(endChecksum))
            try write()
        } else if declarationsByteCount > BlockMerger.largestDeclarationsByteCount {
            try write()
        }
        var rest = block.records[...]
        while !rest.isEmpty {
            let piece = rest.prefix(records.count - recordCount)
            _ = UnsafeMutableBufferPointer(rebasing: records[recordCount...]).update(fromContentsOf: piece)
            recordCount += piece.count
            rest = rest.dropFirst(piece.count)
            if recordCount == records.count { try write() }
        }
    }

    /// Writes what is left.
    func finish() throws {
        if recordCount > 0 || !declarations.isEmpty { try write() }
    }

    private func declare(_ declaration: Declaration) {
        declarations.append(declaration)
        declarationsByteCount += declaration.byteCount
    }

    private func write() throws {
        let full = UnsafeBufferPointer(rebasing: records[..<recordCount])
        try draft.append(
            full, declarations: declarations, firstSequence: nextSequence,
            commitTimeMicroseconds: commitTimeMicroseconds, chainLinkCount: chain.linkCount, chainDigest: chain.link,
            with: encoder)
        chain.append(full)
        nextSequence += UInt64(recordCount)
        recordCount = 0
        declarations = []
        declarationsByteCount = 0
    }
}
