import Chance
import Columns
import Foundation
import Ledger
import Rollups
import Storage
import Transactions

/// A data directory that goes when the test ends.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/sluice-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var files: LedgerFiles { LedgerFiles(directory: path + "/data") }

    /// What a crash would leave: the files as they are now, under another name.
    func crashImage(of files: LedgerFiles) throws -> LedgerFiles {
        let copy = LedgerFiles(directory: path + "/" + UUID().uuidString)
        try FileManager.default.copyItem(atPath: files.directory, toPath: copy.directory)
        return copy
    }
}

/// Noon of 2024-03-05, UTC, in microseconds.
let noon: Int64 = 1_709_640_000_000_000
let hour: Int64 = 3_600_000_000

/// Records whose every field varies with `number`.
func record(
    _ number: Int, source: UInt16 = 7, time: Int64? = nil, amount: Int64? = nil, kind: Kind = .payment,
    event: Event = .initiated, step: UInt8 = 0, outcome: Outcome = .approved
) -> Record {
    var record = Record(
        id: RecordID(reference: "T-\(number)")!, timeMicroseconds: time ?? noon + Int64(number) * 1000,
        amountMinorUnits: amount ?? Int64(number % 900 + 1) * 1000, currency: .vnd, source: source, kind: kind,
        event: event,
        step: step, outcome: outcome, channel: Channel(rawValue: UInt8(number % 6 + 1)))
    record.payer = UInt64(number % 100 + 1)
    record.payerInstitution = UInt16(number % 11 + 1)
    record.payeeInstitution = UInt16(number % 13 + 1)
    record.payee = UInt32(number % 50 + 1)
    record.service = UInt32(number % 17 + 1)
    record.region = UInt16(number % 5 + 1)
    record.duration = PackedDuration(milliseconds: Int64(number % 700))!
    return record
}

func records(_ range: Range<Int>) -> [Record] { range.map { record($0) } }

extension LedgerFiles {
    /// A reader that counts with so many threads.
    func reader(threads: Int) throws -> LedgerReader {
        var options = LedgerOptions()
        options.threadCount = threads
        return try LedgerReader(self, options: options)
    }

    func createUTC(seed: UInt64 = 1) throws { try create(timeZone: "UTC", cutoverMinutes: 0, seed: seed) }

    /// The same seed gives the same keys and number.
    func create(timeZone: String, cutoverMinutes: Int, seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed)
        try create(
            timeZone: timeZone, cutoverMinutes: cutoverMinutes, fileSystem: DiskFileSystem(), machine: SystemMachine(),
            chance: &chance)
    }

    /// Opens, sends, closes.
    @discardableResult
    func load(_ records: [Record], options: LedgerOptions = LedgerOptions()) throws -> Uploader.Totals {
        let ledger = try Ledger(self, options: options)
        defer { ledger.close() }
        return try ledger.load(records)
    }

    func removeCatalogue() {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: catalogue + suffix) }
    }

    /// The catalogue, to look into and to write to.
    func openCatalogue() throws -> Catalogue {
        let log = try LogRecovery.open(directory: log, fileSystem: DiskFileSystem(), mayWrite: false) { _ in 0 }.log
        return try Catalogue(
            path: catalogue, ledger: log.settings.ledger, mode: .readWrite,
            rollupSignature: RollupDeclaration.defaultsSignature, fileSystem: DiskFileSystem())
    }

    /// The log's only segment.
    var firstSegment: String { log + "/00000000000000000001.log" }
}

/// A block as it lies in a ledger.
struct LyingBlock {
    var path: String
    var offset: Int
    var header: BlockHeader
    var sequences: ClosedRange<UInt64> { header.preface.firstSequence...header.nextSequence - 1 }
}

extension TemporaryDirectory {
    /// The blocks with records, in order.
    func blocks(of files: LedgerFiles) throws -> [LyingBlock] {
        let (log, _) = try LogRecovery.open(directory: files.log, fileSystem: DiskFileSystem(), mayWrite: false) { _ in
            0
        }
        return try log.segments.flatMap { segment in
            try log.blocks(of: segment).filter { $0.recordCount > 0 }.map {
                LyingBlock(path: segment.path, offset: $0.offset, header: try log.read($0, in: segment).header)
            }
        }
    }

    /// Changes a bit in the stored bytes of a column.
    func flip(_ column: Column, of block: LyingBlock) throws {
        let range = block.header.byteRanges(of: ColumnSet(column))[0]
        var bytes = try readFile(block.path)
        bytes[block.offset + (range.lowerBound + range.upperBound) / 2] ^= 4
        try writeFile(block.path, bytes)
    }
}

extension Ledger {
    func load(_ records: [Record]) throws -> Uploader.Totals {
        let uploader = Uploader(self)
        try uploader.send(records)
        return try uploader.finish()
    }
}

extension LedgerView {
    /// Sums of measures without any grouping.
    func total(_ measures: Measure...) throws -> [Int128] {
        let answer = try answer(Question(measures: measures))
        return answer.rows.first?.values.map { $0 ?? 0 } ?? measures.map { _ in 0 }
    }
}

func readFile(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

func writeFile(_ path: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
