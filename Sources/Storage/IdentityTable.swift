import CPlatform

/// The identities of one UTC date that are held in memory: 8 bytes each, the tag above and the sequence below.
///
/// 1,024 partitions, each an open-addressing table of its own that doubles by itself, so that growth comes in steps of at most
/// a thousandth of the date; from a memory page on it does so where it lies (`PartitionSpace`). An entry is `tag << 32 | sequence - base`, never 0 because `base` lies below the first sequence.
/// Its home slot is the top bits of the tag (linear probing). A date with few identities has no partitions yet.
///
/// The pointers are made and freed here only, and an index into them is always masked by the partition's own size.
final class IdentityTable {
    struct Partition {
        var slots: UnsafeMutablePointer<UInt64>?
        var slotBits: UInt32
        var count: UInt32
    }

    /// A partition has room for one more while it is at most 13/16 full: a search that finds nothing then looks at about 15
    /// entries, two cache lines.
    @inline(__always)
    fileprivate static func hasRoom(_ partition: Partition) -> Bool {
        partition.slots != nil && (Int(partition.count) + 1) * 16 <= 13 << Int(partition.slotBits)
    }

    /// An identity as the files hold it.
    typealias Entry = (tag: UInt32, sequence: UInt64)

    /// The sequence before the first that may be entered.
    let base: UInt64
    private(set) var count = 0
    private(set) var lastSequence: UInt64
    private var few = FewIdentities()
    private var partitions: UnsafeMutablePointer<Partition>?
    private var partitionsByteCount = 0
    private lazy var space = PartitionSpace()

    private static let smallestSlotBits: UInt32 = 2
    /// A memory page of slots: partitions of this size and above, up to the space's own, lie in the space.
    private static let pageSlotBits: UInt32 = 9

    init(base: UInt64) {
        self.base = base
        lastSequence = base
    }

    deinit {
        guard let partitions else { return }
        for index in 0..<Fingerprint.partitionCount where !isInSpace(partitions[index].slotBits) {
            partitions[index].slots?.deallocate()
        }
        partitions.deallocate()
    }

    /// Bytes of memory.
    var byteCount: Int { few.byteCount + partitionsByteCount }

    /// True when the sequence is within the 32 bits that an entry has for it.
    func canHold(_ sequence: UInt64) -> Bool { sequence - base <= UInt64(UInt32.max) }

    /// True when half of what an entry can say of a sequence is used up.
    func mustClose(at sequence: UInt64) -> Bool { !canHold(sequence + 1 << 31) }

    @inline(__always)
    func prefetch(_ fingerprint: Fingerprint) {
        guard let partition = partitions?[Int(fingerprint.partition)], let slots = partition.slots else { return }
        sluice_prefetch(slots + Int(fingerprint.tag >> (32 - partition.slotBits)))
    }

    /// Walks over the sequences whose fingerprint is this one, until `visit` returns true.
    @inline(__always)
    func find(_ fingerprint: Fingerprint, _ visit: (UInt64) -> Bool) -> Bool {
        guard let partitions else { return few.find(fingerprint) { visit(base + ($0 & 0xFFFF_FFFF)) } }
        let partition = partitions[Int(fingerprint.partition)]
        guard let slots = partition.slots else { return false }
        let slotMask = 1 << Int(partition.slotBits) - 1
        var slot = Int(fingerprint.tag >> (32 - partition.slotBits))
        while true {
            let entry = slots[slot]
            if entry == 0 { return false }
            if UInt32(truncatingIfNeeded: entry >> 32) == fingerprint.tag, visit(base + (entry & 0xFFFF_FFFF)) {
                return true
            }
            slot = (slot + 1) & slotMask
        }
    }

    func insert(_ fingerprint: Fingerprint, sequence: UInt64) {
        precondition(sequence > base && canHold(sequence), "a table reaches over 2^32 sequences")
        let word = UInt64(fingerprint.tag) << 32 | (sequence - base)
        count += 1
        lastSequence = max(lastSequence, sequence)
        if partitions == nil {
            if few.count < FewIdentities.largestCount {
                return few.insert(FewIdentities.Entry(word: word, partition: fingerprint.partition))
            }
            spread()
        }
        insert(word, partition: Int(fingerprint.partition))
    }

