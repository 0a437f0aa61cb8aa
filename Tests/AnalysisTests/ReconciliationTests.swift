import Rollups
import Testing
import Transactions

@testable import Analysis

@Suite struct ReconciliationTests {
    private func record(_ number: Int, amount: Int64 = 100, currency: Currency = .vnd, event: Event = .initiated)
        -> Record
    {
        Record(
            id: RecordID(reference: "R-\(number)")!, timeMicroseconds: 1_700_000_000_000_000 + Int64(number),
            amountMinorUnits: amount, currency: currency, source: 3, event: event)
    }

    @Test func everyRecordIsInOneClass() throws {
        var reconciliation = Reconciliation()
        for (row, record) in [
            record(1), record(2), record(3, amount: 7), record(2), record(3, amount: 8), record(4, currency: .gbp),
            record(4, currency: .gbp, event: .refunded),
        ].enumerated() {
            reconciliation.list(record, row: row + 2)
        }
        #expect(reconciliation.sources == [3])
        #expect(reconciliation.times == 1_700_000_000_000_001...1_700_000_000_000_004)
        reconciliation.meet(record(1), sequence: 10)
        reconciliation.meet(record(2, amount: 99), sequence: 11)
        // Of another time than the list is about, and not in it.
        reconciliation.meet(record(9, amount: 5), sequence: 12)
        reconciliation.times = 1_700_000_000_000_001...1_700_000_000_000_009
        reconciliation.meet(record(9, amount: 5), sequence: 12)
        reconciliation.meet(record(4, currency: .gbp), sequence: 13)
        reconciliation.finish()
        #expect(!reconciliation.isClean)
        let sheet = reconciliation.sheet(sequence: 13)
        #expect(sheet.rows.count == 8)
        func values(_ kind: Reconciliation.Class, _ currency: Currency) -> [Sheet.Value]? {
            sheet.rows.first { $0.values[0] == .text(kind.rawValue) && $0.codes[0] == UInt32(currency.rawValue) }
                .map { Array($0.values.dropFirst()) }
        }
        #expect(values(.matched, .vnd) == [.whole(1), .money(100), .money(100), .money(0)])
        #expect(values(.matched, .gbp) == [.whole(1), .money(100), .money(100), .money(0)])
        #expect(values(.differing, .vnd) == [.whole(1), .money(100), .money(99), .money(1)])
        #expect(values(.missingHere, .vnd) == [.whole(1), .money(7), .money(0), .money(7)])
        #expect(values(.missingHere, .gbp) == [.whole(1), .money(100), .money(0), .money(100)])
        #expect(values(.missingThere, .vnd) == [.whole(1), .money(0), .money(5), .money(-5)])
        #expect(values(.repeated, .vnd) == [.whole(1), .money(100), .money(0), .money(100)])
        #expect(values(.contradicting, .vnd) == [.whole(1), .money(8), .money(0), .money(8)])
        let differing = try #require(reconciliation.findings.first { $0.kind == .differing })
        #expect(differing.row == 3 && differing.sequence == 11)
        #expect(differing.record.firstDifference(from: try #require(differing.other)) == .amount)
    }

    @Test func eachSideHasItsOwnCurrency() {
        var reconciliation = Reconciliation()
        reconciliation.list(record(1, amount: 9, currency: .gbp), row: 2)
        reconciliation.meet(record(1, amount: 70), sequence: 1)
        reconciliation.finish()
        let rows = reconciliation.sheet(sequence: 1).rows.map { row in
            [Sheet.Value.whole(Int128(row.codes[0]))] + row.values
        }
        #expect(
            rows == [
                [.whole(704), .text("differing"), .whole(0), .money(0), .money(70), .money(-70)],
                [.whole(826), .text("differing"), .whole(1), .money(9), .money(0), .money(9)],
            ])
    }

    @Test func theSameOnBothSidesIsClean() {
        var reconciliation = Reconciliation()
        reconciliation.list(record(1), row: 2)
        reconciliation.list(record(1), row: 3)
        reconciliation.meet(record(1), sequence: 1)
        reconciliation.finish()
        #expect(reconciliation.isClean)
        #expect(reconciliation.findings.map(\.kind) == [.repeated])
    }
}
