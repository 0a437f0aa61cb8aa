import CPlatform
import Rollups
import Testing
import Transactions

/// Clients choose on how many days their records lie: memory that is counted must be memory that is used.
@Suite struct ManyDaysTests {
    private static let days = 2000

    private func records() -> [Record] {
        (0..<Self.days).map { day in
            Record(
                id: RecordID(low: UInt64(day) + 1, high: 1),
                timeMicroseconds: Int64(day) * 86_400_000_000 + 43_200_000_000,
                amountMinorUnits: Int64(day), currency: .vnd, source: 1)
        }
    }

    private var allocatedByteCount: Int { Int(sluice_allocated_bytes()) }

    @Test func aDayWithOneRecordTakesLittleAndIsCounted() throws {
        let records = records()
        let accumulator = RollupAccumulator(RollupDeclaration.defaults, calendar: .utc, firstSequence: 1)
        let before = allocatedByteCount
        records.withUnsafeBufferPointer { accumulator.fold($0, firstSequence: 1) }
        let allocated = allocatedByteCount - before
        #expect(allocated < Self.days * 6000, "\(allocated / Self.days) bytes a day")
        #expect(accumulator.byteCount * 3 / 2 > allocated, "\(accumulator.byteCount) counted, \(allocated) allocated")
        let chunks = accumulator.drain()
        #expect(accumulator.byteCount == 0)
        #expect(chunks.count == Self.days * RollupDeclaration.defaults.count)
        #expect(Set(chunks.map(\.day)) == Set((0..<Self.days).map { CalendarDay(daysSince1970: Int32($0)) }))
    }
}
