import Glibc
import NIOCore

/// The descriptors that the system lets this process have. Connections take most of them; the ledger must be able to open
/// its next segment, whatever the clients do.
struct Descriptors: Sendable {
    /// Kept free for the ledger's files: segments, the catalogue, index files, and the directories that are flushed.
    static let reserve = 128

    /// The soft limit of open files.
    let limit: Int

    /// As the system says now.
    init() {
        var limits = rlimit()
        limit =
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 ? Int(clamping: limits.rlim_cur) : .max
    }

    init(limit: Int) { self.limit = limit }

    /// The largest descriptor that a connection may have: the system gives the lowest one that is free, so while a
    /// connection's own is below, as many as are kept free lie above. An operator's may take half of those.
    func largest(isLocal: Bool) -> Int { limit - (isLocal ? kept / 2 : kept) }

    private var kept: Int { min(Descriptors.reserve, limit / 2) }

    /// Connections that are turned away and may read why, at a time: their descriptors are among those that are kept free, so
    /// they are few of them.
    var mostTurnedAway: Int { kept / 2 }

    /// True when a connection has taken one that the ledger needs.
    func areShort(after channel: any Channel, isLocal: Bool) -> Bool {
        let descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { Int($0) }
        return (descriptor ?? 0) > largest(isLocal: isLocal)
    }
}

extension StreamServer {
    /// Lets the process open as many files as it may: the soft limit, often 1,024, is what programs with `select` need.
    public static func raiseDescriptorLimit() {
        var limits = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limits) == 0, limits.rlim_cur < limits.rlim_max else { return }
        limits.rlim_cur = limits.rlim_max
        _ = setrlimit(resource, &limits)
    }
}
