import Chance
import Columns
import Foundation
import Ledger
import Rollups
import Storage
import Testing
import Transactions

private typealias Dimension = Rollups.Dimension

/// Distinct payers of a ledger's records, against sets of them.
@Suite struct PayerTests {
    /// Days that end at 23:00, in a zone whose clocks were put forward on 2024-03-10.
    private static let zone = ("America/New_York", 23 * 60)
    private static let change: Int64 = 1_710_054_000_000_000

    /// Records of all sorts around a change of the clocks, some of them late by many days, by `payerCount` payers and by none.
    private static func records(_ count: Int, seed: UInt64, payerCount: UInt64) -> [Record] {
        var chance = SeededGenerator(seed: seed)
        return (0..<count).map { number in
            var time = change + .random(in: -40 * hour...40 * hour, using: &chance)
            if number % 40 == 0 { time -= 300 * 24 * hour }
            var record = record(
                Int(seed) * 1_000_000 + number, time: time, amount: .random(in: 0...1_000_000, using: &chance),
                event: Event.allCases.randomElement(using: &chance)!,
                outcome: Outcome(rawValue: .random(in: 1...5, using: &chance) << 4))
            if record.event == .resolved, record.outcome.outcomeClass == .pending { record.outcome = .approved }
            record.payer = .random(in: 0...payerCount, using: &chance)
            record.currency = [.vnd, .gbp].randomElement(using: &chance)!
            if number % 9 == 0 { record.flags |= Record.overdueFlag }
            if number % 13 == 0 { record.flags |= Record.testFlag }
            return record
        }
    }

    /// Blocks of rows and of columns.
    private static func makeLedger(_ directory: TemporaryDirectory) throws -> (files: LedgerFiles, records: [Record]) {
        try directory.files.create(timeZone: zone.0, cutoverMinutes: zone.1, seed: 1)
        var all: [Record] = []
        for (number, count) in [900, 3, 2000, 1, 5000, 40, 1200].enumerated() {
            let records = records(count, seed: UInt64(number + 1), payerCount: 3000)
            #expect(try directory.files.load(records).accepted == count)
            all += records
        }
        return (directory.files, all)
    }

