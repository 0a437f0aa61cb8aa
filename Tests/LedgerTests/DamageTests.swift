import Columns
import Foundation
import Ledger
import Rollups
import Storage
import Testing
import Transactions

/// What a ledger still does when a part of its log is lost: days that are whole are answered, the others are named.
@Suite struct DamageTests {
    private let day: Int64 = 24 * hour
    /// Which days a question is about, from the day of `noon`.
    private func byOutcome(_ days: ClosedRange<Int32>) throws -> Question {
        let first = CalendarDay("2024-03-05")!.daysSince1970
        return try Question(
            from: CalendarDay(daysSince1970: first + days.lowerBound),
            to: CalendarDay(daysSince1970: first + days.upperBound), by: [.outcome, .region], measures: [.attempts])
    }

    private func total(_ answer: Answer) -> Int128 { answer.rows.reduce(0) { $0 + ($1.values[0] ?? 0) } }

    /// Four days of 2,000 records, a sealed segment or more for each. The chain goes on from the last 4,096 records, which no
    /// test damages.
    private func fourDays(_ directory: TemporaryDirectory) throws -> LedgerFiles {
        try directory.files.createUTC()
        var options = LedgerOptions()
        options.segmentByteCount = 16_000
        for number in 0..<4 {
            // Closed in between: a checkpoint for each day says of which sequences its statistics are.
            let ledger = try Ledger(directory.files, options: options)
            defer { ledger.close() }
            let records = (number * 2000..<number * 2000 + 2000).map { record($0, time: noon + Int64(number) * day) }
            for start in stride(from: 0, to: 2000, by: 400) { _ = try ledger.load(Array(records[start..<start + 400])) }
        }
        return directory.files
    }

