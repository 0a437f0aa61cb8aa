import Foundation
import Ledger
import Rollups
import Storage
import Testing
import Transactions

@Suite struct IngestTests {
    @Test func acceptsDuplicatesAndConflictsAreToldApart() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files)
        defer { ledger.close() }
        let first = try ledger.load(records(0..<3000))
        #expect(first.accepted == 3000 && first.duplicates == 0 && first.exceptions.isEmpty)
        var changed = record(17)
        changed.service += 1
        let second = try ledger.load([record(5), changed, record(3000), record(3000)])
        #expect(second.accepted == 1 && second.duplicates == 2)
        #expect(second.exceptions.map(\.record) == [1])
        #expect(second.exceptions.first?.fault == Fault(.service, .conflict))
        #expect(try ledger.status().records == 3001)
        #expect(try ledger.total(.attempts) == [3001])
    }

    @Test func aDuplicateIsOneHoweverLateItComesAndWhereverItIsConfirmed() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        try directory.files.load(records(0..<5000))
        // After a restart the first copy is read from the log; its date's identities come from a file.
        let again = try directory.files.load(records(0..<5000) + records(0..<5000))
        #expect(again.accepted == 0 && again.duplicates == 10_000)
        // In the reverse order, with new ones between.
        let mixed = try directory.files.load(records(2500..<7500).reversed())
        #expect(mixed.accepted == 2500 && mixed.duplicates == 2500)
    }

    /// Many of a commit lie in one block and a few in each of several; their first difference is in any field, and duplicates,
    /// which after a restart have no digest yet, lie between them.
    @Test(arguments: [false, true])
    func conflictsAreNamedByTheirFirstDifferenceInWhateverBlockItLies(afterRestart: Bool) throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var ledger = try Ledger(directory.files)
        for block in 0..<5 { _ = try ledger.load(records(block * 4000..<block * 4000 + 4000)) }
        if afterRestart {
            ledger.close()
            ledger = try Ledger(directory.files)
        }
        defer { ledger.close() }
        let changes: [(field: Field, make: (inout Record) -> Void)] = [
            (.time, { $0.timeMicroseconds += 1 }), (.amount, { $0.amountMinorUnits += 1 }),
            (.payer, { $0.payer += 1 }), (.payee, { $0.payee += 1 }),
            (.duration, { $0.duration = .unknown }), (.region, { $0.region += 1 }),
            (.channel, { $0.channel = Channel(rawValue: $0.channel.rawValue % 6 + 1) }),
            (.flags, { $0.flags |= Record.overdueFlag }),
        ]
        var batch: [Record] = []
        var expected: [(place: Int, fault: Fault)] = []
        for number in 0..<20_000 where number < 1000 || number % 500 < 5 {
            var record = record(number)
            if number % 3 > 0 {
                // Only the first difference is named.
                changes[number % 8].make(&record)
                if number % 5 == 0 { record.flags |= Record.overdueFlag }
                expected.append((batch.count, Fault(changes[number % 8].field, .conflict)))
            }
            batch.append(record)
        }
        for _ in 0..<2 {
            let totals = try ledger.load(batch)
            #expect(totals.accepted == 0 && totals.duplicates == batch.count - expected.count)
            #expect(totals.exceptions.map { Int($0.record) } == expected.map(\.place))
            #expect(totals.exceptions.map(\.fault) == expected.map(\.fault))
        }
        #expect(try ledger.total(.attempts) == [20_000])
    }

    @Test func identityIsTheUTCDateSourceKindEventStepAndID() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let midnight = noon + 12 * hour
        let all = [
            record(1, time: midnight - 1), record(1, time: midnight), record(1, source: 8, time: midnight),
            record(1, time: midnight, kind: .transfer), record(1, time: midnight, event: .refunded),
            record(1, time: midnight, event: .refunded, step: 1),
        ]
        #expect(try directory.files.load(all).accepted == 6)
        let sameDay = try directory.files.load([record(1, time: midnight - 2), record(1, time: midnight + 1)])
        #expect(sameDay.accepted == 0)
        #expect(sameDay.exceptions.map(\.fault) == [Fault(.time, .conflict), Fault(.time, .conflict)])
    }

    @Test func faultyRecordsAreRejectedWithTheirIndexAndTheRestGoesOn() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files)
        defer { ledger.close() }
        var batch = records(0..<8)
        batch[1].amountMinorUnits = -1
        batch[2] = batch[0]
        batch[3].flags |= 0b100
        batch[4].payee = 0x8000_0000
        batch[6].timeMicroseconds = Int64(Date().timeIntervalSince1970 * 1e6) + 25 * hour
        let totals = try ledger.load(batch)
        #expect(totals.accepted == 3 && totals.duplicates == 1)
        #expect(
            totals.exceptions.map(\.fault) == [
                Fault(.amount, .outOfRange), Fault(.flags, .reservedBits), Fault(.payee, .unknownCode),
                Fault(.time, .tooFarAhead),
            ])
        #expect(totals.exceptions.map(\.record) == [1, 3, 4, 6])
        var bad = record(9)
        bad.id = .none
        #expect(try ledger.load([bad, bad]).exceptions.count == 2)
        #expect(try ledger.status().records == 3)
    }

    @Test func aForeignSourceIsRejected() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files)
        defer { ledger.close() }
        let uploader = Uploader(ledger, sources: SourceSet([7]))
        try uploader.send([record(1), record(2, source: 8)])
        let totals = try uploader.finish()
        #expect(totals.accepted == 1)
        #expect(totals.exceptions.map(\.fault) == [Fault(.source, .foreignSource)])
    }

    @Test func aRingSmallerThanTheLoadHoldsNothingUpForEver() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var options = LedgerOptions()
        options.ringSlotCount = 4096
        let ledger = try Ledger(directory.files, options: options)
        defer { ledger.close() }
        let uploaders = (0..<4).map { _ in Uploader(ledger) }
        let done = DispatchGroup()
        for (number, uploader) in uploaders.enumerated() {
            Thread.detachNewThread { [done] in
                done.enter()
                try? uploader.send(records(number * 20_000..<(number + 1) * 20_000))
                done.leave()
            }
        }
        // Every uploader's records, whether its thread began before or after this line.
        var accepted = 0
        while accepted < 80_000 {
            accepted = uploaders.reduce(0) { $0 + $1.totals.accepted }
            Thread.sleep(forTimeInterval: 0.005)
        }
        #expect(accepted == 80_000)
        #expect(try ledger.total(.attempts) == [80_000])
    }

    @Test func namesGetCodesOnceAndKeepThem() async throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let names = [
            Name(.region, "Đồng Nai"), Name(.service, "fuel"), Name(.region, "Hà Nội"), Name(.region, "Đồng Nai"),
        ]
        var ledger = try Ledger(directory.files)
        let codes = try await ledger.codes(for: names)
        #expect(codes == [0x8000, 0x8000_0000, 0x8001, 0x8000])
        ledger.close()
        ledger = try Ledger(directory.files)
        #expect(try await ledger.codes(for: Array(names.reversed())) == codes.reversed())
        #expect(ledger.names(of: .region) == [0x8000: "Đồng Nai", 0x8001: "Hà Nội"])
        ledger.close()
    }

    @Test func aSpaceThatIsFullRefusesFurtherNames() async throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var options = LedgerOptions()
        options.nameCount = 2
        let ledger = try Ledger(directory.files, options: options)
        defer { ledger.close() }
        _ = try await ledger.codes(for: [Name(.payee, "a"), Name(.payee, "b")])
        await #expect(throws: Refusal.self) { try await ledger.codes(for: [Name(.payee, "c")]) }
        #expect(try await ledger.codes(for: [Name(.payee, "b")]) == [0x8000_0001])
    }

    @Test func namesThatTakeTooMuchMemoryAreRefused() async throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var options = LedgerOptions()
        options.nameByteCount = 30
        for _ in 0..<2 {
            // What was there at the start counts as what came later.
            let ledger = try Ledger(directory.files, options: options)
            defer { ledger.close() }
            let known = [Name(.payee, "ten bytes."), Name(.service, "ten bytes."), Name(.payee, "nine more")]
            let codes = try await ledger.codes(for: known)
            await #expect(throws: Refusal.self) { try await ledger.codes(for: [Name(.payee, "ab")]) }
            #expect(try await ledger.codes(for: known) == codes)
        }
    }

    @Test func findShowsEveryEventOfATransactionInOrder() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files)
        let events = [
            record(3, event: .authorised), record(3, time: noon + hour, event: .captured),
            record(3, time: noon + 40 * hour, event: .refunded),
            record(3, time: noon + 41 * hour, event: .refunded, step: 1),
        ]
        _ = try ledger.load(records(100..<2000) + events + records(5000..<6000))
        #expect(try ledger.find(record(3).id).map(\.record) == events)
        #expect(try ledger.find(record(99).id).isEmpty)
        ledger.close()
        let reader = try LedgerReader(directory.files)
        #expect(try reader.find(record(3).id).map(\.record) == events)
        #expect(try reader.find(record(3).id).map(\.sequence) == [1901, 1902, 1903, 1904])
    }

    @Test func aSecondHolderIsRefusedAndReadersKeepHoldersOut() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var ledger: Ledger? = try Ledger(directory.files)
        #expect(throws: LedgerError.inUse(directory: directory.files.directory)) { try Ledger(directory.files) }
        #expect(throws: LedgerError.inUse(directory: directory.files.directory)) { try LedgerReader(directory.files) }
        ledger?.close()
        ledger = nil
        let reader = try LedgerReader(directory.files)
        #expect(throws: LedgerError.inUse(directory: directory.files.directory)) { try Ledger(directory.files) }
        _ = try LedgerReader(directory.files)
        _ = reader.settings
    }

    @Test func aBatchAfterTheEndIsRefused() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let ledger = try Ledger(directory.files)
        ledger.close()
        #expect(throws: Refusal.self) { try ledger.load([record(1)]) }
    }
}
