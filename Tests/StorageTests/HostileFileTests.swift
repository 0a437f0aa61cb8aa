import CPlatform
import Chance
import Columns
import Foundation
import Testing
import Transactions

@testable import Storage

/// Files whose checksums match and whose numbers lie: found by fuzzing, and named instead of trapped over.
@Suite struct HostileFileTests {
    private let directory = NSTemporaryDirectory() + "/sluice-hostile-" + UUID().uuidString

    private func withDirectory(_ body: () throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body()
    }

    // MARK: Index files

    /// A file of 60 entries, changed and sealed again.
    private func indexFile(_ change: (inout [UInt8]) -> Void) throws -> IdentityFile {
        let path = directory + "/2026-03-02.60.index"
        let record = Record(
            id: RecordID(low: 1, high: 1), timeMicroseconds: 0, amountMinorUnits: 1, currency: .vnd, source: 1)
        let table = IdentityTable(base: 0)
        for sequence in 1...60 as ClosedRange<UInt64> {
            var record = record
            record.id.low = sequence / 2
            record.flags = UInt8(sequence % 2) << 4
            table.insert(Fingerprint(record, key: IdentityKey(k0: 1, k1: 2)), sequence: sequence)
        }
        try IdentityFile.write(
            to: path, day: 0, ledger: 9, base: 0, from: 1, through: 60, fileSystem: DiskFileSystem(),
            partition: table.sortedPartitions())
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        change(&bytes)
        bytes.withUnsafeMutableBytes { bytes in
            let base = bytes.baseAddress!
            for partition in 0..<Fingerprint.partitionCount {
                let start = Int(bytes.load(fromByteOffset: 64 + 4 * partition, as: UInt32.self))
                let end = Int(bytes.load(fromByteOffset: 68 + 4 * partition, as: UInt32.self))
                guard start <= end, 8264 + 8 * end <= bytes.count else { continue }
                let entries = sluice_crc32c(0, base + 8264 + 8 * start, 8 * (end - start))
                bytes.storeBytes(of: entries, toByteOffset: 4168 + 4 * partition, as: UInt32.self)
            }
            let header = sluice_crc32c(sluice_crc32c(0, base, 60), base + 64, 8200)
            bytes.storeBytes(of: header, toByteOffset: 60, as: UInt32.self)
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try IdentityFile(
            path: path, ledger: 9, fileSystem: DiskFileSystem(), openFiles: OpenIdentityFiles())
    }

    @Test func anIndexFileThatWasNotChangedIsWhole() throws {
        try withDirectory { try indexFile { _ in }.verify() }
    }

    /// Found by a fuzzer's search for leaks: a file and the list of those that are open held each other.
    @Test func aFileThatNobodyHoldsIsGone() throws {
        try withDirectory {
            weak var kept: IdentityFile?
            do {
                let file = try indexFile { _ in }
                try file.verify()
                kept = file
            }
            #expect(kept == nil)
        }
    }

    @Test(arguments: [-1, 1 << 40, 1 << 61, .max, .min, 59] as [Int])
    func aCountOfEntriesThatLiesIsNamed(count: Int) throws {
        try withDirectory {
            #expect(throws: IndexError.self) {
                try indexFile { $0.store(UInt64(bitPattern: Int64(count)), at: 48) }
            }
        }
    }

    /// What the header says of sequences: base, from, through.
    @Test(
        arguments: [
            (.max, 1, 60), (0, 0, 60), (0, 61, 60), (5, 1, 5), (0, 2, 60), (0, 1, 1 << 33), (0, 1, 59), (1, 1, 60),
            (.max - 3, .max - 2, .max),
        ] as [(UInt64, UInt64, UInt64)])
    func sequencesThatLieAreNamed(base: UInt64, from: UInt64, through: UInt64) throws {
        try withDirectory {
            #expect(throws: IndexError.self) {
                try indexFile {
                    $0.store(base, at: 24)
                    $0.store(from, at: 32)
                    $0.store(through, at: 40)
                }.verify()
            }
        }
    }

    @Test func entriesOutsideOfThePartitionsOrOutOfOrderAreNamed() throws {
        func reason(_ change: (inout [UInt8]) -> Void) -> String? {
            #expect(throws: IndexError.self) { try indexFile(change).verify() }?.description
        }
        try withDirectory {
            let inFront = reason { $0.store(UInt32(1), at: 64) }
            #expect(inFront?.contains("its partitions are out of order") == true)
            let reserved = reason { $0[4164] = 1 }
            #expect(reserved?.contains("its partitions are out of order") == true)
            let unused = reason { $0[57] = 1 }
            #expect(unused?.contains("its bytes 56 to 59 are not 0") == true)
            let turned = reason { bytes in
                let starts = (0...1024).map { bytes.word(at: 64 + 4 * $0) }
                let partition = (0..<1024).first { starts[$0 + 1] - starts[$0] >= 2 }!
                let (first, second) = (8264 + 8 * Int(starts[partition]), 8272 + 8 * Int(starts[partition]))
                for offset in 0..<8 { bytes.swapAt(first + offset, second + offset) }
            }
            #expect(turned?.contains("its entries are out of order") == true)
        }
    }

    // MARK: Segments

    private let settings = {
        var chance = SeededGenerator(seed: 1)
        return LedgerSettings(timeZone: "UTC", cutoverMinutes: 0, createdMicroseconds: 1, chance: &chance)
    }()

    private func create() throws -> Log {
        try LogRecovery.create(
            directory: directory, settings: settings, fileSystem: DiskFileSystem(), nowMicroseconds: 1)
    }

    private func open(proven: UInt64 = 0) throws -> Log {
        try LogRecovery.open(directory: directory, fileSystem: DiskFileSystem(), mayWrite: true) { _ in proven }.log
    }

    /// No record that a ledger accepts has such a time; a block may say so all the same.
    @Test func aBlockAtTheEndOfTimeIsRead() throws {
        try withDirectory {
            let log = try create()
            let (segment, offset, checksum) = log.tail
            let record = Record(
                id: RecordID(low: 1, high: 1), timeMicroseconds: .max, amountMinorUnits: 1, currency: .vnd, source: 1)
            let preface = BlockPreface(
                firstSequence: 1, commitTimeMicroseconds: 1, ledger: settings.ledger, offset: UInt64(offset),
                previousChecksum: checksum)
            try [record].withUnsafeBufferPointer {
                try log.write(BlockEncoder(capacity: 1).encode($0, preface: preface), to: segment)
            }
            let opened = try open()
            #expect(opened.endSequence == 2)
            #expect(try opened.records(at: [1], cache: BlockCache()) == [record])
            let entry = try #require(try opened.blocks(of: opened.segments[0]).last)
            #expect(entry.timeRange.contains(.max))
        }
    }

    @Test(arguments: ["00000000000000000000.log", "+0000000000000000001.log", "+0000000000000000002.log"])
    func aFileOfAnotherNameIsNoSegment(name: String) throws {
        try withDirectory {
            _ = try create()
            try Data().write(to: URL(fileURLWithPath: directory + "/" + name))
            #expect(try open().segments.count == 1)
        }
    }

    @Test func aCheckpointBeyondAllSequencesIsNamed() throws {
        try withDirectory {
            _ = try create()
            #expect(throws: LogError.self) { try open(proven: .max) }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func store(_ value: some BitwiseCopyable, at offset: Int) {
        withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: offset, as: type(of: value)) }
    }

    fileprivate func word(at offset: Int) -> UInt32 {
        withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }
}
