import Chance
import Columns
import Foundation
import Ledger
import Rollups
import Storage
import Testing
import Transactions

private typealias Dimension = Rollups.Dimension

/// Questions that no rollup answers: the log's records are counted field by field, by several threads.
@Suite struct ScanTests {
    /// Days that end at 23:00, in a zone whose clocks were put forward on 2024-03-10 and back on 2024-11-03.
    private static let zone = ("America/New_York", 23 * 60)

    /// Records of all sorts around a change of the clocks; a few on days far away.
    private static func variedRecords(_ count: Int, seed: UInt64) -> [Record] {
        var chance = SeededGenerator(seed: seed)
        let change: Int64 = 1_710_054_000_000_000
        return (0..<count).map { number in
            var time = change + .random(in: -40 * hour...40 * hour, using: &chance)
            if number % 50 == 0 { time -= 300 * 24 * hour }
            var record = record(
                Int(seed) * 1_000_000 + number, time: time, amount: .random(in: 0...1_000_000, using: &chance),
                kind: Kind.allCases.randomElement(using: &chance)!,
                event: Event.allCases.randomElement(using: &chance)!,
                outcome: Outcome(rawValue: .random(in: 1...5, using: &chance) << 4))
            // That contradicts itself, and would be rejected.
            if record.event == .resolved, record.outcome.outcomeClass == .pending { record.outcome = .approved }
            record.currency = [.vnd, .gbp].randomElement(using: &chance)!
            if number % 9 == 0 { record.flags |= Record.overdueFlag }
            if number % 13 == 0 { record.flags |= Record.testFlag }
            if number % 7 == 0 { record.duration = .unknown }
            return record
        }
    }

    private static func questions() throws -> [Question] {
        [
            try Question(by: [.event, .region], measures: [.attempts, .amount]),
            try Question(by: [.payee, .service, .day], measures: Measure.kept),
            try Question(by: [.hour, .event, .month], measures: [.attempts, .settled, .timed, .overdue]),
            try Question(
                from: CalendarDay("2024-03-10"), to: CalendarDay("2024-03-10"), by: [.event, .payerInstitution],
                filters: [.region: [1, 3], .kind: [1]], measures: [.largestAmount, .smallestAmount]),
            // A key of more than 64 bits, of which one dimension lies across both words.
            try Question(
                by: [.payee, .service, .source, .payeeInstitution, .channel, .outcome], measures: [.attempts, .refunds]),
        ]
    }

    /// Many blocks, of rows and of columns.
    private static func makeLedger(_ directory: TemporaryDirectory) throws -> (files: LedgerFiles, records: [Record]) {
        try directory.files.create(timeZone: zone.0, cutoverMinutes: zone.1, seed: 1)
        var all: [Record] = []
        for (number, count) in [900, 3, 2000, 1, 700, 5000, 40, 1200].enumerated() {
            let records = variedRecords(count, seed: UInt64(number + 1))
            #expect(try directory.files.load(records).accepted == count)
            all += records
        }
        return (directory.files, all)
    }

