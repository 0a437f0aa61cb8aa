import CPlatform
import Synchronization

/// Lets threads wait for a condition that others make true: a brief spin, then sleep on a futex.
///
/// No wake-up is lost: the waiter announces itself (`sleepers`), then looks at the condition once more, then sleeps only
/// while the bell's count is what it read before that look; the other side changes the condition, then looks at `sleepers`.
/// Both orders are sequentially consistent, so at least one of the two sees the other (Dekker's argument).
public final class Doorbell: Sendable {
    private struct State: ~Copyable {
        let rings = Atomic<UInt32>(0)
        let sleepers = Atomic<UInt32>(0)
    }

    nonisolated(unsafe) private let state: UnsafeMutablePointer<State>
    nonisolated(unsafe) private let word: UnsafePointer<UInt32>
    private let control: (any WaitControl)?

    /// Pauses between the first look and the second, after which one sleeps; about four microseconds. Each look takes the
    /// line that is looked at from the processor which is about to write it, so there are no more. With few processors a
    /// longer wait starves those whom one waits for.
    private static let pauseCount = 200

    /// A bell that nobody waits for.
    /// - Parameter control: takes over the waiting; nil: threads spin and sleep.
    public init(control: (any WaitControl)? = nil) {
        self.control = control
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
        state = memory.bindMemory(to: State.self, capacity: 1)
        state.initialize(to: State())
        // `rings` is the first field and an Atomic<UInt32> is those four bytes: the futex's word.
        word = UnsafePointer(memory.assumingMemoryBound(to: UInt32.self))
    }

    deinit {
        state.deinitialize(count: 1)
        UnsafeMutableRawPointer(state).deallocate()
    }

    /// Wakes all who sleep. Call it after the change that they wait for; costs one fence when nobody does.
    public func ring() {
        if let control { return control.didRing(self) }
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard state.pointee.sleepers.load(ordering: .relaxed) > 0 else { return }
        state.pointee.rings.wrappingAdd(1, ordering: .sequentiallyConsistent)
        sluice_futex_wake(word, .max)
    }

    /// Waits until `condition` holds.
    /// - Parameter timeoutNanoseconds: nil waits without limit.
    /// - Returns: false when the time passed and the condition still does not hold.
    public func wait(timeoutNanoseconds: Int64? = nil, until condition: () -> Bool) -> Bool {
        if let control { return control.wait(on: self, timeoutNanoseconds: timeoutNanoseconds, until: condition) }
        if condition() { return true }
        for _ in 0..<Doorbell.pauseCount { sluice_pause() }
        if condition() { return true }
        let deadline = timeoutNanoseconds.map { ContinuousClock.now + .nanoseconds($0) }
        while true {
            let seen = state.pointee.rings.load(ordering: .acquiring)
            state.pointee.sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            if condition() {
                state.pointee.sleepers.wrappingSubtract(1, ordering: .relaxed)
                return true
            }
            var remaining: Int64 = -1
            if let deadline {
                let left = (deadline - ContinuousClock.now).components
                remaining = max(0, left.seconds * 1_000_000_000 + left.attoseconds / 1_000_000_000)
            }
            let timedOut = remaining == 0 || sluice_futex_wait(word, seen, remaining) == 1
            state.pointee.sleepers.wrappingSubtract(1, ordering: .relaxed)
            if condition() { return true }
            if timedOut { return false }
        }
    }
}
