import Benchmark
import CPlatform
import Foundation
import RingBuffer
import Synchronization
import Transactions

// What the processor does without the engine, so that a threshold which was measured on one machine says something on
// another: each kind of work has the anchor that it depends on most.

func registerAnchors() {
    Benchmark("anchor: mixing words") { benchmark in
        let count = 1 << 22
        var state: UInt64 = 1
        benchmark.measure(records: count) {
            // Each step needs the one before.
            for _ in 0..<count {
                state ^= state >> 33
                state = state &* 0xFF51_AFD7_ED55_8CCD &+ 1
            }
        }
        blackHole(state)
    }

    Benchmark("anchor: copying records in the near cache") { benchmark in
        let (source, target) = (Sample.records(256), Sample.records(256))
        defer {
            source.deallocate()
            target.deallocate()
        }
        let rounds = 1 << 13
        benchmark.measure(records: rounds * 256) {
            for _ in 0..<rounds {
                UnsafeMutableRawPointer(target.baseAddress!).copyMemory(
                    from: source.baseAddress!, byteCount: 256 * Record.byteCount)
                blackHole(target)
            }
        }
    }

    // A table of 64 MiB: what look-ups of identities do, but for the work.
    let table = Sample.words(1 << 23)
    Benchmark("anchor: independent random reads") { benchmark in
        let count = 1 << 21
        var sum: UInt64 = 0
        var state: UInt64 = 1
        benchmark.measure(records: count) {
            table.withUnsafeBufferPointer { table in
                for _ in 0..<count {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    sum &+= table[Int(state >> 41)]
                }
            }
        }
        blackHole(sum)
    }

    Benchmark("anchor: a word between two threads") { benchmark in
        benchmark.measurement(.recordsPerSecond, Int(wordsPerSecond(1 << 17)))
    }
}

/// How often two threads, on a processor each, hand a word to each other and back in a second.
func wordsPerSecond(_ count: Int) -> Double {
    let word = Cursor()
    let (answering, asking) = (Ending(), Ending())
    let nanoseconds = Atomic<Int64>(0)
    Thread {
        pinThread(to: 1)
        for turn in 0..<UInt64(count) {
            while word.position != 2 * turn + 1 {}
            word.advance(to: 2 * turn + 2)
        }
        answering.come()
    }.start()
    Thread {
        pinThread(to: 0)
        let duration = ContinuousClock().measure {
            for turn in 0..<UInt64(count) {
                word.advance(to: 2 * turn + 1)
                while word.position != 2 * turn + 2 {}
            }
        }
        nanoseconds.store(Int64(duration / .nanoseconds(1)), ordering: .relaxed)
        asking.come()
    }.start()
    answering.wait()
    asking.wait()
    return Double(count) * 1e9 / Double(nanoseconds.load(ordering: .relaxed))
}

/// Keeps the calling thread on one processor, where there are several: what two threads hand to each other is measured, and
/// not where the system puts them.
func pinThread(to processor: Int) {
    guard ProcessInfo.processInfo.activeProcessorCount > 1 else { return }
    _ = sluice_pin_thread(Int32(processor))
}

/// A thread's end.
final class Ending: Sendable {
    private let isThere = Atomic<Bool>(false)
    private let bell = Doorbell()

    func come() {
        isThere.store(true, ordering: .releasing)
        bell.ring()
    }

    func wait() { _ = bell.wait { isThere.load(ordering: .acquiring) } }
}
