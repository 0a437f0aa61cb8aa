import Benchmark
import Foundation
import RingBuffer
import Synchronization
import Transactions

// Threads that do nothing but hand on items of 64 bytes: a producer claims, copies its items in and publishes, and waits its
// turn when the ring is full; the consumer reads every byte, and frees what it took at the latest after 1,024 items.
//
// The ring has 16,384 slots, 1 MiB, which stays in the processor's caches; the daemon's has 262,144, and one that is full
// from end to end has to go through memory. A single producer and the consumer have a processor each.

func registerRing() {
    // Whether two processors share a cache decides most, and a virtual machine's may do so in one second and not in the next:
    // the anchor is measured before each repetition.
    let configuration = Benchmark.Configuration(
        metrics: Benchmark.defaultConfiguration.metrics + [.wordsPerSecond], warmupIterations: 3,
        maxDuration: .seconds(4), maxIterations: 1000)
    Benchmark("ring: 1 producer, batches of 256", configuration: configuration) {
        ring($0, producers: 1, batch: 256, items: 1 << 24)
    }
    Benchmark("ring: 1 producer, one by one", configuration: configuration) {
        ring($0, producers: 1, batch: 1, items: 1 << 22)
    }
    Benchmark("ring: 3 producers, batches of 256", configuration: configuration) {
        ring($0, producers: 3, batch: 256, items: 3 << 22)
    }
    Benchmark("ring: 1 producer, batches of 1,024, the daemon's size", configuration: configuration) {
        ring($0, producers: 1, batch: 1024, items: 1 << 24, capacity: 1 << 18)
    }
}

private func ring(_ benchmark: Benchmark, producers: Int, batch: Int, items: Int, capacity: Int = 1 << 14) {
    let work = RingWork(producerCount: producers, batch: batch, itemCount: items, capacity: capacity)
    benchmark.measurement(.wordsPerSecond, Int(wordsPerSecond(1 << 14)))
    benchmark.measure(records: items) { work.run() }
    work.check()
}

/// One run of producers and a consumer, each on a thread of its own.
private final class RingWork: Sendable {
    private static let slotByteCount = 64
    private static let mostTaken: UInt64 = 1024
    private let producerCount: Int
    private let batch: Int
    private let batchesOfProducer: Int
    private let ring: RingBuffer
    private let gate = Cursor()
    private let bell = Doorbell()
    private let sum = Atomic<UInt64>(0)

    init(producerCount: Int, batch: Int, itemCount: Int, capacity: Int) {
        precondition(itemCount % (producerCount * batch) == 0, "each producer sends as many whole batches")
        self.producerCount = producerCount
        self.batch = batch
        batchesOfProducer = itemCount / producerCount / batch
        ring = RingBuffer(
            capacity: capacity, slotByteCount: RingWork.slotByteCount, largestBatch: 1024, gates: [gate], bell: bell)
    }

    private var itemCount: Int { producerCount * batchesOfProducer * batch }

    func run() {
        let endings = (0...producerCount).map { number in
            let ending = Ending()
            Thread {
                if self.producerCount == 1 { pinThread(to: number) }
                if number == 0 { self.consume() } else { self.produce() }
                ending.come()
            }.start()
            return ending
        }
        for ending in endings { ending.wait() }
    }

    /// Each item is eight words of 1.
    func check() { precondition(sum.load(ordering: .relaxed) == UInt64(itemCount) * 8, "an item is missing") }

    private func produce() {
        nonisolated(unsafe) let source = UnsafeMutableRawPointer.allocate(
            byteCount: batch * RingWork.slotByteCount, alignment: 64)
        defer { source.deallocate() }
        source.initializeMemory(as: UInt64.self, repeating: 1, count: batch * RingWork.slotByteCount / 8)
        let admissions = Cursor()
        var waitedCount: UInt64 = 0
        for _ in 0..<batchesOfProducer {
            if let claim = ring.claim(batch) {
                fill(claim, from: source)
            } else {
                let turn = waitedCount
                ring.claimInTurn(batch) { claim in
                    self.fill(claim!, from: source)
                    admissions.advance(to: turn + 1)
                }
                _ = admissions.wait(past: turn, orUntil: { false })
                waitedCount += 1
            }
        }
    }

    private func fill(_ claim: RingBuffer.Claim, from source: UnsafeMutableRawPointer) {
        claim.slots.copyMemory(from: source, byteCount: batch * RingWork.slotByteCount)
        ring.publish(claim, tag: 1)
    }

    private func consume() {
        var (position, remaining) = (UInt64(0), itemCount)
        var sums = SIMD8<UInt64>.zero
        while remaining > 0 {
            _ = bell.wait { ring.batch(at: position) != nil }
            let limit = position + RingWork.mostTaken
            while position < limit, let batch = ring.batch(at: position) {
                position += UInt64(batch.count)
                guard batch.tag != 0 else { continue }
                let items = ring.slot(at: batch.position).assumingMemoryBound(to: SIMD8<UInt64>.self)
                for offset in 0..<batch.count { sums &+= items[offset] }
                remaining -= batch.count
            }
            gate.advance(to: position)
            ring.grantWaiting()
        }
        sum.store(sums.wrappedSum(), ordering: .relaxed)
    }
}
