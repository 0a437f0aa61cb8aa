import Chance
import Foundation
import Ledger
import Locks
import RingBuffer
import Synchronization
import Transactions

/// A thread that asks or sends until it is told that the ledger is being closed; it can be waited for.
final class Worker: Sendable {
    private let hasEnded = Atomic<Bool>(false)
    private let bell = Doorbell()

    init(_ body: @escaping @Sendable () -> Void) {
        Thread { [self] in
            body()
            hasEnded.store(true, ordering: .releasing)
            bell.ring()
        }.start()
    }

    /// False when it has not ended after so long: it waits for something that nobody will give it.
    func wait(seconds: Int64 = 60) -> Bool {
        bell.wait(timeoutNanoseconds: seconds * 1_000_000_000) { hasEnded.load(ordering: .acquiring) }
    }
}

/// Sends batches of new records and some of its earlier ones again, until it is refused, and remembers every answer.
final class Gateway: BatchOwner {
    private struct State {
        var sent: [UInt64: Range<Int>] = [:]
        var answers: [UInt64: Result<Receipt, Refusal>] = [:]
        var answerCount = 0
        var isWaiting = false
        var isRefused: Bool { answers.values.contains { if case .failure = $0 { true } else { false } } }
        var openCount: Int { sent.count - answers.count }
    }

    private let state = Lock(State())
    private let bell = Doorbell()
    private let firstNumber: Int

    /// - Parameter firstNumber: of its records; gateways have a million each.
    init(firstNumber: Int) { self.firstNumber = firstNumber }

    /// Sends until the first refusal, then waits until each batch has its answer.
    func send(to ledger: Ledger) {
        var random = SeededGenerator(seed: UInt64(firstNumber))
        var next = firstNumber
        for batch in UInt64(1)... {
            _ = bell.wait { state.withLock { !$0.isWaiting && $0.openCount < 32 } }
            if state.withLock({ $0.isRefused }) { break }
            var range = next..<next + Int.random(in: 1...700, using: &random)
            if batch % 4 == 0, let earlier = state.withLock({ $0.sent.values.randomElement() }) {
                range = earlier
            } else {
                next = range.upperBound
            }
            state.withLock { state in
                state.sent[batch] = range
                state.isWaiting = true
            }
            let admission = records(range).withUnsafeBytes {
                ledger.submit($0, batch: batch, sources: .all, owner: self)
            }
            if admission == .taken { state.withLock { $0.isWaiting = false } }
        }
        _ = bell.wait { state.withLock { $0.openCount == 0 && !$0.isWaiting } }
    }

    func ledgerDidAdmitWaitingBatch() {
        state.withLock { $0.isWaiting = false }
        bell.ring()
    }

    func ledgerDidAnswer(_ answers: [BatchAnswer]) {
        state.withLock { state in
            for answer in answers { state.answers[answer.batch] = answer.result }
            state.answerCount += answers.count
        }
        bell.ring()
    }

    /// Every batch was answered, and once.
    var hasOneAnswerForEachBatch: Bool { state.withLock { $0.openCount == 0 && $0.answerCount == $0.sent.count } }

    /// Records that were accepted.
    var acceptedCount: Int {
        state.withLock { state in
            state.answers.values.reduce(0) { $0 + ((try? $1.get())?.accepted ?? 0) }
        }
    }

    /// Numbers of records that a receipt confirmed.
    var receiptedNumbers: [Int] {
        state.withLock { state in
            state.answers.compactMap { batch, result in (try? result.get()) == nil ? nil : state.sent[batch] }
                .flatMap(Array.init)
        }
    }
}
