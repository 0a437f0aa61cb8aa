import CPlatform
import Foundation
import Synchronization

/// A named thread of the engine that is waited for at the end. Blocking work runs on such threads, never on event loops or
/// the cooperative pool.
final class EngineThread: Sendable {
    private let finished = DispatchSemaphore(value: 0)
    private let end: @Sendable () -> Void

    /// - Parameter end: makes `body` return once it has nothing more to do.
    init(_ name: String, end: @escaping @Sendable () -> Void, _ body: @escaping @Sendable () -> Void) {
        self.end = end
        let finished = self.finished
        let thread = Thread {
            sluice_name_thread(name)
            body()
            finished.signal()
        }
        thread.stackSize = 4 << 20
        thread.start()
    }

    /// Asks the body to end and waits until it has. Once.
    func stop() {
        end()
        finished.wait()
    }
}

/// Microseconds since 1970-01-01 UTC.
func clockMicroseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
