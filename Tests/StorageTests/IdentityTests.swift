import Chance
import Foundation
import Storage
import Testing
import Transactions

@testable import Storage

/// Records by sequence, as a log would give them.
struct Records: RecordSource {
    var all: [Record]
    var inMemoryFrom: UInt64

    func recordInMemory(_ sequence: UInt64) -> Record? { sequence >= inMemoryFrom ? all[Int(sequence) - 1] : nil }
    func records(at sequences: [UInt64]) throws -> [Record] { sequences.map { all[Int($0) - 1] } }
}

/// Records by sequence, some of which lie in damaged blocks.
struct DamagedRecords: RecordSource {
    var all: [Record]
    var damage: [Range<UInt64>]

    func recordInMemory(_ sequence: UInt64) -> Record? { nil }

    func records(at sequences: [UInt64]) throws -> [Record] {
        try sequences.map { sequence in
            if let range = damage.first(where: { $0.contains(sequence) }) {
                throw LogError.damaged(path: "log", offset: 8, sequences: range, reason: "a test")
            }
            return all[Int(sequence) - 1]
        }
    }
}

@Suite struct IdentityTests {
    let directory = NSTemporaryDirectory() + "/sluice-index-" + UUID().uuidString

    func record(_ number: Int, day: Int = 19_000, amount: Int64 = 5) -> Record {
        Record(
            id: RecordID(low: UInt64(number) &* 0x9E37_79B9_7F4A_7C15, high: UInt64(number)),
            timeMicroseconds: Int64(day) * 86_400_000_000 + Int64(number), amountMinorUnits: amount, currency: .vnd,
            source: 1)
    }

    func makeIndex() throws -> IdentityIndex {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return IdentityIndex(
            key: IdentityKey(k0: 1, k1: 2), ledger: 9, directory: directory, fileSystem: DiskFileSystem(),
            capacity: 65_536,
            digestCount: 1 << 16)
    }

    /// Judges `batch` as the committer would, and appends what is accepted to `known`.
    func judge(_ index: IdentityIndex, _ batch: [Record], _ known: inout [Record]) throws -> [Verdict] {
        var records = batch
        var verdicts = [Verdict](repeating: .accepted, count: batch.count)
        let source = Records(all: known, inMemoryFrom: .max)
        let first = UInt64(known.count + 1)
        let count = try records.withUnsafeMutableBufferPointer { records in
            try verdicts.withUnsafeMutableBufferPointer {
                try index.judge(
                    records, batches: [0..<records.count], firstSequence: first, verdicts: $0, source: source)
            }
        }.acceptedCount
        known += records[..<count]
        return verdicts
    }

