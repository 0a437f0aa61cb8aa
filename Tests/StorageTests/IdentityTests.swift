import Foundation
import Storage
import Testing
import Transactions

@testable import Storage

/// Records by sequence, as a log would give them.
private struct Records: RecordSource {
    var all: [Record]
    var inMemoryFrom: UInt64

    func recordInMemory(_ sequence: UInt64) -> Record? { sequence >= inMemoryFrom ? all[Int(sequence) - 1] : nil }
    func records(at sequences: [UInt64]) throws -> [Record] { sequences.map { all[Int($0) - 1] } }
}

@Suite struct IdentityTests {
    private let directory = NSTemporaryDirectory() + "/sluice-index-" + UUID().uuidString

    private func record(_ number: Int, day: Int = 19_000, amount: Int64 = 5) -> Record {
        Record(
            id: RecordID(low: UInt64(number) &* 0x9E37_79B9_7F4A_7C15, high: UInt64(number)),
            timeMicroseconds: Int64(day) * 86_400_000_000 + Int64(number), amountMinorUnits: amount, currency: .vnd,
            source: 1)
    }

    private func makeIndex() throws -> IdentityIndex {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return IdentityIndex(
            key: IdentityKey(k0: 1, k1: 2), ledger: 9, directory: directory, fileSystem: DiskFileSystem(),
            capacity: 65_536,
            digestCount: 1 << 16)
    }

    /// Judges `batch` as the committer would, and appends what is accepted to `known`.
    private func judge(_ index: IdentityIndex, _ batch: [Record], _ known: inout [Record]) throws -> [Verdict] {
        var records = batch
        var verdicts = [Verdict](repeating: .accepted, count: batch.count)
        let source = Records(all: known, inMemoryFrom: .max)
        let first = UInt64(known.count + 1)
        let count = try records.withUnsafeMutableBufferPointer { records in
            try verdicts.withUnsafeMutableBufferPointer {
                try index.judge(records, firstSequence: first, verdicts: $0, source: source)
            }
        }
        known += records[..<count]
        return verdicts
    }

    @Test func agreesWithADictionaryOnRandomBatches() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var generator = SplitMix(state: 4)
        var known: [Record] = []
        var model: [String: Record] = [:]
        for round in 0..<60 {
            let batch = (0..<700).map { _ in
                record(
                    Int(generator.next() % 9000), day: 19_000 + Int(generator.next() % 4),
                    amount: generator.next() % 20 == 0 ? 6 : 5)
            }
            let verdicts = try judge(index, batch, &known)
            for (record, verdict) in zip(batch, verdicts) {
                let identity = "\(record.id) \(record.utcDay)"
                if let first = model[identity] {
                    #expect(verdict == (first == record ? .duplicate : Verdict(Fault(.amount, .conflict))))
                } else {
                    #expect(verdict == .accepted)
                    model[identity] = record
                }
            }
            // Dates move to files in between, late records to further files, and files are merged.
            if round % 4 == 3 {
                _ = try index.closeDates(idleBefore: .max, durable: UInt64(known.count), byteLimit: 0)
                #expect(index.byteCount == 0)
            }
        }
        #expect(known.count == model.count && known.count > 20_000)
        try index.verifyFiles()
        for record in known.prefix(500) {
            let found = try index.candidates(for: record.id).map { known[Int($0) - 1] }.filter { $0.id == record.id }
            #expect(found.contains(record))
        }
    }

    @Test func filesAreAdoptedOnlyWhenTheyFitTogether() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var known: [Record] = []
        for part in 0..<3 {
            _ = try judge(index, (part * 100..<part * 100 + 100).map { record($0) }, &known)
            _ = try index.closeDates(idleBefore: .max, durable: UInt64(known.count), byteLimit: 0)
        }
        let names = index.fileNames
        #expect(names.count == 3)
        let fresh = try makeIndex()
        #expect(fresh.adoptFiles(named: names, durable: 300))
        #expect(try judge(fresh, known, &known).allSatisfy { $0 == .duplicate })
        #expect(!(try makeIndex()).adoptFiles(named: names, durable: 299), "a file of a future that did not happen")
        #expect(!(try makeIndex()).adoptFiles(named: [names[0], names[2]], durable: 300), "a gap")
        #expect(!(try makeIndex()).adoptFiles(named: names + ["2022-01-01.9.index"], durable: 300), "a missing file")
        let restored = try makeIndex()
        #expect(restored.adoptFiles(named: [names[0]], durable: 300))
        known.withUnsafeBufferPointer { restored.restore($0, firstSequence: 1) }
        #expect(try judge(restored, known, &known).allSatisfy { $0 == .duplicate })
    }

    @Test func everyFlippedByteOfAnIndexFileIsFound() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var known: [Record] = []
        _ = try judge(index, (0..<40).map { record($0) }, &known)
        _ = try index.closeDates(idleBefore: .max, durable: 40, byteLimit: 0)
        let name = index.fileNames[0]
        let path = directory + "/" + name
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        for position in stride(from: 0, to: bytes.count, by: 3) {
            var damaged = bytes
            damaged[position] ^= 0x10
            try Data(damaged).write(to: URL(fileURLWithPath: path))
            let other = try makeIndex()
            if other.adoptFiles(named: [name], durable: 40) {
                #expect(throws: (any Error).self, "byte \(position)") { try other.verifyFiles() }
            }
        }
    }

    @Test func growsWithoutLosingAnything() {
        let table = IdentityTable(base: 0)
        let key = IdentityKey(k0: 3, k1: 4)
        let count = 120_000
        for number in 1...count { table.insert(Fingerprint(record(number), key: key), sequence: UInt64(number)) }
        #expect(table.count == count)
        var missing = 0
        for number in 1...count where !table.find(Fingerprint(record(number), key: key), { $0 == UInt64(number) }) {
            missing += 1
        }
        #expect(missing == 0)
        let sorted = (0..<Fingerprint.partitionCount).flatMap(table.sortedPartitions())
        #expect(Set(sorted.map(\.sequence)).count == count)
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
