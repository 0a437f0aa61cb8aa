import Foundation
import Testing

/// A signal may interrupt any call to the disk: it is made again, and nothing shows of it.
@Suite(.timeLimit(.minutes(1))) struct InterruptedCallTests {
    private static let calls = "openat,pread64,pwrite64,fdatasync,fsync,ftruncate,fallocate,flock"

    @Test func everySecondCallIsInterrupted() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let day = workshop.path + "/day.raw"
            let generated = try await workshop.run(
                "generate", "--day", "2026-11-20", "--count", "5000", "--output", day)
            #expect(generated.code == 0)
            for _ in 1...2 {
                let load = try await interrupted(
                    workshop, "load", day, "--format", "raw", "--data", workshop.data, "--json")
                // There are conflicts among them.
                #expect(load.code == 1, "\(load.errors)")
                let counts = try load.counts()
                #expect(counts.accepted + counts.duplicates + counts.conflicts == 5000)
            }
            let status = try await interrupted(workshop, "status", "--data", workshop.data)
            #expect(status.code == 0, "\(status.errors)")
            let verification = try await workshop.run("verify", "--data", workshop.data)
            #expect(verification.code == 0, "\(verification.output)\(verification.errors)")
        }
    }

    /// A listing that breaks off would be a log with fewer segments, or none: a new ledger would be made over the old one.
    @Test func aListingThatBreaksOffIsAnError() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let log = workshop.data + "/log"
            let before = try Data(contentsOf: URL(fileURLWithPath: log + "/00000000000000000001.log"))
            let wrapper = try Strace.wrapper([
                "-o", workshop.path + "/trace", "-P", log, "-e", "trace=getdents64", "-e",
                "inject=getdents64:error=EIO",
            ])
            let empty = try workshop.write("empty.raw", "")
            let load = try await workshop.run(
                program: wrapper + [Workshop.executable, "load", empty, "--data", workshop.data])
            #expect(load.code == 74 && load.errors.contains("cannot list \(log): "), "\(load.code) \(load.errors)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: log + "/00000000000000000001.log")) == before)
        }
    }

    /// Runs the command with every second call that concerns the log, the index or the lock interrupted. SQLite makes its own
    /// calls: see its documentation.
    private func interrupted(_ workshop: Workshop, _ arguments: String...) async throws -> Workshop.Outcome {
        let trace = workshop.path + "/trace"
        let paths = ["", "/LOCK", "/token.key", "/index", "/log", "/log/00000000000000000001.log"].flatMap {
            ["-P", workshop.data + $0]
        }
        let wrapper = try Strace.wrapper(
            ["-o", trace] + paths + [
                "-e", "trace=\(Self.calls)", "-e", "inject=\(Self.calls):error=EINTR:when=1+2",
            ])
        let outcome = try await workshop.run(program: wrapper + [Workshop.executable] + arguments)
        let interruptedCount = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
            .count { $0.contains("EINTR") }
        #expect(interruptedCount >= 3)
        return outcome
    }
}
