import Foundation
import RingBuffer
import Synchronization
import Testing

@Suite struct RingBufferTests {
    private func makeRing(capacity: Int = 8, largestBatch: Int = 4, gates: [Cursor]) -> RingBuffer {
        RingBuffer(capacity: capacity, slotByteCount: 8, largestBatch: largestBatch, gates: gates, bell: Doorbell())
    }

    @Test func aBatchIsSeenOnlyOncePublished() throws {
        let gate = Cursor()
        let ring = makeRing(gates: [gate])
        let claim = try #require(ring.claim(3))
        #expect(ring.batch(at: 0) == nil)
        ring.publish(claim, tag: 7)
        let batch = try #require(ring.batch(at: 0))
        #expect(batch.count == 3 && batch.tag == 7)
        #expect(ring.batch(at: 3) == nil)
    }

    @Test func laterBatchesWaitForAnEarlierOneToBePublished() throws {
        let ring = makeRing(gates: [Cursor()])
        let first = try #require(ring.claim(2))
        let second = try #require(ring.claim(2))
        ring.publish(second, tag: 2)
        #expect(ring.batch(at: 0) == nil)
        ring.publish(first, tag: 1)
        #expect(ring.batch(at: 0)?.tag == 1)
        #expect(ring.batch(at: 2)?.tag == 2)
    }

    @Test func aBatchNeverWrapsAndPaddingIsPublished() throws {
        let gate = Cursor()
        let ring = makeRing(gates: [gate])
        for _ in 0..<2 { ring.publish(try #require(ring.claim(3)), tag: 1) }
        gate.advance(to: 6)
        let claim = try #require(ring.claim(4))
        #expect(claim.position == 8)
        ring.publish(claim, tag: 1)
        let padding = try #require(ring.batch(at: 6))
        #expect(padding.tag == 0 && padding.count == 2)
        #expect(ring.batch(at: 8)?.count == 4)
    }

    @Test func aFullRingRefusesUntilTheSlowestGateMoves() throws {
        let fast = Cursor()
        let slow = Cursor()
        let ring = makeRing(gates: [fast, slow])
        ring.publish(try #require(ring.claim(4)), tag: 1)
        ring.publish(try #require(ring.claim(4)), tag: 1)
        fast.advance(to: 8)
        #expect(ring.claim(1) == nil)
        slow.advance(to: 1)
        #expect(ring.claim(1) != nil)
        #expect(ring.claim(1) == nil)
    }

    @Test func waitingClaimsAreGrantedInOrderAndNobodyOvertakesThem() throws {
        let gate = Cursor()
        let ring = makeRing(gates: [gate])
        for _ in 0..<2 { ring.publish(try #require(ring.claim(4)), tag: 1) }
        let granted = Mutex<[Int]>([])
        for (number, count) in [4, 1, 2].enumerated() {
            ring.claimInTurn(count) { claim in
                granted.withLock { $0.append(number) }
                ring.publish(claim, tag: 9)
            }
        }
        gate.advance(to: 2)
        ring.grantWaiting()
        #expect(granted.withLock { $0 } == [])
        #expect(ring.claim(1) == nil, "a small claim must not overtake a large one that waits")
        gate.advance(to: 5)
        ring.grantWaiting()
        #expect(granted.withLock { $0 } == [0, 1])
        gate.advance(to: 8)
        ring.grantWaiting()
        #expect(granted.withLock { $0 } == [0, 1, 2])
    }

    @Test func aCursorWakesWhoWaitsForIt() {
        let cursor = Cursor()
        let waiter = Thread { _ = cursor.wait(past: 41, orUntil: { false }) }
        waiter.start()
        for position in UInt64(1)...42 { cursor.advance(to: position) }
        while !waiter.isFinished { Thread.sleep(forTimeInterval: 0.001) }
        #expect(cursor.position == 42)
        #expect(!cursor.wait(past: 42, timeoutNanoseconds: 1_000_000, orUntil: { false }))
    }

    /// Several producers, a consumer and one gated on it: each item arrives once, whole, and in its producer's order.
    @Test(arguments: [1, 2, 4]) func everyItemArrivesOnceAndInOrder(producerCount: Int) {
        let itemsPerProducer = 40_000
        let bell = Doorbell()
        let first = Cursor()
        let second = Cursor()
        let ring = RingBuffer(capacity: 256, slotByteCount: 16, largestBatch: 64, gates: [second], bell: bell)
        let admitted = DispatchSemaphore(value: 0)
        let producers = (0..<producerCount).map { producer in
            Thread {
                var next = 0
                var seed = UInt64(producer + 1)
                while next < itemsPerProducer {
                    seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    let count = min(1 + Int(seed >> 58), itemsPerProducer - next)
                    let start = next
                    let fill: @Sendable (RingBuffer.Claim) -> Void = { claim in
                        let items = claim.slots.assumingMemoryBound(to: (Int, Int).self)
                        for offset in 0..<count { items[offset] = (producer, start + offset) }
                        ring.publish(claim, tag: UInt(producer + 1))
                    }
                    if let claim = ring.claim(count) {
                        fill(claim)
                    } else {
                        ring.claimInTurn(count) { claim in
                            fill(claim)
                            admitted.signal()
                        }
                        // One semaphore serves all: each wait is paired with one grant, whoever's it is.
                        admitted.wait()
                    }
                    next += count
                }
            }
        }
        let sums = Mutex<(Int, Int)>((0, 0))
        let gatedConsumer = Thread {
            var position: UInt64 = 0
            var sum = 0
            var seen = 0
            while seen < producerCount * itemsPerProducer {
                _ = first.wait(past: position, orUntil: { false })
                let limit = first.position
                while position < limit, let batch = ring.batch(at: position) {
                    let items = ring.slot(at: position).assumingMemoryBound(to: (Int, Int).self)
                    if batch.tag != 0 {
                        for offset in 0..<batch.count { sum += items[offset].1 }
                        seen += batch.count
                    }
                    position += UInt64(batch.count)
                }
                second.advance(to: position)
                ring.grantWaiting()
            }
            sums.withLock { $0.1 = sum }
        }
        (producers + [gatedConsumer]).forEach { $0.start() }
        var position: UInt64 = 0
        var seen = 0
        var sum = 0
        var nextOfProducer = [Int](repeating: 0, count: producerCount)
        var outOfOrder = 0
        while seen < producerCount * itemsPerProducer {
            _ = bell.wait { ring.batch(at: position) != nil }
            while let batch = ring.batch(at: position) {
                let items = ring.slot(at: position).assumingMemoryBound(to: (Int, Int).self)
                if batch.tag != 0 {
                    for offset in 0..<batch.count {
                        let (producer, item) = items[offset]
                        if UInt(producer + 1) != batch.tag || item != nextOfProducer[producer] { outOfOrder += 1 }
                        nextOfProducer[producer] = item + 1
                        sum += item
                    }
                    seen += batch.count
                }
                position += UInt64(batch.count)
                first.advance(to: position)
            }
        }
        while !gatedConsumer.isFinished { Thread.sleep(forTimeInterval: 0.001) }
        let expected = producerCount * itemsPerProducer * (itemsPerProducer - 1) / 2
        #expect(outOfOrder == 0)
        #expect(sum == expected)
        #expect(sums.withLock { $0.1 } == expected)
        #expect(ring.usedSlotCount == 0 && ring.waitingClaimCount == 0)
    }
}