    @Test func agreesWithADictionaryOnRandomBatches() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var generator = SeededGenerator(seed: 4)
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
        #expect(index.faults(ofFilesNamed: index.fileNames, durable: UInt64(known.count)).isEmpty)
        for record in known.prefix(500) {
            let found = try index.candidates(for: record.id).map { known[Int($0) - 1] }.filter { $0.id == record.id }
            #expect(found.contains(record))
        }
    }

    /// Dates with so many identities that most records are entered by one look-up.
    @Test func aDayInMemoryAgreesWithADictionaryAlsoAfterRefusedCommits() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try checkAgainstADictionary(index, recordsOfCommit: 4000, recordsForOneOfNextDay: 64, seed: 5)
    }

    /// Commits of new, known and conflicting records, also several of one identity in a commit. A third of them is refused after
    /// it was judged, so that entries point to sequences that others get: what they meet is looked at anew.
    /// - Parameter afterCommit: given how many commits were judged before, and the records that the ledger has.
    func checkAgainstADictionary(
        _ index: IdentityIndex, recordsOfCommit: Int, recordsForOneOfNextDay: UInt64, seed: UInt64,
        afterCommit: (_ round: Int, _ known: [Record]) throws -> Void = { _, _ in }
    ) throws {
        var generator = SeededGenerator(seed: seed)
        var known: [Record] = []
        var model: [String: Record] = [:]
        for round in 0..<60 {
            let batch = (0..<recordsOfCommit).map { _ in
                record(
                    Int(generator.next() % 90_000),
                    day: 19_000 + Int(generator.next() % recordsForOneOfNextDay == 0 ? 1 : 0),
                    amount: generator.next() % 20 == 0 ? 6 : 5)
            }
            if round % 3 == 1 {
                var refused = known
                _ = try judge(index, batch.reversed(), &refused)
            }
            let verdicts = try judge(index, batch, &known)
            for (record, verdict) in zip(batch, verdicts) {
                let identity = "\(record.id) \(record.utcDay)"
                let expected =
                    model[identity].map { $0 == record ? .duplicate : Verdict(Fault(.amount, .conflict)) } ?? .accepted
                #expect(verdict == expected)
                if expected == .accepted { model[identity] = record }
            }
            #expect(known.count == model.count)
            try afterCommit(round, known)
        }
        #expect(known.count > 80_000)
        #expect(index.faults(ofFilesNamed: index.fileNames, durable: UInt64(known.count)).isEmpty)
        #expect(Set(known.map { "\($0.id) \($0.utcDay)" }).count == known.count)
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
        try fresh.adoptFiles(named: names, durable: 300)
        #expect(try judge(fresh, known, &known).allSatisfy { $0 == .duplicate })
        func refused(_ names: [String], durable: UInt64 = 300, _ word: String) throws {
            let other = try makeIndex()
            let error = #expect(throws: IndexError.self) { try other.adoptFiles(named: names, durable: durable) }
            #expect(error?.cause.contains(word) == true, "\(error?.cause ?? "none")")
        }
        try refused(names, durable: 299, "the log ends with 299")
        try refused([names[0], names[2]], "begins with sequence 201, expected 101")
        try refused([names[1], names[2]], "begins with sequence 101, expected 1 ")
        try refused(names + ["2022-01-01.9.index"], "2022-01-01.9.index")
        let restored = try makeIndex()
        try restored.adoptFiles(named: [names[0]], durable: 300)
        known.withUnsafeBufferPointer { restored.restore($0, firstSequence: 1) }
        #expect(try judge(restored, known, &known).allSatisfy { $0 == .duplicate })
    }

    /// A process that ends before the next checkpoint leaves a catalogue that names the files as they were before.
    @Test func filesThatWereMergedAreThereUntilTheyAreLetGo() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var known: [Record] = []
        var named: [[String]] = []
        for part in 0..<5 {
            _ = try judge(index, (part * 100..<part * 100 + 100).map { record($0) }, &known)
            _ = try index.closeDates(idleBefore: .max, durable: UInt64(known.count), byteLimit: 0)
            #expect(index.hasDurableFiles)
            named.append(index.fileNames)
        }
        #expect(named.map(\.count) == [1, 2, 3, 4, 1])
        let replaced = index.takeReplacedFileNames()
        #expect(replaced.count == 5 && replaced.starts(with: named[3]) && !replaced.contains(named[4][0]))
        #expect(index.takeReplacedFileNames().isEmpty)
        for names in named {
            let other = try makeIndex()
            try other.adoptFiles(named: names, durable: 500)
            #expect(other.faults(ofFilesNamed: names, durable: 500).isEmpty)
            known.withUnsafeBufferPointer { other.restore($0, firstSequence: 1) }
            #expect(try judge(other, known, &known).allSatisfy { $0 == .duplicate })
        }
        try FileManager.default.createDirectory(atPath: directory + "/old", withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory + "/old") }
        index.removeFiles(named: index.leftoverFileNames(besides: [replaced[1]]))
        #expect(try Set(DiskFileSystem().list(directory)) == [named[4][0], replaced[1], "old"], "others' files stay")
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
        // Every byte of the fields and the entries, some of the long tables between them.
        for position in bytes.indices where position < 64 || position >= 8264 || position % 41 == 0 {
            var damaged = bytes
            damaged[position] ^= 1 << UInt8(position % 8)
            try Data(damaged).write(to: URL(fileURLWithPath: path))
            let faults = try makeIndex().faults(ofFilesNamed: [name], durable: 40)
            #expect(faults.count == 1 && faults[0].cause.contains(path), "byte \(position)")
        }
        for end in [0, 63, 64, 4167, 8263, bytes.count - 1] {
            try Data(bytes[..<end]).write(to: URL(fileURLWithPath: path))
            #expect(try makeIndex().faults(ofFilesNamed: [name], durable: 40).count == 1, "cut at \(end)")
        }
    }

    /// A file that is whole and not the one that its name promises would hide identities: they would be taken twice.
    @Test func anotherFilesCopyIsFound() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var known: [Record] = []
        _ = try judge(index, (0..<40).map { record($0) }, &known)
        _ = try judge(index, (40..<80).map { record($0, day: 19_001) }, &known)
        _ = try index.closeDates(idleBefore: .max, durable: 80, byteLimit: 0)
        let names = index.fileNames
        #expect(names.count == 2)
        try FileManager.default.removeItem(atPath: directory + "/" + names[0])
        try FileManager.default.copyItem(atPath: directory + "/" + names[1], toPath: directory + "/" + names[0])
        let other = try makeIndex()
        let error = #expect(throws: IndexError.self) { try other.adoptFiles(named: [names[0]], durable: 80) }
        #expect(error?.cause.contains("it is what 2022-01-09.1-80.index should be") == true, "\(error!)")
        #expect(other.faults(ofFilesNamed: names, durable: 80).count == 1)
    }

    /// What the log cannot give back refuses the batches that have to be compared with it, whole, and no other.
    @Test func batchesThatCannotBeConfirmedAreLeftAside() throws {
        let index = try makeIndex()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var known: [Record] = []
        _ = try judge(index, (0..<100).map { record($0) }, &known)
        // Digests do not tell a conflict: the records have to be read.
        let batches = [
            [record(200), record(201)], [record(300), record(50, amount: 6), record(301)],
            [record(202), record(10, amount: 6)], [record(55, amount: 6)], [record(203)],
        ]
        var records = batches.flatMap(\.self)
        var verdicts = [Verdict](repeating: .accepted, count: records.count)
        let source = DamagedRecords(all: known, damage: [51..<54, 54..<61])
        let judgement = try records.withUnsafeMutableBufferPointer { records in
            try verdicts.withUnsafeMutableBufferPointer {
                try index.judge(
                    records, batches: [0..<2, 2..<5, 5..<7, 7..<8, 8..<9], firstSequence: 101, verdicts: $0,
                    source: source)
            }
        }
        let conflict = Verdict(Fault(.amount, .conflict))
        #expect(
            verdicts == [
                .accepted, .accepted, .unconfirmed, .unconfirmed, .unconfirmed, .accepted, conflict, .unconfirmed,
                .accepted,
            ])
        #expect(judgement.acceptedCount == 4 && judgement.unconfirmed.keys.sorted() == [1, 3])
        #expect("\(judgement.unconfirmed[1]!)".contains("sequences 51 to 53"))
        #expect(records[..<4].map(\.id) == [200, 201, 202, 203].map { record($0).id })
        known += records[..<4]
        // Nothing of a batch that was left aside was entered.
        #expect(
            try judge(index, [record(300), record(301), record(202)], &known) == [.accepted, .accepted, .duplicate])
    }

    /// Entries crowd at both ends of a partition too, where some are pushed around the end and some far from their homes; it
    /// grows from nothing, in memory of its own, then where it lies, then beyond what it may take there.
    @Test func aPartitionGrowsWhereItLies() {
        let table = IdentityTable(base: 0)
        var chance = SeededGenerator(seed: 5)
        // As many others as it takes that the date has partitions.
        for number in 1...FewIdentities.largestCount + 1 {
            table.insert(Fingerprint(partition: 1, tag: chance.next()), sequence: UInt64(number))
        }
        let most = 13 << Int(PartitionSpace.slotBits - 4)
        let tags: [UInt32] = (0..<most + 2).map { number in
            switch number % 64 {
            case 0: .max - UInt32(number)
            case 1: UInt32(number)
            default: chance.next()
            }
        }
        let first = UInt64(table.count + 1)
        var largest = 0
        func missingCount(_ count: Int) -> Int {
            (0..<count).count { number in
                !table.find(Fingerprint(partition: 7, tag: tags[number])) { $0 == first + UInt64(number) }
            }
        }
        for (number, tag) in tags.enumerated() {
            let before = table.byteCount
            table.insert(Fingerprint(partition: 7, tag: tag), sequence: first + UInt64(number))
            guard table.byteCount > before else { continue }
            #expect(table.byteCount - before == max(32, largest), "it doubles")
            largest += table.byteCount - before
            #expect(missingCount(number + 1) == 0, "with \(number + 1) entries in \(largest) bytes")
        }
        #expect(largest == 16 << Int(PartitionSpace.slotBits))
        #expect(table.entries(ofPartition: 7).count == tags.count && missingCount(tags.count) == 0)
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
