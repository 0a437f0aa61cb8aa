/// The identities of a UTC date that has only few: one small open-addressing table of 16 bytes each.
///
/// Late records, and clients that err or mean harm, spread over many dates; each then costs what it holds, not the thousand
/// partitions of a day's table. The pointer is made and freed here only, and an index into it is always masked.
struct FewIdentities: ~Copyable {
    struct Entry {
        /// `tag << 32 | sequence - base`, as in the large table; 0: none.
        var word: UInt64
        var partition: UInt32
    }

    private var slots: UnsafeMutablePointer<Entry>
    private var slotBits: UInt32
    private(set) var count = 0

    /// With more than this the large table takes less.
    static let largestCount = 1536
    private static let smallestSlotBits: UInt32 = 3

    init() {
        slotBits = FewIdentities.smallestSlotBits
        slots = FewIdentities.allocate(slotBits)
    }

    deinit { slots.deallocate() }

    var byteCount: Int { (1 << Int(slotBits)) * MemoryLayout<Entry>.stride }

    /// Walks over the words whose fingerprint is this one, until `visit` returns true.
    @inline(__always)
    func find(_ fingerprint: Fingerprint, _ visit: (UInt64) -> Bool) -> Bool {
        let slotMask = 1 << Int(slotBits) - 1
        var slot = Int(fingerprint.tag >> (32 - slotBits))
        while slots[slot].word != 0 {
            if slots[slot].partition == fingerprint.partition,
                UInt32(truncatingIfNeeded: slots[slot].word >> 32) == fingerprint.tag, visit(slots[slot].word)
            {
                return true
            }
            slot = (slot + 1) & slotMask
        }
        return false
    }

    mutating func insert(_ entry: Entry) {
        if (count + 1) * 4 > (1 << Int(slotBits)) * 3 { grow() }
        FewIdentities.place(entry, in: slots, slotBits: slotBits)
        count += 1
    }

    /// Every entry, in no order.
    func entries() -> [Entry] {
        UnsafeBufferPointer(start: slots, count: 1 << Int(slotBits)).filter { $0.word != 0 }
    }

    private mutating func grow() {
        let old = entries()
        slots.deallocate()
        slotBits += 1
        slots = FewIdentities.allocate(slotBits)
        for entry in old { FewIdentities.place(entry, in: slots, slotBits: slotBits) }
    }

    private static func allocate(_ slotBits: UInt32) -> UnsafeMutablePointer<Entry> {
        let slots = UnsafeMutablePointer<Entry>.allocate(capacity: 1 << Int(slotBits))
        slots.initialize(repeating: Entry(word: 0, partition: 0), count: 1 << Int(slotBits))
        return slots
    }

    private static func place(_ entry: Entry, in slots: UnsafeMutablePointer<Entry>, slotBits: UInt32) {
        let slotMask = 1 << Int(slotBits) - 1
        var slot = Int(entry.word >> (64 - UInt64(slotBits)))
        while slots[slot].word != 0 { slot = (slot + 1) & slotMask }
        slots[slot] = entry
    }
}
