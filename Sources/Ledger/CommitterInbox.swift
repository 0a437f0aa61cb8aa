import Locks
import RingBuffer
import Storage
import Synchronization
import Transactions

/// What other threads ask of the committer. Whatever comes here is answered: either its thread takes it, or it is refused
/// because that thread has ended.
final class CommitterInbox: Sendable {
    /// A request for codes of names.
    struct NameRequest: Sendable {
        var names: [NameDefinition]
        var reply: Commit.NameReply
    }

    /// Gets the index, or learns that the thread has ended and that it will not run.
    typealias Task = @Sendable (Result<IdentityIndex, Refusal>) -> Void

    /// What came since it was last looked at.
    struct Content: Sendable {
        var names: [NameRequest] = []
        var tasks: [Task] = []
        /// Take what is in the ring, then end.
        var isClosing = false

        func refuse() {
            names.forEach { $0.reply(.failure(.closing)) }
            tasks.forEach { $0(.failure(.closing)) }
        }
    }

    private let bell: Doorbell
    /// Nil when the thread takes no more.
    private let content = Lock<Content?>(Content())
    private let addedCount = Atomic<Int>(0)

    /// - Parameter bell: rung when something came.
    init(bell: Doorbell) { self.bell = bell }

    var isEmpty: Bool { addedCount.load(ordering: .acquiring) == 0 }

    func add(_ more: Content) {
        let isTaken = content.withLock { content in
            content?.names += more.names
            content?.tasks += more.tasks
            if more.isClosing { content?.isClosing = true }
            return content != nil
        }
        guard isTaken else { return more.refuse() }
        addedCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    /// What is there; called by the committer's thread alone, as `end` is.
    func take() -> Content {
        guard addedCount.exchange(0, ordering: .acquiringAndReleasing) > 0 else { return Content() }
        return content.withLock { content in
            defer { content = Content() }
            return content ?? Content()
        }
    }

    /// Refuses what is there and all that comes later.
    func end() {
        let last = content.withLock { content in
            defer { content = nil }
            return content
        }
        last?.refuse()
    }
}
