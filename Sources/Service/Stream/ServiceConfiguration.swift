import Foundation
import NIOCore
import StreamProtocol

/// Where the service listens and what it bounds. Memory follows from it: a connection holds at most one frame, its batch that
/// waits for the ring, its window's receipts and the write buffer's high-water mark; receive buffers are shared.
public struct ServiceConfiguration: Sendable {
    /// Where it listens on TCP.
    public var doors: [Door] = []
    /// The path of the Unix socket, which alone takes queries; nil: none.
    public var unixSocketPath: String?
    /// Threads that serve connections.
    public var eventLoopThreads = 1
    /// What every connection may do. With the window full of small batches there is still enough for large commits.
    public var limits = SessionLimits(windowBatches: 1024)
    /// The most connections at a time.
    public var mostConnections = 10_000
    /// The most connections that are taken in a second; further ones wait.
    public var mostNewConnectionsPerSecond = 4_000
    /// Bytes of the largest receive buffer; with many connections they are smaller.
    public var receiveByteCount = 256 * 1024
    /// How long a stop waits for clients to take their receipts, in milliseconds.
    public var drainMilliseconds: Int64 = 10_000
    /// How long a connection that was closed for a fault may take to read why, in milliseconds.
    public var lingerMilliseconds: Int64 = 1_000
    /// Has clients with old records make way; other servers of the ledger have the same.
    public var slowLane = SlowLane()
    /// The server's name and version in welcomes.
    public var serverName = "sluice"

    /// Listens at `doors`, `unixSocketPath`, or both.
    public init(doors: [Door] = [], unixSocketPath: String? = nil) {
        self.doors = doors
        self.unixSocketPath = unixSocketPath
    }
}

/// Why the service cannot listen.
public struct ListenError: Error, CustomStringConvertible, Sendable {
    /// Where it tried to.
    public var place: String
    /// What the system said.
    public var reason: String

    init(place: String, _ error: any Error) {
        self.place = place
        reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
    }

    /// Place and reason.
    public var description: String { "cannot listen on \(place): \(reason)" }
}
