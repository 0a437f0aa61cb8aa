import RingBuffer

/// How a thread that works in the background lets commits go first: it works for a few milliseconds at a time, and while a
/// commit is on its way pauses for ten times as long as it works. Used by one thread at a time.
final class Pace: @unchecked Sendable {
    private let machine: any Machine
    private let flusher: Flusher
    private var workBegan: Int64

    private static let workNanoseconds: Int64 = 5_000_000
    private static let pauseNanoseconds: Int64 = 50_000_000

    init(on machine: any Machine, besides flusher: Flusher) {
        (self.machine, self.flusher) = (machine, flusher)
        workBegan = machine.monotonicNanoseconds()
    }

    /// Nothing was done since the last call.
    func begin() { workBegan = machine.monotonicNanoseconds() }

    /// Pauses when this thread has worked for a while.
    /// - Parameter bell: rung when the answer of `isStopping` changes.
    /// - Returns: false when the work is to be given up: it is stopped, or the ledger may write nothing more (invariant 3).
    func keep(_ bell: Doorbell, until isStopping: () -> Bool) -> Bool {
        if isStopping() || flusher.failure != nil { return false }
        guard machine.monotonicNanoseconds() - workBegan >= Pace.workNanoseconds else { return true }
        let pauseEnd = machine.monotonicNanoseconds() + Pace.pauseNanoseconds
        while flusher.isBusy, machine.monotonicNanoseconds() < pauseEnd {
            if bell.wait(timeoutNanoseconds: Pace.workNanoseconds, until: isStopping) { return false }
        }
        begin()
        return true
    }
}
