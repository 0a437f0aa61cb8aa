import Foundation
import Testing
import Transactions

@testable import Rollups

@Suite struct CountingTests {
    @Test(arguments: RollupDeclaration.defaults)
    func defaultRollupsEqualARecount(rollup: RollupDeclaration) {
        let records = randomRecords(6000, seed: 3)
        let chunks = fold(records).drain()
        #expect(cells(chunks, rollup) == Recount(rollup, records).cells.mapValues(withoutZeros))
    }

    @Test(arguments: [
        [Dimension.event, .outcome], [.payee, .service, .source], [.hour, .payee, .service, .source, .region, .kind],
        [.source, .payerInstitution, .payeeInstitution, .region, .payee, .service],
        [.channel, .payee, .payerInstitution, .service, .currency, .kind, .outcome, .hour, .event], [],
    ])
    func adHocRollupsEqualARecount(dimensions: [Dimension]) throws {
        let records = randomRecords(5000, seed: 4)
        for measures in [Measure.kept, [.durationMilliseconds, .overdue], [.largestAmount], [.returnsFailed]] {
            let rollup = try RollupDeclaration(name: "x", dimensions: dimensions, measures: measures)
            let chunks = fold(records, [rollup]).drain()
            #expect(cells(chunks, rollup) == Recount(rollup, records).cells.mapValues(withoutZeros))
        }
    }

    @Test func everyCombinationOfEventAndOutcome() throws {
        let rollup = try RollupDeclaration(name: "x", dimensions: [.event, .outcome], measures: Measure.kept)
        for event in Event.allCases {
            for outcome in OutcomeClass.allCases {
                for overdue in [false, true] {
                    var record = Record(
                        id: RecordID(reference: "a")!, timeMicroseconds: time("2026-07-01"), amountMinorUnits: 7,
                        currency: .vnd, source: 1, event: event, outcome: Outcome(rawValue: outcome.rawValue << 4))
                    record.duration = PackedDuration(milliseconds: 250)!
                    if overdue { record.flags |= Record.overdueFlag }
                    let chunks = fold([record], [rollup]).drain()
                    #expect(cells(chunks, rollup) == Recount(rollup, [record]).cells.mapValues(withoutZeros))
                }
            }
        }
    }

    @Test func attemptsAreTheSumOfTheirOutcomes() {
        for chunk in fold(randomRecords(6000, seed: 5)).drain() where chunk.rollup.measures.contains(.pending) {
            for row in 0..<chunk.count {
                let parts: [Measure] = [.approved, .businessDeclines, .technicalDeclines, .pending, .abandoned]
                let sum = parts.reduce(Int128(0)) { $0 + chunk.value(of: $1, row: row)! }
                #expect(chunk.value(of: .attempts, row: row) == sum)
            }
        }
    }

    @Test func testRecordsAreNeverCounted() {
        var record = Record(
            id: RecordID(reference: "a")!, timeMicroseconds: time("2026-07-01"), amountMinorUnits: 7, currency: .vnd,
            source: 1)
        record.flags |= Record.testFlag | Record.overdueFlag
        let accumulator = fold([record])
        #expect(accumulator.drain().isEmpty)
        #expect(accumulator.lastSequence == 1)
    }

    @Test(arguments: [
        ("Europe/London", 0), ("Europe/London", 23 * 60), ("Australia/Lord_Howe", 90), ("Asia/Ho_Chi_Minh", 0),
    ])
    func everyEventCountsOnItsOwnBusinessDay(zone: String, cutoverMinutes: Int) throws {
        let timeZone = try #require(TimeZone(identifier: zone))
        let calendar = BusinessCalendar(timeZone: timeZone, cutoverMinutes: cutoverMinutes)
        let records = randomRecords(5000, seed: 6, days: 10)
        let chunks = fold(records, [.hours], calendar: calendar, batch: 700).drain()
        let expected = Recount(.hours, records, calendar: calendar).cells.mapValues(withoutZeros)
        #expect(cells(chunks, .hours) == expected)
    }

