import NIOCore
import Synchronization

/// Keeps clients whose records are in the ledger already from holding up those whose records are new.
///
/// All batches go through the committer in the order in which they came. A client that sends a day again can have a window of
/// batches before everyone else's, and keep it full, since it waits for no flush; those whose duplicates are told only by
/// reading them back from the log may take twenty times as long as new ones. So as long as others send new records, such a
/// client has one batch under way at a time, and all of them together get the committer for a part of the time only. When
/// nobody else is connected who sent new records lately, nothing is held back.
final class SlowLane: Sendable {
    private struct State {
        /// By connection: until when those with old records make way for it.
        var ordinaryUntil: [ObjectIdentifier: NIODeadline] = [:]
        var freeAt = NIODeadline.distantPast

        /// True when somebody else sent new records lately. Forgets those who did not.
        mutating func hasOthers(than connection: ObjectIdentifier, at now: NIODeadline) -> Bool {
            while let (other, until) = ordinaryUntil.first(where: { $0.key != connection }) {
                if until > now { return true }
                ordinaryUntil[other] = nil
            }
            return false
        }
    }

    private let state = Mutex(State())
    private let courtesy: TimeAmount

    /// Records that were in the ledger already.
    struct OldRecords {
        var count = 0
        /// Those of them that had to be read back.
        var readBackCount = 0

        /// What deciding on them takes, and the same again for the others.
        fileprivate var nanoseconds: Int64 { Int64(count) * 2000 + Int64(readBackCount) * 20_000 }
    }

    /// - Parameter courtesyMilliseconds: how long after a new record clients with old ones still hold back.
    init(courtesyMilliseconds: Int64) { courtesy = .milliseconds(courtesyMilliseconds) }

    /// New records of a connection were taken.
    func noteNewRecords(of connection: AnyObject) {
        let until = NIODeadline.now() + courtesy
        state.withLock { $0.ordinaryUntil[ObjectIdentifier(connection)] = until }
    }

    /// The connection has ended: nobody makes way for it any more.
    func forget(_ connection: AnyObject) {
        _ = state.withLock { $0.ordinaryUntil.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// When a client may go on after these records; nil: at once, for nobody else sends.
    func rest(of connection: AnyObject, after old: OldRecords) -> NIODeadline? {
        let now = NIODeadline.now()
        return state.withLock { state in
            guard state.hasOthers(than: ObjectIdentifier(connection), at: now) else { return nil }
            state.freeAt = max(state.freeAt, now) + .nanoseconds(old.nanoseconds)
            return state.freeAt
        }
    }
}
