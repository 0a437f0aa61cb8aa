import NIOCore
import Synchronization

/// Keeps clients whose records have to be read back from the log from holding up those whose records are new.
///
/// All batches go through the committer in the order in which they came. A batch of old records, whose duplicates are told
/// only by reading them, may take twenty times as long there as one of new records, and a client that sends a day again can
/// have a window of such batches before everyone else's. So as long as others send new records, such a client has one batch
/// under way at a time, and all of them together get the committer for a part of the time only. When nobody else sends,
/// nothing is held back.
final class SlowLane: Sendable {
    private struct State {
        var ordinaryUntil = NIODeadline.distantPast
        var freeAt = NIODeadline.distantPast
    }

    private let state = Mutex(State())
    private let courtesy: TimeAmount

    /// For each record that was read back: what reading it takes, and the same again for the others.
    private static let nanosecondsPerRecord: Int64 = 20_000

    /// - Parameter courtesyMilliseconds: how long after a new record clients with old ones still hold back.
    init(courtesyMilliseconds: Int64) { courtesy = .milliseconds(courtesyMilliseconds) }

    /// Somebody's new records were taken.
    func noteNewRecords() {
        let until = NIODeadline.now() + courtesy
        state.withLock { $0.ordinaryUntil = until }
    }

    /// When a client may go on of whose records so many were read back; nil: at once, for nobody else sends.
    func rest(afterReadingBack count: Int) -> NIODeadline? {
        let now = NIODeadline.now()
        return state.withLock { state in
            guard state.ordinaryUntil > now else { return nil }
            state.freeAt = max(state.freeAt, now) + .nanoseconds(Int64(count) * SlowLane.nanosecondsPerRecord)
            return state.freeAt
        }
    }
}
