import Glibc
import Testing

/// A running `sluice serve` on a loopback port.
final class Daemon: Sendable {
    /// Where it listens.
    let port: Int
    /// Where it listens for HTTP; nil: nowhere.
    let httpPort: Int?
    private let process: ChildProcess

    struct DidNotStart: Error, CustomStringConvertible {
        var exitCode: Int32?
        var description: String
    }

    /// - Parameters:
    ///   - data: a ledger's directory; one in UTC is made where there is none.
    ///   - port: 0: any free one.
    ///   - wrapper: a program that runs the daemon, with its arguments.
    init(_ workshop: Workshop, data: String, port: Int = 0, options: [String] = [], wrapper: [String] = []) async throws
    {
        try await workshop.makeLedgerIfAbsent(data)
        let command = [Workshop.executable, "serve", "--data", data, "--listen", "127.0.0.1:\(port)"] + options
        process = try workshop.start(program: wrapper + command)
        let places = ["127.0.0.1"] + (options.contains("--http") ? ["http://127.0.0.1"] : [])
        let ports = try await Daemon.announcedPorts(of: process, at: places)
        (self.port, httpPort) = (ports[0], ports.count > 1 ? ports[1] : nil)
    }

    private static func announcedPorts(of process: ChildProcess, at places: [String]) async throws -> [Int] {
        for _ in 0..<12_000 {
            let output = process.standardOutput
            let ports = output.split(separator: "\n").compactMap { $0.split(separator: ":").last.flatMap { Int($0) } }
            if output.hasSuffix("\n"), ports.count == places.count {
                #expect(output == zip(places, ports).map { "listening on \($0):\($1)\n" }.joined())
                return ports
            }
            if let code = process.reap() {
                throw DidNotStart(
                    exitCode: code, description: "the daemon ended with code \(code): \(process.standardError)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        process.crash()
        throw DidNotStart(description: "the daemon said nothing for a minute: \(process.standardError)")
    }

    var processID: pid_t { process.id }
    var address: String { "127.0.0.1:\(port)" }
    var messages: String { process.standardError }

    /// Asks it to drain and end, and expects that it does so well.
    func stop() async throws {
        terminate()
        let code = try await process.wait()
        #expect(code == 0, "\(process.standardError)")
    }

    /// Asks it to drain and end.
    func terminate() { process.signal(SIGTERM) }

    /// Waits for its end.
    func wait() async throws -> Int32 { try await process.wait() }

    /// `kill -9`.
    func crash() { process.crash() }
}
