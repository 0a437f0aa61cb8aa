import NIOCore
import Synchronization

/// The open connections: counts them against the limit, and tells them to finish when the service stops.
final class ConnectionRegistry: Sendable {
    private struct State {
        var connections: [UInt64: Connection] = [:]
        var lastIdentifier: UInt64 = 0
        var localCount = 0
        var turnedAway = 0
        var isDraining = false
        var whenEmpty: [CheckedContinuation<Void, Never>] = []
    }

    private struct Connection {
        var channel: any Channel
        var handler: NIOLoopBound<StreamHandler>
        var isLocal: Bool
    }

    /// What became of a new connection.
    enum Entry {
        case admitted(UInt64)
        case full
        case outOfDescriptors
        case draining
        /// Too many wait for the reason already.
        case unheard
    }

    private let state = Mutex(State())
    private let mostConnections: Int
    private let descriptors: Descriptors
    /// Those of the local socket are counted apart, so that an operator is heard however many gateways there are.
    private static let mostLocal = 64

    init(mostConnections: Int, descriptors: Descriptors = Descriptors()) {
        self.mostConnections = mostConnections
        self.descriptors = descriptors
    }

    /// Enters a connection. On its event loop.
    func enter(_ channel: any Channel, _ handler: StreamHandler, isLocal: Bool) -> Entry {
        let handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        let isShort = descriptors.areShort(after: channel, isLocal: isLocal)
        return state.withLock { state in
            let isFull =
                isLocal
                ? state.localCount >= ConnectionRegistry.mostLocal
                : state.connections.count - state.localCount >= mostConnections
            if state.isDraining || isShort || isFull {
                guard state.turnedAway < descriptors.mostTurnedAway else { return .unheard }
                state.turnedAway += 1
                return state.isDraining ? .draining : isShort ? .outOfDescriptors : .full
            }
            state.lastIdentifier += 1
            state.connections[state.lastIdentifier] = Connection(channel: channel, handler: handler, isLocal: isLocal)
            if isLocal { state.localCount += 1 }
            return .admitted(state.lastIdentifier)
        }
    }

    /// A connection that was turned away is closed.
    func leaveUnadmitted() { state.withLock { $0.turnedAway -= 1 } }

    func leave(_ identifier: UInt64) {
        let waiting = state.withLock { state in
            if state.connections.removeValue(forKey: identifier)?.isLocal == true { state.localCount -= 1 }
            guard state.connections.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.whenEmpty = [] }
            return state.whenEmpty
        }
        for continuation in waiting { continuation.resume() }
    }

    var count: Int { state.withLock { $0.connections.count } }

    /// Does something with each connection, on its event loop.
    func forEach(_ act: @escaping @Sendable (StreamHandler) -> Void) {
        for connection in state.withLock({ Array($0.connections.values) }) {
            connection.channel.eventLoop.execute { act(connection.handler.value) }
        }
    }

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
