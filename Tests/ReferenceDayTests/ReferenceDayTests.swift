import ReferenceDay
import Testing
import Transactions

@Suite struct ReferenceDayTests {
    /// Enough for every lag to be of several pages; made once.
    static let whole = records(count: 200_000)
    static let verdicts = ledgerVerdicts(whole.records)

    @Test func sameSeedGivesTheSameRecordsInAnyChunks() {
        let expected = records(count: 25_500, chunks: [4096])
        #expect(expected.records.count == 25_500)
        for chunks in [[1], [999, 1, 1000, 7], [1001], [30_000]] {
            let other = records(count: 25_500, chunks: chunks)
            #expect(other.records == expected.records)
            #expect(other.census == expected.census)
        }
    }

    @Test func anotherSeedOrDayGivesOtherRecords() {
        let one = records(count: 2000, seed: 1).records
        let two = records(count: 2000, seed: 2).records
        #expect(Set(one.map(\.id)).isDisjoint(with: two.map(\.id)))
        #expect(Set(one.map(\.payer)).intersection(two.map(\.payer)).count < 20)

        var next = ReferenceDay(day: CalendarDay(daysSince1970: day.daysSince1970 + 1), count: 1000, seed: 1)
        let buffer = UnsafeMutableBufferPointer<Record>.allocate(capacity: 1000)
        defer { buffer.deallocate() }
        #expect(next.fill(buffer) == 1000)
        #expect(Set(one.map(\.id)).isDisjoint(with: buffer.map(\.id)))
    }

    @Test func edgesOfTheCount() {
        #expect(records(count: 0).records.isEmpty)
        let one = records(count: 1)
        #expect(one.records.count == 1 && one.census.transactions == 1)
        #expect(records(count: 999).records.count == 999)
    }

    @Test func everyRecordIsValidAndOfTheDay() {
        let end = dayStartMicroseconds + 86_400_000_000
        for record in Self.whole.records {
            #expect(record.fault(nowMicroseconds: end) == nil)
            #expect(record.utcDay == day.daysSince1970)
            #expect(record.currency == .vnd)
            #expect(record.amountMinorUnits % 100 == 0)
            #expect((1...59).contains(record.payerInstitution) && (1...59).contains(record.payeeInstitution))
            #expect(record.payee <= 500_000 && record.payer != 0)
        }
    }

    @Test func dedupByIdentityGivesTheCensus() {
        let census = Self.whole.census
        #expect(census.records == 200_000)
        #expect(Self.verdicts.accepted.count == census.accepted)
        #expect(Self.verdicts.duplicates.count == census.resends)
        #expect(Self.verdicts.conflicts.count == census.conflicts)
        #expect((3990...4000).contains(census.resends), "2 %, but for those at the very start")
        #expect((199...200).contains(census.conflicts))
    }

    @Test func conflictsDifferInTheAmountOnly() {
        let known = Dictionary(uniqueKeysWithValues: Self.verdicts.accepted.map { (Identity($0), $0) })
        for record in Self.verdicts.conflicts {
            var same = record
            same.amountMinorUnits = known[Identity(record)]!.amountMinorUnits
            #expect(same == known[Identity(record)])
            #expect(record.amountMinorUnits > same.amountMinorUnits)
        }
    }

    @Test func resendsComeSoonAndMuchLater() {
        var first: [Identity: Int] = [:]
        var gaps: [Int] = []
        for (position, record) in Self.whole.records.enumerated() {
            if let earlier = first[Identity(record)] {
                gaps.append(position - earlier)
            } else {
                first[Identity(record)] = position
            }
        }
        let soon = Double(gaps.filter { $0 <= 2100 }.count) / Double(gaps.count)
        #expect((0.45...0.60).contains(soon))
        #expect(gaps.contains { $0 > 100_000 })
    }
}
