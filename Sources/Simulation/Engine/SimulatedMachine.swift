import Chance
import Foundation
import Ledger
import RingBuffer

/// A machine with one processor and a clock of its own: its threads run one at a time, and at each point where they meet
/// (a bell, a file operation, a time-out) a seed decides which of them goes on. The same seed gives the same run.
///
/// Threads are real, and hand a baton from one to the next. Only the holder of the baton runs or touches this object's state,
/// and handing it over by a semaphore orders what one did before what the next sees: that is why there is no lock.
///
/// Time stands still while a thread runs, but for what `perform` says; when all threads wait it leaps to the nearest time-out.
/// When they all wait without one, nobody will ever go on: a lost wake-up. The process then stops and names who waits.
public final class SimulatedMachine: Machine, WaitControl, @unchecked Sendable {
    private final class Baton: @unchecked Sendable {
        let name: String
        let semaphore = DispatchSemaphore(value: 0)
        /// What it waits on; nil while it could run.
        var bell: ObjectIdentifier?
        var deadlineNanoseconds: Int64?
        /// Its bell was rung since it last looked.
        var isRung = false

        init(_ name: String) { self.name = name }

        var mayRun: Bool { bell == nil || isRung }
    }

    /// What a thread does. All that it holds on to is let go of while the thread still has the baton: files may be closed then.
    private final class Errand: @unchecked Sendable {
        private var body: (@Sendable () -> Void)?

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }

        func run() {
            body?()
            body = nil
        }
    }

    private var generator: SeededGenerator
    private var threads: [Baton] = []
    private var current: Baton
    private var nanoseconds: Int64 = 0
    private let startMicroseconds: Int64
    /// A thread goes on at a point of meeting, and is not changed for another, so many times out of 16.
    private let persistence: Int
    /// Points of meeting so far.
    public private(set) var meetingCount = 0
    /// A hash of what was done and by whom, in order: two runs with the same hash were the same.
    public private(set) var trace: UInt64 = 0xCBF2_9CE4_8422_2325

    /// A machine whose first thread is the caller's.
    /// - Parameter startMicroseconds: the time at the start, since 1970-01-01 UTC.
    public init(seed: UInt64, startMicroseconds: Int64) {
        generator = SeededGenerator(seed: seed)
        persistence = Int.random(in: 0...15, using: &generator)
        self.startMicroseconds = startMicroseconds
        current = Baton("main")
        threads = [current]
    }

    // MARK: Machine

    /// Simulated microseconds since 1970-01-01 UTC.
    public func wallClockMicroseconds() -> Int64 { startMicroseconds + nanoseconds / 1000 }

    /// Simulated nanoseconds since the machine was made.
    public func monotonicNanoseconds() -> Int64 { nanoseconds }

    /// This machine waits for its threads.
    public var waitControl: (any WaitControl)? { self }

    /// Adds a thread, which runs once the baton comes to it: the seed alone decides who goes first.
    public func startThread(_ name: String, inBackground _: Bool, _ body: @escaping @Sendable () -> Void) {
        let baton = Baton(name)
        let errand = Errand(body)
        threads.append(baton)
        let thread = Thread { [self] in
            baton.semaphore.wait()
            errand.run()
            threads.removeAll { $0 === baton }
            let next = choose()
            current = next
            next.semaphore.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
        meet()
    }

    // MARK: Meeting

    /// The current thread does something that takes time and at which another one may go on.
    public func perform(_ action: String, on object: String, nanoseconds count: Int64) {
        // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv
        for byte in [current.name, action, object].lazy.map(\.utf8).joined() {
            trace = (trace ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        nanoseconds += count
        meet()
    }

    /// A point at which another thread may go on.
    public func meet() {
        meetingCount += 1
        if Int.random(in: 0..<16, using: &generator) < persistence { return }
        handOver()
    }

    /// Sleeps for a simulated time.
    public func sleep(nanoseconds count: Int64) {
        _ = Doorbell(control: self).wait(timeoutNanoseconds: count) { false }
    }

    /// Waits until `condition` holds: looks at once, then only after the bell was rung or the time is over.
    public func wait(on bell: Doorbell, timeoutNanoseconds: Int64?, until condition: () -> Bool) -> Bool {
        let own = current
        own.deadlineNanoseconds = timeoutNanoseconds.map { nanoseconds + $0 }
        defer { own.deadlineNanoseconds = nil }
        while true {
            if condition() { return true }
            if let deadline = own.deadlineNanoseconds, deadline <= nanoseconds { return false }
            own.isRung = false
            own.bell = ObjectIdentifier(bell)
            handOver()
            own.bell = nil
        }
    }

    /// Those who wait on the bell may look again.
    public func didRing(_ bell: Doorbell) {
        let identifier = ObjectIdentifier(bell)
        for thread in threads where thread.bell == identifier { thread.isRung = true }
        meet()
    }

    private func handOver() {
        let own = current
        let next = choose()
        guard next !== own else { return }
        current = next
        next.semaphore.signal()
        own.semaphore.wait()
    }

    private func choose() -> Baton {
        let able = threads.filter(\.mayRun)
        if let chosen = able.randomElement(using: &generator) { return chosen }
        guard let earliest = threads.compactMap(\.deadlineNanoseconds).min() else {
            fatalError("every thread waits for ever: \(threads.map(\.name).joined(separator: ", "))")
        }
        nanoseconds = max(nanoseconds, earliest)
        let due = threads.filter { $0.deadlineNanoseconds.map { $0 <= nanoseconds } ?? false }
        return due.randomElement(using: &generator)!
    }
}
