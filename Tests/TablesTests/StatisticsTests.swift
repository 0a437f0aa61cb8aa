import Ledger
import Rollups
import Tables
import Testing
import Transactions

/// The tables of statistics have what the ledger answers.
@Suite struct StatisticsTests {
    private func query() throws -> LedgerQuery { LedgerQuery(try SampleLedger.shared.get().reader) }

    @Test(arguments: RollupDeclaration.defaults.map(\.name))
    func rollupsHaveEveryCell(_ name: String) throws {
        let reader = try SampleLedger.shared.get().reader
        let rollup = RollupDeclaration.defaults.first { $0.name == name }!
        let answer = try reader.answer(Question(by: [.day] + rollup.dimensions, measures: rollup.measures))
        let measures = rollup.measures.map(\.name).joined(separator: ", ")
        let found = try query().rows("SELECT day, \(measures) FROM rollup_\(name)").rows
        let expected = answer.rows.map { row in
            [SQLValue.text(CalendarDay(daysSince1970: Int32(bitPattern: row.codes[0])).description)]
                + row.values.map { $0.map { .integer(Int64($0)) } ?? .null }
        }
        #expect(found == expected)
        #expect(found.count > 10)
    }

    @Test func statisticsEqualARecount() throws {
        let pairs = [
            (
                "SELECT day, region, sum(attempts) FROM rollup_regions GROUP BY day, region ORDER BY day, region",
                "SELECT day, region, count(*) FROM transactions WHERE is_test = 0 AND event = 'initiated' GROUP BY day, region ORDER BY day, region"
            ),
            (
                "SELECT source, outcome, hour, sum(attempts) FROM rollup_hours WHERE day = '2024-11-20' AND outcome IN ('approved', 'timeout') AND attempts > 0 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                "SELECT source, outcome, hour, count(*) FROM transactions WHERE day = '2024-11-20' AND outcome IN ('approved', 'timeout') AND is_test = 0 AND event = 'initiated' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
            ),
            (
                "SELECT service, kind, sum(attempts) FROM rollup_services WHERE day BETWEEN '2024-11-19' AND '2024-11-21' AND service_code IS NOT NULL AND kind = 'fee' GROUP BY service ORDER BY 1",
                "SELECT service, kind, count(*) FROM transactions WHERE day BETWEEN '2024-11-19' AND '2024-11-21' AND service_code IS NOT NULL AND kind = 'fee' AND is_test = 0 AND event = 'initiated' GROUP BY service ORDER BY 1"
            ),
            (
                "SELECT payee, attempts FROM daily('payee', '2024-11-20', NULL, 'kind=payment; kind=fee; region=Hà Nội') WHERE attempts > 0 ORDER BY payee",
                "SELECT payee, count(*) FROM transactions WHERE day >= '2024-11-20' AND kind IN ('payment', 'fee') AND region = 'Hà Nội' AND is_test = 0 AND event = 'initiated' GROUP BY payee ORDER BY payee"
            ),
            (
                "SELECT day, payers FROM daily WHERE day < '2024-11-22'",
                "SELECT day, count(DISTINCT payer) FROM transactions WHERE day < '2024-11-22' AND is_test = 0 AND event = 'initiated' GROUP BY day ORDER BY day"
            ),
            (
                "SELECT region, region_code, attempts FROM daily('region') WHERE region IN ('Huế', '3') ORDER BY region_code",
                "SELECT region, region_code, count(*) FROM transactions WHERE region IN ('Huế', '3') AND is_test = 0 AND event = 'initiated' GROUP BY region_code ORDER BY region_code"
            ),
        ]
        for (statistics, records) in pairs {
            let expected = try query().rows(records).rows
            #expect(try query().rows(statistics).rows == expected, "\(statistics)")
            #expect(!expected.isEmpty)
        }
    }

    @Test func whatCannotBe() throws {
        let nothing = [
            "SELECT * FROM rollup_regions WHERE day = '2024-12-31'",
            "SELECT * FROM rollup_regions WHERE region = 'nowhere'",
            "SELECT * FROM rollup_regions WHERE region_code = -1", "SELECT * FROM rollup_regions WHERE day > NULL",
            "SELECT attempts FROM daily('day', '2024-11-22', '2024-11-21')",
            "SELECT attempts FROM daily WHERE region = 'Huế'",
            "SELECT attempts FROM daily('region') WHERE day = '2024-11-20'",
            "SELECT * FROM rollup_hours WHERE channel_code = 1e9 AND kind_code IN (NULL)",
        ]
        for sql in nothing where !sql.contains("'2024-11-22', '2024-11-21'") {
            #expect(try query().rows(sql).rows.isEmpty, "\(sql)")
        }
        #expect(throws: (any Error).self) { try query().rows(nothing[4]) }
    }

    @Test func argumentsMayComeFromAnotherTable() throws {
        let sql = """
            SELECT d.day, s.attempts FROM (SELECT DISTINCT day FROM transactions) d, daily('day', d.day, d.day) s
            ORDER BY d.day
            """
        #expect(try query().rows(sql).rows == query().rows("SELECT day, attempts FROM daily ORDER BY day").rows)
    }

    @Test func sumsBeyond64BitsAreToldAndNotWrong() throws {
        // Some amounts of the sample are near the largest that there is.
        let fault = try #require(throws: SQLFault.self) { _ = try query().rows("SELECT amount FROM daily('kind')") }
        #expect(fault.description.contains("64 bits"))
        #expect(try !query().rows("SELECT attempts, smallest_amount FROM daily('kind')").rows.isEmpty)
    }

    @Test func namesHaveTheirCodes() throws {
        let reader = try SampleLedger.shared.get().reader
        for space in NameSpace.ofRecords {
            let expected = reader.names(of: space).sorted { $0.key < $1.key }
            let found = try query().rows("SELECT code, name FROM \(space.name)s ORDER BY code").rows
            #expect(found == expected.map { [.integer(Int64($0.key)), .text($0.value)] })
        }
        let counts = ["kinds": 5, "events": 7, "outcomes": Outcome.names.count, "channels": Channel.names.count]
        for (table, count) in counts {
            #expect(try query().rows("SELECT * FROM \(table)").rows.count == count)
        }
        #expect(
            try query().rows("SELECT numeric, minor_units FROM currencies WHERE code = 'KWD'").rows
                == [[.integer(414), .integer(3)]])
    }
}
