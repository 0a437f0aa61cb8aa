import Columns
import RingBuffer
import Storage
import Transactions

/// What one pass of the committer makes durable, on its way to the flusher and then to the folder.
///
/// Handed from thread to thread, one of them at a time: the pointers in it stay valid until the last is done.
struct Commit: @unchecked Sendable {
    /// A block to write.
    struct Block {
        /// Valid until the commit is through the flusher.
        var encoded: EncodedBlock
        var segment: LogSegment
        /// What is to be filled with zeros once the block is durable; nil: nothing.
        var zeros: Range<Int>?
    }

    /// Told, once, the codes that names have, or why they have none.
    typealias NameReply = @Sendable (Result<[UInt32], Refusal>) -> Void

    /// An answer to a request for codes.
    struct NameAnswer: Sendable {
        var codes: [UInt32]
        var reply: NameReply
    }

    /// Nothing to write when all records were duplicates, conflicts or rejected.
    var block: Block?
    /// The accepted records, in the ring until the folder is past them.
    var records: UnsafeBufferPointer<Record>
    var firstSequence: UInt64
    var answers: [(owner: any BatchOwner, answer: BatchAnswer)] = []
    var names: [Catalogue.NamedCode] = []
    var nameAnswers: [NameAnswer] = []
    /// The chain at its end; nil when it has no records.
    var chain: ChainHead?
    /// Ring positions below are taken.
    var ringEnd: UInt64
    /// When its batches were taken out of the ring.
    var startNanoseconds: Int64

    var endSequence: UInt64 { firstSequence + UInt64(records.count) }
}
