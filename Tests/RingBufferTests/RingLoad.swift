import Foundation
import RingBuffer
import Synchronization

/// Several producers, a consumer and one gated on it, each on a thread of its own, for any number of items: the tests run
/// some thousands, and `ring-load`, under the thread sanitizer, a billion.
final class RingLoad: Sendable {
    /// What a consumer saw.
    struct Finding: Equatable {
        /// Items of all producers.
        var itemCount = 0
        /// Items that were not their producer's next, or not in a batch of their producer.
        var misplacedCount = 0
    }

    private struct Item {
        var producer: Int
        var number: Int
    }

    /// A thread's end, and what it found.
    private final class Ending: Sendable {
        let isThere = Atomic<Bool>(false)
        nonisolated(unsafe) var finding = Finding()
        let bell = Doorbell()

        func come(_ finding: Finding = Finding()) {
            self.finding = finding
            isThere.store(true, ordering: .releasing)
            bell.ring()
        }

        func wait() -> Finding {
            _ = bell.wait { isThere.load(ordering: .acquiring) }
            return finding
        }
    }

    private let producerCount: Int
    private let itemsPerProducer: Int
    private let ring: RingBuffer
    private let bell: Doorbell
    private let first = Cursor()
    private let second = Cursor()
    private let waitingClaims = Atomic<Int>(0)

    /// - Parameters:
    ///   - itemCount: of all producers together, a multiple of their number.
    ///   - capacity: slots of the ring.
    ///   - largestBatch: items that a producer publishes at once, a power of two.
    init(producerCount: Int, itemCount: Int, capacity: Int, largestBatch: Int) {
        precondition(itemCount % producerCount == 0, "each of the producers sends as many items")
        self.producerCount = producerCount
        itemsPerProducer = itemCount / producerCount
        bell = Doorbell()
        ring = RingBuffer(
            capacity: capacity, slotByteCount: MemoryLayout<Item>.stride, largestBatch: largestBatch,
            gates: [first, second], bell: bell)
    }

    /// What each consumer should find.
    var expected: Finding { Finding(itemCount: producerCount * itemsPerProducer) }
    /// Claims that found no room and waited for their turn.
    var waitedCount: Int { waitingClaims.load(ordering: .relaxed) }
    /// True when nothing is in the ring and nobody waits.
    var isEmpty: Bool { ring.usedSlotCount == 0 && ring.waitingClaimCount == 0 }

    /// Runs all threads to their end.
    func run() -> [Finding] {
        let producers = (0..<producerCount).map { producer in start { self.produce(producer) } }
        let consumers = [start(consumeFirst), start(consumeSecond)]
        for producer in producers { _ = producer.wait() }
        return consumers.map { $0.wait() }
    }

    private func start(_ body: @escaping @Sendable () -> Finding) -> Ending {
        let ending = Ending()
        Thread { ending.come(body()) }.start()
        return ending
    }

    private func produce(_ producer: Int) -> Finding {
        let admissions = Cursor()
        var (next, waitedCount) = (0, UInt64(0))
        var random = UInt64(producer + 1)
        while next < itemsPerProducer {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let count = min(1 + Int(random >> 32) & (ring.largestBatch - 1), itemsPerProducer - next)
            if let claim = ring.claim(count) {
                fill(claim, producer, from: next)
            } else {
                let (start, waited) = (next, waitedCount)
                ring.claimInTurn(count) { claim in
                    self.fill(claim!, producer, from: start)
                    admissions.advance(to: waited + 1)
                }
                _ = admissions.wait(past: waited, orUntil: { false })
                waitedCount += 1
            }
            next += count
        }
        waitingClaims.wrappingAdd(Int(waitedCount), ordering: .relaxed)
        return Finding(itemCount: next)
    }

    private func fill(_ claim: RingBuffer.Claim, _ producer: Int, from start: Int) {
        let items = claim.slots.assumingMemoryBound(to: Item.self)
        for offset in 0..<claim.count { items[offset] = Item(producer: producer, number: start + offset) }
        ring.publish(claim, tag: UInt(producer + 1))
    }

    private func consumeFirst() -> Finding {
        var reading = Reading(producerCount)
        while reading.finding.itemCount < expected.itemCount {
            _ = bell.wait { ring.batch(at: reading.position) != nil }
            while let batch = ring.batch(at: reading.position) { reading.take(batch, of: ring) }
            first.advance(to: reading.position)
            ring.grantWaiting()
        }
        return reading.finding
    }

    private func consumeSecond() -> Finding {
        var reading = Reading(producerCount)
        while reading.finding.itemCount < expected.itemCount {
            _ = first.wait(past: reading.position, orUntil: { false })
            let limit = first.position
            while reading.position < limit { reading.take(ring.batch(at: reading.position)!, of: ring) }
            second.advance(to: reading.position)
            ring.grantWaiting()
        }
        return reading.finding
    }

    /// A consumer's place, and what it saw up to there.
    private struct Reading {
        var position: UInt64 = 0
        var finding = Finding()
        private var nextOfProducer: [Int]

        init(_ producerCount: Int) { nextOfProducer = [Int](repeating: 0, count: producerCount) }

        mutating func take(_ batch: RingBuffer.Batch, of ring: RingBuffer) {
            position += UInt64(batch.count)
            guard batch.tag != 0 else { return }
            let producer = Int(batch.tag) - 1
            let items = ring.slot(at: batch.position).assumingMemoryBound(to: Item.self)
            for offset in 0..<batch.count
            where items[offset].producer != producer || items[offset].number != nextOfProducer[producer] + offset {
                finding.misplacedCount += 1
            }
            nextOfProducer[producer] += batch.count
            finding.itemCount += batch.count
        }
    }
}