    /// Every entry of a partition, in no order.
    func entries(ofPartition index: Int) -> [Entry] {
        let words: [UInt64]
        if let partitions {
            let partition = partitions[index]
            guard let slots = partition.slots else { return [] }
            words = UnsafeBufferPointer(start: slots, count: 1 << Int(partition.slotBits)).filter { $0 != 0 }
        } else {
            words = few.entries().filter { $0.partition == UInt32(index) }.map(\.word)
        }
        return words.map(entry)
    }

    /// Gives the partitions one after the other, from 0 on, each by tag: how a file is written.
    func sortedPartitions() -> (Int) -> [Entry] {
        guard partitions == nil else { return { [self] in entries(ofPartition: $0).sorted(by: <) } }
        let sorted = few.entries().sorted { ($0.partition, $0.word) < ($1.partition, $1.word) }
        return { [self] index in
            let start = partitionPoint(sorted.count) { sorted[$0].partition < UInt32(index) }
            return sorted[start...].prefix { $0.partition == UInt32(index) }.map { entry($0.word) }
        }
    }

    private func entry(_ word: UInt64) -> Entry {
        (UInt32(truncatingIfNeeded: word >> 32), base + (word & 0xFFFF_FFFF))
    }

    // MARK: Partitions

    /// False while there are only few identities.
    var hasPartitions: Bool { partitions != nil }

    /// The partitions, to look up and enter many identities at a time; nil while there are only few. Until the table adopts
    /// them it is used in no other way.
    var slots: IdentitySlots? {
        partitions.map { IdentitySlots(table: self, partitions: $0, lastSequence: lastSequence) }
    }

    /// Takes note of what was entered.
    /// - Returns: bytes by which memory has grown since the slots were given out.
    func adopt(_ slots: IdentitySlots) -> Int {
        count += slots.enteredCount
        lastSequence = max(lastSequence, slots.lastSequence)
        return byteCount - slots.byteCountBefore
    }

    private func spread() {
        let partitions = UnsafeMutablePointer<Partition>.allocate(capacity: Fingerprint.partitionCount)
        partitions.initialize(
            repeating: Partition(slots: nil, slotBits: IdentityTable.smallestSlotBits, count: 0),
            count: Fingerprint.partitionCount)
        partitionsByteCount = Fingerprint.partitionCount * MemoryLayout<Partition>.stride
        self.partitions = partitions
        for entry in few.entries() { insert(entry.word, partition: Int(entry.partition)) }
        few = FewIdentities()
    }

    private func insert(_ word: UInt64, partition index: Int) {
        let partitions = partitions!
        makeRoom(in: partitions + index)
        IdentityTable.place(word, in: partitions[index].slots!, slotBits: partitions[index].slotBits)
        partitions[index].count += 1
    }

    fileprivate func makeRoom(in partition: UnsafeMutablePointer<Partition>) {
        let old = partition.pointee
        guard !IdentityTable.hasRoom(old) else { return }
        let index = partition - partitions!
        guard let slots = old.slots else {
            partition.pointee.slots = makeSlots(ofPartition: index, slotBits: old.slotBits)
            return
        }
        let slotBits = old.slotBits + 1
        if isInSpace(old.slotBits), isInSpace(slotBits) {
            PartitionSpace.populate(slots + (1 << Int(old.slotBits)), byteCount: 8 << Int(old.slotBits))
            IdentityTable.double(slots, slotBits: old.slotBits)
            partitionsByteCount += 8 << Int(old.slotBits)
        } else {
            let grown = makeSlots(ofPartition: index, slotBits: slotBits)
            for slot in 0..<1 << Int(old.slotBits) where slots[slot] != 0 {
                IdentityTable.place(slots[slot], in: grown, slotBits: slotBits)
            }
            release(slots, ofPartition: index, slotBits: old.slotBits)
            partition.pointee.slots = grown
        }
        partition.pointee.slotBits = slotBits
    }

    private func isInSpace(_ slotBits: UInt32) -> Bool {
        slotBits >= IdentityTable.pageSlotBits && slotBits <= PartitionSpace.slotBits && space != nil
    }

    private func makeSlots(ofPartition index: Int, slotBits: UInt32) -> UnsafeMutablePointer<UInt64> {
        precondition(slotBits <= 31, "a table reaches over 2^32 sequences at most")
        let size = 1 << Int(slotBits)
        partitionsByteCount += size * 8
        if isInSpace(slotBits) { return space!.slots(ofPartition: index) }
        let slots = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
        slots.initialize(repeating: 0, count: size)
        return slots
    }

    private func release(_ slots: UnsafeMutablePointer<UInt64>, ofPartition index: Int, slotBits: UInt32) {
        partitionsByteCount -= 8 << Int(slotBits)
        if isInSpace(slotBits) { space!.release(partition: index) } else { slots.deallocate() }
    }

