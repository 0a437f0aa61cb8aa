import Columns
import Foundation
import Storage
import Synchronization
import Testing
import Transactions

@testable import Ledger

/// Stored receipts prove that a log still holds what was receipted, whoever rewrote it.
@Suite struct ReceiptTests {
    /// Loads records in pieces and keeps every receipt as it would be stored.
    private func load(_ pieces: [Range<Int>], _ files: LedgerFiles) throws -> [StoredReceipt] {
        let ledger = try Ledger(files)
        defer { ledger.close() }
        let receipts = Mutex<[StoredReceipt]>([])
        for piece in pieces {
            let uploader = Uploader(ledger) { [id = ledger.ledgerID] receipt in
                receipts.withLock { $0.append(StoredReceipt(ledger: id, receipt)) }
            }
            try uploader.send(records(piece))
            _ = try uploader.finish()
        }
        return receipts.withLock { $0 }
    }

    /// Writes the log anew with other records, as whoever holds all the tools would: every checksum, every place and every link
    /// of the chain fits. Derived files are made anew.
    private func forge(_ files: LedgerFiles, _ change: (inout [Record]) -> Void) throws {
        let (log, _) = try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: false) { _ in
            0
        }
        let decoder = BlockDecoder()
        var all: [Record] = []
        try log.forEachBlock(from: 1) { all += try log.decode($1, in: $0, with: decoder) }
        change(&all)
        let encoder = BlockEncoder(capacity: 1000)
        var bytes: [UInt8] = []
        var chain = ChainHasher()
        var checksum: UInt32 = 0
        var sequence: UInt64 = 1
        func append(_ records: ArraySlice<Record>, _ declarations: [Declaration] = []) {
            records.withUnsafeBufferPointer { records in
                let block = encoder.encode(
                    records,
                    preface: BlockPreface(
                        firstSequence: sequence, commitTimeMicroseconds: noon, ledger: log.settings.ledger,
                        offset: UInt64(bytes.count), previousChecksum: checksum, chainLinkCount: chain.linkCount,
                        chainDigest: chain.link), declarations: declarations)
                bytes += block.bytes
                checksum = block.header.checksum
                sequence += UInt64(records.count)
                chain.append(records)
            }
        }
        append([], log.settings.declarations)
        for start in stride(from: 0, to: all.count, by: 1000) { append(all[start..<min(start + 1000, all.count)]) }
        append([])
        try writeFile(files.firstSegment, bytes)
        for file in try FileManager.default.contentsOfDirectory(atPath: files.index) {
            try FileManager.default.removeItem(atPath: files.index + "/" + file)
        }
        files.removeCatalogue()
        try files.rebuild()
    }

    private func faults(_ receipts: [StoredReceipt], _ files: LedgerFiles) throws -> [String?] {
        try ReceiptVerification(files).faults(of: receipts)
    }

    @Test func receiptsHoldHoweverTheBlocksWereMade() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let receipts = try load([0..<10, 10..<4096, 0..<10, 4096..<4097, 4097..<9001], directory.files)
        #expect(receipts.last?.chainSequence == 9001 && receipts.contains { $0.duplicates == 10 })
        #expect(try faults(receipts, directory.files).allSatisfy { $0 == nil })
        try forge(directory.files) { _ in }
        #expect(try faults(receipts, directory.files).allSatisfy { $0 == nil })
        #expect(try faults([try #require(LedgerReader(directory.files).status().receipt)], directory.files) == [nil])
    }

    @Test(arguments: ["changed", "dropped", "inserted", "swapped", "appended"])
    func aForgedLogIsFoundByItsReceiptsAlone(how: String) throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let receipts = try load([0..<500, 500..<6000, 6000..<9000], directory.files)
        try forge(directory.files) { all in
            switch how {
            case "changed": all[5500].amountMinorUnits += 1
            case "dropped": all.remove(at: 5500)
            case "inserted": all.insert(record(20_000), at: 5500)
            case "swapped": all.swapAt(5500, 5501)
            default: all.append(record(20_000))
            }
        }
        // Nothing that the ledger itself carries gives it away.
        var verification = Verification(directory.files)
        #expect(try verification.run { _, _ in }.faults == [])
        let found = zip(receipts, try faults(receipts, directory.files))
        if how == "appended" { return #expect(found.allSatisfy { $1 == nil }, "what was receipted is still there") }
        for (receipt, fault) in found {
            guard receipt.chainSequence > 5500 else {
                #expect(fault == nil)
                continue
            }
            if how == "dropped", receipt.chainSequence == 9000 {
                #expect(fault == "it speaks of sequence 9000, and the log ends with 8999")
            } else {
                #expect(
                    fault?.hasPrefix("the chain at sequence \(receipt.chainSequence) is ") == true, "\(fault ?? "")")
                #expect(fault?.contains(receipt.chainDigest) == true)
            }
        }
        let held = receipts.last { $0.chainSequence <= 5500 }!.chainSequence
        let first = zip(receipts, try faults(receipts, directory.files)).first { $1 != nil }
        #expect(first?.1?.contains("between sequences \(held + 1) and ") == true, "\(first?.1 ?? "")")
    }

    @Test func damageIsNamedAndWhatLiesBeforeItIsProven() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let receipts = try load([0..<500, 500..<1000, 1000..<1500], directory.files)
        let (log, _) = try LogRecovery.open(
            directory: directory.files.log, fileSystem: DiskFileSystem(), mayWrite: false
        ) { _ in 0 }
        let entry = try #require(log.blocks(of: log.segments[0]).first { $0.firstSequence > 500 && $0.recordCount > 0 })
        for offset in [entry.offset + 60, entry.offset + entry.byteCount - 9] {
            let whole = try readFile(directory.files.firstSegment)
            var bytes = whole
            bytes[offset] ^= 1
            try writeFile(directory.files.firstSegment, bytes)
            let found = try faults(receipts, directory.files)
            for (receipt, fault) in zip(receipts, found) {
                #expect((fault == nil) == (receipt.chainSequence < entry.firstSequence))
                #expect(fault?.contains("at offset \(entry.offset), sequences \(entry.firstSequence) to ") != false)
            }
            try writeFile(directory.files.firstSegment, whole)
        }
    }

    @Test func aReceiptOfAnotherLedgerOrOfMoreThanThereIsDoesNotHold() throws {
        let (one, other) = (try TemporaryDirectory(), try TemporaryDirectory())
        try one.files.createUTC()
        try other.files.createUTC(seed: 2)
        var receipts = try load([0..<10], one.files)
        _ = try load([0..<10], other.files)
        #expect(try faults(receipts, other.files)[0]?.contains("this is ") == true)
        receipts[0].chainSequence = 11
        #expect(try faults(receipts, one.files) == ["it speaks of sequence 11, and the log ends with 10"])
    }

    @Test func aStoredReceiptIsOneLineOfJSON() throws {
        let digest = (0..<32).map { UInt8($0) }
        let receipt = Receipt(
            accepted: 2, duplicates: 1, exceptions: [Exception(index: 3, fault: Fault(.amount, .conflict))],
            firstSequence: 7, chain: ChainHead(sequence: 9, digest: digest))
        let stored = StoredReceipt(ledger: 0x1122_3344_5566_7788, receipt)
        #expect(
            stored.line == """
                {"accepted":2,"chainDigest":"\(hexadecimal(digest))","chainSequence":9,"conflicts":1,"duplicates":1,\
                "firstSequence":7,"ledger":"1122334455667788","rejected":0}

                """)
        #expect(try StoredReceipt(line: stored.line) == stored)
        for (from, to, word) in [
            ("\"chainSequence\":9,", "", "chainSequence"), (":9,", ":\"nine\",", "chainSequence"),
            ("0001", "00g1", "hexadecimal"), ("\"accepted\":2", "\"accepted\":4", "firstSequence"), ("}", "", "JSON"),
            ("\"duplicates\":1", "\"duplicates\":-1", "negative"), ("11223344", "xx", "hexadecimal"),
        ] {
            let error = #expect(throws: ReceiptError.self) {
                try StoredReceipt(line: stored.line.replacing(from, with: to))
            }
            #expect(error?.description.contains(word) == true, "\(to): \(error?.description ?? "none")")
        }
    }
}
