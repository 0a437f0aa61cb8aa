import Transactions

/// What a ledger has done since it was opened, and where it stands: what an operator watches.
public struct LedgerFigures: Sendable {
    /// Counts of what went through, kept by the flusher: a few additions a commit.
    public struct Flow: Sendable {
        /// Batches with a receipt, and batches that were refused as a whole.
        public var (receiptedBatches, refusedBatches): (UInt64, UInt64) = (0, 0)
        /// Records of receipted batches by what they were found to be.
        public var (accepted, duplicates, conflicts, rejected): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        /// Bytes of blocks that were written.
        public var writtenBytes: UInt64 = 0
        /// New records of each commit.
        public var commitRecords = Histogram(bounds: [0, 1, 10, 100, 1_000, 10_000, 65_536])
        /// From the moment that a commit takes its batches out of the ring to its receipts, in seconds.
        public var commitSeconds = Histogram(bounds: Histogram.secondsBounds)
        /// The flush of each block to the disk, in seconds.
        public var flushSeconds = Histogram(bounds: Histogram.secondsBounds)

        init() {}

        mutating func add(_ answer: BatchAnswer) {
            switch answer.result {
            case .failure: refusedBatches += 1
            case .success(let receipt):
                receiptedBatches += 1
                accepted += UInt64(receipt.accepted)
                duplicates += UInt64(receipt.duplicates)
                conflicts += UInt64(receipt.conflicts)
                rejected += UInt64(receipt.rejected)
            }
        }
    }

    /// Counts since the ledger was opened.
    public var flow: Flow
    /// Slots of the ring.
    public var ringSlots: Int
    /// Those that hold records on their way: from the claim to the folder.
    public var usedRingSlots: Int
    /// Claims that wait for slots: clients are held back.
    public var waitingClaims: Int
    /// The last sequence on the disk.
    public var durableSequence: UInt64
    /// The last sequence in the rollups.
    public var countedSequence: UInt64
    /// The last sequence whose statistics are saved.
    public var savedSequence: UInt64
    /// Why statistics cannot be saved just now; nil while they can.
    public var savingFailure: String?
    /// Why nothing more may be written; nil while all is well.
    public var failure: Refusal?
    /// Names by space.
    public var names: [NameSpace: Int]
}
