import Analysis
import Rollups
import Testing
import Transactions

@testable import Reference

/// Regions 1, 2 and 3: 1 goes from north to south on 2025-07-01, 2 is always south, of 3 nothing is known.
@Suite struct AttributePlanTests {
    private let book = ReferenceBook(
        .region, [(1, "area", "north", nil), (1, "area", "south", "2025-07-01"), (2, "area", "south", nil)])

    private func plan(
        _ by: [String], _ conditions: [String] = [], from: String? = nil, to: String? = nil,
        measures: [Measure] = [.attempts, .smallestAmount, .largestAmount]
    ) throws -> AttributePlan {
        let words = try AttributeWords(by: by, conditions: conditions)
        let question = try Question(
            from: from.map(day), to: to.map(day), by: words.dimensions.map { Dimension(name: $0)! }, measures: measures)
        return try AttributePlan(question, words, book: book, codes: [:])
    }

    /// The answer that a ledger would give to a question about these events.
    private func answer(
        _ question: Question, _ events: [(day: String, region: UInt32, amount: Int128)], sequence: UInt64
    ) -> Answer {
        var rows: [[UInt32]: [Int128?]] = [:]
        for event in events where question.covers(day(event.day)) {
            if let regions = question.filters[.region], !regions.contains(event.region) { continue }
            let key = question.grouping.map { dimension -> UInt32 in
                switch dimension {
                case .day: Dimension.code(of: day(event.day))
                case .region: question.folds[.region]?[event.region] ?? event.region
                default: 704
                }
            }
            let known = rows[key]
            rows[key] = question.measures.enumerated().map { place, measure in
                switch measure {
                case .smallestAmount: min(known?[place].map { $0 } ?? event.amount, event.amount)
                case .largestAmount: max(known?[place].map { $0 } ?? event.amount, event.amount)
                default: (known?[place].map { $0 } ?? 0) + 1
                }
            }
        }
        return Answer(
            dimensions: question.grouping, measures: question.measures,
            rows: rows.map { Answer.Row(codes: $0, values: $1) }, sequence: sequence)
    }

    private let events: [(day: String, region: UInt32, amount: Int128)] = [
        ("2025-06-30", 1, 10), ("2025-06-30", 2, 20), ("2025-06-30", 3, 30), ("2025-07-01", 1, 40),
        ("2025-07-01", 1, 5), ("2025-07-02", 2, 60),
    ]

    private func lines(_ plan: AttributePlan) throws -> [String] {
        let answer = try plan.answer(
            plan.questions.enumerated().map { self.answer($1, events, sequence: UInt64(10 - $0)) })
        #expect(answer.sequence == UInt64(11 - plan.questions.count))
        return answer.rows.map { row in
            let codes = row.codes.enumerated().map { place, code in
                answer.attributes[answer.dimensions[place]].map { $0.texts[Int(code)] }
                    ?? (answer.dimensions[place] == .day ? "\(CalendarDay(daysSince1970: Int32(code)))" : "\(code)")
            }
            return (codes + row.values.map { $0.map { "\($0)" } ?? "-" }).joined(separator: " ")
        }
    }

    @Test func rowsAreFoldedByTheValueOfTheirDay() throws {
        let plan = try plan(["region.area"])
        #expect(plan.questions.map(\.from) == [nil, day("2025-07-01")])
        #expect(plan.questions.map(\.to) == [day("2025-06-30"), nil])
        #expect(try lines(plan) == ["north 704 1 10 10", "south 704 4 5 60", "none 704 1 30 30"])
    }

    @Test func attributesStandBesideDimensions() throws {
        let plan = try plan(["day", "region.area"], measures: [.attempts])
        #expect(
            try lines(plan) == [
                "2025-06-30 north 1", "2025-06-30 south 1", "2025-06-30 none 1", "2025-07-01 south 2",
                "2025-07-02 south 1",
            ])
        // A value has its number in every answer, whether or not its days are asked for.
        let later = try self.plan(["region.area"], from: "2025-07-01", measures: [.attempts])
        let answer = try later.answer(later.questions.map { self.answer($0, events, sequence: 1) })
        #expect(answer.rows == [Answer.Row(codes: [1], values: [3])])
        #expect(
            answer.attributes == [.region: AttributeColumn(name: "region.area", texts: ["north", "south", "none"])])
    }

    @Test func whatCannotBeAddedUpIsFoldedByTheLedger() throws {
        let byDay = try plan(["day", "region.area"], measures: [.payers])
        #expect(
            byDay.questions.map { $0.folds[.region] } == [
                CodeFold([1: 0, 2: 1], others: 2), CodeFold([1: 1, 2: 1], others: 2),
            ])
        #expect(
            try lines(byDay) == [
                "2025-06-30 north 1", "2025-06-30 south 1", "2025-06-30 none 1", "2025-07-01 south 2",
                "2025-07-02 south 1",
            ])
        #expect(
            try lines(plan(["region.area"], from: "2025-07-01", measures: [.payers, .attempts])) == ["south 3 3"])
        // Rows that are taken by their values cannot be folded before.
        let refused = #expect(throws: AttributeFault.self) {
            try plan(["day"], ["region.area=none"], from: "2025-07-01", measures: [.payers])
        }
        #expect(refused?.description.contains("a condition on region.area that is 'none'") == true)
    }

    @Test func conditionsHoldOnTheirDays() throws {
        let south = try plan([], ["region.area=south"])
        #expect(south.questions.map { $0.filters[.region] } == [[2], [1, 2]])
        #expect(try lines(south) == ["704 4 5 60"])
        let elsewhere = try plan(["day"], ["region.area=none", "region.area=north"], measures: [.attempts])
        #expect(try lines(elsewhere) == ["2025-06-30 2"])
        // Asked about days of one value only, there is one question.
        #expect(try plan([], ["region.area=south"], from: "2025-07-01").questions.count == 1)
        #expect(try plan([], ["region.area=south"], to: "2025-06-30").questions.count == 1)
        #expect(try lines(plan(["region.area"], ["region.area=west"])) == [])
    }

    @Test func whatCannotBeAddedUpIsRefused() throws {
        // Both spans have payers of the south, and nobody knows how many are the same.
        let changing = try plan(["region.area"], measures: [.payers])
        #expect(throws: AttributeFault.self) { try lines(changing) }
        let filtered = try plan([], ["region.area=south"], measures: [.payers])
        #expect(throws: AttributeFault.self) { try lines(filtered) }
        #expect(try plan([], ["region.area=south"], from: "2025-07-01", measures: [.payers]).questions.count == 1)
        for (by, conditions) in [
            (["region.colour"], []), (["currency.name"], []), (["moon.area"], []), (["region."], []),
            (["region.area", "region.area"], []), (["region.area", "region"], []), (["day"], ["region.=x"]),
        ] as [([String], [String])] {
            #expect(throws: AttributeFault.self, "\(by)") { try plan(by, conditions) }
        }
    }
}
