import EventLoops
import Formats
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Ledger
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Where the HTTP API listens and what it bounds.
public struct HTTPConfiguration: Sendable {
    /// The host or address.
    public var host: String
    /// The port; 0: any free one.
    public var port: Int
    /// True when clients of other machines are meant. Otherwise requests must name this machine as their host, so that no
    /// page in a browser here can reach the API under a name of its own.
    public var takesForeignHosts = false
    /// The most connections at a time.
    public var mostConnections = 10_000
    /// Seconds of silence after which a connection is closed.
    public var idleSeconds = 60
    /// What a body may hold.
    public var intake = IntakeLimits()
    /// Mappings that a request may name.
    public var mappings: [String: Mapping] = [:]

    /// Listens on `host` and `port`.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// The HTTP API of a ledger: transactions in, statistics and single transactions out. `docs/http.md` describes it.
public final class HTTPServer: ServiceLifecycle.Service {
    private let ledger: Ledger
    private let threads: NIOThreadPool
    private let configuration: HTTPConfiguration
    private let logger: Logger
    private let streamConnectionCount: @Sendable () -> Int
    private let boundPort = Mutex<Int?>(nil)

    /// A server that is not listening yet.
    /// - Parameters:
    ///   - threads: where work that reads disks is done.
    ///   - streamConnectionCount: how many connections the stream protocol has now, for the metrics.
    public init(
        ledger: Ledger, configuration: HTTPConfiguration, threads: NIOThreadPool, logger: Logger,
        streamConnectionCount: @escaping @Sendable () -> Int = { 0 }
    ) {
        self.streamConnectionCount = streamConnectionCount
        self.ledger = ledger
        self.configuration = configuration
        self.threads = threads
        self.logger = logger
    }

    /// The port in use; nil before the server listens.
    public var port: Int? { boundPort.withLock(\.self) }

    /// Serves until a graceful shutdown is asked for: requests that are on their way are answered.
    /// - Throws: `ListenError` when the address cannot be had.
    public func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let application = Application(
            router: makeRouter(),
            server: .http1(configuration: .init(idleTimeout: .seconds(Int64(configuration.idleSeconds)))),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: "sluice",
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.mostConnections)),
            onServerRunning: { self.noteListening($0) },
            eventLoopGroupProvider: .shared(group), logger: quietLogger)
        do {
            // Requests are read, decided and answered where their bytes are: handing each to another thread and back costs more
            // than all that is done with it. What blocks has threads of its own.
            try await withTaskExecutorPreference(LoopExecutor(group.next())) { try await application.run() }
        } catch {
            try? await group.shutdownGracefully()
            guard port == nil else { throw error }
            throw ListenError(place: "\(configuration.host):\(configuration.port)", reason: "\(error)")
        }
        try await group.shutdownGracefully()
    }

    /// The library tells of every start and stop; what an operator needs of that the daemon says itself.
    private var quietLogger: Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }

    private func noteListening(_ channel: any Channel) {
        let port = channel.localAddress?.port
        boundPort.withLock { $0 = port }
        logger.info("listening", metadata: ["http": .string("\(configuration.host):\(port ?? 0)")])
    }

    private func makeRouter() -> Router<BasicRequestContext> {
        let questions = Questions(ledger: ledger, threads: threads)
        let intake = Intake(ledger: ledger, limits: configuration.intake, mappings: configuration.mappings)
        let health = Health(ledger: ledger)
        let figures = RequestFigures()
        let metrics = Metrics(ledger: ledger, requests: figures, streamConnectionCount: streamConnectionCount)
        let table = RouteTable(
            logger: logger, takesForeignHosts: configuration.takesForeignHosts, figures: figures)
        let router = Router(options: [.autoGenerateHeadEndpoints])
        router.add(middleware: table)
        func route(_ method: HTTPRequest.Method, _ path: String, _ answer: @escaping RouteTable.Handler) {
            table.add(method, path)
            router.on(RouterPath(path), method: method) { try await answer($0, $1) }
        }
        route(.get, "/health/live") { request, _ in try health.live(request) }
        route(.get, "/health/ready") { request, _ in try health.ready(request) }
        route(.get, "/metrics") { request, _ in try metrics.answer(request) }
        route(.get, "/v1/status") { request, _ in try await questions.status(request) }
        route(.get, "/v1/daily") { request, _ in try await questions.daily(request) }
        route(.post, "/v1/transactions") { request, _ in try await intake.take(request) }
        route(.get, "/v1/transactions/{id}") { request, context in
            let id = try context.parameters.require("id")
            return try await questions.events(ofTransaction: id.removingPercentEncoding ?? id, request)
        }
        return router
    }
}
