import Chance
import Foundation
import Ledger
import Rollups
import Testing
import Transactions

private typealias Dimension = Rollups.Dimension

/// Percentiles, deviations, peaks and failed reversals of a ledger's records, against a recount from the records themselves.
@Suite struct SampleTests {
    private static func records(_ count: Int) -> [Record] {
        var chance = SeededGenerator(seed: 21)
        return (0..<count).map { number in
            let time = noon + .random(in: 0...1800_000_000, using: &chance)
            let largest = Int64(1) << Int64.random(in: 1...40, using: &chance)
            var record = record(
                number, time: time, amount: .random(in: 0...largest, using: &chance),
                event: Event.allCases.randomElement(using: &chance)!,
                outcome: Outcome(rawValue: .random(in: 1...5, using: &chance) << 4))
            if record.event == .resolved, record.outcome.outcomeClass == .pending { record.outcome = .approved }
            record.currency = [.vnd, .gbp].randomElement(using: &chance)!
            record.region = .random(in: 0...2, using: &chance)
            if number % 3 != 0 {
                record.duration = PackedDuration(milliseconds: .random(in: 0...9_000, using: &chance))!
            }
            if number % 13 == 0 { record.flags |= Record.testFlag }
            return record
        }
    }

    private struct Group {
        var amounts: [Int64] = []
        var durations: [Int64] = []
        var seconds: [Int64: Int128] = [:]
        var reversalsFailed: Int128 = 0
    }

    private static func recount(_ records: [Record]) -> [[UInt32]: Group] {
        var groups: [[UInt32]: Group] = [:]
        for record in records where !record.isTest {
            let codes = [UInt32(record.region), UInt32(record.currency.rawValue)]
            let (event, isApproved) = (record.event!, record.outcome.outcomeClass == .approved)
            if isApproved, [.initiated, .captured, .resolved].contains(event) {
                groups[codes, default: Group()].amounts.append(record.amountMinorUnits)
                if let duration = record.duration.milliseconds { groups[codes]?.durations.append(duration) }
            }
            if event == .initiated || event == .authorised {
                let second = Int64((Double(record.timeMicroseconds) / 1e6).rounded(.down))
                groups[codes, default: Group()].seconds[second, default: 0] += 1
            }
            if event == .reversed, !isApproved, record.outcome.outcomeClass != .pending {
                groups[codes, default: Group()].reversalsFailed += 1
            }
        }
        return groups
    }

    @Test func figuresOfGroupsAreThoseOfTheirRecords() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        let records = Self.records(20_000)
        for start in stride(from: 0, to: records.count, by: 6000) {
            let part = Array(records[start..<min(start + 6000, records.count)])
            #expect(try directory.files.load(part).accepted == part.count)
        }
        let percentiles: [(Measure, Int)] = [
            (.amountP50, 500), (.amountP90, 900), (.amountP95, 950), (.amountP99, 990), (.durationP50, 500),
            (.durationP90, 900), (.durationP95, 950), (.durationP99, 990), (.durationP999, 999),
        ]
        let others: [Measure] = [
            .amountDeviation, .durationDeviation, .peakPerSecond, .peakSecond, .reversalsFailed, .attempts, .payers,
        ]
        let measures = percentiles.map(\.0) + others
        let question = try Question(by: [.region], measures: measures)
        let expected = Self.recount(records)
        let answer = try directory.files.reader(threads: 1).answer(question)
        #expect(answer.dimensions == [.region, .currency])
        #expect(answer.rows.count == 6)
        #expect(try directory.files.reader(threads: 3).answer(question) == answer)
        for row in answer.rows {
            let group = try #require(expected[row.codes])
            func value(_ measure: Measure) throws -> Int128 {
                try #require(row.values[measures.firstIndex(of: measure)!])
            }
            for (measure, perMille) in percentiles {
                let sorted = (measure.isMoney ? group.amounts : group.durations).sorted()
                let exact = Int128(sorted[(sorted.count * perMille + 999) / 1000 - 1])
                let found = try value(measure)
                #expect(abs(found - exact) <= measure.error(of: found)!, "\(measure.name)")
                #expect(abs(found - exact) * 100 <= exact, "\(measure.name)")
            }
            for (measure, values) in [(Measure.amountDeviation, group.amounts), (.durationDeviation, group.durations)] {
                let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
                let variance =
                    values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count)
                #expect(abs(Double(try value(measure)) - variance.squareRoot()) < 0.51 + variance.squareRoot() * 1e-9)
            }
            let most = group.seconds.values.max()!
            #expect(try value(.peakPerSecond) == most)
            #expect(try value(.peakSecond) == group.seconds.filter { $0.value == most }.keys.min().map { Int128($0) })
            #expect(try value(.reversalsFailed) == group.reversalsFailed)
            #expect(try value(.attempts) == group.seconds.values.reduce(0, +))
        }
    }

    /// Groups in which nothing settled have no percentile, and alone with others they are there.
    @Test func groupsWithoutValuesHaveNone() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        try directory.files.load([record(1, amount: 5, event: .initiated, outcome: .declined)])
        let answer = try directory.files.reader(threads: 1).answer(
            Question(measures: [.amountP50, .amountDeviation, .durationP99, .peakPerSecond, .approved]))
        #expect(answer.rows.map(\.values) == [[nil, nil, nil, 1, 0]])
    }
}
