import Rollups
import Testing
import Transactions

@testable import Analysis

private typealias Dimension = Rollups.Dimension

@Suite struct SettlementTests {
    private let day = Dimension.code(of: CalendarDay("2026-07-01")!)

    /// Ten flows by hand: A (1) and B (2) pay each other in dong and pounds, A refunds, C (3) reverses and charges back.
    @Test func flowsSettledByHand() throws {
        let settlement = Settlement(of: try Question(measures: [.attempts]))
        func row(_ payer: UInt32, _ payee: UInt32, _ currency: UInt32, _ values: [Int128?]) -> Answer.Row {
            Answer.Row(codes: [day, payer, payee, currency], values: values)
        }
        let answer = Answer(
            dimensions: settlement.question.grouping, measures: settlement.question.measures,
            rows: [
                // Paid, refunded, reversed, charged back.
                row(1, 2, 704, [1000, 100, 0, 0]), row(2, 1, 704, [400, 0, 0, 0]), row(1, 3, 704, [50, 0, 20, 5]),
                row(2, 2, 704, [900, 100, 0, 0]), row(1, 2, 826, [700, 0, 0, 0]), row(0, 2, 826, [3, 0, 0, 0]),
            ], sequence: 10)
        let sheet = settlement.sheet(answer)
        #expect(sheet.columns.map(\.name).suffix(4) == ["debits", "credits", "net", "within"])
        let found = sheet.rows.map { row in row.codes.dropFirst().map { Int64($0) } + row.values.map(\.number) }
        #expect(
            found == [
                [704, 1, 1050, 400, 125, 0, 1050, 525, -525, 0], [704, 2, 400, 1000, 0, 100, 500, 1000, 500, 800],
                [704, 3, 0, 50, 0, 25, 25, 50, 25, 0], [826, 0, 3, 0, 0, 0, 3, 0, -3, 0],
                [826, 1, 700, 0, 0, 0, 700, 0, -700, 0], [826, 2, 0, 703, 0, 0, 0, 703, 703, 0],
            ])
    }
}

extension Sheet.Value {
    fileprivate var number: Int64 {
        switch self {
        case .money(let value): Int64(value)
        case .name(_, let code): Int64(code)
        default: 0
        }
    }
}

@Suite struct RankingTests {
    @Test func theLargestWithWhatTheyHaveTogether() throws {
        let inquiry = try Inquiry(by: [.service], figures: [.measure(.settled), .ratio(.approvedPercent)])
        let ranking = try Ranking(inquiry, limit: 3)
        let rows = [(1, 5), (2, 70), (3, 10), (4, 10), (5, 5)].map { code, count in
            Answer.Row(codes: [UInt32(code)], values: [Int128(count), 1, 2])
        }
        let (sheet, concentrations) = ranking.sheet([
            Answer(dimensions: [.service], measures: inquiry.question.measures, rows: rows, sequence: 1)
        ])
        #expect(sheet.rows.map { $0.codes[0] } == [2, 3, 4])
        #expect(
            sheet.columns.map(\.name) == [
                "rank", "settled", "approved_percent", "settled_share_percent", "settled_cumulative_percent",
            ])
        #expect(
            sheet.rows[1].values == [.whole(2), .whole(10), .percent(5000), .percent(1000), .percent(8000)])
        #expect(concentrations == [.init(currency: 0, rowCount: 2, allCount: 5, percent: 80)])
        #expect(throws: InquiryError.noShare("approved_percent")) {
            try Ranking(Inquiry(by: [.service], figures: [.ratio(.approvedPercent)]), limit: 1)
        }
    }

    @Test func eachCurrencyIsRankedByItself() throws {
        let inquiry = try Inquiry(by: [.payee], figures: [.measure(.amount)])
        let rows: [([UInt32], Int128)] = [
            ([1, 704], 5), ([1, 826], 1), ([2, 704], 9), ([2, 826], 0), ([3, 826], 4),
        ]
        let (sheet, _) = try Ranking(inquiry, limit: 2).sheet([
            Answer(
                dimensions: [.payee, .currency], measures: [.amount],
                rows: rows.map { Answer.Row(codes: $0.0, values: [$0.1]) }, sequence: 1)
        ])
        #expect(sheet.rows.map(\.codes) == [[2, 704], [1, 704], [3, 826], [1, 826]])
        #expect(
            sheet.rows.map { $0.values[3] } == [.percent(6429), .percent(10_000), .percent(8000), .percent(10_000)])
    }
}
