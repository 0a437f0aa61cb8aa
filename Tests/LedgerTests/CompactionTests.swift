import Columns
import Foundation
import Ledger
import Rollups
import Storage
import Testing
import Transactions

@Suite struct CompactionTests {
    @Test func everythingThatCanBeAskedForIsAsBefore() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.create(timeZone: "Asia/Ho_Chi_Minh", cutoverMinutes: 23 * 60, seed: 1)
        let names = [Name(.region, "Huế"), Name(.payee, "Phở Thìn"), Name(.source, "cổng")]
        var ledger = try Ledger(files, options: .trickle)
        try ledger.trickle(0..<150)
        let codes = try await ledger.codes(for: Array(names[..<2]))
        try ledger.trickle(150..<300)
        ledger.close()
        ledger = try Ledger(files, options: .trickle)
        let lateCodes = try await ledger.codes(for: [names[2]])
        try ledger.trickle(300..<420)
        ledger.close()

        let question = try Question(by: [.day, .hour, .source, .channel, .outcome, .kind], measures: Measure.kept)
        let (before, status) = (try LedgerReader(files).answer(question), try LedgerReader(files).status())
        let report = try files.compact()
        #expect(report.faults == [] && report.rewritten == report.segments && report.segments > 2)
        #expect(report.bytesBefore == status.bytes && report.bytesAfter * 2 < report.bytesBefore)

        do {
            let reader = try LedgerReader(files)
            #expect(try reader.answer(question) == before)
            #expect(reader.settings.timeZone == "Asia/Ho_Chi_Minh" && reader.settings.cutoverMinutes == 23 * 60)
            #expect(reader.knownCodes(for: names) == codes + lateCodes)
            for number in 0..<420 { #expect(try reader.find(record(number).id).map(\.record) == [record(number)]) }
            let after = try reader.status()
            #expect(after.chain == status.chain && after.records == 420 && after.bytes == report.bytesAfter)
        }
        #expect(try verificationFaults(files) == [])

        // From the log alone, and as a ledger that goes on.
        try files.rebuild()
        #expect(try LedgerReader(files).answer(question) == before)
        #expect(try LedgerReader(files).knownCodes(for: names) == codes + lateCodes)
        let again = try files.load(records(0..<500))
        #expect(again.duplicates == 420 && again.accepted == 80)
        #expect(try verificationFaults(files) == [])
    }

    @Test func whatWasCompactedIsNotTouchedAgain() throws {
        let directory = try TemporaryDirectory()
        let files = try directory.trickled(300)
        #expect(try files.compact().rewritten > 1)
        let sealed = try files.sealedSegments()
        let bytes = try sealed.map(readFile)
        let again = try files.compact()
        #expect(again.rewritten == 0 && again.segments == sealed.count && again.bytesAfter == again.bytesBefore)
        #expect(try sealed.map(readFile) == bytes)
    }

