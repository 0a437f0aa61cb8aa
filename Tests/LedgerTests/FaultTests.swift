import Foundation
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
        if try !directory.files.exist(in: disk) { try directory.files.createUTC() }
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

    /// Were it taken for none, it would be made anew over what is there.
    @Test func aLedgerThatCannotBeLookedAtIsNotTakenForNone() throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyFileSystem()
        try directory.files.createUTC()
        try directory.files.load(records(0..<100))
        disk.fail(.list, with: FaultyFileSystem.outOfDescriptors)
        #expect(throws: FaultyFileSystem.outOfDescriptors) { try Ledger(directory.files, fileSystem: disk) }
        #expect(throws: FaultyFileSystem.outOfDescriptors) { try LedgerReader(directory.files, fileSystem: disk) }
        #expect(throws: FaultyFileSystem.outOfDescriptors) {
            try directory.files.create(timeZone: "UTC", cutoverMinutes: 0, fileSystem: disk)
        }
        disk.fail(.list, with: nil)
        #expect(try LedgerReader(directory.files).total(.attempts) == [100])
    }

    /// As whoever looked into the catalogue with SQLite's own shell leaves it.
    @Test func anEmptyWriteAheadLogIsNotCopied() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        try directory.files.load(records(0..<100))
        try Data().write(to: URL(fileURLWithPath: directory.files.catalogue + "-wal"))
        let disk = FaultyFileSystem()
        disk.fail(.create, with: FaultyFileSystem.diskFull)
        #expect(try LedgerReader(directory.files, fileSystem: disk).total(.attempts) == [100])
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

    @Test func withoutADescriptorForAFileOfTheIndexBatchesAreRefusedForNow() throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyFileSystem()
        try directory.files.createUTC()
        var options = LedgerOptions()
        (options.identityByteCount, options.identityCheckCount) = (0, 1000)
        for start in stride(from: 0, to: 9000, by: 3000) { try directory.files.load(records(start..<start + 3000)) }
        try directory.files.rebuild(options: options)
        #expect(try !FileManager.default.contentsOfDirectory(atPath: directory.files.index).isEmpty)
        let ledger = try Ledger(directory.files, options: options, fileSystem: disk)
        disk.fail(.openIndex, with: FaultyFileSystem.outOfDescriptors)
        #expect(refusal { _ = try ledger.load(records(0..<9500)) } == .diskFull, "a refusal that passes")
        disk.fail(.openIndex, with: nil)
        let again = try ledger.load(records(0..<9500))
        #expect(again.duplicates >= 9000 && again.accepted + again.duplicates == 9500)
        #expect(try ledger.status().records == 9500)
        ledger.close()
    }

    /// Whether a renamed file will stand after a power cut is not known when the rename or what follows fails.
    @Test func behindASegmentThatMayNotStandNothingIsWritten() throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyFileSystem()
        let ledger = try open(directory, disk, segmentByteCount: 300_000)
        disk.fail(.rename, with: FaultyFileSystem.broken)
        var next = 0
        while ledger.failure == nil, next < 90_000 {
            #expect([nil, .failed].contains(refusal { _ = try ledger.load(records(next..<next + 9000)) }))
            next += 9000
        }
        #expect(ledger.failure?.cause == .failed)
        let kept = next - 9000
        disk.fail(.rename, with: nil)
        #expect(refusal { _ = try ledger.load(records(0..<10)) } == .failed)
        ledger.close()
        let again = try directory.files.load(records(0..<next))
        #expect(again.duplicates >= kept && again.accepted + again.duplicates == next)
        var verification = Verification(directory.files)
        #expect(try verification.run { _, _ in }.faults == [])
    }

    @Test func chunksThatCannotBeMergedStayAsTheyAreAndAreToldOf() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(records(0..<100))
        let database = try SQLiteDatabase(path: files.catalogue, mode: .readWrite, fileSystem: DiskFileSystem())
        try database.execute("UPDATE chunks SET bytes = substr(bytes, 1, length(bytes) - 1) || x'55'")
        database.close()
        let told = Lock<[String]>([])
        for start in stride(from: 100, to: 1000, by: 100) {
            let ledger = try Ledger(files, report: { text in told.withLock { $0.append(text) } })
            #expect(try ledger.load(records(start..<start + 100)).accepted == 100)
            ledger.close()
        }
        let texts = told.withLock { $0 }
        #expect(!texts.isEmpty && texts.allSatisfy { $0.hasPrefix("chunks of statistics could not be merged: ") })
        var verification = Verification(files)
        #expect(try !verification.run { _, _ in }.faults.isEmpty)
        // The last byte is of the column that `timed` needs; what needs other columns is answered as before.
        #expect(throws: (any Error).self) { try LedgerReader(files).total(.timed) }
        #expect(try LedgerReader(files).total(.attempts) == [1000])
        try files.rebuild()
        #expect(try LedgerReader(files).total(.attempts) == [1000])
        verification = Verification(files)
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
    func afterAFailedFlushNothingIsWrittenOrReceiptedAnyMore(operation: FaultyFileSystem.Operation) async throws {
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
        await #expect(throws: Refusal.self) { try await ledger.codes(for: [Name(.region, "Huế")]) }
        #expect(ledger.failure != nil && told.withLock { $0.count } == 1)
        ledger.close()
        let recovered = try Ledger(directory.files)
        let again = try recovered.load(records(0..<900))
        #expect(again.duplicates >= 500 && again.accepted + again.duplicates == 900)
        recovered.close()
    }
}
