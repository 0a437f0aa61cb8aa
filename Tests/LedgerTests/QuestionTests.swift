import Ledger
import Rollups
import Testing
import Transactions

@Suite struct QuestionTests {
    /// No rollup has payee and service together, so the records are counted, and these lie on other days.
    @Test func aQuestionAboutDaysWithoutRecordsIsAnswered() throws {
        let directory = try TemporaryDirectory()
        try directory.files.createUTC()
        try directory.files.load(records(0..<50))
        let ledger = try Ledger(directory.files)
        defer { ledger.close() }
        let (early, late) = (CalendarDay(year: 1, month: 1, day: 1)!, CalendarDay(year: 9999, month: 12, day: 31)!)
        for by in [[.payee, .service], [.payee]] as [[Dimension]] {
            #expect(try ledger.answer(Question(from: late, by: by, measures: [.attempts])).rows.isEmpty)
            #expect(try ledger.answer(Question(to: early, by: by, measures: [.attempts])).rows.isEmpty)
            let all = try ledger.answer(Question(from: early, to: late, by: by, measures: [.attempts]))
            #expect(all.rows.compactMap { $0.values[0] }.reduce(0, +) == 50)
            #expect(try ledger.answer(Question(by: by, measures: [.attempts])) == all)
        }
    }
}