    /// However many threads there are, the answer is that of the records counted one by one.
    @Test func anAnswerIsThatOfTheRecordsThemselves() throws {
        let directory = try TemporaryDirectory()
        let (files, records) = try ScanTests.makeLedger(directory)
        let zone = try #require(TimeZone(identifier: ScanTests.zone.0))
        let calendar = BusinessCalendar(timeZone: zone, cutoverMinutes: ScanTests.zone.1)
        for question in try ScanTests.questions() {
            let declaration = try question.adHocDeclaration()
            #expect(question.rollup(among: RollupDeclaration.defaults) == nil)
            let counting = RollupAccumulator([declaration], calendar: calendar, firstSequence: 1)
            records.withUnsafeBufferPointer { counting.fold($0, firstSequence: 1) }
            var builder = try AnswerBuilder(question)
            for chunk in counting.drain() { try builder.add(chunk) }
            let expected = builder.answer(asOf: UInt64(records.count))
            #expect(!expected.rows.isEmpty)
            for threads in [1, 2, 5] {
                #expect(
                    try files.reader(threads: threads).answer(question) == expected, "\(threads) threads")
            }
        }
    }

    /// Attempts by band of their amounts, each record by itself: pounds have two digits behind the point, dong none.
    @Test func bandsAreThoseOfTheAmounts() throws {
        let directory = try TemporaryDirectory()
        let (files, records) = try ScanTests.makeLedger(directory)
        let edges: [Int64] = [50, 1_000, 2_500, 70_000, 1_000_000]
        var question = try Question(by: [.amountBand, .currency], measures: [.attempts, .largestAmount])
        question.bands = try AmountBands(edges: edges)
        var expected: [[UInt32]: Int128] = [:]
        for record in records where !record.isTest && [.initiated, .authorised].contains(record.event) {
            let scale: Int64 = record.currency == .gbp ? 100 : 1
            let place = edges.prefix { $0 * scale <= record.amountMinorUnits }.count
            let band = try #require(
                AmountBand(from: place > 0 ? edges[place - 1] : nil, to: place < edges.count ? edges[place] : nil))
            expected[[band.code, UInt32(record.currency.rawValue)], default: 0] += 1
        }
        for threads in [1, 3] {
            let answer = try files.reader(threads: threads).answer(question)
            var attempts: [[UInt32]: Int128] = [:]
            for row in answer.rows {
                let band = try #require(AmountBand(code: row.codes[0]))
                let scale: Int128 = row.codes[1] == UInt32(Currency.gbp.rawValue) ? 100 : 1
                if let largest = row.values[1] {
                    #expect(band.lowerEdge.map { Int128($0) * scale <= largest } ?? true)
                    #expect(band.upperEdge.map { Int128($0) * scale > largest } ?? true)
                }
                if let count = row.values[0], count > 0 { attempts[row.codes] = count }
            }
            #expect(attempts == expected)
        }
        question.filters = [.amountBand: [try #require(AmountBand(from: 50, to: 1_000)).code]]
        #expect(Set(try LedgerReader(files).answer(question).rows.map { $0.codes[0] }).count == 1)
    }

    /// One block is damaged in a column that is asked for: with any number of threads it is named, and left out when that is
    /// allowed. A question that does not need the column is answered.
    @Test func damageInOneBlockIsFoundByAnyNumberOfThreads() throws {
        let directory = try TemporaryDirectory()
        let (files, records) = try ScanTests.makeLedger(directory)
        let hurt = try #require(
            try directory.blocks(of: files).max { $0.header.recordCount < $1.header.recordCount })
        let needed = try Question(by: [.event, .payee], measures: [.attempts])
        let other = try Question(by: [.event, .region], measures: [.attempts])
        let whole = try files.reader(threads: 1).answer(other)
        try directory.flip(.payee, of: hurt)
        var partial: [Answer] = []
        for threads in [1, 2, 5] {
            let reader = try files.reader(threads: threads)
            #expect(try reader.answer(other) == whole)
            let error = #expect(throws: DamageError.self) { try reader.answer(needed) }
            #expect(error?.damage.map(\.offset) == [hurt.offset])
            #expect(error?.damage.map(\.sequences) == [hurt.sequences])
            partial.append(try reader.answer(needed, despiteDamage: true))
        }
        let lost = records[Int(hurt.sequences.lowerBound) - 1..<Int(hurt.sequences.upperBound)]
        let attempts = { (records: ArraySlice<Record>) in
            records.count { !$0.isTest && ($0.event == .initiated || $0.event == .authorised) }
        }
        let counted = partial[0].rows.reduce(0) { $0 + ($1.values[0] ?? 0) }
        #expect(counted == Int128(attempts(records[...]) - attempts(lost)))
        #expect(partial[1] == partial[0] && partial[2] == partial[0])
    }
}
