import Foundation
import Rollups
import Testing
import Transactions

@Suite struct QuestionTests {
    private let records = randomRecords(4000, seed: 20, days: 60)

    private func answer(_ question: Question, encoded: Bool = false) throws -> Answer {
        let rollup = try question.rollup(among: RollupDeclaration.defaults) ?? question.adHocDeclaration()
        var builder = try AnswerBuilder(question)
        for chunk in fold(records, [rollup]).drain() {
            if encoded {
                let bytes = chunk.encoded()
                let result = bytes.withUnsafeBytes { buffer in Result { try builder.add(encoded: buffer) } }
                try result.get()
            } else {
                try builder.add(chunk)
            }
        }
        return builder.answer(asOf: 4000)
    }

    /// The rows by a recount of the records that pass, counted in just the grouping's dimensions.
    private func expected(_ question: Question) throws -> [Answer.Row] {
        let passing = try records.filter { record in
            let day = CalendarDay(daysSince1970: record.utcDay)
            let cell = try RollupDeclaration(
                name: "x", dimensions: question.filters.keys.filter { $0.bitCount > 0 }, measures: Measure.kept)
            let codes = Recount(cell, [record]).cells.keys.first?.codes ?? []
            return question.covers(day)
                && zip(cell.dimensions, codes).allSatisfy { question.filters[$0]?.contains($1) ?? true }
        }
        let inCell = question.grouping.filter { $0.bitCount > 0 }
        let recount = Recount(
            try RollupDeclaration(name: "x", dimensions: inCell, measures: question.measures), passing)
        var groups: [[UInt32]: [Measure: Int128]] = [:]
        for (cell, values) in recount.cells {
            let codes = question.grouping.map { dimension in
                switch dimension {
                case .day: UInt32(cell.day.daysSince1970)
                case .month: UInt32(cell.day.components.year * 100 + cell.day.components.month)
                default: cell.codes[inCell.firstIndex(of: dimension)!]
                }
            }
            groups[codes, default: [:]].merge([:]) { old, _ in old }
            for (measure, value) in values {
                let old = groups[codes, default: [:]][measure]
                groups[codes, default: [:]][measure] =
                    switch measure {
                    case .smallestAmount: min(old ?? value, value)
                    case .largestAmount: max(old ?? value, value)
                    default: (old ?? 0) + value
                    }
            }
        }
        return groups.map { codes, values in
            Answer.Row(
                codes: codes,
                values: question.measures.map {
                    values[$0] ?? ([.smallestAmount, .largestAmount].contains($0) ? nil : 0)
                })
        }.sorted { $0.codes.lexicographicallyPrecedes($1.codes) }
    }

    @Test(arguments: [false, true])
    func answersEqualARecount(encoded: Bool) throws {
        let questions = [
            try Question(by: [.day], measures: [.settled, .amount, .refunds, .refundAmount]),
            try Question(by: [.month, .region], measures: Measure.kept),
            try Question(by: [.region, .month, .day], measures: [.attempts]),
            try Question(measures: [.attempts, .approved]),
            try Question(
                from: CalendarDay("2026-04-01"), to: CalendarDay("2026-04-03"), by: [.hour, .outcome],
                filters: [.source: [1, 3], .channel: [2]], measures: [.smallestAmount, .largestAmount, .approved]),
            try Question(by: [.payee], filters: [.payee: [0xFFFF_FF07, 0xFFFF_FF08]], measures: [.amount]),
            try Question(by: [.payee, .event], filters: [.service: [0x7FFF_FFF3]], measures: [.amount, .overdue]),
            try Question(by: [.currency], filters: [.month: [202604]], measures: [.durationMilliseconds, .timed]),
        ]
        for question in questions {
            let answer = try answer(question, encoded: encoded)
            #expect(answer.rows == (try expected(question)))
            #expect(answer.dimensions == question.grouping)
            #expect(answer.sequence == 4000)
        }
    }

    @Test func currenciesAreNeverAddedUp() throws {
        let question = try Question(by: [.region], measures: [.attempts, .smallestAmount])
        #expect(question.grouping == [.region, .currency])
        #expect(try Question(by: [.currency, .day], measures: [.amount]).grouping == [.currency, .day])
        #expect(try Question(by: [.day], measures: [.attempts]).grouping == [.day])
        let total = try answer(Question(measures: [.amount]))
        #expect(total.rows.map(\.codes) == [[414], [704], [826]])
    }

