import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The stream protocol's server: listens on TCP and on a Unix socket, and feeds a ledger.
///
/// As a service it runs until a graceful shutdown is asked for, then stops: it accepts nothing new, says goodbye to each
/// client, and waits for their remaining batches and receipts up to a deadline.
public final class StreamServer: ServiceLifecycle.Service {
    private struct Listening {
        var doors: [any Channel] = []
        var unix: (any Channel)?
        var isStopped = false
    }

    private let shared: ServiceContext
    private let group: MultiThreadedEventLoopGroup
    private let listening = Mutex(Listening())

    /// A server that is not listening yet.
    /// - Parameters:
    ///   - engine: where the records go.
    ///   - query: answers what the local socket asks.
    public init(
        engine: any IngestEngine, configuration: ServiceConfiguration, logger: Logger, query: @escaping QueryHandler
    ) {
        let registry = ConnectionRegistry(mostConnections: configuration.mostConnections)
        shared = ServiceContext(
            engine: engine, query: query, configuration: configuration, registry: registry,
            buffers: ReceiveBuffers(largestByteCount: configuration.receiveByteCount, registry: registry),
            tokenDesk: TokenDesk(engine: engine),
            slowLane: configuration.slowLane, logger: logger)
        group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoopThreads)
    }

    /// The TCP port in use at the first door, for a configuration that asked for port 0; nil when not listening on TCP.
    public var port: Int? { port(ofDoor: 0) }

    /// The TCP port in use at a door, counted from 0; nil before it is open.
    public func port(ofDoor index: Int) -> Int? {
        listening.withLock { $0.doors.indices.contains(index) ? $0.doors[index].localAddress?.port : nil }
    }

    /// The path of the Unix socket; nil when there is none.
    public var unixSocketPath: String? { shared.configuration.unixSocketPath }

    /// Connections that are open now.
    public var connectionCount: Int { shared.registry.count }

    /// Ends the connections of clients that are not known any more.
    public func recheckAccess() { shared.registry.forEach { $0.recheckAccess() } }

    /// Starts to listen and to serve.
    /// - Throws: `ListenError` when an address cannot be had.
    public func start() async throws {
        for door in shared.configuration.doors {
            let channel = try await listen(at: "\(door.host):\(door.port)", .door(door)) {
                try await $0.bind(host: door.host, port: door.port).get()
            }
            listening.withLock { $0.doors.append(channel) }
        }
        if let path = shared.configuration.unixSocketPath {
            let channel = try await listen(at: path, .local) {
                try await $0.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            }
            listening.withLock { $0.unix = channel }
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
    }

    /// Serves until a graceful shutdown is asked for or the task is cancelled, then stops.
    public func run() async throws {
        do {
            try await start()
        } catch {
            await stop()
            throw error
        }
        try? await gracefulShutdown()
        await stop()
    }

    /// Stops for good: no new connections, goodbye to the open ones, and an end to all of them at the deadline. Only the
    /// first call does anything.
    public func stop() async {
        let (channels, isFirstStop) = listening.withLock { listening in
            defer { listening = Listening(isStopped: true) }
            return (listening.doors + [listening.unix].compactMap { $0 }, !listening.isStopped)
        }
        guard isFirstStop else { return }
        for channel in channels { try? await channel.close() }
        if let path = shared.configuration.unixSocketPath, !channels.isEmpty {
            try? FileManager.default.removeItem(atPath: path)
        }
        shared.logger.info("draining", metadata: ["connections": .stringConvertible(connectionCount)])
        shared.registry.drain()
        let deadline = group.any().scheduleTask(in: .milliseconds(shared.configuration.drainMilliseconds)) {
            [registry = shared.registry, logger = shared.logger] in
            logger.warning(
                "connections closed at the deadline", metadata: ["count": .stringConvertible(registry.count)])
            registry.closeAll()
        }
        await shared.registry.waitUntilEmpty()
        deadline.cancel()
        try? await group.shutdownGracefully()
    }

    private func listen(
        at place: String, _ entrance: StreamHandler.Entrance, bind: (ServerBootstrap) async throws -> any Channel
    ) async throws -> any Channel {
        do {
            let channel = try await bind(bootstrap(entrance))
            let address = channel.localAddress
            let text = entrance.isLocal ? place : "\(address?.ipAddress ?? place):\(address?.port ?? 0)"
            shared.logger.info(
                "listening",
                metadata: ["address": .string(text), "tls": .string(entrance.certificate == nil ? "no" : "yes")])
            return channel
        } catch {
            throw ListenError(place: place, error)
        }
    }

    private func bootstrap(_ entrance: StreamHandler.Entrance) -> ServerBootstrap {
        let shared = shared
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelInitializer { [most = shared.configuration.mostNewConnectionsPerSecond] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPacer(mostPerSecond: most))
                }
            }
            .childChannelOption(.recvAllocator, value: ReceiveBuffers.Allocator(shared.buffers))
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 16 * 1024, high: 32 * 1024))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = StreamHandler(shared: shared, entrance, eventLoop: channel.eventLoop)
                    if let certificate = entrance.certificate {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLServerHandler(context: certificate.context))
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        guard !entrance.isLocal else { return bootstrap }
        return bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
    }
}
