import Foundation
import Ledger
import Locks
import RingBuffer
import Rollups
import Testing
import Transactions

/// Many threads at a time; run under the thread sanitizer too.
@Suite struct ConcurrencyTests {
    /// Gateways send and send again, others ask, look up and name, and the ledger is closed at a moment of chance: nobody waits
    /// for ever, each batch has one answer, and what was receipted is there.
    @Test(arguments: [3, 17, 40, 90]) func everythingAtOnceAndTheEndInTheMiddleOfIt(milliseconds: Int) throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var options = LedgerOptions()
        options.ringSlotCount = 4096
        options.segmentByteCount = 1 << 18
        options.securedByteCount = 1 << 16
        options.checkpointSeconds = 0
        let ledger = try Ledger(directory.files, options: options)
        let gateways = (0..<4).map { Gateway(firstNumber: $0 * 1_000_000) }
        var workers = gateways.map { gateway in Worker { gateway.send(to: ledger) } }
        for number in 0..<2 {
            workers.append(Worker { while (try? ledger.find(record(number).id)) != nil {} })
            workers.append(Worker { while (try? ledger.total(.attempts)) != nil {} })
        }
        workers.append(Worker { while (try? ledger.status()) != nil {} })
        workers.append(Worker { askForNames(ledger) })
        Thread.sleep(forTimeInterval: Double(milliseconds) / 1000)
        ledger.close()
        for worker in workers { #expect(worker.wait(), "a thread waits for ever") }
        #expect(gateways.allSatisfy { $0.hasOneAnswerForEachBatch })

        let again = try Ledger(directory.files)
        defer { again.close() }
        let acceptedCount = gateways.reduce(0) { $0 + $1.acceptedCount }
        #expect(try again.status().records == UInt64(acceptedCount))
        #expect(try again.total(.attempts) == [Int128(acceptedCount)])
        let receipted = gateways.flatMap(\.receiptedNumbers)
        #expect(try again.load(receipted.map { record($0) }).duplicates == receipted.count)
    }

    /// The ring is full and batches wait for their turn when the disk gives out: each is refused, and the end comes.
    @Test(arguments: [FaultyFileSystem.Operation.synchronise, .write, .secure])
    func batchesThatWaitAreAnsweredWhenTheDiskFails(operation: FaultyFileSystem.Operation) throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let disk = FaultyFileSystem()
        var options = LedgerOptions()
        options.ringSlotCount = 2048
        options.securedByteCount = 1
        let ledger = try Ledger(directory.files, options: options, fileSystem: disk)
        let gateways = (0..<8).map { Gateway(firstNumber: $0 * 1_000_000) }
        let senders = gateways.map { gateway in Worker { gateway.send(to: ledger) } }
        while gateways.reduce(0, { $0 + $1.acceptedCount }) < 10_000 { Thread.sleep(forTimeInterval: 0.001) }
        disk.fail(operation, with: operation == .secure ? FaultyFileSystem.diskFull : FaultyFileSystem.broken)
        for sender in senders { #expect(sender.wait(seconds: 20), "a batch has no answer") }
        #expect(gateways.allSatisfy { $0.hasOneAnswerForEachBatch })
        #expect(Worker { ledger.close() }.wait(seconds: 20), "the ledger does not end")
    }

    /// The owner of a batch may be the last who holds the ledger, and let go of it on the thread that answers.
    @Test func theLastHolderMayLetGoOnAThreadOfTheLedger() throws {
        final class Holder: BatchOwner {
            let ledger: Ledger
            init(_ ledger: Ledger) { self.ledger = ledger }
            func ledgerDidAdmitWaitingBatch() {}
            func ledgerDidAnswer(_ answers: [BatchAnswer]) {
                // Long enough for the sender to have let go.
                Thread.sleep(forTimeInterval: 0.02)
            }
        }
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        func send() throws {
            let holder = Holder(try Ledger(directory.files))
            let admission = [record(1)].withUnsafeBytes {
                holder.ledger.submit($0, batch: 1, sources: .all, owner: holder)
            }
            #expect(admission == .taken)
        }
        try send()
        for attempt in 0..<1000 {
            if let reader = try? LedgerReader(directory.files) {
                #expect(try reader.status().records == 1)
                return
            }
            Thread.sleep(forTimeInterval: 0.01)
            #expect(attempt < 999, "the ledger was never let go")
        }
    }
}

/// Asks for codes of names, known and new, until it is refused.
private func askForNames(_ ledger: Ledger) {
    let answer = Lock<Result<[UInt32], Refusal>?>(nil)
    let bell = Doorbell()
    for number in 0... {
        answer.withLock { $0 = nil }
        ledger.requestCodes(for: [Name(.service, "service \(number % 500)"), Name(.region, "one")]) { result in
            answer.withLock { $0 = result }
            bell.ring()
        }
        _ = bell.wait { answer.withLock { $0 != nil } }
        if case .failure = answer.withLock({ $0! }) { return }
    }
}
