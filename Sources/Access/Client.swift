import Foundation
import Synchronization

/// A client as the daemon knows it: one object for each grant, whatever the number of its connections.
public final class Client: Sendable {
    /// The grant's number; nil for one without a grant.
    public let grantID: String?
    /// The name for logs.
    public let name: String
    /// What it may do.
    public let permissions: Permissions
    /// How fast; nil: as fast as it can.
    public let limiter: RateLimiter?
    /// How many connections it may have at a time.
    public let mostConnections: Int
    private let connectionCount = Mutex(0)
    private let notedMinute = Mutex(0)

    /// Whoever comes, where nobody is asked for credentials.
    public static let anonymous = Client(name: "anonymous")
    /// Whoever may open the ledger's own socket.
    public static let local = Client(name: "local")

    private init(name: String) {
        grantID = nil
        self.name = name
        permissions = .everything
        limiter = nil
        mostConnections = .max
    }

    /// The holder of a grant.
    init(_ grant: Grant) {
        grantID = grant.id
        name = grant.name
        permissions = Permissions(grant.scopes)
        limiter = grant.recordsPerSecond.map { RateLimiter(itemsPerSecond: $0) }
        mostConnections = grant.connections ?? .max
    }

    /// Enters a connection; false when it would be one too many.
    public func enterConnection() -> Bool {
        connectionCount.withLock { count in
            guard count < mostConnections else { return false }
            count += 1
            return true
        }
    }

    /// True once a minute: what a client who is known does again and again must not take the room of others in the log.
    public func mayNoteRefusal(now: Date = Date()) -> Bool {
        let minute = Int(now.timeIntervalSince1970 / 60)
        return notedMinute.withLock { noted in
            defer { noted = minute }
            return noted != minute
        }
    }

    /// A connection that was entered is gone.
    public func leaveConnection() { connectionCount.withLock { $0 -= 1 } }
}
