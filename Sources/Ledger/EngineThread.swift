import Foundation
import RingBuffer
import Synchronization

/// A named thread of the engine that is waited for at the end. Blocking work runs on such threads, never on event loops or
/// the cooperative pool.
final class EngineThread: Sendable {
    /// Shared with the thread, which may outlive this object.
    private final class Completion: Sendable {
        let isFinished = Atomic<Bool>(false)
        let bell: Doorbell

        init(_ bell: Doorbell) { self.bell = bell }
    }

    private let completion: Completion
    private let end: @Sendable () -> Void

    /// - Parameters:
    ///   - inBackground: whether no receipt waits for what it does, so that threads for which one does go first.
    ///   - end: makes `body` return once it has nothing more to do.
    init(
        _ name: String, on machine: any Machine, inBackground: Bool = false, end: @escaping @Sendable () -> Void,
        _ body: @escaping @Sendable () -> Void
    ) {
        self.end = end
        let completion = Completion(machine.makeDoorbell())
        self.completion = completion
        machine.startThread(name, inBackground: inBackground) {
            Thread.current.threadDictionary[EngineThread.mark] = true
            body()
            completion.isFinished.store(true, ordering: .releasing)
            completion.bell.ring()
        }
    }

    private static let mark = "EngineThread"

    /// True on every such thread, of whatever ledger: none may wait for the end of its own.
    static var isCurrent: Bool { Thread.current.threadDictionary[mark] != nil }

    /// Asks the body to end and waits until it has.
    func stop() {
        end()
        _ = completion.bell.wait { completion.isFinished.load(ordering: .acquiring) }
    }
}
