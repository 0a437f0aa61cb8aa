import Rollups
import Testing
import Transactions

/// Lives of single transactions, every measure of every day worked out by hand.
@Suite struct LifeTests {
    /// 100.00 authorised, captured in two steps on the next day, 15.00 of it refunded, then charged back.
    @Test func lifeOfAPayment() {
        let steps: [(String, Event, UInt8, Int64, Outcome, Int64?)] = [
            ("2026-07-01", .authorised, 0, 10_000, .approved, 800),
            ("2026-07-02", .captured, 0, 6000, .approved, 300),
            ("2026-07-02", .captured, 1, 4000, .approved, nil),
            ("2026-07-03", .refunded, 0, 1500, .pending, nil),
            ("2026-07-03", .refunded, 1, 1500, .approved, 90),
            ("2026-07-03", .refunded, 2, 99_999, .declined, nil),
            ("2026-07-20", .chargedBack, 0, 8500, .approved, nil),
            ("2026-07-20", .chargedBack, 1, 8500, .failed, nil),
            ("2026-07-20", .reversed, 0, 2500, .approved, nil),
            ("2026-07-20", .reversed, 1, 2500, .abandoned, nil),
        ]
        let records = steps.map { day, event, step, amount, outcome, duration in
            var record = Record(
                id: RecordID(reference: "payment")!, timeMicroseconds: time(day), amountMinorUnits: amount,
                currency: .gbp,
                source: 1, event: event, step: step, outcome: outcome, channel: .card)
            if let duration { record.duration = PackedDuration(milliseconds: duration)! }
            return record
        }
        let days = measuresByDay(records)
        #expect(days["2026-07-01"] == [.attempts: 1, .approved: 1])
        #expect(
            days["2026-07-02"] == [
                .settled: 2, .amount: 10_000, .smallestAmount: 4000, .largestAmount: 6000, .durationMilliseconds: 300,
                .timed: 1,
            ])
        #expect(days["2026-07-03"] == [.refunds: 1, .refundAmount: 1500, .returnsFailed: 1])
        #expect(
            days["2026-07-20"] == [
                .chargebacks: 1, .chargebackAmount: 8500, .reversals: 1, .reversalAmount: 2500, .returnsFailed: 2,
            ])
        #expect(days.count == 4)
    }

    /// A request received on 1 July and granted, after its deadline, 60 days later, against a fee of 250,000 VND.
    @Test func lifeOfARequest() {
        var received = Record(
            id: RecordID(reference: "request")!, timeMicroseconds: time("2026-07-01"), amountMinorUnits: 250_000,
            currency: .vnd,
            source: 1, kind: .request, outcome: Outcome(name: "received")!, channel: .portal)
        received.region = 3
        var granted = received
        granted.timeMicroseconds = time("2026-08-30")
        granted.kindAndEvent = Kind.request.rawValue | Event.resolved.rawValue << 4
        granted.outcome = .approved
        granted.flags = Record.overdueFlag
        granted.duration = PackedDuration(milliseconds: 60 * 86_400_000)!
        let days = measuresByDay([received, granted])
        #expect(days["2026-07-01"] == [.attempts: 1, .pending: 1])
        #expect(
            days["2026-08-30"] == [
                .resolved: 1, .settled: 1, .amount: 250_000, .smallestAmount: 250_000, .largestAmount: 250_000,
                .durationMilliseconds: 5_184_000_000, .timed: 1, .overdue: 1,
            ])
        #expect(days.count == 2)
    }

    /// A request that is turned down counts as resolved and settles nothing.
    @Test func aRequestThatIsTurnedDown() {
        let record = Record(
            id: RecordID(reference: "request")!, timeMicroseconds: time("2026-07-01"), amountMinorUnits: 5,
            currency: .vnd,
            source: 1, kind: .request, event: .resolved, outcome: .declined)
        #expect(measuresByDay([record]) == ["2026-07-01": [.resolved: 1]])
    }

    /// Every measure of the rollup by region for each day, and the same asserted for every other default.
    private func measuresByDay(_ records: [Record]) -> [String: [Measure: Int128]] {
        let chunks = fold(records).drain()
        var days: [String: [Measure: Int128]] = [:]
        for (cell, values) in cells(chunks, .regions) {
            #expect(days[cell.day.description] == nil, "one cell a day")
            days[cell.day.description] = values
        }
        for rollup in [RollupDeclaration.services, .institutions] {
            for (cell, values) in cells(chunks, rollup) { #expect(days[cell.day.description] == values) }
        }
        for (cell, values) in cells(chunks, .payees) {
            let expected = days[cell.day.description]?.filter { RollupDeclaration.payees.measures.contains($0.key) }
            #expect(values == expected)
        }
        return days
    }
}
