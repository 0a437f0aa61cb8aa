import Foundation
import Testing

/// `bench load`, `recover` and `query`, with few records.
@Suite struct BenchTests {
    private func objects(_ value: Any?) throws -> [[String: Any]] { try #require(value as? [[String: Any]]) }
    private func count(_ object: [String: Any], _ key: String) throws -> Int { try #require(object[key] as? Int) }
    private func isOrdered(_ spread: Any?) throws -> Bool {
        let spread = try #require(spread as? [String: Double])
        let values = try ["min", "median", "max"].map { try #require(spread[$0]) }
        return values[0] > 0 && values == values.sorted()
    }

    @Test func everyFormatIsLoadedWhole() async throws {
        try await Workshop.open { workshop in
            let outcome = try await workshop.run(
                "bench", "load", "--count", "2000", "--repeat", "2", "--report", workshop.path + "/report", "--json")
            #expect(outcome.code == 0, "\(outcome.errors)")
            let loads = try objects(try outcome.object()["loads"])
            #expect(loads.map { $0["format"] as? String } == ["raw", "csv", "ndjson"])
            for load in loads {
                #expect(try isOrdered(load["records_per_second"]))
                let runs = try objects(load["runs"])
                #expect(runs.count == 2)
                for run in runs {
                    let parts = try ["accepted", "duplicates", "conflicts", "rejected"].map { try count(run, $0) }
                    #expect(parts == [1958, 40, 2, 0])
                    #expect(try count(run, "rows") == 2000)
                    #expect(try count(run, "peak_resident_bytes") > 0)
                }
            }
            #expect(try count(loads[0], "file_bytes") == 2000 * 64)
            let page = try String(contentsOfFile: workshop.path + "/report/load.html", encoding: .utf8)
            #expect(page.contains("ndjson"))
        }
    }

    @Test func aKilledDaemonHasEveryRecordOnce() async throws {
        try await Workshop.open { workshop in
            let outcome = try await workshop.run(
                "bench", "recover", "--count", "20000", "--at", "0.3", "--repeat", "2", "--json")
            #expect(outcome.code == 0, "\(outcome.errors)")
            let figures = try outcome.object()
            #expect(try isOrdered(figures["seconds"]))
            for run in try objects(figures["runs"]) {
                #expect(try count(run, "receipted") >= 6000)
                #expect(try count(run, "records") == 19_580)
                #expect(try (0...count(run, "found")).contains(count(run, "read_back")))
                #expect(try count(run, "unreceipted") >= 0)
            }
        }
    }

    @Test func questionsAreAskedOfAMadeAndOfAnOwnLedger() async throws {
        try await Workshop.open { workshop in
            let made = try await workshop.run(
                "bench", "query", "--count", "2000", "--year-count", "30", "--days", "7", "--repeat", "2", "--json")
            #expect(made.code == 0, "\(made.errors)")
            let figures = try made.object()
            #expect(try count(figures, "days") == 7)
            let questions = try objects(figures["questions"])
            #expect(questions.count >= 6)
            for question in questions {
                #expect(try count(question, "rows") > 0)
                #expect(try isOrdered(question["in_process_ms"]))
                #expect(try isOrdered(question["command_ms"]))
            }

            let day = try workshop.write("day.csv", "id,time,amount,currency,source\na,2026-11-20T10:00:00Z,5,VND,1\n")
            #expect(try await workshop.run("load", day, "--data", workshop.data).code == 0)
            let own = try await workshop.run("bench", "query", "--data", workshop.data, "--repeat", "1", "--json")
            #expect(own.code == 0, "\(own.errors)")
            #expect(try count(own.object(), "records") == 1)
            #expect(try own.object()["last_day"] as? String == "2026-11-20")
        }
    }

    @Test(arguments: [
        ["load", "--count", "0"], ["load", "--format", "parquet"], ["load", "--repeat", "0"],
        ["recover", "--at", "1"], ["recover", "--count", "0"], ["query", "--count", "0"], ["query", "--repeat", "0"],
        ["query", "--days", "0"], ["query", "--data", "nowhere"],
    ])
    func optionsThatDoNotFitAreTold(options: [String]) async throws {
        try await Workshop.open { workshop in
            let outcome = try await workshop.run(program: [Workshop.executable, "bench"] + options)
            #expect(outcome.code == 64)
            #expect(!outcome.errors.isEmpty)
            #expect(outcome.output.isEmpty)
        }
    }

    @Test func aReportThatCannotBeWrittenCostsNothing() async throws {
        try await Workshop.open { workshop in
            let file = try workshop.write("report", "a file")
            let outcome = try await workshop.run(
                "bench", "ingest", "--count", "4000000000", "--report", file)
            #expect(outcome.code == 74)
            #expect(outcome.errors.contains(file))
        }
    }

    /// `daily --timed` tells each time in JSON, and a sentence on standard error beside other formats.
    @Test func aQuestionIsTimed() async throws {
        try await Workshop.open { workshop in
            let day = workshop.path + "/day.raw"
            #expect(
                try await workshop.run("generate", "--day", "2026-11-20", "--count", "3000", "--output", day).code == 0)
            #expect(try await workshop.run("load", day, "--data", workshop.data).code == 1)
            for by in ["region", "source,service"] {
                let plain = try await workshop.run("daily", "--data", workshop.data, "--by", by, "--format", "json")
                let timed = try await workshop.run(
                    "daily", "--data", workshop.data, "--by", by, "--format", "json", "--timed", "3")
                let milliseconds = try #require(try timed.object()["milliseconds"] as? [Double])
                #expect(milliseconds.count == 3 && milliseconds.allSatisfy { $0 > 0 })
                #expect(try plain.object()["milliseconds"] == nil)
                #expect(
                    try plain.object()["rows"] as? [[String: AnyHashable]]
                        == timed.object()["rows"] as? [[String: AnyHashable]])
                #expect(timed.errors.isEmpty)
            }
            let table = try await workshop.run("daily", "--data", workshop.data, "--timed", "2")
            #expect(table.code == 0 && table.errors.contains("asked 2 times more in "))
            #expect(try await workshop.run("daily", "--data", workshop.data, "--timed", "-1").code == 64)
        }
    }
}
