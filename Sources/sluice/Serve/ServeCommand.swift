import ArgumentParser
import Formats
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

            Flags may stand in the environment or in a file as well (sluice config --help). SIGHUP has certificates, \
            grants and mappings read anew.

            EXAMPLES
              sluice serve --data ledger --listen 127.0.0.1:7501
              sluice serve --data ledger --http 127.0.0.1:7580
              sluice serve --data ledger --listen-tls 0.0.0.0:7502 --https 0.0.0.0:7443 \\
                --certificate server.pem --key server.key
              sluice serve --data ledger --listen 127.0.0.1:0
            """)

    @OptionGroup var options: DaemonOptions

    func run() async throws {
        try await reportingErrors {
            let values = try await options.values()
            let settings = try DaemonSettings(values)
            LoggingSystem.bootstrap { label in
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = settings.logLevel
                return handler
            }
            let logger = Logger(label: "sluice")
            StreamServer.raiseDescriptorLimit()
            keepFreedMemory()
            forbidCoreDumps()
            let mappings = try settings.readMappings()
            let failure = FailureSignal()
            var ledgerOptions = LedgerOptions()
            ledgerOptions.segmentByteCount = settings.segmentMebibytes << 20
            let ledger = try Ledger(
                settings.files.existing(), options: ledgerOptions, report: { complain("sluice: \($0)") },
                onFailure: { failure.send($0) })
            let threads = NIOThreadPool(numberOfThreads: 2)
            threads.start()
            do {
                let access = try DaemonAccess(settings, logger: logger)
                let entrances = try Entrances(settings, access: access, logger: logger)
                let slowLane = SlowLane()
                let server = StreamServer(
                    engine: ledger, configuration: settings.streamConfiguration(entrances, slowLane), logger: logger,
                    query: queryHandler(for: ledger, threads: threads))
                let httpServer = HTTPServer(
                    ledger: ledger, configuration: settings.httpConfiguration(entrances, slowLane, mappings),
                    threads: threads, logger: logger
                ) { server.connectionCount }
                let servers: [any ServiceLifecycle.Service] = entrances.http.isEmpty ? [server] : [server, httpServer]
                let watch = AccessWatch(
                    access: access, tokenKeys: ledger.tokenKeys, threads: threads, logger: logger
                ) { server.recheckAccess() }
                let reload = ReloadOnHangup(
                    options: options, values: values, access: access, tokenKeys: ledger.tokenKeys,
                    certificate: entrances.certificate, logger: logger,
                    replaceMappings: { httpServer.replace(mappings: $0) },
                    recheckAccess: { server.recheckAccess() })
                try access.audit.note(.daemonStarted, by: currentUser(), subject: settings.files.directory)
                try await serve(
                    servers + [watch, reload] + entrances.services
                        + [Announcement(places: entrances.places(server, httpServer))],
                    failure: failure, logger: logger)
                try access.audit.note(.daemonStopped, by: currentUser(), subject: settings.files.directory)
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

extension DaemonSettings {
    fileprivate func streamConfiguration(_ entrances: Entrances, _ slowLane: SlowLane) -> ServiceConfiguration {
        var configuration = ServiceConfiguration(doors: entrances.stream, unixSocketPath: files.socket)
        configuration.mostConnections = connections
        configuration.limits.idleTimeoutMilliseconds = idleSeconds * 1000
        configuration.slowLane = slowLane
        return configuration
    }

    fileprivate func httpConfiguration(
        _ entrances: Entrances, _ slowLane: SlowLane, _ mappings: [String: Mapping]
    ) -> HTTPConfiguration {
        var configuration = HTTPConfiguration(doors: entrances.http)
        configuration.takesForeignHosts = entrances.takeEverybody
        configuration.slowLane = slowLane
        configuration.mappings = mappings
        configuration.mostConnections = connections
        configuration.headMilliseconds = Int64(idleSeconds) * 1000
        return configuration
    }
}
