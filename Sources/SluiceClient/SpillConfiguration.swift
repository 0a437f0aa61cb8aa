/// Where a client puts batches while its window is full and the server cannot be reached.
///
/// What `send` returned for is then, at every moment, receipted, or in the window, or in the spill; and once a batch lies
/// in the spill, so does every older one without a receipt, so that a process that ends then loses nothing. A client
/// that opens the directory later, in this process or the next, sends what it finds there before anything else.
public struct SpillConfiguration: Sendable {
    /// When what was written is on the disk.
    public enum Flush: Sendable {
        /// Before `send` returns (`fdatasync`): it outlives a power cut.
        case beforeSendReturns
        /// When the system likes: it outlives the process, not a power cut.
        case bySystem
    }

    /// The directory, which is made if need be. One client at a time uses it.
    public var directory: String
    /// About how much disk it may take; `send` waits when it is taken.
    public var mostBytes: Int
    /// When what was written is on the disk.
    public var flush: Flush

    /// A spill in `directory`, of 1 GiB at most when nothing else is said: 16 million records.
    public init(directory: String, mostBytes: Int = 1 << 30, flush: Flush = .beforeSendReturns) {
        self.directory = directory
        self.mostBytes = mostBytes
        self.flush = flush
    }
}

/// What an earlier client left in a spill.
public struct SpillLeftovers: Hashable, Sendable {
    /// Batches, which are sent before anything else.
    public var batchCount = 0
    /// Their records.
    public var recordCount = 0
    /// Bytes of a last batch that was being written when its process ended, for which `send` never returned. They were
    /// cut off.
    public var cutByteCount = 0
}

/// Why a spill cannot be used.
public enum SpillFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another client uses the directory.
    case inUse(directory: String)
    /// Reading or writing failed.
    case failed(path: String, reason: String)
    /// What lies there is not what was written. Nothing of it is passed over: whoever knows what happened moves the file away.
    case damaged(path: String, offset: Int, reason: String)
    /// What lies there was meant for another ledger, or for sources that the client does not name.
    case foreign(path: String, reason: String)

    /// What happened, for people.
    public var description: String {
        switch self {
        case .inUse(let directory): "the spill \(directory) is used by another client"
        case .failed(let path, let reason): "\(path): \(reason)"
        case .damaged(let path, let offset, let reason): "\(path) is damaged at byte \(offset): \(reason)"
        case .foreign(let path, let reason): "\(path) is not for here: \(reason)"
        }
    }
}
