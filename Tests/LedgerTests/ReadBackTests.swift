import Ledger
import Synchronization
import Testing
import Transactions

/// Batches whose records had to be read back from the log say so: the service has their senders make way for others.
@Suite struct ReadBackTests {
    private final class Owner: BatchOwner {
        let answers = Mutex<[BatchAnswer]>([])

        func ledgerDidAdmitWaitingBatch() {}
        func ledgerDidAnswer(_ answers: [BatchAnswer]) { self.answers.withLock { $0 += answers } }

        var readBack: [UInt64: Int] {
            answers.withLock { Dictionary($0.map { ($0.batch, $0.readBackCount) }, uniquingKeysWith: +) }
        }
    }

    private func submit(_ records: [Record], to ledger: Ledger, as batch: UInt64, of owner: Owner) {
        records.withUnsafeBytes { _ = ledger.submit($0, batch: batch, sources: .all, owner: owner) }
    }

    @Test func whatWasReadBackIsLaidToTheBatchesThatItWasReadFor() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files)
        _ = try ledger.load(records(0..<1000))
        let owner = Owner()
        submit(records(2000..<2100), to: ledger, as: 1, of: owner)
        submit((0..<100).map { record($0, amount: 999_999) }, to: ledger, as: 2, of: owner)
        submit(records(0..<100), to: ledger, as: 3, of: owner)
        ledger.close()
        // Those with the same bytes are told by their digests.
        #expect(owner.readBack[1] == 0)
        #expect((1...100).contains(owner.readBack[2] ?? 0))
        #expect((owner.readBack[2] ?? 0) + (owner.readBack[3] ?? 0) == 100)
    }
}
