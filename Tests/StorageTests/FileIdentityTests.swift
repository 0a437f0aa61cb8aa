import Chance
import Foundation
import Testing
import Transactions

@testable import Storage

/// Dates whose identities lie in files and in a table, as after a restart in the middle of a day.
extension IdentityTests {
    /// The tables move to files in between, and files are merged.
    @Test func aDayInFilesAgreesWithADictionaryAlsoAfterRefusedCommits() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var mostFiles = 0
        try checkAgainstADictionary(index, recordsOfCommit: 5000, recordsForOneOfNextDay: 16, seed: 6) { round, known in
            if round % 7 == 2 { _ = try index.closeDates(idleBefore: .max, durable: UInt64(known.count), byteLimit: 0) }
            mostFiles = max(mostFiles, index.fileNames.count)
        }
        #expect(mostFiles > 5)
    }

    /// What a refused commit was to get, later ones do: a table that it began for a date reaches down to its first sequence.
    @Test func aRefusedCommitMayBeginADate() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var known: [Record] = []
        _ = try judge(index, (0..<10).map { record($0) }, &known)
        var refused = known
        _ = try judge(index, (10..<5000).map { record($0) } + [record(1, day: 19_001)], &refused)
        let batch = [record(1, day: 19_001), record(10), record(2)]
        #expect(try judge(index, batch, &known) == [.accepted, .accepted, .duplicate])
        #expect(try judge(index, batch, &known).allSatisfy { $0 == .duplicate })
    }

    /// Entries with a new record's fingerprint that point to other records stand for chance agreements.
    @Test(arguments: [false, true]) func aChanceAgreementIsToldFromAKnownRecord(inFile: Bool) throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var known: [Record] = []
        _ = try judge(index, (0..<6000).map { record($0) }, &known)
        for number in [7000, 7001, 9000, 9500] {
            _ = index.date(19_000).insert(
                Fingerprint(record(number), key: index.key), sequence: UInt64(number - 6999), base: 0)
        }
        if inFile { _ = try index.closeDates(idleBefore: .max, durable: UInt64(known.count), byteLimit: 0) }
        let batch = (5000..<11_000).map { record($0, amount: $0 % 1000 == 0 ? 6 : 5) }
        let verdicts = try judge(index, batch, &known)
        #expect(verdicts[0] == Verdict(Fault(.amount, .conflict)))
        #expect(verdicts[1..<1000].allSatisfy { $0 == .duplicate } && verdicts[1000...].allSatisfy { $0 == .accepted })
        #expect(known.count == 11_000)
        #expect(try judge(index, known, &known).allSatisfy { $0 == .duplicate })
    }

    /// What is wrong with one partition hurts the batches that have to be looked for in it, until it is well again.
    @Test func aDamagedPartitionHurtsTheBatchesThatNeedIt() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var known: [Record] = []
        _ = try judge(index, (0..<20_000).map { record($0) }, &known)
        _ = try index.closeDates(idleBefore: .max, durable: 20_000, byteLimit: 0)
        let url = URL(fileURLWithPath: directory + "/" + index.fileNames[0])
        let whole = try Data(contentsOf: url)
        var damaged = whole
        let start = whole.withUnsafeBytes { $0.load(fromByteOffset: 64 + 4 * 500, as: UInt32.self) }
        damaged[8264 + 8 * Int(start)] ^= 1
        // Known and new records by turns, a batch of four for each.
        let batches = stride(from: 0, to: 2400, by: 2).map { first in
            [record(first), record(first + 30_000), record(first + 1), record(first + 30_001)]
        }
        func judgeBatches() throws -> (verdicts: [Verdict], unconfirmed: [Int: any Error]) {
            var records = batches.flatMap(\.self)
            var verdicts = [Verdict](repeating: .accepted, count: records.count)
            let judgement = try records.withUnsafeMutableBufferPointer { records in
                try verdicts.withUnsafeMutableBufferPointer { verdicts in
                    try index.judge(
                        records, batches: batches.indices.map { 4 * $0..<4 * $0 + 4 },
                        firstSequence: UInt64(known.count + 1), verdicts: verdicts,
                        source: Records(all: known, inMemoryFrom: .max))
                }
            }
            known += records[..<judgement.acceptedCount]
            return (verdicts, judgement.unconfirmed)
        }
        try damaged.write(to: url)
        let hurt = batches.map { $0.contains { Fingerprint($0, key: index.key).partition == 500 } }
        let first = try judgeBatches()
        #expect(hurt.count { $0 } > 1)
        for (batch, isHurt) in hurt.enumerated() {
            let expected: [Verdict] =
                isHurt ? [Verdict](repeating: .unconfirmed, count: 4) : [.duplicate, .accepted, .duplicate, .accepted]
            #expect(Array(first.verdicts[4 * batch..<4 * batch + 4]) == expected)
            #expect((first.unconfirmed[batch] != nil) == isHurt)
        }
        #expect(first.unconfirmed.values.allSatisfy { "\($0)".contains("partition 500") })
        try whole.write(to: url)
        let second = try judgeBatches()
        #expect(second.unconfirmed.isEmpty && second.verdicts.count { $0 == .accepted } == 2 * hurt.count { $0 })
        #expect(known.count == 20_000 + 2 * batches.count)
    }

    /// Buckets of files from none to many entries.
    @Test(arguments: [1, 1000, 20_000, 70_000]) func everyEntryOfAFileIsFound(count: Int) throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let records = (0..<count).map { record($0) }
        records.withUnsafeBufferPointer { index.restore($0, firstSequence: 1) }
        _ = try index.closeDates(idleBefore: .max, durable: UInt64(count), byteLimit: 0)
        let file = try #require(index.date(19_000).files.first)
        let fingerprints = (0..<2 * count).map { Fingerprint(record($0), key: index.key) }
        var hits = FileHits()
        try file.find(fingerprints, of: 0..<fingerprints.count, into: &hits)
        #expect(hits.failures.isEmpty)
        #expect(hits.found.map(\.index) == Array(0..<count))
        #expect(hits.found.map(\.sequence) == (1...UInt64(count)).map { $0 })
    }
}