    @Test func segmentsOfFullBlocksStayAsTheyAre() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        var options = LedgerOptions.trickle
        options.segmentByteCount = 60_000
        for start in stride(from: 0, to: 9000, by: 1500) {
            try files.load(records(start..<start + 1500), options: options)
        }
        let sealed = try files.sealedSegments()
        let bytes = try sealed.map(readFile)
        let report = try files.compact()
        #expect(report.segments > 1 && report.rewritten == 0 && report.bytesAfter == report.bytesBefore)
        #expect(try sealed.map(readFile) == bytes)
    }

    @Test func theLedgerCompactsWhatItSealsAndAnswersMeanwhile() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        let plain = try directory.trickled(400, in: directory.path + "/plain")
        var options = LedgerOptions.trickle
        options.compactsSegments = true
        let ledger = try Ledger(files, options: options)
        for start in stride(from: 0, to: 400, by: 20) {
            try ledger.trickle(start..<start + 20)
            #expect(try ledger.find(record(start / 2).id).map(\.record) == [record(start / 2)])
            #expect(try ledger.load([record(start / 3)]).duplicates == 1)
        }
        let uncompacted = try LedgerReader(plain).status()
        let limit = ContinuousClock.now + .seconds(60)
        while try ledger.status().bytes * 2 > uncompacted.bytes, ContinuousClock.now < limit {
            Thread.sleep(forTimeInterval: 0.01)
        }
        let status = try ledger.status()
        #expect(status.bytes * 2 < uncompacted.bytes && status.records == 400)
        for number in 0..<400 { #expect(try ledger.find(record(number).id).count == 1) }
        #expect(try ledger.load(records(0..<400)).duplicates == 400)
        ledger.close()
        #expect(try verificationFaults(files) == [])
        #expect(try DiskFileSystem().list(files.log).allSatisfy { $0.hasSuffix(".log") })
    }

    /// To clear a large file away takes the system long, and whoever lets go of it last waits for that.
    @Test func theCompactorIsTheLastToLetGoOfAnOldFile() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var options = LedgerOptions.trickle
        options.compactsSegments = true
        let disk = FaultyFileSystem()
        let ledger = try Ledger(directory.files, options: options, fileSystem: disk)
        let limit = ContinuousClock.now + .seconds(60)
        var number = 0
        while disk.segmentClosers.count < 10, ContinuousClock.now < limit {
            try ledger.trickle(number..<number + 1)
            number += 1
            // The committer looks into the file.
            #expect(try ledger.load([record(number * 3 / 4)]).duplicates == 1)
        }
        let closers = disk.segmentClosers
        #expect(closers.count >= 10 && closers.values.allSatisfy { $0.contains("compactor") }, "\(closers)")
        #expect(closers.values.allSatisfy { !$0.contains("committer") }, "\(closers)")
        ledger.close()
    }

    /// The space of an old file is free again before the next segment is begun.
    @Test(arguments: [false, true]) func aBacklogIsCompactedWithoutTwiceItsSpace(atRest: Bool) throws {
        let directory = try TemporaryDirectory()
        let files = try directory.trickled(400)
        let sealedCount = try files.sealedSegments().count
        #expect(sealedCount > 5)
        let disk = FaultyFileSystem()
        if atRest {
            #expect(try files.compact(fileSystem: disk).rewritten == sealedCount)
        } else {
            let ledger = try Ledger(files, fileSystem: disk)
            let limit = ContinuousClock.now + .seconds(60)
            while disk.replacedSegmentsClosed < sealedCount, ContinuousClock.now < limit {
                Thread.sleep(forTimeInterval: 0.01)
            }
            ledger.close()
        }
        #expect(disk.replacedSegmentsClosed == sealedCount && disk.mostReplacedSegmentsOpen == 1)
    }

    @Test func damageAnywhereInASegmentIsRefusedAndNothingIsTouched() throws {
        let directory = try TemporaryDirectory()
        let files = try directory.trickled(120)
        let segment = try #require(try files.sealedSegments().first)
        let whole = try readFile(segment)
        // Steps that meet every byte of the repeating pattern of blocks and marks sooner or later.
        for (number, offset) in stride(from: 0, to: whole.count, by: 61).enumerated() {
            var damaged = whole
            damaged[offset] ^= 1 << UInt8(number % 8)
            try writeFile(segment, damaged)
            let report = try files.compact()
            #expect(report.faults.contains { $0.hasPrefix("\(segment) is not compacted") }, "offset \(offset)")
            #expect(try readFile(segment) == damaged)
            try FileManager.default.removeItem(atPath: files.log)
            try FileManager.default.copyItem(atPath: directory.path + "/log-kept", toPath: files.log)
        }
    }

    @Test func aSegmentThatIsShorterOrLongerThanItWasIsRefused() throws {
        let directory = try TemporaryDirectory()
        let files = try directory.trickled(120)
        let segment = try #require(try files.sealedSegments().first)
        let whole = try readFile(segment)
        let lastBlock = try #require(try files.blocks(ofSegment: 0).last)
        for bytes in [
            Array(whole.dropLast(8)), Array(whole[..<lastBlock.offset]), whole + [UInt8](repeating: 0, count: 8),
            whole + whole[lastBlock.offset...],
        ] {
            try writeFile(segment, bytes)
            #expect(try files.compact().faults.contains { $0.hasPrefix("\(segment) is not compacted") })
            #expect(try readFile(segment) == bytes)
        }
    }

    /// Whoever can compute checksums can change a record and every checksum after it; the chain of the records tells.
    @Test func changedRecordsWithRightChecksumsAreFoundByTheChain() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        var options = LedgerOptions.trickle
        options.segmentByteCount = 450_000
        let ledger = try Ledger(files, options: options)
        for start in stride(from: 0, to: 9000, by: 10) { _ = try ledger.load(records(start..<start + 10)) }
        ledger.close()
        let sealed = try files.sealedSegments()
        try #require(sealed.count == 1)
        let whole = try FileManager.default.contentsOfDirectory(atPath: files.log).sorted().map {
            ($0, try readFile(files.log + "/" + $0))
        }
        try files.forge { if $0.id == record(777).id { $0.amountMinorUnits += 1 } }
        let forged = try readFile(sealed[0])
        #expect(forged != whole[0].1)
        let report = try files.compact()
        #expect(report.faults.count == 1 && report.faults[0].contains("the chain before it is not that of the records"))
        #expect(try readFile(sealed[0]) == forged)

        // The same after compaction: its few blocks do not hide it.
        for (name, bytes) in whole { try writeFile(files.log + "/" + name, bytes) }
        #expect(try files.compact().rewritten == 1)
        #expect(try verificationFaults(files) == [])
        try files.forge { if $0.id == record(777).id { $0.amountMinorUnits += 1 } }
        #expect(try verificationFaults(files).contains { $0.contains("the chain before sequence") })
    }

    @Test func aCompactedSegmentIsTiedToItsNeighbours() throws {
        let directory = try TemporaryDirectory()
        let files = try directory.trickled(300)
        #expect(try files.compact().rewritten > 1)
        let segment = try files.sealedSegments()[1]
        let whole = try readFile(segment)
        // Another end declared than the next segment knows.
        try files.forge(redeclaring: { FormerEnd.isDeclared(by: $0) ? FormerEnd.declaration(0x1234_5678) : $0 }, in: 1)
        #expect(try verificationFaults(files).contains { $0.contains("does not follow the one before it") })
        try writeFile(segment, whole)
        #expect(try verificationFaults(files) == [])
    }

    @Test func aFullDiskLeavesTheOldSegmentAndIsTriedAgain() throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyFileSystem()
        let files = try directory.trickled(300)
        let sealed = try files.sealedSegments()
        let bytes = try sealed.map(readFile)
        for operation in [FaultyFileSystem.Operation.create, .write, .synchronise] {
            disk.fail(operation, with: FaultyFileSystem.diskFull)
            #expect(throws: FaultyFileSystem.diskFull) { try files.compact(fileSystem: disk) }
            disk.fail(operation, with: nil)
            #expect(try sealed.map(readFile) == bytes)
            #expect(try DiskFileSystem().list(files.log).allSatisfy { $0.hasSuffix(".log") })
        }
        #expect(try files.compact(fileSystem: disk).rewritten == sealed.count)
        #expect(try verificationFaults(files) == [])
    }
}

