import NIOCore
import Synchronization

/// The open connections: counts them against the limit, and tells them to finish when the service stops.
final class ConnectionRegistry: Sendable {
    private struct State {
        var connections: [UInt64: Connection] = [:]
        var lastIdentifier: UInt64 = 0
        var isDraining = false
        var whenEmpty: [CheckedContinuation<Void, Never>] = []
    }

    private struct Connection {
        var channel: any Channel
        var handler: NIOLoopBound<StreamHandler>
    }

    /// What became of a new connection.
    enum Entry {
        case admitted(UInt64)
        case full
        case draining
    }

    private let state = Mutex(State())
    private let mostConnections: Int

    init(mostConnections: Int) { self.mostConnections = mostConnections }

    /// Enters a connection. On its event loop.
    func enter(_ channel: any Channel, _ handler: StreamHandler) -> Entry {
        let handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        return state.withLock { state in
            if state.isDraining { return .draining }
            if state.connections.count >= mostConnections { return .full }
            state.lastIdentifier += 1
            state.connections[state.lastIdentifier] = Connection(channel: channel, handler: handler)
            return .admitted(state.lastIdentifier)
        }
    }

    func leave(_ identifier: UInt64) {
        let waiting = state.withLock { state in
            state.connections[identifier] = nil
            guard state.connections.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.whenEmpty = [] }
            return state.whenEmpty
        }
        for continuation in waiting { continuation.resume() }
    }

    var count: Int { state.withLock { $0.connections.count } }

    /// Admits none from now on, and has each one say goodbye.
    func drain() {
        for connection in beginDraining() {
            connection.channel.eventLoop.execute { connection.handler.value.drain() }
        }
    }

    /// Closes what is left, whatever it waits for.
    func closeAll() {
        for connection in beginDraining() { connection.channel.close(promise: nil) }
    }

    /// Returns when no connection is left.
    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.connections.isEmpty { state.whenEmpty.append(continuation) }
                return state.connections.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    private func beginDraining() -> [Connection] {
        state.withLock { state in
            state.isDraining = true
            return Array(state.connections.values)
        }
    }
}
