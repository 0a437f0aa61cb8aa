import Synchronization

/// How many items of one client are taken a second, over all of its connections: the generic cell rate algorithm (ITU-T I.371,
/// annex A) with a second's worth of items as its tolerance.
///
/// What came is never turned away half: it is entered whole, and the client waits afterwards until its account is even again.
public final class RateLimiter: Sendable {
    private let nanosecondsPerItem: Double
    /// When the client's account is even.
    private let evenAt = Mutex(ContinuousClock.now)

    private static let tolerance = Duration.seconds(1)

    /// - Parameter itemsPerSecond: 1 or more.
    public init(itemsPerSecond: Int) { nanosecondsPerItem = 1e9 / Double(max(1, itemsPerSecond)) }

    /// Enters items.
    /// - Returns: until when the client has to wait; nil when it need not.
    public func enter(_ count: Int, now: ContinuousClock.Instant = .now) -> ContinuousClock.Instant? {
        evenAt.withLock { evenAt in
            evenAt = max(evenAt, now) + .nanoseconds(Int64(Double(count) * nanosecondsPerItem))
            return RateLimiter.wait(until: evenAt, now)
        }
    }

    /// Until when the client has to wait before it sends more; nil when it need not.
    public func wait(now: ContinuousClock.Instant = .now) -> ContinuousClock.Instant? {
        evenAt.withLock { RateLimiter.wait(until: $0, now) }
    }

    private static func wait(
        until evenAt: ContinuousClock.Instant, _ now: ContinuousClock.Instant
    ) -> ContinuousClock.Instant? {
        let end = evenAt - tolerance
        return end > now ? end : nil
    }
}
