import Foundation
import Locks
import Transactions

/// Sends records into a ledger of this process and waits for their receipts: `load` without a server, and tests.
///
/// Blocks the calling thread when `windowBatches` batches are without a receipt. One thread at a time.
public final class Uploader: BatchOwner {
    /// What became of all that was sent.
    public struct Totals: Sendable {
        /// Records that are in the ledger and were not before.
        public var accepted = 0
        /// Records that were there already.
        public var duplicates = 0
        /// Conflicts and rejected records, each with its label, or its number among all records that were sent, from 0.
        public var exceptions: [(record: Int, fault: Fault)] = []
        /// The chain of the last receipt.
        public var chain = ChainHead.origin
    }

    private struct State {
        var totals = Totals()
        var labels: [UInt64: ArraySlice<Int>] = [:]
        var firstRecord: [UInt64: Int] = [:]
        var open = 0
        var isWaiting = false
        var refusal: Refusal?
    }

    private let ledger: Ledger
    private let sources: SourceSet
    private let windowBatches: Int
    private let onReceipt: @Sendable (Receipt) -> Void
    private let state = Lock(State())
    private let condition = NSCondition()
    private nonisolated(unsafe) var batch: UInt64 = 0
    private nonisolated(unsafe) var sent = 0

    /// An uploader into `ledger`.
    /// - Parameter onReceipt: is told each receipt, in order, on a thread of the ledger; it must not block.
    public init(
        _ ledger: Ledger, sources: SourceSet = .all, windowBatches: Int = 512,
        onReceipt: @escaping @Sendable (Receipt) -> Void = { _ in }
    ) {
        self.onReceipt = onReceipt
        self.ledger = ledger
        self.sources = sources
        self.windowBatches = windowBatches
    }

    /// Sends records, in batches of at most 1,024.
    /// - Parameter labels: one for each record, to be named by in exceptions; none: the record's number is.
    /// - Throws: `Refusal` when the ledger takes no more; what was receipted before is in `finish`'s totals all the same.
    public func send(_ records: UnsafeBufferPointer<Record>, labels: [Int] = []) throws(Refusal) {
        precondition(labels.isEmpty || labels.count == records.count, "each record has a label, or none has")
        var rest = records[...]
        var restOfLabels = labels[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Ledger.largestBatch)
            rest = rest.dropFirst(piece.count)
            try wait { $0.open < windowBatches && !$0.isWaiting }
            batch += 1
            state.withLock { state in
                state.firstRecord[batch] = sent
                if !labels.isEmpty { state.labels[batch] = restOfLabels.prefix(piece.count) }
                state.open += 1
                state.isWaiting = true
            }
            let bytes = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: piece))
            if ledger.submit(bytes, batch: batch, sources: sources, owner: self) == .taken {
                state.withLock { $0.isWaiting = false }
            }
            restOfLabels = restOfLabels.dropFirst(piece.count)
            sent += piece.count
        }
    }

    /// Sends an array.
    public func send(_ records: [Record], labels: [Int] = []) throws(Refusal) {
        let result: Result<Void, Refusal> = records.withUnsafeBufferPointer { records in
            do throws(Refusal) { return .success(try send(records, labels: labels)) } catch { return .failure(error) }
        }
        try result.get()
    }

    /// Waits until everything is receipted.
    public func finish() throws(Refusal) -> Totals {
        try wait { $0.open == 0 }
        return totals
    }

    /// What is receipted so far.
    public var totals: Totals { state.withLock { $0.totals } }

    private func wait(until isReady: (State) -> Bool) throws(Refusal) {
        condition.lock()
        defer { condition.unlock() }
        while true {
            let (ready, refusal) = state.withLock { (isReady($0), $0.refusal) }
            if let refusal { throw refusal }
            if ready { return }
            condition.wait()
        }
    }

    /// Lets the sender go on: the batch that waited for slots is in the ring.
    public func ledgerDidAdmitWaitingBatch() {
        condition.lock()
        state.withLock { $0.isWaiting = false }
        condition.signal()
        condition.unlock()
    }

    /// Counts the answers of batches.
    public func ledgerDidAnswer(_ answers: [BatchAnswer]) {
        condition.lock()
        state.withLock { state in
            for answer in answers {
                let first = state.firstRecord.removeValue(forKey: answer.batch) ?? 0
                let labels = state.labels.removeValue(forKey: answer.batch)
                state.open -= 1
                switch answer.result {
                case .failure(let refusal): state.refusal = refusal
                case .success(let receipt):
                    onReceipt(receipt)
                    state.totals.accepted += receipt.accepted
                    state.totals.duplicates += receipt.duplicates
                    state.totals.exceptions += receipt.exceptions.map {
                        (labels.map { [index = $0.index] in $0[$0.startIndex + index] } ?? first + $0.index, $0.fault)
                    }
                    state.totals.chain = receipt.chain
                }
            }
        }
        condition.signal()
        condition.unlock()
    }
}
