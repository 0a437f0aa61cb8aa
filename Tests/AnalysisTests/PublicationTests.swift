import Chance
import Rollups
import Testing
import Transactions

@testable import Analysis

private typealias Dimension = Rollups.Dimension

@Suite struct PublicationTests {
    private func answer(_ question: Question, _ rows: [([UInt32], [Int128?])]) -> Answer {
        Answer(
            dimensions: question.grouping, measures: question.measures,
            rows: rows.map { Answer.Row(codes: $0, values: $1) }, sequence: 1)
    }

    private func withheld(_ sheet: Sheet) -> [Bool] { sheet.rows.map { $0.values.last == .text("true") } }

    @Test func aSmallRowAndTheOneThatWouldGiveItAway() throws {
        let publication = try Publication(
            Inquiry(by: [.month, .region], figures: [.measure(.attempts)]), threshold: 10, countsAccounts: false)
        let questions = publication.questions
        #expect(questions.map(\.by) == [[.month, .region], [.month]])
        let (rows, totals, count) = publication.tables([
            answer(
                questions[0],
                [
                    ([202601, 1], [3]), ([202601, 2], [50]), ([202601, 3], [40]), ([202602, 1], [30]),
                    ([202602, 2], [0]),
                    ([202603, 1], [9]),
                ]),
            answer(questions[1], [([202601], [93]), ([202602], [30]), ([202603], [9])]),
        ])
        // The second month has nothing small; the third is nothing else.
        #expect(withheld(rows) == [true, false, true, false, false, true])
        #expect(withheld(totals) == [false, false, true])
        #expect(count == 3)
        #expect(rows.columns.map(\.name) == ["attempts", "withheld"])
        #expect(rows.rows[0].values == [.none, .text("true")])
        #expect(rows.rows[1].values == [.whole(50), .text("false")])
    }

    /// An amount is looked at by the number of events that it adds up, which is not published.
    @Test func amountsOfFewEvents() throws {
        let publication = try Publication(
            Inquiry(by: [.region], figures: [.measure(.refundAmount)]), threshold: 5, countsAccounts: false)
        let questions = publication.questions
        #expect(questions[0].measures == [.refundAmount, .refunds])
        let (rows, _, _) = publication.tables([
            answer(
                questions[0],
                [
                    ([1, 704], [900, 4]), ([2, 704], [1, 90]), ([3, 704], [0, 0]), ([1, 826], [70, 6]),
                    ([4, 704], [2, 95]),
                ]),
            answer(questions[1], [([704], [903, 189]), ([826], [70, 6])]),
        ])
        #expect(rows.columns.map(\.name) == ["refund_amount", "withheld"])
        // Nothing (0) protects nobody: the smallest that does is withheld beside the small one.
        #expect(withheld(rows) == [true, true, true, false, false])
    }

    /// Many events of one account are one person's, unless nobody is known.
    @Test func manyEventsOfOneAccount() throws {
        let publication = try Publication(Inquiry(by: [.region], figures: [.measure(.attempts)]), threshold: 5)
        let questions = publication.questions
        #expect(questions[0].measures == [.attempts, .payers])
        let (rows, _, _) = publication.tables([
            answer(questions[0], [([1], [90, 1]), ([2], [40, 0]), ([3], [50, 50]), ([4], [60, 60])]),
            answer(questions[1], [([], [240, 111])]),
        ])
        #expect(withheld(rows) == [true, true, true, false])
        for figure in [Figure.measure(.largestAmount), .digitalPercent, .backlog] {
            #expect(throws: InquiryError.self) { try Publication(Inquiry(by: [.day], figures: [figure]), threshold: 5) }
        }
    }

    /// Whatever the figures: no published number is small, and no sum over withheld rows is.
    @Test func nothingSmallCanBeFound() throws {
        var chance = SeededGenerator(seed: 77)
        for _ in 0..<300 {
            let publication = try Publication(
                Inquiry(by: [.day, .region], figures: [.measure(.attempts), .measure(.approved)]), threshold: 8,
                countsAccounts: false)
            let questions = publication.questions
            var rows: [([UInt32], [Int128?])] = []
            var sums: [UInt32: [Int128]] = [:]
            for day in 1...2 as ClosedRange<UInt32> {
                for region in 1...UInt32.random(in: 1...6, using: &chance) {
                    let attempts = Int128(Int.random(in: 0...30, using: &chance))
                    let approved = Int128(Int.random(in: 0...Int(attempts), using: &chance))
                    rows.append(([day, region], [attempts, approved]))
                    let old = sums[day, default: [0, 0]]
                    sums[day] = [old[0] + attempts, old[1] + approved]
                }
            }
            let totals = sums.sorted { $0.key < $1.key }.map { ([$0.key], $0.value.map(Optional.some)) }
            let (table, total, _) = publication.tables([answer(questions[0], rows), answer(questions[1], totals)])
            for day in 1...2 as ClosedRange<UInt32> {
                let places = rows.indices.filter { rows[$0].0[0] == day }
                for figure in 0..<2 {
                    var hidden: Int128 = 0
                    for place in places {
                        let value = rows[place].1[figure]!
                        if table.rows[place].values.last == .text("true") {
                            hidden += value
                        } else {
                            #expect(value == 0 || value >= 8)
                        }
                    }
                    let isTold = total.rows[Int(day) - 1].values.last == .text("false")
                    if isTold, places.count > 1 { #expect(hidden == 0 || hidden >= 8) }
                }
            }
        }
    }
}