// MARK: Ledgers of small blocks

extension LedgerOptions {
    /// Small segments that stay as they were written.
    static var trickle: LedgerOptions {
        var options = LedgerOptions()
        options.segmentByteCount = 12_000
        options.securedByteCount = 1 << 16
        options.compactsSegments = false
        return options
    }
}

extension Ledger {
    /// Each record is a commit of its own.
    func trickle(_ range: Range<Int>) throws { for number in range { _ = try load([record(number)]) } }
}

extension TemporaryDirectory {
    /// A ledger of so many commits of one record each; a copy of its log is kept beside it.
    fileprivate func trickled(_ count: Int, in directory: String? = nil) throws -> LedgerFiles {
        let files = directory.map { LedgerFiles(directory: $0) } ?? files
        try files.createUTC()
        let ledger = try Ledger(files, options: .trickle)
        try ledger.trickle(0..<count)
        ledger.close()
        if directory == nil { try FileManager.default.copyItem(atPath: files.log, toPath: path + "/log-kept") }
        return files
    }
}

func verificationFaults(_ files: LedgerFiles) throws -> [String] {
    var verification = Verification(files)
    return try verification.run { _, _ in }.faults
}

extension LedgerFiles {
    fileprivate func openLog() throws -> Log {
        try LogRecovery.open(directory: log, fileSystem: DiskFileSystem(), mayWrite: false) { _ in 0 }.log
    }

    fileprivate func sealedSegments() throws -> [String] { try openLog().segments.dropLast().map(\.path) }

    fileprivate func blocks(ofSegment place: Int) throws -> [BlockEntry] {
        let log = try openLog()
        return try log.blocks(of: log.segments[place])
    }

    /// Writes all segments anew with changed records, and every checksum right again.
    fileprivate func forge(_ change: (inout Record) -> Void) throws {
        let (log, encoder, decoder) = (try openLog(), BlockEncoder(), BlockDecoder())
        var checksum: UInt32 = 0
        for segment in log.segments {
            var bytes: [UInt8] = []
            var formerEnd: UInt32?
            for entry in try log.blocks(of: segment) {
                var preface = try log.read(entry, in: segment).header.preface
                let declarations = try log.declarations(of: entry, in: segment, with: decoder)
                formerEnd = formerEnd ?? FormerEnd.checksum(in: declarations)
                var records = try log.decode(entry, in: segment, with: decoder)
                for place in records.indices { change(&records[place]) }
                preface.previousChecksum = checksum
                preface.offset = UInt64(bytes.count)
                let block = records.withUnsafeBufferPointer {
                    encoder.encode($0, preface: preface, declarations: declarations)
                }
                checksum = block.header.checksum
                bytes += block.bytes
            }
            checksum = formerEnd ?? checksum
            try writeFile(segment.path, bytes)
        }
    }

    /// Writes one segment anew with other declarations, and every checksum within it right again.
    fileprivate func forge(redeclaring change: (Declaration) -> Declaration, in place: Int) throws {
        let (log, encoder, decoder) = (try openLog(), BlockEncoder(), BlockDecoder())
        let segment = log.segments[place]
        var bytes: [UInt8] = []
        var checksum: UInt32?
        for entry in try log.blocks(of: segment) {
            var preface = try log.read(entry, in: segment).header.preface
            preface.previousChecksum = checksum ?? preface.previousChecksum
            preface.offset = UInt64(bytes.count)
            let declarations = try log.declarations(of: entry, in: segment, with: decoder).map(change)
            let block = try log.decode(entry, in: segment, with: decoder).withUnsafeBufferPointer {
                encoder.encode($0, preface: preface, declarations: declarations)
            }
            checksum = block.header.checksum
            bytes += block.bytes
        }
        try writeFile(segment.path, bytes)
    }
}
