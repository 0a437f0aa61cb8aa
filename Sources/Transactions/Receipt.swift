/// The chain up to a sequence: what a receipt carries so that anyone can prove later that the log still holds it.
///
/// Records are hashed in their canonical 64 bytes in spans of 4,096 sequences: link k = SHA-256(link k-1, SHA-256(span k)),
/// link 0 being 32 zero bytes. At a sequence inside a span, `head` is one more link over the part of the span up to there.
public struct ChainHead: Hashable, Sendable {
    /// The sequence up to which the chain speaks; 0 before the first record.
    public var sequence: UInt64
    /// 32 bytes.
    public var digest: [UInt8]

    /// A head as it was computed or read.
    public init(sequence: UInt64, digest: [UInt8]) {
        precondition(digest.count == 32)
        self.sequence = sequence
        self.digest = digest
    }

    /// Before the first record.
    public static let origin = ChainHead(sequence: 0, digest: [UInt8](repeating: 0, count: 32))

    /// Records that one link of the chain covers.
    public static let spanRecordCount = 4096
}

/// A record of a batch that was not accepted.
public struct Exception: Hashable, Sendable {
    /// Which record of the batch, from 0.
    public var index: Int
    /// What is wrong; `reason` is `.conflict` for a conflict, anything else is a rejection.
    public var fault: Fault

    /// The record at `index` has `fault`.
    public init(index: Int, fault: Fault) {
        self.index = index
        self.fault = fault
    }
}

/// The answer to a batch. Accepted + duplicates + conflicts + rejected is the batch's count.
public struct Receipt: Hashable, Sendable {
    /// Records that are now in the ledger and were not before.
    public var accepted: Int
    /// Records that were there already with the same content.
    public var duplicates: Int
    /// Conflicts and rejected records, in order of index.
    public var exceptions: [Exception]
    /// The first accepted record's sequence, the others follow without gaps; 0 when none was accepted.
    public var firstSequence: UInt64
    /// The chain at the end of the commit that holds the batch.
    public var chain: ChainHead

    /// A receipt from its parts.
    public init(accepted: Int, duplicates: Int, exceptions: [Exception], firstSequence: UInt64, chain: ChainHead) {
        self.accepted = accepted
        self.duplicates = duplicates
        self.exceptions = exceptions
        self.firstSequence = firstSequence
        self.chain = chain
    }

    /// Records with a known identity and other content.
    public var conflicts: Int { exceptions.count { $0.fault.reason == .conflict } }
    /// Records that no ledger would take.
    public var rejected: Int { exceptions.count - conflicts }
}
