import CPlatform
import Locks
import Synchronization

/// A bounded ring of fixed-size slots between many producers and a graph of consumers, lock-free on its fast path.
///
/// **Positions** count slots since the start: 0, 1, 2, ...; slot = position mod capacity. A producer *claims* a run of
/// positions for a whole batch with one compare-and-swap on `claimed`, copies the batch into the slots, and *publishes* it
/// with one store. A batch never wraps: where it would, the claim takes the slots up to the end as padding, published as a
/// batch of its own with tag 0. So the copy is one `memcpy` and consumers see each batch in one piece.
///
/// **Publication.** `published[slot of first position]` holds `position << 16 | count`. A consumer at position p knows that a
/// batch starts at p, and that its slots are written, exactly when the upper 48 bits there equal p (mod 2^48): what was left
/// there by an earlier lap has an earlier position, and inside a batch nothing is ever stored. The store releases and the load
/// acquires, so the slots' bytes come with it. Compare LMAX Disruptor's MultiProducerSequencer, which marks every slot; here
/// one store publishes a batch.
///
/// **Bound.** A claim up to position e is granted only when e - capacity <= every gate's cursor, so no slot is written that
/// a consumer may still read. Nothing is dropped: a claim that does not fit is queued, and queued claims are granted in order.
///
/// **Stuck claims.** A claimed run that is never published stalls all consumers: whatever can fail comes before the claim.
///
/// **The end.** A ring is closed only while nothing is claimed beyond its consumer and no claim waits, by the very word that
/// claims are taken from: each claim is either granted before, and its consumer sees it, or refused.
///
/// `Model/ring.pml` is this protocol for the model checker spin, and `tools/model-check` explores it.
public final class RingBuffer: Sendable {
    /// A run of slots that its producer must fill and publish.
    public struct Claim: Sendable {
        /// Position of the first slot.
        public let position: UInt64
        /// Number of slots.
        public let count: Int
        /// The first slot's bytes; the others follow.
        nonisolated(unsafe) public let slots: UnsafeMutableRawPointer
    }

    /// A published run of slots.
    public struct Batch {
        /// Position of the first slot.
        public let position: UInt64
        /// Number of slots.
        public let count: Int
        /// What the producer said of it; 0 for padding.
        public let tag: UInt
    }

    private struct Waiter {
        let count: Int
        let granted: @Sendable (Claim?) -> Void
    }

    /// In `claimed` once the ring is closed.
    private static let closedBit: UInt64 = 1 << 63

    /// Number of slots, a power of two.
    public let capacity: Int
    /// Bytes of a slot.
    public let slotByteCount: Int
    /// The largest batch that may be claimed.
    public let largestBatch: Int

    /// What is said of a slot, in one place, so that a consumer which finds a batch has its tag too.
    private struct Publication: ~Copyable {
        let word = Atomic<UInt64>(.max)
        var tag: UInt = 0
    }

    /// What claims are taken from. Consumers leave this line alone.
    private struct Claims: ~Copyable {
        let claimed = Atomic<UInt64>(0)
        /// The slowest gate as a claim last found it; the gates, whose lines are their consumers', are looked at only when a
        /// claim does not fit by this one.
        let knownFree = Atomic<UInt64>(0)
    }

    private let mask: UInt64
    nonisolated(unsafe) private let slots: UnsafeMutableRawPointer
    nonisolated(unsafe) private let published: UnsafeMutablePointer<Publication>
    nonisolated(unsafe) private let claims: UnsafeMutablePointer<Claims>
    private let gates: [Cursor]
    private let bell: Doorbell
    private let waiterCount = Atomic<Int>(0)
    private let waiters = Lock<[Waiter]>([])

