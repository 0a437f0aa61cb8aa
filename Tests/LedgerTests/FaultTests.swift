import Ledger
import Locks
import Storage
import Testing
import Transactions

/// Invariant 3: a full disk refuses new batches and keeps all that was receipted; after a failed flush nothing more is written.
@Suite struct FaultTests {
    private func open(_ directory: TemporaryDirectory, _ disk: FaultyFileSystem, segmentByteCount: Int = 256 << 20)
        throws -> Ledger
    {
        if !directory.files.exist(in: disk) { try directory.files.createUTC() }
        var options = LedgerOptions()
        options.segmentByteCount = segmentByteCount
        options.securedByteCount = 1 << 16
        return try Ledger(directory.files, options: options, fileSystem: disk)
    }

    private func refusal(_ body: () throws -> Void) -> Refusal.Cause? {
        do {
            try body()
            return nil
        } catch {
            return (error as? Refusal)?.cause
        }
    }

    /// Enough records for the space that is secured ahead to run out.
    private func fillSecuredSpace(_ ledger: Ledger, _ start: inout Int) -> Refusal.Cause? {
        for _ in 0..<20 {
            let range = start..<start + 2000
            if let cause = refusal({ _ = try ledger.load(records(range)) }) { return cause }
            start += 2000
        }
        return nil
    }

    @Test func aFullDiskRefusesBatchesAndNothingElseChanges() throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyFileSystem()
        let ledger = try open(directory, disk)
        disk.fail(.secure, with: FaultyFileSystem.diskFull)
        #expect(refusal { _ = try ledger.load(records(0..<100)) } == .diskFull)
        #expect(try ledger.status().records == 0)
        disk.fail(.secure, with: nil)
        #expect(try ledger.load(records(0..<100)).accepted == 100)
        var next = 100
        disk.fail(.secure, with: FaultyFileSystem.diskFull)
        #expect(fillSecuredSpace(ledger, &next) == .diskFull)
        // Some batches of the refused load may have fitted in: what is there is whole, and the rest is still new.
        disk.fail(.secure, with: nil)
        let again = try ledger.load(records(0..<next + 2000))
        #expect(again.accepted + again.duplicates == next + 2000 && again.exceptions.isEmpty)
        #expect(again.accepted > 0 && again.duplicates >= next)
        #expect(try ledger.status().records == UInt64(next + 2000))
        ledger.close()
        var verification = Verification(directory.files)
        #expect(try verification.run { _, _ in }.faults == [])
    }

    @Test func aFullDiskAtTheBeginOfASegmentLeavesTheOldOneWhole() throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyFileSystem()
        let ledger = try open(directory, disk, segmentByteCount: 300_000)
        _ = try ledger.load(records(0..<3000))
        disk.fail(.create, with: FaultyFileSystem.diskFull)
        var refused = 0
        for start in stride(from: 3000, to: 30_000, by: 9000)
        where refusal({ _ = try ledger.load(records(start..<start + 9000)) }) == .diskFull { refused += 1 }
        #expect(refused > 0)
        disk.fail(.create, with: nil)
        let again = try ledger.load(records(0..<30_000))
        #expect(again.accepted + again.duplicates == 30_000 && again.accepted >= refused * 1000)
        #expect(try ledger.status().records == 30_000)
        ledger.close()
        var verification = Verification(directory.files)
        #expect(try verification.run { _, _ in }.faults == [])
    }

    @Test func withoutADescriptorForTheNextSegmentBatchesAreRefusedForNow() throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyFileSystem()
        let ledger = try open(directory, disk, segmentByteCount: 300_000)
        disk.fail(.create, with: FaultyFileSystem.outOfDescriptors)
        var next = 0
        var cause: Refusal.Cause?
        while cause == nil, next < 90_000 {
            cause = refusal { _ = try ledger.load(records(next..<next + 9000)) }
            next += 9000
        }
        #expect(cause == .diskFull, "a refusal that passes")
        disk.fail(.create, with: nil)
        let again = try ledger.load(records(0..<next))
        #expect(again.accepted + again.duplicates == next)
        ledger.close()
        var verification = Verification(directory.files)
        #expect(try verification.run { _, _ in }.faults == [])
    }

    @Test func codesOfNamesThatCouldNotBeMadeDurableAreTakenBack() async throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyFileSystem()
        let ledger = try open(directory, disk)
        disk.fail(.secure, with: FaultyFileSystem.diskFull)
        await #expect(throws: Refusal.self) {
            try await ledger.codes(for: [Name(.region, "Huế"), Name(.region, "Đà Nẵng")])
        }
        disk.fail(.secure, with: nil)
        #expect(ledger.knownCodes(for: [Name(.region, "Huế")]) == [nil])
        #expect(try await ledger.codes(for: [Name(.region, "Đà Nẵng"), Name(.region, "Huế")]) == [0x8000, 0x8001])
        ledger.close()
        let reader = try LedgerReader(directory.files)
        #expect(reader.names(of: .region) == [0x8000: "Đà Nẵng", 0x8001: "Huế"])
    }

    @Test(arguments: [FaultyFileSystem.Operation.synchronise, .write])
    func afterAFailedFlushNothingIsWrittenOrReceiptedAnyMore(operation: FaultyFileSystem.Operation) throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyFileSystem()
        try directory.files.createUTC()
        let told = Lock<[Refusal]>([])
        let ledger = try Ledger(
            directory.files, fileSystem: disk, onFailure: { refusal in told.withLock { $0.append(refusal) } })
        _ = try ledger.load(records(0..<500))
        disk.fail(operation, with: FaultyFileSystem.broken)
        #expect(refusal { _ = try ledger.load(records(500..<900)) } == .failed)
        // The disk is well again, the process is not.
        disk.fail(operation, with: nil)
        #expect(refusal { _ = try ledger.load(records(500..<900)) } == .failed)
        #expect(refusal { _ = try ledger.load(records(0..<10)) } == .failed, "not even a duplicate is confirmed")
        #expect(ledger.failure != nil && told.withLock { $0.count } == 1)
        ledger.close()
        let recovered = try Ledger(directory.files)
        let again = try recovered.load(records(0..<900))
        #expect(again.duplicates >= 500 && again.accepted + again.duplicates == 900)
        recovered.close()
    }
}
