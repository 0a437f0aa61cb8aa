import Foundation
import Locks

extension LedgerOptions {
    private static let mostQueryThreads = 8

    /// Threads that count together for one question.
    func queryThreads() -> Int {
        max(1, queryThreadCount ?? min(Self.mostQueryThreads, ProcessInfo.processInfo.activeProcessorCount))
    }
}

/// Runs `body` once for each number below `count`, each time on a thread of its own, the first on the caller's. Returns when
/// all have returned.
func onThreads(_ count: Int, of machine: any Machine, _ body: @escaping @Sendable (Int) -> Void) {
    guard count > 1 else { return count == 1 ? body(0) : () }
    let bell = machine.makeDoorbell()
    let finishedCount = Lock(0)
    for number in 1..<count {
        machine.startThread("helper") {
            body(number)
            finishedCount.withLock { $0 += 1 }
            bell.ring()
        }
    }
    body(0)
    _ = bell.wait { finishedCount.withLock { $0 == count - 1 } }
}
