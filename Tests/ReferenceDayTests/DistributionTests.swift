import Testing
import Transactions

@testable import ReferenceDay

@Suite struct DistributionTests {
    static let accepted = ReferenceDayTests.verdicts.accepted
    static let attempts = accepted.filter { $0.event == .initiated || $0.event == .authorised }

    static func share(_ records: [Record], _ matches: (Record) -> Bool) -> Double {
        Double(records.count(where: matches)) / Double(records.count)
    }

    @Test func outcomesOfAttempts() {
        func share(_ outcomeClass: OutcomeClass) -> Double {
            Self.share(Self.attempts) { $0.outcome.outcomeClass == outcomeClass }
        }
        #expect((0.957...0.963).contains(share(.approved)))
        #expect((0.012...0.017).contains(share(.businessDecline)))
        #expect((0.004...0.008).contains(share(.technicalDecline)))
        #expect((0.014...0.018).contains(share(.pending)))
        #expect((0.002...0.005).contains(share(.abandoned)))
    }

    @Test func declinesDifferByInstitution() {
        let rates = (1...6).map { code in
            Self.share(Self.attempts.filter { $0.payerInstitution == code }) {
                $0.outcome.outcomeClass == .businessDecline
            }
        }
        #expect(rates.max()! > 1.5 * rates.min()!)
    }

    @Test func kindsAndEvents() {
        let shares: [(Kind, ClosedRange<Double>)] = [
            (.payment, 0.60...0.66), (.transfer, 0.29...0.34), (.withdrawal, 0.03...0.045), (.fee, 0.01...0.02),
            (.request, 0.012...0.018),
        ]
        for (kind, range) in shares { #expect(range.contains(Self.share(Self.attempts) { $0.kind == kind })) }
        let events: [(Event, ClosedRange<Double>)] = [
            (.authorised, 0.015...0.018), (.captured, 0.013...0.018), (.resolved, 0.008...0.012),
            (.refunded, 0.008...0.012), (.reversed, 0.004...0.006), (.chargedBack, 0.0004...0.0007),
        ]
        for (event, range) in events { #expect(range.contains(Self.share(Self.accepted) { $0.event == event })) }
    }

    @Test func halfOfTheIdentifiersAreTimeOrdered() {
        var ordered = 0
        for record in Self.attempts {
            let bytes = record.id.bytes
            #expect(record.id.isUUID)
            switch bytes[6] >> 4 {
            case 4: break
            case 7:
                ordered += 1
                let milliseconds = bytes[..<6].reduce(Int64(0)) { $0 << 8 | Int64($1) }
                #expect((0...3).contains(record.timeMicroseconds / 1000 - milliseconds))
            default: Issue.record("an id of version \(bytes[6] >> 4)")
            }
        }
        #expect((0.49...0.51).contains(Double(ordered) / Double(Self.attempts.count)))
    }

    @Test func tailsOfTheCodes() {
        let sources = Dictionary(grouping: Self.attempts, by: \.source).mapValues(\.count)
        #expect(sources.count == 50)
        #expect(
            (1.8...2.2).contains(Double(sources[1]!) / Double(sources[2]!)), "Zipf: rank 1 has twice as much as rank 2")
        #expect(Set(Self.attempts.map(\.payerInstitution)).count == 59)
        #expect(Set(Self.attempts.map(\.region)).count == 63)
        #expect(Set(Self.attempts.map(\.service)).count > 1700)
        #expect(Set(Self.attempts.map(\.payee)).count > 40_000)
        #expect((0.0004...0.0006).contains(Self.share(Self.accepted) { $0.isTest }))
    }

    @Test func payeesFollowZipf() {
        let payees = Self.attempts.filter { $0.kind == .payment || $0.kind == .transfer }.map(\.payee)
        let harmonic = (1...500_000).reduce(0) { $0 + 1 / Double($1) }
        func expected(_ ranks: Range<Int>) -> Double { ranks.reduce(0) { $0 + 1 / Double($1 + 1) } / harmonic }
        for ranks in [0..<1, 1..<2, 2..<100, 100..<1024, 1024..<3000, 3000..<100_000, 100_000..<500_000] {
            let codes = Set(ranks.map { Population.payeeCode(rank: $0) })
            let share = Double(payees.count { codes.contains($0) }) / Double(payees.count)
            #expect((0.95...1.05).contains(share / expected(ranks)), "ranks \(ranks)")
        }
    }

    @Test func payersHaveOneTokenAndOneInstitutionEach() {
        let tokens = Set((0..<100_000).map { Population.payerToken(number: $0 * 300 + 17, key: 0xABCD_EF01_2345_6789) })
        #expect(tokens.count == 100_000)
        var institutions: [UInt64: UInt16] = [:]
        for record in Self.accepted {
            #expect(
                institutions.updateValue(record.payerInstitution, forKey: record.payer) ?? record.payerInstitution
                    == record.payerInstitution)
        }
    }

    @Test func payeeCodesAreABijection() {
        let codes = Set((0..<Population.payeeCount).map { Population.payeeCode(rank: $0) })
        #expect(codes.count == 500_000 && codes.min() == 1 && codes.max() == 500_000)
    }

    @Test func amountsAndDurations() {
        let payments = Self.attempts.filter { $0.kind == .payment }.map(\.amountMinorUnits).sorted()
        let median = payments[payments.count / 2]
        #expect((115_000...125_000).contains(median))
        // A log-normal with sigma 1.2 has its 84.13 % quantile at e^1.2 medians.
        let upper = payments[Int(Double(payments.count) * 0.8413)]
        #expect((3.2...3.45).contains(Double(upper) / Double(median)))
        #expect(payments.allSatisfy { $0 % 1000 == 0 && $0 > 0 })
        let unknown = Self.attempts.filter { $0.duration == .unknown }
        #expect(unknown.allSatisfy { $0.outcome.outcomeClass == .pending || $0.source > 48 })
    }

    @Test func curveHasItsPeaksInLocalHours() {
        var hours = [Int](repeating: 0, count: 24)
        for record in Self.attempts { hours[Int((record.timeMicroseconds / 3_600_000_000 + 7) % 24)] += 1 }
        let total = DailyCurve.hourlyWeights.reduce(0, +)
        for (hour, weight) in DailyCurve.hourlyWeights.enumerated() where weight >= 18 {
            let expected = weight / total * Double(Self.attempts.count)
            #expect((0.93...1.07).contains(Double(hours[hour]) / expected), "hour \(hour)")
        }
    }
}
