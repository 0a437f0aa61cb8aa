import Synchronization

/// How far one consumer is: every position below `position` is done with. On a cache line of its own.
///
/// One thread advances a cursor; any thread reads it or waits for it. A consumer is gated on another one by waiting for
/// that one's cursor, so that consumers form a graph.
public final class Cursor: Sendable {
    nonisolated(unsafe) private let value: UnsafeMutablePointer<Atomic<UInt64>>
    private let bell: Doorbell

    /// A cursor at 0.
    /// - Parameter bell: rung at each advance; give several cursors one bell so that a thread can wait for any of them.
    public init(bell: Doorbell = Doorbell()) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        value = memory.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        value.initialize(to: Atomic(0))
        self.bell = bell
    }

    deinit {
        value.deinitialize(count: 1)
        UnsafeMutableRawPointer(value).deallocate()
    }

    /// The first position that is not done with. What was written before the advance is visible to who reads it here.
    public var position: UInt64 { value.pointee.load(ordering: .acquiring) }

    /// Everything below `position` is done with from now on. Only the owner calls it, and never backwards.
    public func advance(to position: UInt64) {
        assert(position >= value.pointee.load(ordering: .relaxed), "a cursor never goes back")
        value.pointee.store(position, ordering: .releasing)
        bell.ring()
    }

    /// Waits until the cursor is past `position`, or until `interrupted` says to stop waiting.
    /// - Returns: false when it was the time that ended the wait.
    public func wait(past position: UInt64, timeoutNanoseconds: Int64? = nil, orUntil interrupted: () -> Bool) -> Bool {
        bell.wait(timeoutNanoseconds: timeoutNanoseconds) { self.position > position || interrupted() }
    }
}