    @Test func theSmallestRollupAnswers() throws {
        func chosen(_ by: [Dimension], _ filters: [Dimension: Set<UInt32>] = [:], _ measure: Measure = .amount) throws
            -> String?
        {
            try Question(by: by, filters: filters, measures: [measure]).rollup(among: RollupDeclaration.defaults)?.name
        }
        #expect(try chosen([.day]) == "regions")
        #expect(try chosen([.channel, .kind, .currency]) == "regions")
        #expect(try chosen([.service, .month]) == "services")
        #expect(try chosen([.source]) == "hours")
        #expect(try chosen([.day, .hour], [.outcome: [16]]) == "hours")
        #expect(try chosen([.payerInstitution], [.source: [1]]) == "institutions")
        #expect(try chosen([.payee]) == "payees")
        #expect(try chosen([.payee], [:], .chargebacks) == nil)
        #expect(try chosen([.day], [.region: [1], .service: [2]]) == nil)
        let question = try Question(by: [.day], measures: [.settled])
        let counts = ["regions": 900, "services": 500, "hours": 700, "institutions": 800, "payees": 20]
        #expect(question.rollup(among: RollupDeclaration.defaults, cellCounts: counts) == .payees)
    }

    @Test func whatNoRollupAnswersIsCountedAdHoc() throws {
        let question = try Question(
            by: [.day, .payee, .event], filters: [.service: [2]], measures: [.chargebackAmount])
        let rollup = try question.adHocDeclaration()
        #expect(rollup.dimensions == [.event, .currency, .payee, .service])
        #expect(rollup.measures == [.chargebackAmount])
        let all = try Question(by: Dimension.allCases, measures: [.attempts])
        #expect(throws: RollupError.self) { try all.adHocDeclaration() }
    }

    @Test func questionsThatCannotBe() {
        #expect(throws: RollupError.noMeasure) { try Question(measures: []) }
        #expect(throws: RollupError.repeated("day")) { try Question(by: [.day, .day], measures: [.amount]) }
        #expect(throws: RollupError.repeated("amount")) { try Question(measures: [.amount, .amount]) }
        #expect(throws: RollupError.self) {
            try Question(from: CalendarDay("2026-07-02"), to: CalendarDay("2026-07-01"), measures: [.amount])
        }
    }

    @Test func aChunkWithoutWhatIsAsked() throws {
        var builder = try AnswerBuilder(Question(by: [.service], measures: [.attempts]))
        let chunk = fold(records, [.regions]).drain()[0]
        let error = RollupError.notInChunk(rollup: "regions", missing: "service")
        #expect(throws: error) { try builder.add(chunk) }
        // Also where a condition leaves none of its cells.
        builder = try AnswerBuilder(Question(by: [.service], filters: [.region: [65_000]], measures: [.attempts]))
        #expect(throws: error) { try builder.add(chunk) }
        #expect(throws: error) { try chunk.encoded().withUnsafeBytes { try builder.add(encoded: $0) } }
    }

    @Test func questionsAndAnswersAsJSON() throws {
        let question = try Question(
            from: CalendarDay("2026-04-01"), by: [.day, .payerInstitution],
            filters: [.region: [3, 1], .day: [20_550]],
            measures: [.amount, .smallestAmount])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let data = try encoder.encode(question)
        #expect(
            String(decoding: data, as: UTF8.self)
                == #"{"by":["day","payer_institution"],"filters":{"day":[20550],"region":[1,3]},"from":"2026-04-01","measures":["amount","smallest_amount"]}"#
        )
        #expect(try JSONDecoder().decode(Question.self, from: data) == question)
        let row = Answer.Row(codes: [1, .max], values: [Int128.max, nil])
        let answer = Answer(
            dimensions: [.region, .payee], measures: [.amount, .smallestAmount], rows: [row], sequence: .max)
        #expect(try JSONDecoder().decode(Answer.self, from: encoder.encode(answer)) == answer)
        for bad in [
            #"{"by":["week"],"measures":["amount"]}"#, #"{"by":[],"measures":[]}"#,
            #"{"by":[],"measures":["amount"],"from":"2026-02-30"}"#,
        ] {
            #expect(throws: (any Error).self) { try JSONDecoder().decode(Question.self, from: Data(bad.utf8)) }
        }
    }
}
