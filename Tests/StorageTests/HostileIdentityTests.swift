import Foundation
import Testing
import Transactions

@testable import Storage

/// Identities that a client chose to do harm: they cost what others cost.
@Suite struct HostileIdentityTests {
    private let directory = NSTemporaryDirectory() + "/sluice-index-" + UUID().uuidString
    private let key = IdentityKey(k0: 7, k1: 0x1234_5678_9ABC_DEF0)

    /// One id under so many sources, with each kind, event and step.
    private func eventsOfOneID(sources: ClosedRange<UInt16>, low: UInt64 = 1) -> [Record] {
        sources.flatMap { source in
            Kind.allCases.flatMap { kind in
                Event.allCases.flatMap { event in
                    (0..<16).map { step in
                        Record(
                            id: RecordID(low: low, high: 2), timeMicroseconds: 1_700_000_000_000_000,
                            amountMinorUnits: 1, currency: .vnd, source: source, kind: kind, event: event,
                            step: UInt8(step))
                    }
                }
            }
        }
    }

    private func index(capacity: Int = 65_536) throws -> IdentityIndex {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return IdentityIndex(
            key: key, ledger: 9, directory: directory, fileSystem: DiskFileSystem(), capacity: capacity,
            digestCount: 1 << 16)
    }

    private func onDate(_ day: Int, number: Int) -> Record {
        Record(
            id: RecordID(low: UInt64(number) + 1, high: 3), timeMicroseconds: Int64(day) * 86_400_000_000 + 5,
            amountMinorUnits: 5, currency: .vnd, source: 1)
    }

    @discardableResult
    private func judge(_ index: IdentityIndex, _ batch: [Record], from first: UInt64, _ source: Log) throws -> [Verdict]
    {
        var records = batch
        var verdicts = [Verdict](repeating: .accepted, count: batch.count)
        let count = try records.withUnsafeMutableBufferPointer { records in
            try verdicts.withUnsafeMutableBufferPointer {
                try index.judge(
                    records, batches: [0..<records.count], firstSequence: first, verdicts: $0, source: source)
            }
        }.acceptedCount
        for (place, record) in records[..<count].enumerated() { source.records[first + UInt64(place)] = record }
        return verdicts
    }

    private final class Log: RecordSource {
        var records: [UInt64: Record] = [:]
        var readCount = 0

        func recordInMemory(_ sequence: UInt64) -> Record? { nil }
        func records(at sequences: [UInt64]) throws -> [Record] {
            readCount += sequences.count
            return sequences.map { records[$0]! }
        }
    }

    @Test func eventsOfOneIDDoNotCrowd() {
        let table = IdentityTable(base: 0)
        let events = eventsOfOneID(sources: 1...40)
        for (place, event) in events.enumerated() {
            table.insert(Fingerprint(event, key: key), sequence: UInt64(place + 1))
        }
        var visits = 0
        for event in events {
            _ = table.find(Fingerprint(event, key: key)) { _ in
                visits += 1
                return false
            }
        }
        #expect(visits == events.count, "each look-up meets its own entry alone")
        let places = Set(events.map { Fingerprint($0, key: key).tag >> 16 })
        #expect(places.count > events.count / 2, "they lie at \(places.count) places of 65,536")
    }

    @Test func eventsOfOneIDAreJudgedWithoutReadingTheLog() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let index = try index()
        let log = Log()
        for source in 1...6 as ClosedRange<UInt16> {
            let verdicts = try judge(
                index, eventsOfOneID(sources: source...source), from: UInt64(log.records.count + 1), log)
            #expect(verdicts.allSatisfy { $0 == .accepted })
        }
        #expect(log.readCount == 0)
        let candidates = try index.candidates(for: RecordID(low: 1, high: 2))
        #expect(candidates == Array(1...UInt64(log.records.count)))
        _ = try index.closeDates(idleBefore: .max, durable: UInt64(log.records.count), byteLimit: 0)
        #expect(try index.candidates(for: RecordID(low: 1, high: 2)) == candidates)
        #expect(try index.candidates(for: RecordID(low: 5, high: 2)).count < 10)
    }

    @Test func aDateWithFewIdentitiesTakesLittle() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let index = try index()
        let log = Log()
        let dates = 0..<3000
        try judge(index, dates.map { onDate($0, number: $0) }, from: 1, log)
        #expect(index.byteCount < dates.count * 512, "\(index.byteCount / dates.count) bytes a date")
        #expect(try judge(index, dates.map { onDate($0, number: $0) }, from: 3001, log).allSatisfy { $0 == .duplicate })
    }

    /// The number of descriptors of this process that lead into the index's directory.
    private var descriptorCount: Int {
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return open.count { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)
            return target?.contains((directory as NSString).lastPathComponent) ?? false
        }
    }

    @Test func manyFilesOfDatesTakeFewDescriptors() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let index = try index()
        let log = Log()
        let records = (0..<150).map { onDate($0, number: $0) }
        try judge(index, records, from: 1, log)
        _ = try index.closeDates(idleBefore: .max, durable: 150, byteLimit: 0)
        #expect(index.fileNames.count == 150)
        for _ in 0..<2 {
            #expect(try judge(index, records, from: 151, log).allSatisfy { $0 == .duplicate })
            #expect(descriptorCount <= 64)
        }
        let restarted = try self.index()
        try restarted.adoptFiles(named: index.fileNames, durable: 150)
        #expect(descriptorCount <= 64)
        #expect(try judge(restarted, records, from: 151, log).allSatisfy { $0 == .duplicate })
        #expect(descriptorCount <= 128, "of two indexes")
    }

    @Test func idleDatesMoveToFilesAFewAtATime() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let index = try index()
        try judge(index, (0..<40).map { onDate($0, number: $0) }, from: 1, Log())
        for pass in 1...5 {
            _ = try index.closeDates(idleBefore: .max, mostIdle: 8, durable: 40, byteLimit: .max)
            #expect(index.fileNames.count == pass * 8)
        }
        #expect(index.byteCount == 0)
    }

    /// An entry has 32 bits for the sequence: a date that is never idle and never large must not outlive them.
    @Test func aTableThatReachesFarBackMovesToAFile() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let index = try index()
        let log = Log()
        try judge(index, [onDate(1, number: 1)], from: 1, log)
        let late: UInt64 = 1 << 31 + 7
        try judge(index, [onDate(1, number: 2)], from: late, log)
        #expect(try index.closeDates(idleBefore: 0, mostIdle: 0, durable: late, byteLimit: .max))
        let later: UInt64 = 1 << 33
        try judge(index, [onDate(1, number: 3)], from: later, log)
        let all = (1...3).map { onDate(1, number: $0) }
        #expect(try judge(index, all, from: later + 1, log).allSatisfy { $0 == .duplicate })
    }
}
