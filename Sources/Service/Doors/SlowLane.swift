import Ledger
import NIOCore
import Synchronization

/// Keeps clients whose records are in the ledger already from holding up those whose records are new.
///
/// All batches go through the committer in the order in which they came. A client that sends a day again can have a window of
/// batches before everyone else's, and keep it full, since it waits for no flush; those whose duplicates are told only by
/// reading them back from the log may take twenty times as long as new ones. So as long as others send new records, such a
/// client has one batch under way at a time on each connection, and all of them together get the committer for a part of the
/// time only. When nobody else sent new records lately, nothing is held back.
///
/// All servers of a ledger share one. A sender is an object: a connection, or a client whatever the number of its connections.
public final class SlowLane: Sendable {
    private struct State {
        /// By sender: until when those with old records make way for it.
        var ordinaryUntil: [ObjectIdentifier: NIODeadline] = [:]
        var freeAt = NIODeadline.distantPast
        var restCount: UInt64 = 0

        /// True when somebody else sent new records lately. Forgets those who did not.
        mutating func hasOthers(than sender: ObjectIdentifier, at now: NIODeadline) -> Bool {
            while let (other, until) = ordinaryUntil.first(where: { $0.key != sender }) {
                if until > now { return true }
                ordinaryUntil[other] = nil
            }
            return false
        }
    }

    private let state = Mutex(State())
    private let courtesy: TimeAmount

    /// A few old records are a gateway's own retries; more are a day that is sent again.
    private static let mostOldAtOnce = 256
    private static let mostReadBackAtOnce = 32
    /// What deciding on an old record takes, and the same again for the others.
    private static let oldNanoseconds: Int64 = 2000
    private static let readBackNanoseconds: Int64 = 20_000
    /// Nobody rests for longer, however many do: no client takes the daemon for dead in that time, and what a crowd has sent
    /// is not on the account of who comes after it.
    private static let longestRest = TimeAmount.seconds(20)

    /// - Parameter courtesyMilliseconds: how long after somebody's new records clients with old ones hold back: longer than a
    ///   window of old records can hold up everyone.
    public init(courtesyMilliseconds: Int64 = 5_000) { courtesy = .milliseconds(courtesyMilliseconds) }

    /// How often a sender was told to rest.
    var restCount: UInt64 { state.withLock { $0.restCount } }

    /// The sender has gone: nobody makes way for it any more.
    func forget(_ sender: AnyObject) {
        _ = state.withLock { $0.ordinaryUntil.removeValue(forKey: ObjectIdentifier(sender)) }
    }

    /// When a sender may go on after these answers to its batches; nil: at once, for they held new records, or nobody else
    /// sends any.
    func rest(of sender: AnyObject, after answers: [BatchAnswer]) -> NIODeadline? {
        var (oldCount, readBackCount, newCount) = (0, 0, 0)
        for answer in answers {
            readBackCount += answer.readBackCount
            guard case .success(let receipt) = answer.result else { continue }
            oldCount += receipt.duplicates
            newCount += receipt.accepted
        }
        let (sender, now) = (ObjectIdentifier(sender), NIODeadline.now())
        guard oldCount > max(newCount, SlowLane.mostOldAtOnce) || readBackCount > SlowLane.mostReadBackAtOnce else {
            if newCount > 0 { state.withLock { $0.ordinaryUntil[sender] = now + courtesy } }
            return nil
        }
        let nanoseconds =
            Int64(oldCount) * SlowLane.oldNanoseconds + Int64(readBackCount) * SlowLane.readBackNanoseconds
        return state.withLock { state in
            guard state.hasOthers(than: sender, at: now) else { return nil }
            state.restCount += 1
            state.freeAt = min(max(state.freeAt, now) + .nanoseconds(nanoseconds), now + SlowLane.longestRest)
            return state.freeAt
        }
    }
}
