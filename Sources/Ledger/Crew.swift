import Foundation
import Locks

extension LedgerOptions {
    private static let mostThreads = 8

    /// Threads that count together for one question, or read the log together at the start.
    func threadCount(on machine: any Machine) -> Int {
        // A simulation's threads take turns: there is nothing to gain by several.
        guard machine.waitControl == nil else { return 1 }
        return max(1, threadCount ?? min(Self.mostThreads, ProcessInfo.processInfo.activeProcessorCount))
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
