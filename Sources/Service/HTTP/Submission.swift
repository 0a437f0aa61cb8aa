import Ledger
import Synchronization
import Transactions

/// The batches of one request on their way: the task that sends them waits for the ring, then for all answers.
final class Submission: BatchOwner {
    private struct State {
        var answers: [BatchAnswer] = []
        var isWaitingForRing = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Submits records in batches and waits until each was answered.
    /// - Parameter sources: those that the client may send for; records of others are rejected.
    /// - Returns: an answer for each batch, in order.
    func send(_ records: [Record], to ledger: Ledger, sources: SourceSet) async -> [BatchAnswer] {
        var batchCount = 0
        for start in stride(from: 0, to: records.count, by: Ledger.largestBatch) {
            await wait { !$0.isWaitingForRing }
            let batch = records[start..<min(start + Ledger.largestBatch, records.count)]
            state.withLock { $0.isWaitingForRing = true }
            let admission = batch.withUnsafeBytes {
                ledger.submit($0, batch: UInt64(batchCount), sources: sources, owner: self)
            }
            if case .taken = admission { state.withLock { $0.isWaitingForRing = false } }
            batchCount += 1
        }
        await wait { [batchCount] in $0.answers.count == batchCount }
        return state.withLock { $0.answers.sorted { $0.batch < $1.batch } }
    }

    func ledgerDidAdmitWaitingBatch() { change { $0.isWaitingForRing = false } }

    func ledgerDidAnswer(_ answers: [BatchAnswer]) { change { $0.answers += answers } }

    /// One task waits; whoever changes something lets it look again.
    private func wait(until condition: @Sendable (borrowing State) -> Bool) async {
        while !state.withLock({ condition($0) }) {
            await withCheckedContinuation { continuation in
                let isMet = state.withLock { state in
                    if condition(state) { return true }
                    state.waiter = continuation
                    return false
                }
                if isMet { continuation.resume() }
            }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiter = state.withLock { state in
            body(&state)
            return state.waiter.take()
        }
        waiter?.resume()
    }
}
