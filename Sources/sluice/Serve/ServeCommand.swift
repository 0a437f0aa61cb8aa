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
            on its way, answers it and stops.

            With --http there is an API over HTTP as well (docs/http.md), for those without a client of the protocol. \
            --listen-tls and --https are the same behind TLS, with --certificate and --key; the files are looked at \
            every few seconds, so a new certificate needs no restart. With --client-ca a client must have a \
            certificate of that authority.

            Whoever can reach a loopback address may do everything there, unless --no-anonymous says otherwise. \
            Elsewhere a client shows a token (sluice token create --help) or a certificate that has a grant, or \
            --anonymous lets everybody in. docs/access.md explains it.

            EXAMPLES
              sluice serve --data ledger --listen 127.0.0.1:7501
              sluice serve --data ledger --http 127.0.0.1:7580
              sluice serve --data ledger --listen-tls 0.0.0.0:7502 --https 0.0.0.0:7443 \\
                --certificate server.pem --key server.key
              sluice serve --data ledger --listen 127.0.0.1:0
            """)

    @OptionGroup var data: DataOption
    @Option(
        help: ArgumentHelp(
            "With --http or --https: files NAME.json, each a mapping that requests name as ?mapping=NAME.",
            valueName: "directory"),
        completion: .directory)
    var mappings: String?
    @OptionGroup var entrances: EntranceOptions
    @Option(help: "The most connections at a time.") var connections = 10_000
    @Option(help: "Seconds of silence in the middle of a frame after which a connection is closed.") var idleSeconds =
        60
    @Option(
        name: .customLong("segment-mib"),
        help: "MiB after which the log goes on in a new file; those before it are compacted. 1 to 4096.")
    var segmentMebibytes = 256

    func validate() throws {
        if mappings != nil, !entrances.speaksHTTP { throw ValidationError("--mappings goes with --http or --https") }
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
            let mappings = try mappings.map(readMappingFiles) ?? [:]
            let failure = FailureSignal()
            var options = LedgerOptions()
            options.segmentByteCount = segmentMebibytes << 20
            let ledger = try openLedger(files, options: options) { failure.send($0) }
            let threads = NIOThreadPool(numberOfThreads: 2)
            threads.start()
            do {
                let access = try DaemonAccess(files, logger: logger)
                let entrances = try Entrances(entrances, access: access, logger: logger)
                let server = StreamServer(
                    engine: ledger, configuration: configuration(files, entrances), logger: logger,
                    query: queryHandler(for: ledger, threads: threads))
                var httpConfiguration = HTTPConfiguration(doors: entrances.http)
                httpConfiguration.takesForeignHosts = entrances.takeEverybody
                httpConfiguration.mappings = mappings
                httpConfiguration.mostConnections = connections
                httpConfiguration.headMilliseconds = Int64(idleSeconds) * 1000
                let httpServer = HTTPServer(
                    ledger: ledger, configuration: httpConfiguration, threads: threads, logger: logger
                ) { server.connectionCount }
                let servers: [any ServiceLifecycle.Service] = entrances.http.isEmpty ? [server] : [server, httpServer]
                let watch = AccessWatch(access: access, threads: threads, logger: logger) { server.recheckAccess() }
                try access.audit.note(.daemonStarted, by: currentUser(), subject: files.directory)
                try await serve(
                    servers + [watch] + entrances.services
                        + [Announcement(places: entrances.places(server, httpServer))],
                    failure: failure, logger: logger)
                try access.audit.note(.daemonStopped, by: currentUser(), subject: files.directory)
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

    private func configuration(_ files: LedgerFiles, _ entrances: Entrances) -> ServiceConfiguration {
        var configuration = ServiceConfiguration(doors: entrances.stream, unixSocketPath: files.socket)
        configuration.mostConnections = connections
        configuration.limits.idleTimeoutMilliseconds = idleSeconds * 1000
        return configuration
    }

    private func serve(
        _ services: [any ServiceLifecycle.Service], failure: FailureSignal, logger: Logger
    ) async throws {
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
