import Testing

/// The daemon goes on in new segments of the size that it is told.
@Suite(.timeLimit(.minutes(2))) struct SmallSegmentTests {
    @Test func theLogGoesOnInSegmentsOfOneMebibyte() async throws {
        try await Workshop.open { workshop in
            let day = workshop.path + "/day.raw"
            let generated = try await workshop.run(
                "generate", "--day", "2026-11-20", "--count", "100000", "--output", day)
            #expect(generated.code == 0)
            try await workshop.withDaemon(["--segment-mib", "1"]) { daemon in
                let server = "127.0.0.1:\(daemon.port)"
                let load = try await workshop.run("load", day, "--format", "raw", "--server", server, "--json")
                #expect(try load.counts().accepted == 97_900)
                let status = try await workshop.run("status", "--data", workshop.data, "--json").object()
                #expect(try #require(status["segments"] as? Int) > 2)
            }
            let verification = try await workshop.run("verify", "--data", workshop.data)
            #expect(verification.code == 0, "\(verification.output)\(verification.errors)")
        }
    }

    @Test(arguments: ["0", "4097", "x"])
    func anotherSizeIsAFault(size: String) async throws {
        try await Workshop.open { workshop in
            let outcome = try await workshop.run("serve", "--data", workshop.data, "--segment-mib", size)
            #expect(outcome.code == 64 && outcome.errors.contains("--segment-mib"), "\(outcome.errors)")
        }
    }
}