    /// Doubles a partition where it lies. Behind it are as many slots again, all 0.
    ///
    /// From the last entry to the first, since an entry's new home is at twice its old one or behind: nearly always not before
    /// the slot that it leaves, and from there on all entries have moved already. Those that were pushed far from homes at the
    /// very front, or would be pushed beyond the end, are entered when all others have moved.
    private static func double(_ slots: UnsafeMutablePointer<UInt64>, slotBits: UInt32) {
        let size = 2 << Int(slotBits)
        var late: [UInt64] = []
        for slot in stride(from: size / 2 - 1, through: 0, by: -1) where slots[slot] != 0 {
            let entry = slots[slot]
            slots[slot] = 0
            var place = Int(entry >> (63 - UInt64(slotBits)))
            if place < slot { place = size }
            while place < size, slots[place] != 0 { place += 1 }
            if place < size { slots[place] = entry } else { late.append(entry) }
        }
        for entry in late { IdentityTable.place(entry, in: slots, slotBits: slotBits + 1) }
    }

    @inline(__always)
    private static func place(_ entry: UInt64, in slots: UnsafeMutablePointer<UInt64>, slotBits: UInt32) {
        let slotMask = 1 << Int(slotBits) - 1
        var slot = Int(entry >> (64 - UInt64(slotBits)))
        while slots[slot] != 0 { slot = (slot + 1) & slotMask }
        slots[slot] = entry
    }
}

/// The partitions of a table while many identities are looked up and entered: one search for both, and nothing of the table's
/// own state is touched in between.
struct IdentitySlots {
    private unowned(unsafe) let table: IdentityTable
    private let partitions: UnsafeMutablePointer<IdentityTable.Partition>
    private let base: UInt64
    let byteCountBefore: Int
    private(set) var enteredCount = 0
    private(set) var lastSequence: UInt64

    fileprivate init(
        table: IdentityTable, partitions: UnsafeMutablePointer<IdentityTable.Partition>, lastSequence: UInt64
    ) {
        self.table = table
        self.partitions = partitions
        self.lastSequence = lastSequence
        base = table.base
        byteCountBefore = table.byteCount
    }

    @inline(__always)
    func prefetch(_ fingerprint: Fingerprint) {
        let partition = partitions[Int(fingerprint.partition)]
        if let slots = partition.slots { sluice_prefetch(slots + Int(fingerprint.tag >> (32 - partition.slotBits))) }
    }

    /// Enters `sequence`, which must be above all that were entered before, unless there is an entry with this fingerprint.
    /// - Returns: the sequence of the first such entry; nil when there was none.
    @inline(__always)
    mutating func enter(_ fingerprint: Fingerprint, sequence: UInt64) -> UInt64? {
        place(fingerprint, sequence: sequence) { UInt32(truncatingIfNeeded: $0 >> 32) == fingerprint.tag }
    }

    /// Enters `sequence`, whatever there is with this fingerprint.
    @inline(__always)
    mutating func insert(_ fingerprint: Fingerprint, sequence: UInt64) {
        _ = place(fingerprint, sequence: sequence) { _ in false }
    }

    /// - Returns: the sequence of the first entry on the way to a free slot for which `isMet` is true: nothing is entered then.
    @inline(__always)
    private mutating func place(
        _ fingerprint: Fingerprint, sequence: UInt64, unless isMet: (UInt64) -> Bool
    ) -> UInt64? {
        precondition(sequence > base && sequence - base <= UInt64(UInt32.max), "a table reaches over 2^32 sequences")
        let partition = partitions + Int(fingerprint.partition)
        if !IdentityTable.hasRoom(partition.pointee) { table.makeRoom(in: partition) }
        let slots = partition.pointee.slots.unsafelyUnwrapped
        let slotMask = 1 &<< Int(partition.pointee.slotBits) &- 1
        var slot = Int(fingerprint.tag >> (32 - partition.pointee.slotBits))
        while true {
            let entry = slots[slot]
            if entry == 0 { break }
            if isMet(entry) { return base &+ (entry & 0xFFFF_FFFF) }
            slot = (slot &+ 1) & slotMask
        }
        slots[slot] = UInt64(fingerprint.tag) << 32 | (sequence &- base)
        partition.pointee.count &+= 1
        enteredCount &+= 1
        lastSequence = max(lastSequence, sequence)
        return nil
    }
}