    /// Payers of attempts and of approved attempts by the codes of the groups, counted one by one.
    private static func recount(_ records: [Record], _ question: Question) throws -> [[UInt32]: [Int128?]] {
        var calendar = BusinessCalendar(
            timeZone: try #require(TimeZone(identifier: zone.0)), cutoverMinutes: zone.1)
        var payers: [[UInt32]: (attempted: Set<UInt64>, approved: Set<UInt64>)] = [:]
        for record in records where !record.isTest && record.payer != 0 {
            guard record.event == .initiated || record.event == .authorised else { continue }
            let (day, hour) = calendar.dayAndHour(ofMicroseconds: record.timeMicroseconds)
            func code(_ dimension: Dimension) -> UInt32 {
                switch dimension {
                case .day: Dimension.code(of: day)
                case .month: Dimension.monthCode(of: day)
                case .hour: UInt32(hour)
                case .event: UInt32(record.event!.rawValue)
                case .currency: UInt32(record.currency.rawValue)
                case .source: UInt32(record.source)
                case .payee: record.payee
                case .service: record.service
                case .region: UInt32(record.region)
                case .payerInstitution: UInt32(record.payerInstitution)
                case .outcome: UInt32(record.outcome.rawValue)
                default: 0
                }
            }
            guard question.covers(day), question.filters.allSatisfy({ $1.contains(code($0)) }) else { continue }
            let codes = question.grouping.map { question.folds[$0]?[code($0)] ?? code($0) }
            payers[codes, default: ([], [])].attempted.insert(record.payer)
            guard record.outcome.outcomeClass == .approved else { continue }
            payers[codes, default: ([], [])].approved.insert(record.payer)
        }
        return payers.mapValues { [Int128($0.attempted.count), Int128($0.approved.count)] }
    }

    private static func questions() throws -> [Question] {
        let payers: [Measure] = [.payers, .approvedPayers]
        var folded = try Question(by: [.day, .region, .payee], filters: [.region: [1, 2, 3, 5]], measures: payers)
        folded.folds = [.region: CodeFold([1: 0, 2: 0, 5: 7], others: 8), .payee: CodeFold([3: 3], others: 0)]
        return [
            folded,
            try Question(measures: payers), try Question(by: [.region], measures: payers),
            try Question(by: [.day, .source], measures: payers),
            try Question(by: [.month, .hour, .event], measures: payers),
            // A key of one word, of two, and one that no array of small numbers finds.
            try Question(by: [.payee, .service, .region], measures: payers),
            try Question(by: [.payee, .service, .source, .payerInstitution, .outcome], measures: payers),
            try Question(
                from: CalendarDay("2024-03-09"), to: CalendarDay("2024-03-10"), by: [.region, .day],
                filters: [.payerInstitution: [1, 3, 4], .event: [1]], measures: payers),
            try Question(by: [.source], filters: [.month: [202305]], measures: payers),
            try Question(by: [.region, .currency], filters: [.outcome: [16, 32]], measures: payers),
        ]
    }

    @Test func groupsOfFewAreExact() throws {
        let directory = try TemporaryDirectory()
        let (files, records) = try Self.makeLedger(directory)
        for question in try Self.questions() {
            let expected = try Self.recount(records, question)
            #expect(!expected.isEmpty)
            for threads in [1, 3] {
                let answer = try files.reader(threads: threads).answer(question)
                // Groups whose events have no payer are there, and have none.
                let found = answer.rows.filter { $0.values != [0, 0] }
                let wanted = found.map { expected[$0.codes] ?? [] }
                #expect(found.map(\.values) == wanted, "\(question), \(threads) threads")
                #expect(found.count == expected.count)
            }
        }
    }

    /// Beside other measures the others are what they are alone, and rows are given for each currency where money is asked.
    @Test func otherMeasuresAreCountedBesideThem() throws {
        let directory = try TemporaryDirectory()
        let (files, records) = try Self.makeLedger(directory)
        let reader = try files.reader(threads: 2)
        let others: [Measure] = [.attempts, .amount, .smallestAmount, .largestAmount]
        let alone = try reader.answer(Question(by: [.region], measures: others))
        let question = try Question(by: [.region], measures: [.approvedPayers] + others + [.payers])
        let together = try reader.answer(question)
        #expect(together.dimensions == [.region, .currency])
        #expect(together.rows.map(\.codes) == alone.rows.map(\.codes))
        #expect(together.rows.map { Array($0.values[1...4]) } == alone.rows.map(\.values))
        let expected = try Self.recount(records, question)
        for row in together.rows { #expect([row.values[5], row.values[0]] == expected[row.codes]) }
    }

    /// Many payers are estimated: near the truth, and the same by any number of threads and after a rebuild.
    @Test func manyAreEstimatedAndTheSameEachTime() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        var records: [Record] = []
        for seed in 1...3 as ClosedRange<UInt64> {
            let part = Self.records(12_000, seed: seed, payerCount: 20_000)
            try directory.files.load(part)
            records += part
        }
        for question in [
            try Question(measures: [.payers, .approvedPayers]),
            try Question(by: [.month, .region], measures: [.payers, .approvedPayers]),
        ] {
            let first = try directory.files.reader(threads: 1).answer(question)
            #expect(try directory.files.reader(threads: 3).answer(question) == first)
            directory.files.removeCatalogue()
            #expect(try directory.files.reader(threads: 2).answer(question) == first)
            for row in first.rows where question.by.isEmpty {
                var distinct: [Set<UInt64>] = [[], []]
                for record in records where !record.isTest && record.payer != 0 {
                    guard record.event == .initiated || record.event == .authorised else { continue }
                    distinct[0].insert(record.payer)
                    if record.outcome.outcomeClass == .approved { distinct[1].insert(record.payer) }
                }
                for (value, payers) in zip(row.values, distinct) {
                    let error = Double(try #require(value)) / Double(payers.count) - 1
                    #expect(abs(error) < 0.02, "\(String(describing: value)) of \(payers.count)")
                }
            }
        }
    }

    @Test func aDayWithoutRecordsHasNoRows() throws {
        let directory = try TemporaryDirectory()
        let (files, _) = try Self.makeLedger(directory)
        let day = CalendarDay("2024-01-01")
        let question = try Question(from: day, to: day, by: [.region], measures: [.payers])
        #expect(try files.reader(threads: 2).answer(question).rows.isEmpty)
    }

    /// Damage of the payers keeps no other question from its answer.
    @Test func damageOfThePayersIsTold() throws {
        let directory = try TemporaryDirectory()
        let (files, records) = try Self.makeLedger(directory)
        let hurt = try #require(try directory.blocks(of: files).max { $0.header.recordCount < $1.header.recordCount })
        let question = try Question(by: [.region], measures: [.payers, .approvedPayers])
        let other = try Question(by: [.event, .region], measures: [.attempts])
        let whole = try files.reader(threads: 2).answer(other)
        try directory.flip(.payer, of: hurt)
        let reader = try files.reader(threads: 2)
        #expect(try reader.answer(other) == whole)
        let error = #expect(throws: DamageError.self) { try reader.answer(question) }
        #expect(error?.damage.map(\.sequences) == [hurt.sequences])
        let partial = try reader.answer(question, despiteDamage: true)
        #expect(partial.damage.map(\.sequences) == [hurt.sequences])
        let rest =
            records[..<(Int(hurt.sequences.lowerBound) - 1)] + records[Int(hurt.sequences.upperBound)...]
        let expected = try Self.recount(Array(rest), question)
        #expect(partial.rows.map(\.values) == partial.rows.map { expected[$0.codes] ?? [] })
    }
}
