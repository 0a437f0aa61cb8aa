import Access
import EventLoops
import Formats
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Ledger
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Where the HTTP API listens and what it bounds.
public struct HTTPConfiguration: Sendable {
    /// Where it listens.
    public var doors: [Door]
    /// True when clients of other machines are meant. Otherwise requests must name this machine as their host where nothing
    /// else is asked of a client, so that no page in a browser here can reach the API under a name of its own.
    public var takesForeignHosts = false
    /// The most connections at a time.
    public var mostConnections = 10_000
    /// Threads that serve connections: a request costs about as much as a hundred records over the stream protocol.
    public var eventLoopThreads = min(8, max(1, ProcessInfo.processInfo.activeProcessorCount))
    /// How long a connection may take to send the head of its next request, in milliseconds.
    public var headMilliseconds: Int64 = 60_000
    /// How long a request may take to send its body, in milliseconds.
    public var bodyMilliseconds: Int64 = 300_000
    /// What a body may hold.
    public var intake = IntakeLimits()
    /// Has clients with old records make way; other servers of the ledger have the same.
    public var slowLane = SlowLane()
    /// Mappings that a request may name.
    public var mappings: [String: Mapping] = [:]

    /// Listens at `doors`.
    public init(doors: [Door]) { self.doors = doors }
}

