import Synchronization
import Transactions

/// Makes tokens of accounts, each with the key that is in force on its date.
///
/// A key is only added for dates behind the next one, since records come up to a day ahead of the clock. So what was read on one
/// date says which keys are in force up to the next; for what is behind it the file is read again, at most once a date. A
/// process that runs for years needs nobody to tell it of a rotation, and none makes a token that another would make otherwise.
public final class TokenKeys: Sendable {
    private struct State {
        var ring: TokenKeyRing
        /// No key is added any more for a date up to this one.
        var lastKnownDay: CalendarDay
    }

    private let file: TokenKeyFile
    private let machine: any Machine
    private let state: Mutex<State>

    /// Reads the keys.
    public init(_ file: TokenKeyFile, machine: any Machine = SystemMachine()) throws {
        (self.file, self.machine) = (file, machine)
        // The clock before the file: what is added in between is for later dates.
        let day = TokenKeys.lastKnownDay(atMicroseconds: machine.wallClockMicroseconds())
        state = Mutex(State(ring: try file.ring(), lastKnownDay: day))
    }

    /// Up to which date no key is added any more: that of the latest record that is taken now.
    static func lastKnownDay(atMicroseconds now: Int64) -> CalendarDay {
        CalendarDay(utcDayOf: now + Record.largestLeadMicroseconds)
    }

    /// Within which periods an account has one token.
    public var periods: TokenPeriods { state.withLock { TokenPeriods($0.ring, lastKnownDay: $0.lastKnownDay) } }

    /// The tokens of accounts, in their order. Nothing is kept.
    /// - Throws: why a key is not known: the file cannot be read any more.
    public func tokens(for accounts: AccountNumbers) throws(Refusal) -> [UInt64] {
        guard let day = accounts.lastDay else { return [] }
        return try ring(through: day).tokens(of: accounts)
    }

    /// Reads the keys again.
    /// - Throws: what is wrong with them; those that were known stay.
    public func refresh() throws {
        let day = TokenKeys.lastKnownDay(atMicroseconds: machine.wallClockMicroseconds())
        let ring = try file.ring()
        try state.withLock { state in
            guard ring.agrees(with: state.ring, through: state.lastKnownDay) else {
                throw LedgerError.tokenKey(
                    path: file.path, line: nil,
                    reason:
                        "its keys for dates up to \(state.lastKnownDay) are others than before; expected keys for later dates only to be added"
                )
            }
            state = State(ring: ring, lastKnownDay: max(day, state.lastKnownDay))
        }
    }

    private func ring(through day: CalendarDay) throws(Refusal) -> TokenKeyRing {
        let known = state.withLock { $0 }
        // A record of a date further ahead is rejected by its time: what its token would be does not matter.
        let lastDay = TokenKeys.lastKnownDay(atMicroseconds: machine.wallClockMicroseconds())
        if min(day, lastDay) <= known.lastKnownDay { return known.ring }
        do { try refresh() } catch { throw Refusal(.noTokenKey, "no token key for \(day): \(error)") }
        return state.withLock { $0.ring }
    }
}
