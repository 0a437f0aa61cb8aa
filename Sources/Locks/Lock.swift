import Glibc

/// A lock around a value, by the system's mutex.
///
/// The thread sanitizer knows the system's mutex and not the standard library's, whose waits are out of its sight. With this
/// one all that the engine's threads tell each other can be held against the sanitizer's rules.
public final class Lock<Value>: Sendable {
    @usableFromInline nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline nonisolated(unsafe) let value: UnsafeMutablePointer<Value>

    /// A lock around `value`, which nobody else may use from now on.
    public init(_ value: sending Value) {
        mutex = .allocate(capacity: 1)
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
        let result = pthread_mutex_init(mutex, nil)
        precondition(result == 0, "a mutex cannot be made: error \(result)")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
        value.deinitialize(count: 1)
        value.deallocate()
    }

    /// Runs `body` with the value while no other thread does. `body` must not take the same lock.
    @inlinable
    public func withLock<Outcome, Failure>(
        _ body: (inout sending Value) throws(Failure) -> sending Outcome
    ) throws(Failure) -> sending Outcome {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value.pointee)
    }
}