/// The HTTP API of a ledger: transactions in, statistics and single transactions out. `docs/http.md` describes it.
public final class HTTPServer: ServiceLifecycle.Service {
    private let ledger: Ledger
    private let threads: NIOThreadPool
    private let configuration: HTTPConfiguration
    private let logger: Logger
    private let streamConnectionCount: @Sendable () -> Int
    private let mappings: NamedMappings
    private let boundPorts = Mutex<[Int: Int]>([:])

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
        mappings = NamedMappings(configuration.mappings)
        self.threads = threads
        self.logger = logger
    }

    /// The port in use at the first door; nil before the server listens.
    public var port: Int? { port(ofDoor: 0) }

    /// The port in use at a door, counted from 0; nil before it is open.
    public func port(ofDoor index: Int) -> Int? { boundPorts.withLock { $0[index] } }

    /// Has requests from now on find these mappings.
    public func replace(mappings: [String: Mapping]) { self.mappings.replace(by: mappings) }

    /// Serves until a graceful shutdown is asked for: requests that are on their way are answered.
    /// - Throws: `ListenError` when the address cannot be had.
    public func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoopThreads)
        let parts = Parts(self)
        do {
            try await withTaskExecutorPreference(LoopExecutor(group.next())) {
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for (index, door) in configuration.doors.enumerated() {
                        tasks.addTask { try await self.serve(door, index, parts, group) }
                    }
                    try await tasks.waitForAll()
                }
            }
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func serve(
        _ door: Door, _ index: Int, _ parts: Parts, _ group: MultiThreadedEventLoopGroup
    ) async throws {
        let http1 = HTTPServerBuilder { [self] responder in
            LoopBoundChannel(base: HTTP1Channel(responder: responder, configuration: channelConfiguration(door)))
        }
        do {
            let application = Application(
                router: makeRouter(door, parts),
                server: try door.certificate.map { try .tls(http1, tlsConfiguration: $0.configuration) } ?? http1,
                configuration: ApplicationConfiguration(
                    address: .hostname(door.host, port: door.port), serverName: "sluice",
                    backlog: HTTPServer.backlog,
                    availableConnectionsDelegate: MaximumAvailableConnections(configuration.mostConnections)),
                onServerRunning: { channel in
                    // As it is, four are taken between two rounds of all that are open.
                    try? await channel.setOption(.maxMessagesPerRead, value: HTTPServer.mostAcceptedAtOnce).get()
                    self.noteListening(door, index, channel)
                },
                eventLoopGroupProvider: .shared(group), logger: quietLogger)
            try await application.run()
        } catch {
            guard port(ofDoor: index) == nil else { throw error }
            throw ListenError(place: "\(door.host):\(door.port)", error)
        }
    }

    private func channelConfiguration(_ door: Door) -> HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                RequestDeadline(
                    head: .milliseconds(self.configuration.headMilliseconds),
                    body: .milliseconds(self.configuration.bodyMilliseconds)),
                HandshakeWatch(door: door, logger: self.logger),
            ], idleTimeout: .milliseconds(configuration.headMilliseconds))
    }

    /// Connections that wait to be taken.
    private static let backlog = 4096
    /// Connections that are taken at a time, before those that are open have their turn. So many may be taken beyond the most
    /// that there may be, which the descriptors that the ledger keeps for itself allow for.
    private static let mostAcceptedAtOnce: UInt = 64

    /// The library tells of every start and stop; what an operator needs of that the daemon says itself.
    private var quietLogger: Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }

    private func noteListening(_ door: Door, _ index: Int, _ channel: any Channel) {
        let port = channel.localAddress?.port
        boundPorts.withLock { $0[index] = port }
        logger.info(
            "listening",
            metadata: [
                "http": .string("\(door.host):\(port ?? 0)"), "tls": .string(door.certificate == nil ? "no" : "yes"),
            ])
    }

    /// What all doors share.
    private struct Parts: Sendable {
        let questions: Questions
        let intake: Intake
        let health: Health
        let figures = RequestFigures()
        let metrics: Metrics

        init(_ server: HTTPServer) {
            let ledger = server.ledger
            questions = Questions(ledger: ledger, threads: server.threads)
            intake = Intake(
                ledger: ledger, limits: server.configuration.intake, mappings: server.mappings,
                slowLane: server.configuration.slowLane)
            health = Health(ledger: ledger)
            metrics = Metrics(
                ledger: ledger, requests: figures, slowLane: server.configuration.slowLane,
                streamConnectionCount: server.streamConnectionCount)
        }
    }

    private func makeRouter(_ door: Door, _ parts: Parts) -> Router<RequestOrigin> {
        let keeper = Doorkeeper(door: door)
        let table = RouteTable(
            logger: logger, takesForeignHosts: configuration.takesForeignHosts || !door.gate.takesAnonymous,
            figures: parts.figures)
        let router = Router(context: RequestOrigin.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: table)
        func open(_ method: HTTPRequest.Method, _ path: String, _ answer: @escaping RouteTable.Handler) {
            table.add(method, path)
            router.on(RouterPath(path), method: method) { try await answer($0, $1) }
        }
        func route(
            _ method: HTTPRequest.Method, _ path: String, _ need: Doorkeeper.Need,
            _ answer: @escaping @Sendable (Request, RequestOrigin, Client) async throws -> Response
        ) {
            open(method, path) { request, context in
                try await answer(request, context, try await keeper.client(of: request, context, need: need))
            }
        }
        open(.get, "/health/live") { request, _ in try parts.health.live(request) }
        open(.get, "/health/ready") { request, _ in try parts.health.ready(request) }
        route(.get, "/metrics", .operate) { request, _, _ in try parts.metrics.answer(request) }
        route(.get, "/v1/status", .status) { request, _, _ in try await parts.questions.status(request) }
        route(.get, "/v1/receipt", .read) { request, _, _ in try await parts.questions.receipt(request) }
        route(.get, "/v1/names/{space}", .read) { request, context, _ in
            try await parts.questions.names(ofSpace: try context.parameters.require("space"), request)
        }
        route(.get, "/v1/daily", .read) { request, _, _ in try await parts.questions.daily(request) }
        route(.post, "/v1/transactions", .send) { request, context, client in
            do {
                return try await parts.intake.take(request, from: client) { () throws(Denial) in
                    if let denial = door.gate.denial(of: client) { throw denial }
                } noteRefusal: { denial in
                    if client.mayNoteRefusal() { _ = keeper.refusal(denial, request, context) }
                }
            } catch let denial as Denial {
                throw keeper.refusal(denial, request, context)
            }
        }
        route(.get, "/v1/transactions/{id}", .read) { request, context, _ in
            let id = try context.parameters.require("id")
            return try await parts.questions.events(ofTransaction: id.removingPercentEncoding ?? id, request)
        }
        return router
    }
}