    /// The block with a sequence, and its segment.
    private func block(_ sequence: UInt64, _ files: LedgerFiles) throws -> (path: String, entry: BlockEntry) {
        let (log, _) = try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: false) { _ in
            0
        }
        for segment in log.segments {
            for entry in try log.blocks(of: segment)
            where entry.firstSequence <= sequence && sequence < entry.endSequence { return (segment.path, entry) }
        }
        throw LogError.missing(directory: files.log, sequences: sequence..<sequence + 1)
    }

    private func flip(_ path: String, _ offset: Int) throws {
        var bytes = try readFile(path)
        bytes[offset] ^= 4
        try writeFile(path, bytes)
    }

    /// The last block that is counted is not read when a ledger is opened: its damage is found by who reads it.
    @Test func damageInTheLastCountedBlockIsFoundByWhoReadsIt() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load((0..<4096).map { record($0) })
        let hurt = try #require(try directory.blocks(of: files).last)
        #expect(hurt.sequences.contains(4096))
        try directory.flip(.amount, of: hurt)
        #expect(try LedgerReader(files).total(.attempts) == [4096])
        #expect(throws: (any Error).self) { try LedgerReader(files).find(record(4095).id, despiteDamage: false) }
        var verification = Verification(files)
        #expect(try verification.run { _, _ in }.faults.contains { $0.contains("offset \(hurt.offset)") })
        let ledger = try Ledger(files)
        #expect(try ledger.load([record(5000)]).accepted == 1)
        ledger.close()
    }

    /// A damaged block of the second day: its header, or of its content what the questions are about.
    @Test(arguments: [true, false]) func wholeDaysAreAnsweredAndTheOthersNamed(isInHeader: Bool) throws {
        let directory = try TemporaryDirectory()
        let files = try fourDays(directory)
        let (path, entry) = try block(3000, files)
        if isInHeader {
            try flip(path, entry.offset + 60)
        } else {
            let hurt = try #require(try directory.blocks(of: files).first { $0.sequences.contains(3000) })
            try directory.flip(.region, of: hurt)
        }
        func check(_ view: any LedgerView) throws {
            // Rollups were counted before; nothing is known of the damage yet.
            let daily = try view.answer(Question(by: [.day], measures: [.attempts]))
            #expect(daily.rows.map { $0.values[0] } == [2000, 2000, 2000, 2000])
            #expect(total(try view.answer(byOutcome(0...0))) == 2000)
            #expect(total(try view.answer(byOutcome(2...3))) == 4000)
            for days in [1...1, 0...3, 1...2] as [ClosedRange<Int32>] {
                let error = #expect(throws: DamageError.self) { try view.answer(byOutcome(days)) }
                let place = "damage in \(path) at offset \(entry.offset), sequences "
                #expect(
                    error?.description.contains("\(place)\(entry.firstSequence) to \(entry.endSequence - 1):") == true,
                    "\(error?.description ?? "none")")
            }
            let partial = try view.answer(byOutcome(0...3), despiteDamage: true)
            #expect(total(partial) == 8000 - Int128(entry.recordCount))
            #expect(partial.damage.map(\.isLeftOut) == [true])
            #expect(partial.damage.map(\.days) == [[CalendarDay("2024-03-06")!]])
            #expect(partial.damage.map(\.sequences) == [entry.firstSequence...entry.endSequence - 1])
            // Known from now on, and told where it matters to nothing.
            let marked = try view.answer(Question(by: [.day], measures: [.attempts]))
            #expect(marked.rows == daily.rows && marked.damage.map(\.isLeftOut) == [false])
            #expect(try view.status().damage.count == 1)
            let lost = Int(entry.firstSequence) - 1
            #expect(throws: DamageError.self) { try view.find(record(lost).id) }
            let found = try view.find(record(lost).id, despiteDamage: true)
            #expect(found.records.isEmpty && found.damage.map(\.offset) == [entry.offset])
            #expect(try view.find(record(lost - 1).id).map(\.sequence) == [UInt64(lost)])
        }
        try check(LedgerReader(files))
        let ledger = try Ledger(files)
        defer { ledger.close() }
        try check(ledger)
        // It takes new records, and tells old ones from them where that can be told.
        #expect(try ledger.load(records(9000..<9100)).accepted == 100)
    }

    /// Late duplicates of what cannot be read are refused by the batch, with the place; everything else goes on.
    @Test func batchesThatNeedTheDamageAreRefusedAndNoOthers() throws {
        let directory = try TemporaryDirectory()
        let files = try fourDays(directory)
        let (path, entry) = try block(3000, files)
        try flip(path, entry.offset + entry.byteCount - 9)
        let ledger = try Ledger(files)
        defer { ledger.close() }
        let lost = Int(entry.firstSequence) - 1
        func send(_ records: [Record]) -> Result<Uploader.Totals, Refusal> {
            Result { () throws(Refusal) in
                let uploader = Uploader(ledger)
                try uploader.send(records)
                return try uploader.finish()
            }
        }
        let late = record(lost, time: noon + day)
        switch send([record(9000), late, record(9001)]) {
        case .success: Issue.record("a duplicate was decided on without its original")
        case .failure(let refusal):
            #expect(refusal.cause == .damaged)
            #expect(refusal.description.contains("\(path) at offset \(entry.offset)"), "\(refusal)")
        }
        #expect(try send([record(9000), record(9001)]).get().accepted == 2, "a refused batch changed nothing")
        #expect(try send([record(lost - 1, time: noon + day)]).get().duplicates == 1)
        #expect(try ledger.total(.attempts) == [8002])
        #expect(ledger.failure == nil)
    }

    /// Without the catalogue the log is all there is: whole days are counted from it, and nothing is rebuilt.
    @Test func withoutCatalogueWholeDaysAreReadAndRebuildRefusesBeforeItRemovesAnything() throws {
        let directory = try TemporaryDirectory()
        let files = try fourDays(directory)
        let (path, entry) = try block(3000, files)
        let (otherPath, other) = try block(7700, files)
        try flip(path, entry.offset + 60)
        try flip(otherPath, other.offset + other.byteCount - 9)
        func listing() throws -> [String] {
            try FileManager.default.subpathsOfDirectory(atPath: files.directory).sorted()
        }
        let before = try listing()
        let refused = #expect(throws: RebuildError.self) { try files.rebuild() }
        #expect(refused?.faults.count == 2)
        #expect(refused?.description.contains("\(path) at offset \(entry.offset)") == true)
        #expect(refused?.description.contains("\(otherPath) at offset \(other.offset)") == true)
        #expect(try listing() == before)
        var verification = Verification(files)
        let report = try verification.run { _, _ in }
        #expect(report.faults.count == 2 && report.chunks > 0, "\(report.faults)")
        files.removeCatalogue()
        #expect(throws: LogError.self) { try Ledger(files) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: files.index).isEmpty == false)
        let reader = try LedgerReader(files)
        let first = CalendarDay("2024-03-05")!
        let byDay = try Question(from: first, to: first, by: [.day], measures: [.attempts])
        // No header and no catalogue tell of which days the lost block was.
        #expect(throws: DamageError.self) { try reader.answer(byDay) }
        let partial = try reader.answer(byDay, despiteDamage: true)
        #expect(partial.rows.map { $0.values[0] } == [2000])
        #expect(partial.damage.contains { $0.days == nil && $0.isLeftOut })
        #expect(throws: DamageError.self) { try reader.find(record(1).id) }
        #expect(try reader.find(record(1).id, despiteDamage: true).records.map(\.sequence) == [2])
    }

    /// A log that ends before what derived files know of was shortened: they are its last witness.
    @Test func rebuildDoesNotForgetWhatTheLogLost() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(records(0..<300))
        let older = try readFile(files.firstSegment)
        try files.load(records(300..<400))
        try writeFile(files.firstSegment, older)
        let error = #expect(throws: RebuildError.self) { try files.rebuild() }
        #expect(error?.faults.first?.contains("sequences 301 to 400") == true, "\(error!)")
        #expect(throws: LogError.self) { try Ledger(files) }
        // The index alone knows it too.
        files.removeCatalogue()
        #expect(throws: RebuildError.self) { try files.rebuild() }
    }

    @Test func aLostSegmentIsNamedAndTheRestIsRead() throws {
        let directory = try TemporaryDirectory()
        let files = try fourDays(directory)
        let (path, _) = try block(3000, files)
        let first = LogSegmentNames.first(path)
        try FileManager.default.removeItem(atPath: path)
        var verification = Verification(files)
        let faults = try verification.run { _, _ in }.faults
        #expect(faults.contains { $0.contains("sequences \(first) to ") }, "\(faults)")
        #expect(total(try LedgerReader(files).answer(byOutcome(2...3))) == 4000)
        #expect(throws: DamageError.self) { try LedgerReader(files).answer(byOutcome(1...1)) }
        let ledger = try Ledger(files)
        #expect(try ledger.load(records(9000..<9100)).accepted == 100)
        ledger.close()
        // The first segment, too.
        try FileManager.default.removeItem(atPath: files.firstSegment)
        #expect(total(try LedgerReader(files).answer(byOutcome(2...3))) == 4000)
        var again = Verification(files)
        #expect(
            try again.run { _, _ in }.faults.contains { $0.contains("\(files.log)") && $0.contains("sequences 1 to ") })
    }

    /// The last segment is damaged before a later block: readers go on, a writer refuses, and verify says all that is hurt.
    @Test func verifySaysAllThatIsHurt() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        for start in stride(from: 0, to: 800, by: 100) { try files.load(records(start..<start + 100)) }
        let hurt = try [150, 350, 550].map { try block($0, files).entry }
        for (place, entry) in hurt.enumerated() {
            try flip(files.firstSegment, entry.offset + (place == 1 ? entry.byteCount - 9 : 50))
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: files.index)
        try flip(files.index + "/" + names[0], 70)
        var verification = Verification(files)
        let report = try verification.run { _, _ in }
        #expect(report.faults.count == 4, "\(report.faults)")
        for entry in hurt {
            #expect(
                report.faults.contains {
                    $0.contains("\(files.firstSegment) at offset \(entry.offset), sequences \(entry.firstSequence) to ")
                })
        }
        #expect(report.faults.contains { $0.contains(names[0]) })
        #expect(report.records == 500)
        #expect(throws: LogError.self) { try Ledger(files) }
        #expect(try LedgerReader(files).total(.attempts) == [800])
    }

    /// A page that the disk does not give back is an error with its place, and the process goes on.
    @Test func aMappedPageThatCannotBeReadIsAnError() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(records(0..<20_000))
        let (log, _) = try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: false) { _ in
            0
        }
        let cache = BlockCache()
        #expect(try log.records(at: [1, 9000], cache: cache).map(\.id) == [record(0).id, record(8999).id])
        let whole = try readFile(files.firstSegment)
        // What is mapped and no longer there is what a failing disk is like: SIGBUS.
        #expect(truncate(files.firstSegment, 4096) == 0)
        let error = #expect(throws: LogError.self) { try log.records(at: [19_999], cache: cache) }
        #expect(error?.description.contains("\(files.firstSegment) at offset ") == true, "\(error!)")
        #expect(error?.description.contains("Input/output error") == true, "\(error!)")
        #expect(throws: LogError.self) { try log.records(at: [9000], cache: BlockCache()) }
        try writeFile(files.firstSegment + ".new", whole)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: files.firstSegment))
        try file.write(contentsOf: Data(whole))
        #expect(try log.records(at: [9000], cache: cache).map(\.id) == [record(8999).id], "it is asked for anew")
    }
}

private enum LogSegmentNames {
    /// The first sequence of a segment, from its name.
    static func first(_ path: String) -> UInt64 { UInt64((path as NSString).lastPathComponent.dropLast(4))! }
}
