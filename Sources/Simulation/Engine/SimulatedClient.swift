import Ledger
import RingBuffer
import Synchronization
import Transactions

/// A client without a socket: submits batches to a ledger, and notes in a journal what it sends and what it is told.
final class SimulatedClient: BatchOwner {
    private struct State {
        var isWaiting = false
        var open = 0
        var refusals: [Refusal] = []
        var lastReceipted: UInt64 = 0
    }

    private let ledger: Ledger
    private let journal: Journal
    private let bell: Doorbell
    private let state = Mutex(State())

    init(_ ledger: Ledger, journal: Journal, machine: SimulatedMachine) {
        self.ledger = ledger
        self.journal = journal
        bell = Doorbell(control: machine)
    }

    /// Batches without an answer.
    var openCount: Int { state.withLock { $0.open } }
    /// Why batches were refused, the first first.
    var refusals: [Refusal] { state.withLock { $0.refusals } }
    /// The last sequence that a receipt told.
    var lastReceipted: UInt64 { state.withLock { $0.lastReceipted } }

    /// Sends a batch once the ring has room for the one before.
    func send(_ batch: UInt64, _ records: [Record]) {
        _ = bell.wait { state.withLock { !$0.isWaiting } }
        journal.note(.sent(batch: batch, records: records))
        state.withLock { state in
            state.open += 1
            state.isWaiting = true
        }
        let admission = records.withUnsafeBytes { ledger.submit($0, batch: batch, sources: .all, owner: self) }
        if admission == .taken { state.withLock { $0.isWaiting = false } }
    }

    /// Waits until every batch has its answer.
    func waitForAnswers() { _ = bell.wait { openCount == 0 } }

    /// Asks for codes of names and waits for them; nothing is noted when they are refused.
    /// - Returns: false when they were.
    @discardableResult
    func requestCodes(for names: [Name]) -> Bool {
        let isGiven = Mutex<Bool?>(nil)
        ledger.requestCodes(for: names) { [self] result in
            if case .success(let codes) = result {
                journal.note(.named(names, codes: codes))
                isGiven.withLock { $0 = true }
            } else {
                isGiven.withLock { $0 = false }
            }
            bell.ring()
        }
        _ = bell.wait { isGiven.withLock { $0 != nil } }
        return isGiven.withLock { $0! }
    }

    func ledgerDidAdmitWaitingBatch() {
        state.withLock { $0.isWaiting = false }
        bell.ring()
    }

    func ledgerDidAnswer(_ answers: [BatchAnswer]) {
        state.withLock { state in
            for answer in answers {
                state.open -= 1
                switch answer.result {
                case .success(let receipt):
                    journal.note(.receipted(batch: answer.batch, receipt))
                    if receipt.accepted > 0 {
                        state.lastReceipted = max(
                            state.lastReceipted, receipt.firstSequence + UInt64(receipt.accepted) - 1)
                    }
                case .failure(let refusal): state.refusals.append(refusal)
                }
            }
        }
        bell.ring()
    }
}
