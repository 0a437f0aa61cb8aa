import Testing
import Transactions

@testable import ReferenceDay

@Suite struct StreamOrderTests {
    @Test func arrivalsNeverPrecedeTimesAndAreOutOfOrderByTwoSeconds() {
        let whole = ReferenceDayTests.whole.records
        let curve = DailyCurve(count: whole.count)
        var known: Set<Identity> = []
        var (late, lateLongest): (Int, Int64) = (0, 0)
        var previous: Int64 = -1
        for (position, record) in whole.enumerated() {
            let arrival = curve.arrivalMicroseconds(position)
            #expect(arrival >= previous && arrival < 86_400_000_000)
            previous = arrival
            let delay = dayStartMicroseconds + arrival - record.timeMicroseconds
            #expect(delay >= 0)
            guard known.insert(Identity(record)).inserted else { continue }
            if delay > 2_000_000 { late += 1 }
            lateLongest = max(lateLongest, delay)
        }
        #expect((0.0045...0.0055).contains(Double(late) / Double(known.count)))
        #expect(lateLongest > 5 * 3_600_000_000 && lateLongest <= 6 * 3_600_000_000)
    }

    @Test func eachFollowUpHasAnEarlierFirstEventThatItFits() {
        var transactions: [RecordID: [Record]] = [:]
        for record in ReferenceDayTests.verdicts.accepted {
            let isFirst = record.event == .initiated || record.event == .authorised
            #expect(isFirst == (transactions[record.id] == nil))
            if !isFirst, let first = transactions[record.id]?.first {
                #expect(fits(record, after: first, latest: transactions[record.id]!.last!))
            }
            transactions[record.id, default: []].append(record)
        }
        for events in transactions.values where events.count > 1 { #expect(addsUp(events)) }
        #expect(transactions.values.contains { $0.map(\.event) == [.authorised, .captured, .refunded] })
        #expect(transactions.values.contains { $0.map(\.event) == [.authorised, .captured, .captured] })
        #expect(transactions.values.contains { $0.last?.event == .refunded && $0.last?.step == 3 })
    }

    private func fits(_ record: Record, after first: Record, latest: Record) -> Bool {
        var same = record
        same.timeMicroseconds = first.timeMicroseconds
        same.amountMinorUnits = first.amountMinorUnits
        same.duration = first.duration
        same.kindAndEvent = first.kindAndEvent
        same.outcome = first.outcome
        same.flags = first.flags
        let mayFollow: Bool
        switch record.event {
        case .captured: mayFollow = first.event == .authorised && first.outcome == .approved
        case .resolved: mayFollow = first.outcome.outcomeClass == .pending
        default: mayFollow = first.outcome == .approved
        }
        return same == first && mayFollow && record.kind == first.kind && record.isTest == first.isTest
            && record.timeMicroseconds > latest.timeMicroseconds && record.amountMinorUnits <= first.amountMinorUnits
            && (record.event != latest.event || record.step == latest.step + 1)
    }

    /// Neither what is captured nor what is returned is more than the whole amount.
    private func addsUp(_ events: [Record]) -> Bool {
        let whole = events[0].amountMinorUnits
        let captured = events.filter { $0.event == .captured }.reduce(0) { $0 + $1.amountMinorUnits }
        let refunded = events.filter { $0.event == .refunded }.reduce(0) { $0 + $1.amountMinorUnits }
        return captured <= whole && refunded <= whole
    }

    @Test func requestsAreResolvedOnTimeAndOverdue() {
        let accepted = ReferenceDayTests.verdicts.accepted
        let received = Dictionary(
            uniqueKeysWithValues: accepted.filter { $0.kind == .request && $0.event == .initiated }.map { ($0.id, $0) })
        let resolved = accepted.filter { $0.kind == .request && $0.event == .resolved }
        for record in resolved {
            let elapsed = (record.timeMicroseconds - received[record.id]!.timeMicroseconds) / 1000
            #expect(record.duration.milliseconds == elapsed)
            #expect(record.isOverdue == (elapsed > 1_800_000 << Int64(record.service % 4)))
            #expect(record.channel == .portal || record.channel == .counter)
            #expect((10_001...10_200).contains(record.service))
        }
        let overdue = resolved.count(where: \.isOverdue)
        #expect(overdue > resolved.count / 10 && overdue < resolved.count * 9 / 10)
        #expect(accepted.allSatisfy { !$0.isOverdue || $0.event == .resolved })
    }

    @Test func everyPageHoldsEachSlotOnce() {
        for page in [0, 1, 17, 25_999] {
            let order = PageOrder(page: page, seed: 0x1234_5678_9ABC_DEF0)
            #expect(Set((0..<1000).map { order.slot(at: $0) }).count == 1000)
            for position in 0..<1000 {
                #expect(order.streamPosition(ofSlot: order.slot(at: position)) == page * 1000 + position)
            }
        }
    }

    @Test func namesCoverEveryCode() {
        #expect(ReferenceDay.sources.count == 50 && ReferenceDay.institutions.count == 59)
        #expect(ReferenceDay.services.count == 1800 && ReferenceDay.regions.count == 63)
        #expect(Set(ReferenceDay.regions.map(\.name)).count == 63 && Set(ReferenceDay.regions.map(\.code)).count == 63)
        let services = Set(ReferenceDay.services.map(\.code))
        #expect(services.count == 1800 && Set(ReferenceDay.services.map(\.name)).count == 1800)
        let regions = Set(ReferenceDay.regions.map(\.code))
        for record in ReferenceDayTests.verdicts.accepted {
            #expect(services.contains(record.service) && regions.contains(record.region))
            #expect((1...50).contains(record.source))
        }
    }
}
