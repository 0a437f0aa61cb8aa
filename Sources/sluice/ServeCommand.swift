import ArgumentParser
import Foundation
import Ledger
import Logging
import NIOPosix
import Service
import ServiceLifecycle
import Synchronization

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the daemon that takes streams of transactions.",
        discussion: """
            Gateways stream to HOST:PORT (the protocol is described in docs/protocol.md); 'daily', 'find' and \
            'status' on this machine ask the daemon through the ledger's own socket. SIGTERM or Ctrl-C takes what is \
            on its way, answers it and stops. There are no passwords yet: listen beyond this machine only on a \
            network that you trust, and say so with --anonymous.

            With --http there is an API over HTTP as well (docs/http.md), for those without a client of the protocol.

            EXAMPLES
              sluice serve --data ledger --listen 127.0.0.1:7501
              sluice serve --data ledger --http 127.0.0.1:7580
              sluice serve --data ledger --listen 127.0.0.1:0
            """)

    @OptionGroup var data: DataOption
    @Option(help: ArgumentHelp("Where to listen; port 0 is any free one, and is printed.", valueName: "host:port"))
    var listen = HostAndPort(argument: "127.0.0.1:7501")!
    @Option(help: ArgumentHelp("Where to listen for HTTP; absent: nowhere.", valueName: "host:port"))
    var http: HostAndPort?
    @Option(
        help: ArgumentHelp(
            "With --http: files NAME.json, each a mapping that requests name as ?mapping=NAME.", valueName: "directory"),
        completion: .directory)
    var mappings: String?
    @Flag(help: "Take connections from other machines, without knowing who they are.") var anonymous = false
    @Option(help: "The most connections at a time.") var connections = 10_000
    @Option(help: "Seconds of silence in the middle of a frame after which a connection is closed.") var idleSeconds =
        60
    @Option(
        name: .customLong("segment-mib"),
        help: "MiB after which the log goes on in a new file; those before it are compacted. 1 to 4096.")
    var segmentMebibytes = 256

    func validate() throws {
        for place in [listen, http].compactMap(\.self) where !anonymous && !place.isLoopback {
            throw ValidationError(
                "\(place.host) can be reached from other machines, and anybody there could send. Listen on 127.0.0.1, or add --anonymous."
            )
        }
        if mappings != nil, http == nil { throw ValidationError("--mappings goes with --http") }
        guard connections > 0, idleSeconds > 0 else {
            throw ValidationError("--connections and --idle-seconds are at least 1")
        }
        guard 1...4096 ~= segmentMebibytes else {
            throw ValidationError("--segment-mib \(segmentMebibytes): expected 1 to 4096")
        }
    }

    func run() async throws {
        try await reportingErrors {
            let files = try data.files()
            LoggingSystem.bootstrap(StreamLogHandler.standardError)
            let logger = Logger(label: "sluice")
            StreamServer.raiseDescriptorLimit()
            keepFreedMemory()
            let httpConfiguration = try httpConfiguration()
            let failure = FailureSignal()
            var options = LedgerOptions()
            options.segmentByteCount = segmentMebibytes << 20
            let ledger = try openLedger(files, options: options) { failure.send($0) }
            let threads = NIOThreadPool(numberOfThreads: 2)
            threads.start()
            let server = StreamServer(
                engine: ledger, configuration: configuration(files), logger: logger,
                query: queryHandler(for: ledger, threads: threads))
            let httpServer = httpConfiguration.map {
                HTTPServer(ledger: ledger, configuration: $0, threads: threads, logger: logger) {
                    server.connectionCount
                }
            }
            do {
                try await serve(server, httpServer, failure: failure, logger: logger)
            } catch {
                ledger.close()
                try await threads.shutdownGracefully()
                throw error
            }
            ledger.close()
            try await threads.shutdownGracefully()
            if let refusal = ledger.failure { throw refusal }
        }
    }

    private func configuration(_ files: LedgerFiles) -> ServiceConfiguration {
        var configuration = ServiceConfiguration(tcp: (listen.host, listen.port), unixSocketPath: files.socket)
        configuration.mostConnections = connections
        configuration.limits.idleTimeoutMilliseconds = idleSeconds * 1000
        return configuration
    }

    private func httpConfiguration() throws -> HTTPConfiguration? {
        try http.map { http in
            var configuration = HTTPConfiguration(host: http.host, port: http.port)
            configuration.takesForeignHosts = anonymous
            configuration.mappings = try mappings.map(readMappingFiles) ?? [:]
            configuration.mostConnections = connections
            configuration.idleSeconds = idleSeconds
            return configuration
        }
    }

    private func serve(
        _ server: StreamServer, _ httpServer: HTTPServer?, failure: FailureSignal, logger: Logger
    ) async throws {
        var services: [any ServiceLifecycle.Service] = [server]
        var places: [Announcement.Place] = [(listen.host, { server.port })]
        if let httpServer, let http {
            services.append(httpServer)
            places.append(("http://\(http.host)", { httpServer.port }))
        }
        services.append(Announcement(places: places))
        let watch = ServiceGroupConfiguration.ServiceConfiguration(
            service: FailureWatch(failure: failure), successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) } + [watch],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}

/// Says on standard output where the daemon listens, once it does, so that whoever started it can connect.
private struct Announcement: ServiceLifecycle.Service {
    typealias Place = (name: String, port: @Sendable () -> Int?)
    let places: [Place]

    func run() async throws {
        for place in places {
            while place.port() == nil { try await Task.sleep(for: .milliseconds(2)) }
            try emit("listening on \(place.name):\(place.port() ?? 0)\n")
        }
        try await gracefulShutdown()
    }
}

/// Carries the ledger's failure to the service group.
private final class FailureSignal: Sendable {
    private let stream = AsyncStream.makeStream(of: Refusal.self)

    func send(_ refusal: Refusal) { stream.continuation.yield(refusal) }
    func first() async -> Refusal? { await stream.stream.first { _ in true } }
}

/// Ends the daemon when nothing more may be written.
private struct FailureWatch: ServiceLifecycle.Service {
    let failure: FailureSignal

    func run() async throws {
        _ = await cancelWhenGracefulShutdown { await failure.first() }
    }
}
