import CPlatform

/// The identities of one UTC date that are held in memory: 8 bytes each, the tag above and the sequence below.
///
/// 1,024 partitions, each an open-addressing table of its own that doubles by itself, so that growth comes in steps of at most
/// a thousandth of the date. An entry is `tag << 32 | sequence - base`, never 0 because `base` lies below the first sequence.
/// Its home slot is the top bits of the tag (linear probing); at most 24 of them, the bits that the id alone decides.
///
/// The pointers are made and freed here only, and an index into them is always masked by the partition's own size.
final class IdentityTable {
    private struct Partition {
        var slots: UnsafeMutablePointer<UInt64>?
        var slotBits: UInt32
        var count: UInt32
    }

    /// The sequence before the first that may be entered.
    let base: UInt64
    private(set) var count = 0
    private(set) var lastSequence: UInt64
    private(set) var byteCount: Int
    private let partitions: UnsafeMutablePointer<Partition>

    private static let smallestSlotBits: UInt32 = 2

    init(base: UInt64) {
        self.base = base
        lastSequence = base
        partitions = .allocate(capacity: Fingerprint.partitionCount)
        partitions.initialize(
            repeating: Partition(slots: nil, slotBits: IdentityTable.smallestSlotBits, count: 0),
            count: Fingerprint.partitionCount)
        byteCount = Fingerprint.partitionCount * MemoryLayout<Partition>.stride
    }

    deinit {
        for partition in 0..<Fingerprint.partitionCount { partitions[partition].slots?.deallocate() }
        partitions.deallocate()
    }

    /// True when the sequence is within the 32 bits that an entry has for it.
    func canHold(_ sequence: UInt64) -> Bool { sequence - base <= UInt64(UInt32.max) }

    @inline(__always)
    func prefetch(_ fingerprint: Fingerprint) {
        let partition = partitions[Int(fingerprint.partition)]
        guard let slots = partition.slots else { return }
        sluice_prefetch(slots + Int(fingerprint.tag >> (32 - partition.slotBits)))
    }

    /// Walks over the sequences whose tag equals the fingerprint's under `mask`, until `visit` returns true.
    @inline(__always)
    func find(_ fingerprint: Fingerprint, mask: UInt32 = .max, _ visit: (UInt64) -> Bool) -> Bool {
        let partition = partitions[Int(fingerprint.partition)]
        guard let slots = partition.slots else { return false }
        let slotMask = 1 << Int(partition.slotBits) - 1
        var slot = Int(fingerprint.tag >> (32 - partition.slotBits))
        while true {
            let entry = slots[slot]
            if entry == 0 { return false }
            if (UInt32(truncatingIfNeeded: entry >> 32) ^ fingerprint.tag) & mask == 0,
                visit(base + (entry & 0xFFFF_FFFF))
            {
                return true
            }
            slot = (slot + 1) & slotMask
        }
    }

    func insert(_ fingerprint: Fingerprint, sequence: UInt64) {
        assert(sequence > base && canHold(sequence))
        let index = Int(fingerprint.partition)
        makeRoom(in: index)
        IdentityTable.place(
            UInt64(fingerprint.tag) << 32 | (sequence - base), in: partitions[index].slots!,
            slotBits: partitions[index].slotBits)
        partitions[index].count += 1
        count += 1
        lastSequence = max(lastSequence, sequence)
    }

    /// Every entry of a partition as (tag, sequence), by tag.
    func sortedEntries(ofPartition index: Int) -> [(tag: UInt32, sequence: UInt64)] {
        let partition = partitions[index]
        guard let slots = partition.slots else { return [] }
        return UnsafeBufferPointer(start: slots, count: 1 << Int(partition.slotBits))
            .filter { $0 != 0 }
            .sorted()
            .map { (UInt32(truncatingIfNeeded: $0 >> 32), base + ($0 & 0xFFFF_FFFF)) }
    }

    private func makeRoom(in index: Int) {
        let old = partitions[index]
        guard let oldSlots = old.slots else {
            partitions[index].slots = allocate(slotBits: old.slotBits)
            return
        }
        // At most 13/16 full: a search that finds nothing then looks at about 15 entries, two cache lines.
        let size = 1 << Int(old.slotBits)
        guard (Int(old.count) + 1) * 16 > size * 13 else { return }
        let grown = allocate(slotBits: old.slotBits + 1)
        for slot in 0..<size where oldSlots[slot] != 0 {
            IdentityTable.place(oldSlots[slot], in: grown, slotBits: old.slotBits + 1)
        }
        oldSlots.deallocate()
        byteCount -= size * 8
        partitions[index].slots = grown
        partitions[index].slotBits = old.slotBits + 1
    }

    private func allocate(slotBits: UInt32) -> UnsafeMutablePointer<UInt64> {
        precondition(slotBits <= 24, "a partition of one date holds at most 13 million identities")
        let size = 1 << Int(slotBits)
        let slots = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
        slots.initialize(repeating: 0, count: size)
        byteCount += size * 8
        return slots
    }

    @inline(__always)
    private static func place(_ entry: UInt64, in slots: UnsafeMutablePointer<UInt64>, slotBits: UInt32) {
        let slotMask = 1 << Int(slotBits) - 1
        var slot = Int(entry >> (64 - UInt64(slotBits)))
        while slots[slot] != 0 { slot = (slot + 1) & slotMask }
        slots[slot] = entry
    }
}
