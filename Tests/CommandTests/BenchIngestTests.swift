import Foundation
import Testing

@Suite struct BenchIngestTests {
    private func count(_ object: [String: Any], _ key: String) throws -> Int { try #require(object[key] as? Int) }
    private func number(_ object: Any?, _ key: String) throws -> Double {
        try #require((object as? [String: Any])?[key] as? Double)
    }

    @Test func countsOfAClosedLoopAddUp() async throws {
        try await Workshop.open { workshop in
            let outcome = try await workshop.run(
                "bench", "ingest", "--count", "5000", "--connections", "3", "--batch", "100", "--replay", "shuffled",
                "--data", workshop.data, "--json")
            #expect(outcome.code == 0, "\(outcome.errors)")
            let figures = try outcome.object()
            let replay = try #require(figures["replay"] as? [String: Any])
            for pass in [figures, replay] {
                let parts = try ["accepted", "duplicates", "conflicts", "rejected"].map { try count(pass, $0) }
                #expect(parts.reduce(0, +) == 5000)
                #expect(try count(pass, "records") == 5000)
                #expect(try number(pass, "records_per_second") > 0)
                let latency = pass["latency_ms"]
                #expect(try number(latency, "p50") <= number(latency, "p999"))
                #expect(try number(latency, "max") > 0)
                #expect(try number((pass["cpu_seconds"] as? [String: Any])?["client"], "user") >= 0)
            }
            #expect(try count(replay, "accepted") == 0)
            #expect(try count(figures, "accepted") == 4895)
            let status = try await workshop.run("status", "--data", workshop.data, "--json").object()
            #expect(try count(status, "records") == 4895)
        }
    }

    @Test func anOpenLoopSendsAllThatIsScheduled() async throws {
        try await Workshop.open { workshop in
            let outcome = try await workshop.run(
                "bench", "ingest", "--rate", "20000", "--seconds", "0.25", "--connections", "2", "--cold", "--json")
            #expect(outcome.code == 0, "\(outcome.errors)")
            let figures = try outcome.object()
            #expect(try count(figures, "records") == 5000)
            #expect(try count(figures, "accepted") + count(figures, "duplicates") + count(figures, "conflicts") == 5000)
            #expect(try number(figures["send_delay_ms"], "max") >= 0)
            let settings = try #require(figures["settings"] as? [String: Any])
            #expect(try count(settings, "batch") == 20)
            #expect(try number(settings, "rate") == 20_000)
        }
    }

    @Test func severalRunsHaveAMiddleAndASpread() async throws {
        try await Workshop.open { workshop in
            let outcome = try await workshop.run(
                "bench", "ingest", "--count", "1000", "--repeat", "3", "--cold", "--json")
            let figures = try outcome.object()
            let rates = try #require(figures["runs"] as? [[String: Any]]).map { try number($0, "records_per_second") }
            #expect(rates.count == 3)
            #expect(try number(figures, "records_per_second") == rates.sorted()[1])
            let spread = (figures["spread"] as? [String: Any])?["records_per_second"]
            #expect(try number(spread, "min") == rates.min())
            #expect(try number(spread, "max") == rates.max())
        }
    }

    @Test(arguments: [
        ["--count", "0"], ["--batch", "1025"], ["--connections", "0"], ["--repeat", "0"], ["--seconds", "1"],
        ["--rate", "0"], ["--rate", "10", "--seconds", "1", "--count", "10"], ["--rate", "10", "--replay", "in-order"],
        ["--replay", "backwards"], ["--repeat", "2", "--data", "nowhere"],
    ])
    func optionsThatDoNotFitAreTold(options: [String]) async throws {
        try await Workshop.open { workshop in
            let outcome = try await workshop.run(
                program: [Workshop.executable, "bench", "ingest"] + options)
            #expect(outcome.code == 64)
            #expect(outcome.errors.contains("--"))
            #expect(outcome.output.isEmpty)
        }
    }

    @Test func aLedgerThatIsThereIsNotTouched() async throws {
        try await Workshop.open { workshop in
            _ = try await workshop.run("init", "--data", workshop.data)
            let outcome = try await workshop.run(
                "bench", "ingest", "--count", "1000", "--cold", "--data", workshop.data)
            #expect(outcome.code == 64)
            #expect(outcome.errors.contains(workshop.data))
            #expect(outcome.output.isEmpty)
        }
    }
}
