import CPlatform
import Foundation
import RingBuffer

/// What the engine takes from the machine besides its disk: time, threads, and how they wait. A simulation puts its own in
/// the place of the real one and runs the whole engine in an order that a seed decides.
public protocol Machine: Sendable {
    /// Microseconds since 1970-01-01 UTC.
    func wallClockMicroseconds() -> Int64
    /// Nanoseconds on a clock that never goes back.
    func monotonicNanoseconds() -> Int64
    /// Runs `body` on a thread of its own. `name` has at most 15 bytes.
    /// - Parameter inBackground: whether other threads go before it where there are not enough processors for all.
    func startThread(_ name: String, inBackground: Bool, _ body: @escaping @Sendable () -> Void)
    /// Takes over all waiting of the engine's threads; nil: they wait by themselves.
    var waitControl: (any WaitControl)? { get }
}

extension Machine {
    /// A bell for threads of this machine.
    func makeDoorbell() -> Doorbell { Doorbell(control: waitControl) }

    /// Runs `body` on a thread of its own, which is as urgent as any.
    public func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
        startThread(name, inBackground: false, body)
    }
}

/// The machine that the process runs on.
public struct SystemMachine: Machine {
    private static let stackByteCount = 4 << 20

    /// This machine.
    public init() {}

    /// Microseconds since 1970-01-01 UTC.
    public func wallClockMicroseconds() -> Int64 { SystemMachine.nanoseconds(of: CLOCK_REALTIME) / 1000 }

    /// Nanoseconds since the machine was started.
    public func monotonicNanoseconds() -> Int64 { SystemMachine.nanoseconds(of: CLOCK_MONOTONIC) }

    /// Runs `body` on a thread of its own.
    public func startThread(_ name: String, inBackground: Bool, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread {
            sluice_name_thread(name)
            if inBackground { sluice_let_others_go_first() }
            body()
        }
        thread.stackSize = SystemMachine.stackByteCount
        thread.start()
    }

    /// None: threads spin briefly, then sleep on a futex.
    public var waitControl: (any WaitControl)? { nil }

    private static func nanoseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
