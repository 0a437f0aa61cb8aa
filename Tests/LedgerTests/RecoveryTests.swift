import Columns
import Foundation
import Ledger
import Rollups
import Storage
import Testing
import Transactions

/// Every row of the table in `LogRecovery`, on real files.
@Suite struct RecoveryTests {
    /// A ledger whose last block with records has no proof of durability, and where that block begins.
    private func unproven(_ directory: TemporaryDirectory) throws -> (files: LedgerFiles, blockOffset: Int) {
        try directory.files.createUTC()
        try directory.files.load(records(0..<200))
        let whole = try readFile(directory.files.firstSegment)
        let ledger = try Ledger(directory.files)
        _ = try ledger.load(records(200..<240))
        let image = try directory.crashImage(of: directory.files)
        ledger.close()
        let (log, _) = try LogRecovery.open(directory: image.log, fileSystem: DiskFileSystem(), mayWrite: false) { _ in
            0
        }
        let blocks = try log.blocks(of: log.segments[0])
        let last = try #require(blocks.last { $0.recordCount > 0 })
        #expect(last.offset >= whole.count && last.recordCount == 40)
        // What came after it, a mark perhaps, would prove it.
        try writeFile(image.firstSegment, Array(try readFile(image.firstSegment)[..<(last.offset + last.byteCount)]))
        return (image, last.offset)
    }

    @Test func aWholeUnprovenBlockIsKept() throws {
        let directory = try TemporaryDirectory()
        let (files, _) = try unproven(directory)
        let ledger = try Ledger(files)
        defer { ledger.close() }
        #expect(ledger.cut == nil)
        #expect(try ledger.total(.attempts) == [240])
        #expect(try ledger.load(records(0..<240)).duplicates == 240)
    }

    @Test func cutAtEveryByteOfTheLastBlock() throws {
        let directory = try TemporaryDirectory()
        let (files, offset) = try unproven(directory)
        let bytes = try readFile(files.firstSegment)
        for end in offset..<bytes.count {
            try writeFile(files.firstSegment, Array(bytes[..<end]))
            let (log, cut) = try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: true) {
                _ in 200
            }
            #expect(log.endSequence == 201)
            #expect(cut?.offset == (end == offset ? nil : offset))
            if let cut { #expect(try readFile(cut.keptAt) == Array(bytes[offset..<end])) }
            #expect(try readFile(files.firstSegment) == Array(bytes[..<offset]))
        }
    }

    @Test func flippedAtEveryByteOfTheLastBlock() throws {
        let directory = try TemporaryDirectory()
        let (files, offset) = try unproven(directory)
        let bytes = try readFile(files.firstSegment)
        for position in offset..<bytes.count {
            var damaged = bytes
            damaged[position] ^= 1 << UInt8(position % 8)
            try writeFile(files.firstSegment, damaged)
            do {
                let (log, cut) = try LogRecovery.open(
                    directory: files.log, fileSystem: DiskFileSystem(), mayWrite: true
                ) { _ in 200 }
                #expect(log.endSequence == 201, "byte \(position) flipped and served")
                #expect(cut?.offset == offset)
            } catch LogError.newerFormat {
                // The version's own byte: refused, nothing changed.
                #expect(position == offset + 4)
                #expect(try readFile(files.firstSegment) == damaged)
            }
        }
    }