    /// A ring whose slots are free again when all `gates` are past them.
    /// - Parameters:
    ///   - capacity: slots, a power of two, at least twice `largestBatch`.
    ///   - slotByteCount: bytes of a slot.
    ///   - largestBatch: slots that one claim may take, 1 to 65,535.
    ///   - bell: rung at each publication.
    public init(capacity: Int, slotByteCount: Int, largestBatch: Int, gates: [Cursor], bell: Doorbell) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0, "the capacity is a power of two")
        precondition((1...65_535).contains(largestBatch) && largestBatch * 2 <= capacity)
        precondition(!gates.isEmpty, "without a gate no slot is ever free again")
        self.capacity = capacity
        self.slotByteCount = slotByteCount
        self.largestBatch = largestBatch
        self.gates = gates
        self.bell = bell
        mask = UInt64(capacity - 1)
        slots = .allocate(byteCount: capacity * slotByteCount, alignment: 4096)
        // Touched once here, so that no producer pays for a page's first touch.
        slots.initializeMemory(as: UInt8.self, repeating: 0, count: capacity * slotByteCount)
        published = UnsafeMutableRawPointer.allocate(
            byteCount: capacity * MemoryLayout<Publication>.stride, alignment: 128
        ).bindMemory(to: Publication.self, capacity: capacity)
        for slot in 0..<capacity { (published + slot).initialize(to: Publication()) }
        claims = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
            .bindMemory(to: Claims.self, capacity: 1)
        claims.initialize(to: Claims())
    }

    deinit {
        claims.deinitialize(count: 1)
        UnsafeMutableRawPointer(claims).deallocate()
        published.deinitialize(count: capacity)
        UnsafeMutableRawPointer(published).deallocate()
        slots.deallocate()
    }

    // MARK: Producers

    /// Claims `count` slots; nil when they are not free yet, others wait for theirs, or the ring is closed. Any thread.
    public func claim(_ count: Int) -> Claim? {
        precondition(count > 0 && count <= largestBatch, "a batch has 1 to \(largestBatch) slots")
        guard waiterCount.load(ordering: .sequentiallyConsistent) == 0 else { return nil }
        return tryClaim(count)
    }

    /// Claims `count` slots as soon as they are free, after all who waited before.
    ///
    /// `granted` is called exactly once, here or later on the thread that freed the slots; it must fill and publish the claim.
    /// It gets nil, here, when the ring is closed.
    public func claimInTurn(_ count: Int, granted: @escaping @Sendable (Claim?) -> Void) {
        precondition(count > 0 && count <= largestBatch, "a batch has 1 to \(largestBatch) slots")
        let mayWait = waiters.withLock { queue in
            guard !isClosed else { return false }
            queue.append(Waiter(count: count, granted: granted))
            waiterCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
            return true
        }
        guard mayWait else { return granted(nil) }
        // The slots may have become free between a failed claim and the line above.
        grantWaiting()
    }

    /// Makes a claim's slots visible to the consumers.
    /// - Parameter tag: handed to the consumers with the batch; not 0, which is padding's.
    public func publish(_ claim: Claim, tag: UInt) {
        assert(tag != 0)
        store(position: claim.position, count: claim.count, tag: tag)
        bell.ring()
    }

    /// Closes the ring when nothing is claimed from `position` on and no claim waits: none is granted from then on.
    /// - Returns: false when something is still to come; the ring goes on then.
    public func close(at position: UInt64) -> Bool {
        waiters.withLock { queue in
            guard queue.isEmpty else { return false }
            return claims.pointee.claimed.compareExchange(
                expected: position, desired: position | RingBuffer.closedBit, ordering: .acquiringAndReleasing
            ).exchanged
        }
    }

    /// Grants waiting claims that fit now. Whoever advances a gate calls it afterwards.
    public func grantWaiting() {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard waiterCount.load(ordering: .sequentiallyConsistent) > 0 else { return }
        while let (waiter, claim) = nextGrant() { waiter.granted(claim) }
    }

    private func nextGrant() -> (Waiter, Claim)? {
        waiters.withLock { queue in
            guard let first = queue.first, let claim = tryClaim(first.count) else { return nil }
            queue.removeFirst()
            waiterCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
            return (first, claim)
        }
    }

    private func tryClaim(_ count: Int) -> Claim? {
        var start = claims.pointee.claimed.load(ordering: .relaxed)
        while start & RingBuffer.closedBit == 0 {
            let toEnd = capacity - Int(start & mask)
            let padding = toEnd < count ? toEnd : 0
            let end = start + UInt64(padding + count)
            guard isFree(upTo: end) else { return nil }
            let (exchanged, current) = claims.pointee.claimed.weakCompareExchange(
                expected: start, desired: end, ordering: .acquiringAndReleasing)
            guard exchanged else {
                start = current
                continue
            }
            if padding > 0 { store(position: start, count: padding, tag: 0) }
            let position = start + UInt64(padding)
            return Claim(
                position: position, count: count, slots: slots + Int(position & mask) * slotByteCount)
        }
        return nil
    }

    private func store(position: UInt64, count: Int, tag: UInt) {
        let slot = Int(position & mask)
        published[slot].tag = tag
        published[slot].word.store(position << 16 | UInt64(count), ordering: .releasing)
    }

    /// Whether every slot below `end` is free of its last lap. Who finds so has all that consumers did there behind it,
    /// whether it looked at the gates itself or another claim did.
    @inline(__always)
    private func isFree(upTo end: UInt64) -> Bool {
        if end <= claims.pointee.knownFree.load(ordering: .acquiring) + UInt64(capacity) { return true }
        let free = freePosition
        claims.pointee.knownFree.store(free, ordering: .releasing)
        return end <= free + UInt64(capacity)
    }

    private var freePosition: UInt64 {
        var lowest = UInt64.max
        for gate in gates { lowest = min(lowest, gate.position) }
        return lowest
    }

    // MARK: Consumers

    /// The batch that starts at `position`, or nil while it is not published. `position` must be the end of the batch before.
    public func batch(at position: UInt64) -> Batch? {
        let slot = Int(position & mask)
        let word = published[slot].word.load(ordering: .acquiring)
        guard word >> 16 == position & 0xFFFF_FFFF_FFFF else { return nil }
        return Batch(position: position, count: Int(word & 0xFFFF), tag: published[slot].tag)
    }

    /// The bytes of the slot at `position`; those of a batch lie behind each other.
    public func slot(at position: UInt64) -> UnsafeMutableRawPointer {
        slots + Int(position & mask) * slotByteCount
    }

    /// Slots from `position` to the end of the ring, before it wraps.
    public func slotsBeforeWrap(from position: UInt64) -> Int { capacity - Int(position & mask) }

    /// Slots that are claimed and not free again yet.
    public var usedSlotCount: Int { Int(claimedPosition &- freePosition) }

    private var claimedPosition: UInt64 { claims.pointee.claimed.load(ordering: .relaxed) & ~RingBuffer.closedBit }

    private var isClosed: Bool { claims.pointee.claimed.load(ordering: .relaxed) & RingBuffer.closedBit != 0 }

    /// Claims that wait for free slots.
    public var waitingClaimCount: Int { waiterCount.load(ordering: .relaxed) }

    /// Slots that were claimed from `position` on.
    public func usedSlotCount(from position: UInt64) -> Int { Int(claimedPosition &- position) }
}
