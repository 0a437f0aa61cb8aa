import Transactions

/// Who submitted a batch and is told what became of it.
///
/// Both calls come on the ledger's own threads: an implementation hands over to its event loop or wakes a waiting thread,
/// and never blocks.
public protocol BatchOwner: AnyObject, Sendable {
    /// A batch that `submit` had to let wait is in the ring now: the owner may submit the next one.
    func ledgerDidAdmitWaitingBatch()

    /// What became of batches of this owner, in the order of their submission; only refusals because the ledger is being
    /// closed may come before answers to earlier batches. Receipts come only when every sequence given before them is durable.
    func ledgerDidAnswer(_ answers: [BatchAnswer])
}

/// What became of one batch.
public struct BatchAnswer: Sendable {
    /// The owner's own number of the batch.
    public var batch: UInt64
    /// The receipt, or why the whole batch was refused; a refused batch changed nothing and may be sent again.
    public var result: Result<Receipt, Refusal>
    /// About how many of its records had to be read back from the log to tell what they are. That takes twenty times as long
    /// as a new record, for all who wait behind it.
    public var readBackCount: Int

    /// `result` is the answer to `batch`.
    public init(batch: UInt64, result: Result<Receipt, Refusal>, readBackCount: Int = 0) {
        self.batch = batch
        self.result = result
        self.readBackCount = readBackCount
    }
}

/// Why the ledger refuses a batch or a request as a whole.
public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of trouble it is; the raw value is the code in error frames.
    public enum Cause: UInt16, Sendable {
        /// The disk has no space for another block. What was receipted is kept; free space, then send again.
        case diskFull = 1
        /// A write or a flush failed, so that nothing more may be written by this process.
        case failed = 2
        /// The ledger is being closed.
        case closing = 3
        /// A space has no room for further names, or the limit on new names was reached.
        case namesExhausted = 4
        /// Damage: what the records have to be compared with, to tell duplicates from new ones, cannot be read.
        case damaged = 7
        /// A name cannot have the code that it should: it has another, or the code has another name.
        case codeTaken = 8
        /// The key of an account's token cannot be read.
        case noTokenKey = 9
    }

    /// What kind of trouble it is.
    public var cause: Cause
    /// What happened, for people.
    public var description: String

    /// A refusal for `cause`.
    public init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
    }

    static let closing = Refusal(.closing, "the ledger is being closed")
}

/// What `submit` did with a batch.
public enum Admission: Sendable {
    /// The records are in the ring.
    case taken
    /// The ring is full: the batch was copied aside and waits its turn. The owner submits nothing more until
    /// `ledgerDidAdmitWaitingBatch`.
    case waiting
}
