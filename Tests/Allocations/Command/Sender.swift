import Ledger
import RingBuffer
import Synchronization
import Transactions

/// Sends batches and waits for their receipts, and allocates nothing meanwhile.
final class Sender: BatchOwner {
    private static let windowBatchCount: UInt64 = 256

    private let ledger: Ledger
    private let bell = Doorbell()
    private let sentCount = Atomic<UInt64>(0)
    private let answeredCount = Atomic<UInt64>(0)
    private let isWaiting = Atomic<Bool>(false)
    private let refused = Atomic<Bool>(false)

    init(_ ledger: Ledger) { self.ledger = ledger }

    /// The ledger took a batch not at all.
    struct Refused: Error {}

    /// Sends records in batches and waits until all are receipted.
    func send(_ records: Slice<UnsafeMutableBufferPointer<Record>>, batch: Int) throws {
        let records = UnsafeBufferPointer(UnsafeMutableBufferPointer(rebasing: records))
        for start in stride(from: 0, to: records.count, by: batch) {
            waitUntil { !isWaiting.load(ordering: .acquiring) && openCount < Sender.windowBatchCount }
            let piece = UnsafeBufferPointer(rebasing: records[start..<min(start + batch, records.count)])
            let number = sentCount.wrappingAdd(1, ordering: .relaxed).newValue
            isWaiting.store(true, ordering: .relaxed)
            let admission = ledger.submit(UnsafeRawBufferPointer(piece), batch: number, sources: .all, owner: self)
            if admission == .taken { isWaiting.store(false, ordering: .relaxed) }
        }
        waitUntil { openCount == 0 }
        if refused.load(ordering: .acquiring) { throw Refused() }
    }

    private var openCount: UInt64 {
        sentCount.load(ordering: .relaxed) - answeredCount.load(ordering: .acquiring)
    }

    private func waitUntil(_ condition: () -> Bool) { _ = bell.wait(until: condition) }

    func ledgerDidAdmitWaitingBatch() {
        isWaiting.store(false, ordering: .releasing)
        bell.ring()
    }

    func ledgerDidAnswer(_ answers: [BatchAnswer]) {
        for answer in answers {
            if case .failure = answer.result { refused.store(true, ordering: .releasing) }
        }
        answeredCount.wrappingAdd(UInt64(answers.count), ordering: .releasing)
        bell.ring()
    }
}
