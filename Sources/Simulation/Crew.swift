import Foundation
import Synchronization

/// Threads that share out numbered pieces of work.
public struct Crew: Sendable {
    private let jobs: Int

    /// - Parameter jobs: pieces at the same time, 1 or more.
    public init(jobs: Int) { self.jobs = max(1, jobs) }

    /// Does pieces 0 to `count` - 1, and waits until all are done.
    /// - Parameter body: may block its thread.
    public func perform(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let next = Counter()
        let group = DispatchGroup()
        for _ in 0..<jobs {
            group.enter()
            let thread = Thread {
                while let number = next.take(below: count) { body(number) }
                group.leave()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        group.wait()
    }

    private final class Counter: Sendable {
        private let next = Atomic<Int>(0)

        func take(below count: Int) -> Int? {
            let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
            return number < count ? number : nil
        }
    }
}