    /// The bytes behind it were begun after it was durable: it must not be cut at the start after the next.
    @Test func aDamagedBlockBeforeATornOneIsNamedAndNothingIsCut() throws {
        let directory = try TemporaryDirectory()
        let (files, offset) = try unproven(directory)
        let whole = try readFile(files.firstSegment)
        var bytes = whole + [UInt8](repeating: 0x5A, count: 72)
        bytes[whole.count - 100] ^= 4
        try writeFile(files.firstSegment, bytes)
        for mayWrite in [false, true] {
            let error = #expect(throws: LogError.self) {
                try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: mayWrite) { _ in 200
                }
            }
            guard case .damaged(_, let found, let sequences, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(found == offset && sequences == 201..<241)
        }
        #expect(try readFile(files.firstSegment) == bytes)
    }

    /// The last block was begun after the one before it was durable: cutting the last must not leave that one to the next start.
    @Test func aDamagedBlockBeforeADamagedLastOneIsNamedAndNothingIsCut() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files)
        for start in [0, 40] { _ = try ledger.load(records(start..<start + 40)) }
        let files = try directory.crashImage(of: directory.files)
        ledger.close()
        let (log, _) = try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: false) { _ in
            0
        }
        let blocks = try log.blocks(of: log.segments[0]).filter { $0.recordCount > 0 }
        #expect(blocks.map(\.recordCount) == [40, 40])
        var bytes = Array(try readFile(files.firstSegment)[..<(blocks[1].offset + blocks[1].byteCount)])
        for block in blocks { bytes[block.offset + block.byteCount - 100] ^= 4 }
        try writeFile(files.firstSegment, bytes)
        for mayWrite in [false, true] {
            let error = #expect(throws: LogError.self) {
                try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: mayWrite) { _ in 0 }
            }
            guard case .damaged(_, let found, let sequences, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(found == blocks[0].offset && sequences == 1..<41)
        }
        #expect(try readFile(files.firstSegment) == bytes)
    }

    @Test func aProvenBlockIsNeverCut() throws {
        let directory = try TemporaryDirectory()
        let (files, offset) = try unproven(directory)
        let bytes = try readFile(files.firstSegment)
        for end in [offset, offset + 1, bytes.count - 1] {
            try writeFile(files.firstSegment, Array(bytes[..<end]))
            #expect(throws: LogError.self) {
                try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: true) { _ in 240 }
            }
            #expect(try readFile(files.firstSegment) == Array(bytes[..<end]), "a refused log must not change")
        }
    }

    /// A file of the index speaks of sequences that were durable, also where no catalogue does.
    @Test func aBlockThatTheIndexKnowsOfIsNeverCut() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(records(0..<200))
        try files.load(records(200..<240))
        let log = try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: false) { _ in 0 }
            .log
        let last = try #require(try log.blocks(of: log.segments[0]).last { $0.recordCount > 0 })
        let bytes = try readFile(files.firstSegment)[..<(last.offset + last.byteCount)]
        try FileManager.default.removeItem(atPath: files.catalogue)
        let indexFiles = try DiskFileSystem().list(files.index).sorted()
        #expect(!indexFiles.isEmpty)
        for end in [last.offset, last.offset + 1, bytes.count - 1] {
            try writeFile(files.firstSegment, Array(bytes[..<end]))
            #expect(throws: LogError.self) { _ = try Ledger(files) }
            #expect(try readFile(files.firstSegment) == Array(bytes[..<end]), "a refused log must not change")
            #expect(try DiskFileSystem().list(files.index).sorted() == indexFiles)
        }
        try writeFile(files.firstSegment, Array(bytes))
        let ledger = try Ledger(files)
        defer { ledger.close() }
        #expect(ledger.cut == nil)
        #expect(try ledger.total(.attempts) == [240])
    }

    @Test func damageBeforeALaterBlockIsNamedAndNothingIsCut() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        for start in stride(from: 0, to: 300, by: 100) { try directory.files.load(records(start..<start + 100)) }
        let bytes = try readFile(directory.files.firstSegment)
        let (log, _) = try LogRecovery.open(
            directory: directory.files.log, fileSystem: DiskFileSystem(), mayWrite: false
        ) { _ in 0 }
        let second = try #require(
            try log.blocks(of: log.segments[0]).first { $0.firstSequence == 101 && $0.recordCount > 0 })
        var damaged = bytes
        damaged[second.offset + 20] ^= 1
        try writeFile(directory.files.firstSegment, damaged)
        do {
            _ = try Ledger(directory.files)
            Issue.record("a damaged header in the middle was accepted")
        } catch LogError.damaged(let path, let offset, let sequences, _) {
            #expect(path == directory.files.firstSegment && offset == second.offset)
            #expect(sequences == 101..<201)
        }
        #expect(try readFile(directory.files.firstSegment) == damaged)
        // Damage of a block's columns shows when it is read.
        damaged = bytes
        damaged[second.offset + second.byteCount - 9] ^= 1
        try writeFile(directory.files.firstSegment, damaged)
        var verification = Verification(directory.files)
        let report = try verification.run { _, _ in }
        #expect(report.faults.contains { $0.contains("offset \(second.offset)") && $0.contains("101 to 200") })
    }

    @Test func aLaterFormatIsRefusedByName() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var bytes = try readFile(directory.files.firstSegment)
        bytes[4] = 2
        let headerByteCount = bytes[8..<12].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        let checksum = crc32c(Array(bytes[..<(headerByteCount - 4)]))
        for byte in 0..<4 {
            bytes[headerByteCount - 4 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * UInt32(byte)))
        }
        try writeFile(directory.files.firstSegment, bytes)
        #expect(throws: LogError.newerFormat(path: directory.files.firstSegment, version: 2)) {
            try Ledger(directory.files)
        }
    }

    @Test func crashImagesTakenWhileRecordsStreamInHoldEverythingReceipted() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files)
        let uploader = Uploader(ledger)
        for round in 0..<6 {
            try uploader.send(records(round * 20_000..<(round + 1) * 20_000))
            let receipted = uploader.totals.accepted
            let image = try directory.crashImage(of: directory.files)
            let recovered = try Ledger(image)
            #expect(try recovered.status().records >= UInt64(receipted))
            let again = try recovered.load(records(0..<(round + 1) * 20_000))
            #expect(again.accepted + again.duplicates == (round + 1) * 20_000 && again.exceptions.isEmpty)
            #expect(try recovered.total(.attempts) == [Int128((round + 1) * 20_000)])
            recovered.close()
            var verification = Verification(image)
            #expect(try verification.run { _, _ in }.faults == [])
        }
        ledger.close()
    }

    @Test func aRebuiltCatalogueEqualsTheOneKept() throws {
        let directory = try TemporaryDirectory()
        try directory.files.create(timeZone: "Asia/Ho_Chi_Minh", cutoverMinutes: 23 * 60, seed: 1)
        let files = directory.files
        try files.load(records(0..<3000))
        try files.load(records(2000..<9000))
        let question = try Question(by: [.day, .hour, .source, .channel, .outcome, .kind], measures: Measure.kept)
        let kept = try LedgerReader(files).answer(question)
        #expect(kept.rows.count > 3)
        files.removeCatalogue()
        #expect(try LedgerReader(files).answer(question) == kept)
        try files.rebuild()
        #expect(try LedgerReader(files).answer(question) == kept)
        #expect(try LedgerReader(files).status().checkpoint == 9000)
        #expect(try files.load(records(0..<9000)).duplicates == 9000)
    }

    /// A file without tables is what is left when the making of the catalogue fails half-way.
    @Test func anEmptyCatalogueIsOneThatWasNeverMade() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(records(0..<100))
        files.removeCatalogue()
        try writeFile(files.catalogue, [])
        #expect(try LedgerReader(files).total(.attempts) == [100])
        var verification = Verification(files)
        #expect(
            try verification.run { _, _ in }.faults
                == ["\(files.catalogue) is empty; whoever next opens the ledger to write makes it"])
        #expect(try files.load(records(50..<150)).duplicates == 50)
        verification = Verification(files)
        #expect(try verification.run { _, _ in }.faults == [])
    }

    /// A log of any length is read again in bounded memory.
    @Test func identitiesMoveToFilesWhileTheLogIsReadAgain() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        for start in stride(from: 0, to: 9000, by: 3000) { try files.load(records(start..<start + 3000)) }
        let (roomy, tight) = (FaultyFileSystem(), FaultyFileSystem())
        try files.rebuild(fileSystem: roomy)
        #expect(roomy.writtenIndexFileCount == 1)
        var options = LedgerOptions()
        options.identityByteCount = 0
        options.identityCheckCount = 1000
        try files.rebuild(options: options, fileSystem: tight)
        #expect(tight.writtenIndexFileCount > 1)
        #expect(try files.load(records(0..<9000)).duplicates == 9000)
    }

    @Test func rebuildChangesTheTimeZoneAndNotTheIdentities() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        let ledger = try Ledger(files)
        let codes = try await ledger.codes(for: [Name(.region, "Huế")])
        ledger.close()
        // A ledger without records is changed in place, with the names that it has.
        try files.rebuild(timeZone: "Asia/Tokyo")
        #expect(try LedgerReader(files).names(of: .region) == [UInt16(codes[0]) == 0x8000 ? 0x8000 : 0: "Huế"])
        let late = record(1, time: noon + 11 * hour)
        try files.load([late])
        let byDay = try Question(by: [.day], measures: [.attempts])
        let tokyo = try LedgerReader(files).answer(byDay).rows[0].codes[0]
        try files.rebuild(timeZone: "UTC", cutoverMinutes: 0)
        let utc = try LedgerReader(files).answer(byDay).rows[0].codes[0]
        #expect(tokyo == utc + 1)
        #expect(try LedgerReader(files).settings.timeZone == "UTC")
        #expect(try files.load([late]).duplicates == 1)
        var verification = Verification(files)
        #expect(try verification.run { _, _ in }.faults == [])
    }

    @Test func aSegmentWithoutRecordsIsNeverReplacedByAnotherOfItsName() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var options = LedgerOptions()
        options.segmentByteCount = 1000
        for start in 0..<5 { try directory.files.load([record(start)], options: options) }
        var verification = Verification(directory.files)
        #expect(try verification.run { _, _ in }.faults == [])
        #expect(try LedgerReader(directory.files).status().segments > 1)
    }

    @Test func aClosedLedgerHoldsNoFileOfTheCatalogueAnyMore() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files)
        _ = try ledger.load(records(0..<10))
        #expect(try ledger.total(.attempts) == [10])
        ledger.close()
        // The last connection that closes removes the write-ahead log.
        #expect(!FileManager.default.fileExists(atPath: directory.files.catalogue + "-wal"))
        #expect(throws: Refusal.self) { try ledger.total(.attempts) }
    }

    /// A names' block at the very end of a segment has the sequence that the next segment begins with.
    @Test func namesAtTheEndOfASealedSegmentAreReadAgain() async throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        try directory.files.load(records(0..<10))
        var options = LedgerOptions()
        options.segmentByteCount = try readFile(directory.files.firstSegment).count + 160
        let ledger = try Ledger(directory.files, options: options)
        let codes = try await ledger.codes(for: [Name(.region, "Huế")])
        _ = try ledger.load(records(10..<20))
        let image = try directory.crashImage(of: directory.files)
        ledger.close()
        let recovered = try Ledger(image)
        defer { recovered.close() }
        #expect(try recovered.status().segments == 2)
        #expect(recovered.knownCodes(for: [Name(.region, "Huế")]) == codes)
    }

    @Test func segmentsAreSealedAtTheirLimitAndReadInOrder() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var options = LedgerOptions()
        options.segmentByteCount = 300_000
        for start in stride(from: 0, to: 40_000, by: 8000) {
            try directory.files.load(records(start..<start + 8000), options: options)
        }
        let reader = try LedgerReader(directory.files)
        let status = try reader.status()
        #expect(status.records == 40_000 && status.segments > 2)
        #expect(try reader.find(record(7).id).count == 1)
        var verification = Verification(directory.files)
        let report = try verification.run { _, _ in }
        #expect(report.faults == [])
        #expect(report.records == 40_000)
        #expect(report.chain.map { hexadecimal($0.digest) } == status.chain)
    }

    @Test func identitiesOfManyDatesSurviveInFiles() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var options = LedgerOptions()
        options.identityIdleCount = 0
        options.identityByteCount = 0
        let all = (0..<3000).map { record($0, time: noon - Int64($0 % 60) * 24 * hour) }
        for part in stride(from: 0, to: all.count, by: 500) {
            try directory.files.load(Array(all[part..<part + 500]), options: options)
        }
        #expect(try directory.files.load(all.shuffled()).duplicates == 3000)
        let names = try DiskFileSystem().list(directory.files.index)
        #expect(names.count >= 60 && names.count < 60 * 5)
        // A damaged or lost index file is made anew from the log.
        try FileManager.default.removeItem(atPath: directory.files.index + "/" + names[0])
        try writeFile(directory.files.index + "/" + names[1], [1, 2, 3])
        #expect(try directory.files.load(all).duplicates == 3000)
    }

    /// Files that are written while the index is made anew stay, also where one of before had the same name.
    @Test func anIndexThatIsMadeAnewKeepsItsOwnFilesAndNoOthers() throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        var options = LedgerOptions()
        options.identityByteCount = 0
        options.identityCheckCount = 500
        let all = (0..<3000).map { record($0, time: noon - Int64($0 % 8) * 24 * hour) }
        for part in stride(from: 0, to: all.count, by: 500) {
            try files.load(Array(all[part..<part + 500]), options: options)
        }
        func names() throws -> [String] { try DiskFileSystem().list(files.index).sorted() }
        try writeFile(files.index + "/" + names()[0], [1, 2, 3])
        try writeFile(files.index + "/2026-01-01.7.index", [1, 2, 3])
        #expect(try files.load(all, options: options).duplicates == 3000)
        #expect(try !names().isEmpty && !names().contains("2026-01-01.7.index"))
        var verification = Verification(files)
        #expect(try verification.run { _, _ in }.faults == [])
        #expect(try files.load(all.shuffled(), options: options).duplicates == 3000)
    }

    @Test func anotherHolderOfTheChainComesToTheSameHead() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let once = try directory.files.load(records(0..<10_000)).chain
        let other = try TemporaryDirectory()
        try other.files.createUTC()
        var parts = ChainHead.origin
        for start in stride(from: 0, to: 10_000, by: 1250) {
            parts = try other.files.load(records(start..<start + 1250)).chain
        }
        #expect(once == parts && once.sequence == 10_000)
    }
}

/// CRC-32C bit by bit, for a test that forges a header.
private func crc32c(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { crc, byte in
        (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
}
