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
                ring.publish(claim!, tag: 9)
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
        let load = RingLoad(producerCount: producerCount, itemCount: 160_000, capacity: 256, largestBatch: 64)
        #expect(load.run() == [load.expected, load.expected])
        #expect(load.isEmpty)
    }

    @Test func aClosedRingGrantsNothing() throws {
        let gate = Cursor()
        let ring = makeRing(gates: [gate])
        ring.publish(try #require(ring.claim(3)), tag: 1)
        #expect(!ring.close(at: 0), "a batch is in it")
        gate.advance(to: 3)
        #expect(ring.close(at: 3))
        #expect(ring.claim(1) == nil && ring.usedSlotCount == 0 && ring.usedSlotCount(from: 3) == 0)
        let refusals = Mutex(0)
        ring.claimInTurn(2) { claim in refusals.withLock { $0 += claim == nil ? 1 : 100 } }
        #expect(refusals.withLock { $0 } == 1)
        ring.grantWaiting()
        #expect(ring.waitingClaimCount == 0 && ring.batch(at: 3) == nil)
    }

    @Test func aRingIsNotClosedWhileAClaimWaits() throws {
        let gate = Cursor()
        let ring = makeRing(gates: [gate])
        for _ in 0..<2 { ring.publish(try #require(ring.claim(4)), tag: 1) }
        let granted = Mutex<RingBuffer.Claim?>(nil)
        ring.claimInTurn(1) { claim in granted.withLock { $0 = claim } }
        #expect(!ring.close(at: 8))
        gate.advance(to: 8)
        ring.grantWaiting()
        #expect(!ring.close(at: 8), "the claim was granted and is not published yet")
        ring.publish(try #require(granted.withLock { $0 }), tag: 2)
        gate.advance(to: 9)
        #expect(ring.close(at: 9))
    }
}
