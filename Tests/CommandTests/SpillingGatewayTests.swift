import Foundation
import Glibc
import Testing

/// The Swift client with a spill, as a process of its own, against the daemon: both are killed.
@Suite(.timeLimit(.minutes(2))) struct SpillingGatewayTests {
    private func start(_ workshop: Workshop, port: Int, _ first: Int, _ last: Int) throws -> ChildProcess {
        let executable = URL(fileURLWithPath: Workshop.executable).deletingLastPathComponent()
            .appending(path: "spilling-gateway").path
        return try workshop.start(program: [executable, "\(port)", workshop.path + "/spill", "\(first)", "\(last)"])
    }

    /// The last payment that the process says it sent.
    private func lastSent(_ process: ChildProcess) -> Int {
        process.standardOutput.split(separator: "\n").last { Int($0) != nil }.flatMap { Int($0) } ?? 0
    }

    @Test func allThatWasSentOutlivesBoth() async throws {
        try await Workshop.open { workshop in
            let daemon = try await Daemon(workshop, data: workshop.data)
            let first = try start(workshop, port: daemon.port, 1, 1_000_000)
            while lastSent(first) < 100, first.reap() == nil { try await Task.sleep(for: .milliseconds(1)) }
            daemon.crash()
            let atCrash = lastSent(first)
            while lastSent(first) < atCrash + 200, first.reap() == nil { try await Task.sleep(for: .milliseconds(1)) }
            first.crash()
            let sent = lastSent(first)
            #expect(sent >= atCrash + 200, "\(first.standardError)")

            let again = try await Daemon(workshop, data: workshop.data, port: daemon.port)
            let second = try start(workshop, port: again.port, sent + 2, sent + 11)
            #expect(try await second.wait() == 0, "\(second.standardError)")
            #expect(second.standardOutput.hasSuffix(" were left over\n"))
            // The payment after the last one told of may have been sent, too, without its being told.
            let status = try await workshop.run("status", "--data", workshop.data, "--json").object()
            let records = try #require(status["records"] as? Int)
            #expect((sent + 10...sent + 11).contains(records))
            for number in [1, atCrash, sent, sent + 11] {
                let found = try await workshop.run("find", "P-\(number)", "--data", workshop.data, "--format", "csv")
                #expect(found.rows.count == 1, "P-\(number)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: workshop.path + "/spill") == ["LOCK"])
            try await again.stop()
        }
    }
}
