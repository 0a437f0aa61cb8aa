import Foundation
import Glibc
import Testing

/// `sluice sql` and `sluice export` from outside, at rest and beside a daemon.
@Suite struct SQLTests {
    private static let rows = #"""
        id,time,amount,currency,source,region,payee
        A-1,2024-11-20T02:12:31Z,250000,VND,shop,Hà Nội,Phở Thìn
        A-2,2024-11-20T03:00:00Z,48000,VND,shop,Đà Nẵng,"Cà phê, ""Huế"""
        A-3,2024-11-21T03:00:00Z,7,VND,shop,Hà Nội,=cmd|x
        """#

    private func withLedger(_ work: (Workshop) async throws -> Void) async throws {
        try await Workshop.open { workshop in
            let rows = try workshop.write("rows.csv", SQLTests.rows + "\n")
            #expect(try await workshop.run("init", "--data", workshop.data, "--time-zone", "UTC").code == 0)
            #expect(try await workshop.run("load", rows, "--data", workshop.data).code == 0)
            try await work(workshop)
        }
    }

    @Test func everyFormat() async throws {
        try await withLedger { workshop in
            let sql =
                "SELECT sequence, region, amount / 2.0 AS half, NULL AS absent, x'0aff' AS bytes FROM transactions LIMIT 2"
            func printed(_ format: String) async throws -> String {
                let outcome = try await workshop.run("sql", sql, "--data", workshop.data, "--format", format)
                #expect(outcome.code == 0, "\(outcome.errors)")
                return outcome.output
            }
            #expect(
                try await printed("csv")
                    == "sequence,region,half,absent,bytes\r\n1,Hà Nội,125000.0,,0aff\r\n2,Đà Nẵng,24000.0,,0aff\r\n")
            #expect(
                try await printed("ndjson").split(separator: "\n").first
                    == #"{"sequence": 1, "region": "Hà Nội", "half": 125000.0, "absent": null, "bytes": "0aff"}"#)
            #expect(try await printed("json").contains("\"half\": 24000.0"))
            #expect(try await printed("markdown").hasPrefix("| sequence | region | half | absent | bytes |\n"))
            let table = try await printed("table").split(separator: "\n")
            try #require(table.count == 5)
            #expect(table[0] == "sequence  region       half  absent  bytes")
            #expect(table[2] == "       1  Hà Nội   125000.0       -  0aff")
            #expect(table.last == "2 rows")
        }
    }

    @Test func statementsComeFromStandardInput() async throws {
        try await withLedger { workshop in
            let file = try workshop.write("q.sql", "SELECT 1 AS a; -- one; or two\nSELECT ';' AS b\n;\n/* end */\n")
            let outcome = try await workshop.run("sql", "--data", workshop.data, "--format", "csv", input: file)
            #expect(outcome.output == "a\r\n1\r\nb\r\n;\r\n")
            #expect(outcome.code == 0)
        }
    }

    /// SQLite cannot be stopped within one call of a function; the command can.
    @Test func oneCallThatTakesHoursIsEnded() async throws {
        try await withLedger { workshop in
            let sql = "SELECT instr(printf('%.*c', 16000000, 'a'), printf('%.*c', 8000000, 'a') || 'b')"
            let outcome = try await workshop.run("sql", sql, "--data", workshop.data, "--seconds", "1")
            #expect(outcome.code == 75, "\(outcome.errors)")
        }
    }

    @Test func faultsHaveTheirCodes() async throws {
        try await withLedger { workshop in
            func ended(_ sql: String, _ options: String...) async throws -> (code: Int32, errors: String) {
                let outcome = try await workshop.run(
                    program: [Workshop.executable, "sql", sql, "--data", workshop.data] + options)
                return (outcome.code, outcome.errors)
            }
            #expect(try await ended("SELECT nothing FROM transactions").code == 64)
            #expect(try await ended("DROP TABLE transactions").code == 64)
            #expect(try await ended("").code == 64)
            let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
            let stopped = try await ended(endless, "--seconds", "0.2")
            #expect(stopped.code == 75)
            #expect(stopped.errors == "sluice: stopped: it took more than 0.2 seconds\n")
        }
    }

    @Test func anInterruptStopsAStatement() async throws {
        try await withLedger { workshop in
            let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
            let child = try workshop.start(
                program: [Workshop.executable, "sql", endless, "--data", workshop.data, "--format", "csv"])
            while child.standardOutput.isEmpty, child.reap() == nil {
                try await Task.sleep(for: .milliseconds(5))
            }
            child.signal(SIGINT)
            #expect(try await child.wait() == 75)
            #expect(child.standardError == "sluice: interrupted\n")
        }
    }

    @Test func besideADaemonItIsTheSame() async throws {
        try await withLedger { workshop in
            let statements = [
                "SELECT * FROM transactions ORDER BY sequence DESC",
                "SELECT id, payee FROM transactions WHERE id = 'A-2'",
                "SELECT day, sum(attempts), sum(amount) FROM rollup_regions GROUP BY day",
                "SELECT * FROM daily('region')",
                "SELECT name FROM payees", "SELECT region, attempts FROM daily('region', NULL, NULL, 'region=Hà Nội')",
            ]
            func answers() async throws -> [String] {
                var answers: [String] = []
                for sql in statements {
                    let outcome = try await workshop.run("sql", sql, "--data", workshop.data, "--format", "csv")
                    #expect(outcome.code == 0, "\(sql): \(outcome.errors)")
                    answers.append(outcome.output)
                }
                return answers
            }
            let atRest = try await answers()
            try await workshop.withDaemon { daemon in
                #expect(try await answers() == atRest)
                let more = try workshop.write(
                    "more.csv",
                    "id,time,amount,currency,source,region\nB-1,2024-11-22T00:00:00Z,5,VND,shop,Vinh\n")
                #expect(try await workshop.run("load", more, "--server", daemon.address).code == 0)
                let last = try await workshop.run(
                    "sql", "SELECT sequence, region FROM transactions ORDER BY sequence DESC LIMIT 1", "--data",
                    workshop.data, "--format", "csv")
                #expect(last.output == "sequence,region\r\n4,Vinh\r\n")
            }
        }
    }

    @Test func whatIsExportedIsLoadedAgain() async throws {
        try await withLedger { workshop in
            for name in ["out.csv", "out.ndjson"] {
                let file = workshop.path + "/" + name
                #expect(try await workshop.run("export", file, "--data", workshop.data).code == 0)
                let other = workshop.path + "/other-" + name
                #expect(try await workshop.run("init", "--data", other, "--time-zone", "UTC").code == 0)
                let loaded = try await workshop.run("load", file, "--data", other, "--json")
                #expect(try loaded.counts() == LoadCounts(3))
                let again = try await workshop.run("export", "-", "--format", "csv", "--data", other)
                let first = try await workshop.run("export", "-", "--format", "csv", "--data", workshop.data)
                #expect(again.output == first.output)
                #expect(first.output.split(separator: "\n").count == 4)
            }
        }
    }

    @Test func anExportThatIsEndedLeavesNothing() async throws {
        try await Workshop.open { workshop in
            let day = workshop.path + "/day.raw"
            let made = try await workshop.run(
                "generate", "--day", "2026-03-10", "--count", "60000", "--format", "binary", "--output", day)
            #expect(made.code == 0, "\(made.errors)")
            #expect(try await workshop.run("load", day, "--data", workshop.data).code < 2)
            for (name, signal) in [("out.sqlite", SIGTERM), ("out.csv", SIGINT)] {
                let file = workshop.path + "/" + name
                let export = try workshop.start(
                    program: [Workshop.executable, "export", file, "--data", workshop.data])
                while export.reap() == nil, !FileManager.default.fileExists(atPath: file + ".new") {
                    try await Task.sleep(for: .milliseconds(1))
                }
                export.signal(signal)
                #expect(try await export.wait() != 0)
                #expect(!FileManager.default.fileExists(atPath: file + ".new"))
                #expect(!FileManager.default.fileExists(atPath: file))
            }
        }
    }

    @Test func exportsHaveDaysAndEndWhole() async throws {
        try await withLedger { workshop in
            let file = workshop.path + "/out.csv"
            let outcome = try await workshop.run(
                "export", file, "--data", workshop.data, "--from", "2024-11-21", "--to", "2024-11-30")
            #expect(outcome.errors == "1 record\n")
            #expect(try String(contentsOfFile: file, encoding: .utf8).contains("A-3"))
            let twice = try await workshop.run("export", file, "--data", workshop.data)
            #expect(twice.code == 64)
            #expect(twice.errors.contains("is there already"))
            #expect(try await workshop.run("export", "x.txt", "--data", workshop.data).code == 64)
            let nowhere = try await workshop.run("export", workshop.path + "/no/x.csv", "--data", workshop.data)
            #expect(nowhere.code == 74)
            let database = workshop.path + "/out.sqlite"
            #expect(try await workshop.run("export", database, "--data", workshop.data).code == 0)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: database))
            #expect(bytes.starts(with: Data("SQLite format 3\0".utf8)))
            #expect(!FileManager.default.fileExists(atPath: database + ".new"))
        }
    }
}
