import Rollups
import Testing
import Transactions

/// What someone says about rollups, as a line of text.
@Suite struct RollupStatementTests {
    @Test func itIsReadAsItWasWritten() throws {
        let monthly = try RollupDeclaration(
            name: "cities_2", dimensions: [.currency, .region, .hour], measures: [.attempts, .amount], isMonthly: true)
        let hourly = try RollupDeclaration(name: "h", dimensions: [.hour], measures: [.attempts])
        let daily = try RollupDeclaration(name: "d", dimensions: [], measures: Measure.kept)
        for (statement, text) in [
            (
                RollupStatement(keeping: monthly, retentionDays: 400, momentMicroseconds: 5),
                "rollup\tcities_2\tmonth\tcurrency,region,hour\tattempts,amount\t400\t5"
            ), (RollupStatement(keeping: hourly, retentionDays: nil, momentMicroseconds: -1), nil),
            (RollupStatement(keeping: daily, retentionDays: nil, momentMicroseconds: .max), nil),
            (RollupStatement(dropping: "cities_2", momentMicroseconds: 6), "rollup\tcities_2\t\t\t\t\t6"),
        ] as [(RollupStatement, String?)] {
            #expect(RollupStatement(text: statement.text) == statement)
            if let text { #expect(statement.text == text) }
        }
    }

    @Test(
        arguments: [
            "", "rollup", "rollup\tx\tday\t\tattempts\t\t", "rollup\tX\tday\t\tattempts\t\t1",
            "rollup\tregions\tday\t\tattempts\t\t1", "rollup\tx\tweek\t\tattempts\t\t1",
            "rollup\tx\tday\t\tattempts\t0\t1", "rollup\tx\tday\tplace\tattempts\t\t1",
            "rollup\tx\tday\t\t\t\t1", "rollup\tx\tday\t\tpayers\t\t1", "rollup\tx\tday\thour\tattempts\t\t1",
            "rollup\tx\tday\tmonth\tattempts\t\t1", "region\tx\tday\t\tattempts\t\t1",
            "rollup\tx\tday\tkind,kind\tattempts\t\t1", "rollup\tx\tday\t\tattempts\t\t1\t",
        ])
    func anythingElseIsNone(_ text: String) { #expect(RollupStatement(text: text) == nil) }

    @Test func questionsTryThoseWithFewerCellsFirst() throws {
        func rollup(_ name: String, _ dimensions: [Dimension], isMonthly: Bool = false) throws -> KeptRollup {
            KeptRollup(
                try RollupDeclaration(
                    name: name, dimensions: dimensions, measures: [.attempts], isMonthly: isMonthly),
                code: 1)
        }
        let ordered = KeptRollup.inOrder([
            try rollup("wide", [.payee, .service]), try rollup("narrow", [.channel]),
            try rollup("months", [.payee, .service], isMonthly: true), try rollup("sources", [.source, .hour]),
        ])
        #expect(
            ordered.map(\.declaration.name) == [
                "months", "narrow", "regions", "services", "sources", "hours", "institutions", "payees", "wide",
            ])
    }

    @Test func aMonthHasNoColumnInItsChunks() throws {
        let months = try RollupDeclaration(
            name: "months", dimensions: [.kind, .region], measures: Measure.kept, isMonthly: true)
        let days = try RollupDeclaration(name: "days", dimensions: [.kind, .region], measures: Measure.kept)
        let chunks = fold(randomRecords(4000, seed: 12), [months, days]).drain()
        let ofMonths = chunks.filter { $0.rollup == months }
        #expect(Set(chunks.filter { $0.rollup == days }.map { $0.day.firstOfMonth }) == Set(ofMonths.map(\.day)))
        #expect(Set(ofMonths.map(\.day)).count == ofMonths.count)
        for chunk in ofMonths {
            #expect(try RollupChunk(decoding: chunk.encoded()) == chunk)
            let own = chunks.filter { $0.rollup == days && $0.day.firstOfMonth == chunk.day }
            let attempts = own.flatMap { day in (0..<day.count).map { day.value(of: .attempts, row: $0)! } }
            #expect((0..<chunk.count).reduce(0) { $0 + chunk.value(of: .attempts, row: $1)! } == attempts.reduce(0, +))
        }
    }
}