    @Test func aMomentBeforeAndAtTheBorderOfTheDay() throws {
        let timeZone = try #require(TimeZone(identifier: "Asia/Ho_Chi_Minh"))
        let records = [(15, 59), (16, 0), (17, 0)].map { hour, minute in
            Record(
                id: RecordID(reference: "\(hour)")!, timeMicroseconds: time("2026-07-01", Int64(hour), Int64(minute)),
                amountMinorUnits: 1, currency: .vnd, source: 1)
        }
        let calendar = BusinessCalendar(timeZone: timeZone, cutoverMinutes: 23 * 60)
        let chunks = fold(records, [.hours], calendar: calendar).drain()
        #expect(chunks.map(\.day.description) == ["2026-07-01", "2026-07-02"])
        #expect(chunks.map { chunk in (0..<chunk.count).map { chunk.codes(row: $0)[2] } } == [[22], [0, 23]])
    }

    @Test func manyCellsOfOneDay() throws {
        let rollup = try RollupDeclaration(name: "x", dimensions: [.payee], measures: [.attempts, .amount])
        let count = 20_000
        let records = (0..<2 * count).map { index in
            var record = Record(
                id: RecordID(reference: "\(index)")!, timeMicroseconds: time("2026-07-01"),
                amountMinorUnits: Int64(index),
                currency: .vnd, source: 1)
            record.payee = UInt32(truncatingIfNeeded: (index % count) * 40_503)
            return record
        }
        let accumulator = fold(records, [rollup])
        #expect(accumulator.cellCount == count)
        #expect(accumulator.byteCount >= count * 32)
        #expect(cells(accumulator.drain(), rollup) == Recount(rollup, records).cells.mapValues(withoutZeros))
    }

    @Test func manyCellsWithKeysOfTwoWords() throws {
        let rollup = try RollupDeclaration(
            name: "x", dimensions: [.kind, .source, .payerInstitution, .payeeInstitution, .payee],
            measures: [.attempts, .amount])
        let count = 5000
        let records = (0..<2 * count).map { index in
            var record = Record(
                id: RecordID(reference: "\(index)")!, timeMicroseconds: time("2026-07-01"),
                amountMinorUnits: Int64(index), currency: .vnd, source: UInt16(index % 7 + 1),
                kind: index.isMultiple(of: 3) ? .transfer : .payment)
            record.payerInstitution = UInt16(truncatingIfNeeded: index % 11)
            record.payee = UInt32(truncatingIfNeeded: (index % count) * 40_503)
            return record
        }
        let chunks = fold(records, [rollup]).drain()
        #expect(chunks[0].count > count && rollup.key.wordCount == 2)
        #expect(zip(chunks[0].keys, chunks[0].keys.dropFirst()).allSatisfy { $0 < $1 })
        #expect(cells(chunks, rollup) == Recount(rollup, records).cells.mapValues(withoutZeros))
    }

    @Test func declarationsThatCannotBe() {
        #expect(throws: RollupError.noMeasure) { try RollupDeclaration(name: "x", dimensions: [], measures: []) }
        #expect(throws: RollupError.repeated("payee")) {
            try RollupDeclaration(name: "x", dimensions: [.payee, .payee], measures: [.attempts])
        }
        #expect(throws: RollupError.impliedDimension(.day)) {
            try RollupDeclaration(name: "x", dimensions: [.day], measures: [.attempts])
        }
        #expect(throws: RollupError.name(byteCount: 0)) {
            try RollupDeclaration(name: "", dimensions: [], measures: [.attempts])
        }
        let wide: [Dimension] = [.payee, .service, .source, .payerInstitution, .payeeInstitution, .region, .kind]
        #expect(throws: RollupError.keyTooWide(dimensions: wide, bitCount: 132)) {
            try RollupDeclaration(name: "x", dimensions: wide, measures: [.attempts])
        }
    }
}
