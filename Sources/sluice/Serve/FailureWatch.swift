import Ledger
import ServiceLifecycle

/// Carries the ledger's failure to the service group.
final class FailureSignal: Sendable {
    private let stream = AsyncStream.makeStream(of: Refusal.self)

    func send(_ refusal: Refusal) { stream.continuation.yield(refusal) }
    func first() async -> Refusal? { await stream.stream.first { _ in true } }
}

/// Ends the daemon when nothing more may be written.
struct FailureWatch: ServiceLifecycle.Service {
    let failure: FailureSignal

    func run() async throws {
        _ = await cancelWhenGracefulShutdown { await failure.first() }
    }
}
