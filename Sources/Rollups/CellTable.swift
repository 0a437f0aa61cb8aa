import CPlatform

/// A hash table from packed keys to cells of a fixed size, both in memory of its own.
///
/// A slot holds 32 bits of the key's hash (high half) and the cell's number plus one (low half); 0 is an empty slot. Slots
/// are probed one after another from the place that the hash names, and their number is a power of two of which at most
/// half are taken. A cell begins with its key. Cells lie in slabs of doubling size that never move: slab k holds
/// `1 << k` cells, so a cell's slab follows from the highest bit of its number plus 1. A table with one cell takes little:
/// clients choose on how many days their records lie, and each day has a table for each rollup.
///
/// All unsafe memory of this room that is addressed by input is in this file: numbers of cells come from slots only, and a
/// slot is filled only after its cell exists.
///
/// A table has one user at a time.
final class CellTable: @unchecked Sendable {
    private(set) var count = 0
    let stride: Int
    private let keyWordCount: Int
    private let extremes: [Int]
    private let seed: UInt64
    private var slots: UnsafeMutablePointer<UInt64>
    private var slotMask: UInt64
    /// By slab, the address that a cell with the number -1 would have, were it there: slabs are indexed by number plus 1.
    private var origins: UnsafeMutablePointer<UInt>
    private var originCapacity = CellTable.firstOriginCapacity
    private var slabCount = 0
    /// How often sums have grown beyond their 64 bits.
    private(set) var carries: [SumPlace: UInt64] = [:]

    /// A sum of a cell.
    struct SumPlace: Hashable {
        var cell: UnsafeMutableRawPointer
        var offset: Int
    }

    /// Bytes of the table itself, of its slots and of the cells in use.
    var byteCount: Int {
        CellTable.fixedByteCount + (Int(slotMask) + 1) * 8 + count * stride + carries.count * CellTable.carryByteCount
    }

    private static let slabLimit = 32
    private static let firstOriginCapacity = 6
    private static let firstSlotCount = 4
    /// About what an instance, its list of slabs and the allocator's own use take.
    private static let fixedByteCount = 320
    /// About what an entry takes in a dictionary that has just grown.
    private static let carryByteCount = 64
    /// Cells that a table can hold: 2^32 would not fit into a slot.
    static let largestCount = 1 << (slabLimit - 1)

    /// - Parameters:
    ///   - stride: bytes of a cell, a multiple of 16, its key included.
    ///   - extremes: offsets of words that are all ones in a new cell; all else is 0.
    ///   - seed: mixed into hashes, so that no one can choose keys that collide.
    init(keyWordCount: Int, stride: Int, extremes: [Int], seed: UInt64) {
        precondition(stride % 16 == 0 && stride >= keyWordCount * 8 && extremes.allSatisfy { $0 + 8 <= stride })
        self.keyWordCount = keyWordCount
        self.stride = stride
        self.extremes = extremes
        self.seed = seed
        slots = CellTable.emptySlots(count: CellTable.firstSlotCount)
        slotMask = UInt64(CellTable.firstSlotCount - 1)
        origins = .allocate(capacity: originCapacity)
        origins.initialize(repeating: 0, count: originCapacity)
    }

    deinit {
        TableMemory.deallocate(slots, byteCount: (Int(slotMask) + 1) * 8)
        for slab in 0..<slabCount {
            let byteCount = stride << slab
            let memory = UnsafeMutableRawPointer(bitPattern: origins[slab] &+ UInt(byteCount)).unsafelyUnwrapped
            TableMemory.deallocate(memory, byteCount: byteCount)
        }
        origins.deallocate()
    }

    /// The hash of a key: its two words multiplied with each other into 128 bits, folded to 64.
    @inline(__always)
    func hash(low: UInt64, high: UInt64) -> UInt64 {
        let product = (low ^ seed).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15 ^ high &* 0xC2B2_AE3D_27D4_EB4F)
        let folded = (product.high ^ product.low) &* 0xD6E8_FEB8_6659_FD93
        return folded ^ folded >> 32
    }

    /// Where slots and cells lie now, to look ahead without asking the object each time; good until a cell is made.
    struct View {
        fileprivate let slots: UnsafeMutablePointer<UInt64>
        fileprivate let slotMask: UInt64
        fileprivate let origins: UnsafeMutablePointer<UInt>
        fileprivate let stride: UInt

        /// Asks the processor for the slot where the search for a hash begins.
        @inline(__always)
        func prefetchSlot(hash: UInt64) { sluice_prefetch(slots + Int(hash & slotMask)) }

        /// Asks the processor for the first cell whose hash may be this one, and gives its address; nil when there is none.
        @inline(__always)
        func prefetchCell(hash: UInt64) -> UnsafeMutableRawPointer? {
            let tag = hash & 0xFFFF_FFFF
            var place = hash & slotMask
            while true {
                let slot = slots[Int(place)]
                if slot == 0 { return nil }
                if slot >> 32 == tag {
                    let cell = CellTable.address(
                        ofCell: UInt32(truncatingIfNeeded: slot) &- 1, origins: origins, stride: stride)
                    sluice_prefetch(cell)
                    return cell
                }
                place = (place &+ 1) & slotMask
            }
        }
    }

    var view: View { View(slots: slots, slotMask: slotMask, origins: origins, stride: UInt(bitPattern: stride)) }

    /// True when `cell` is that of the key.
    @inline(__always)
    static func holds(_ cell: UnsafeMutableRawPointer, low: UInt64, high: UInt64, hasHighKey: Bool) -> Bool {
        let words = cell.assumingMemoryBound(to: UInt64.self)
        return words[0] == low && (!hasHighKey || words[1] == high)
    }

    /// The cell of a key, made when there is none. Its address stays the same while the table lives.
    @inline(__always)
    func cell(low: UInt64, high: UInt64, hash: UInt64) -> UnsafeMutableRawPointer {
        let tag = hash & 0xFFFF_FFFF
        var place = hash & slotMask
        while true {
            let slot = slots[Int(place)]
            if slot == 0 { return insert(low: low, high: high, tag: tag) }
            if slot >> 32 == tag {
                let cell = address(ofCell: UInt32(truncatingIfNeeded: slot) &- 1)
                if CellTable.holds(cell, low: low, high: high, hasHighKey: keyWordCount == 2) { return cell }
            }
            place = (place &+ 1) & slotMask
        }
    }

    /// The cells in the order in which they were made; valid while the table lives.
    func cell(at index: Int) -> UnsafeMutableRawPointer {
        precondition(index >= 0 && index < count)
        return address(ofCell: UInt32(index))
    }

    /// Takes note that a sum has grown beyond its 64 bits.
    @inline(never)
    func carry(_ cell: UnsafeMutableRawPointer, _ offset: Int) {
        carries[SumPlace(cell: cell, offset: offset), default: 0] += 1
    }

    /// The packed key of a cell.
    func key(of cell: UnsafeMutableRawPointer) -> UInt128 {
        let low = UInt128(cell.load(as: UInt64.self))
        return keyWordCount == 1 ? low : UInt128(cell.load(fromByteOffset: 8, as: UInt64.self)) << 64 | low
    }

    @inline(__always)
    private func address(ofCell index: UInt32) -> UnsafeMutableRawPointer {
        CellTable.address(ofCell: index, origins: origins, stride: UInt(bitPattern: stride))
    }

    @inline(__always)
    private static func address(
        ofCell index: UInt32, origins: UnsafeMutablePointer<UInt>, stride: UInt
    ) -> UnsafeMutableRawPointer {
        let shifted = UInt64(index) &+ 1
        let origin = origins[63 &- shifted.leadingZeroBitCount]
        return UnsafeMutableRawPointer(bitPattern: origin &+ UInt(shifted) &* stride).unsafelyUnwrapped
    }

    @inline(never)
    private func insert(low: UInt64, high: UInt64, tag: UInt64) -> UnsafeMutableRawPointer {
        precondition(count < CellTable.largestCount, "a rollup's day has more cells than a table can hold")
        if count == 1 << slabCount - 1 { addSlab() }
        if UInt64(count) &* 2 > slotMask { doubleSlots() }
        let cell = address(ofCell: UInt32(count))
        cell.initializeMemory(as: UInt8.self, repeating: 0, count: stride)
        cell.storeBytes(of: low, as: UInt64.self)
        if keyWordCount == 2 { cell.storeBytes(of: high, toByteOffset: 8, as: UInt64.self) }
        for offset in extremes { cell.storeBytes(of: .max, toByteOffset: offset, as: UInt64.self) }
        count += 1
        place(tag << 32 | UInt64(count))
        return cell
    }

    private func place(_ slot: UInt64) {
        var place = slot >> 32 & slotMask
        while slots[Int(place)] != 0 { place = (place &+ 1) & slotMask }
        slots[Int(place)] = slot
    }

    private func addSlab() {
        if slabCount == originCapacity { growOrigins() }
        let byteCount = stride << slabCount
        origins[slabCount] = UInt(bitPattern: TableMemory.allocate(byteCount: byteCount)) &- UInt(byteCount)
        slabCount += 1
    }

    private func growOrigins() {
        let old = origins
        origins = .allocate(capacity: CellTable.slabLimit)
        origins.initialize(repeating: 0, count: CellTable.slabLimit)
        origins.update(from: old, count: slabCount)
        originCapacity = CellTable.slabLimit
        old.deallocate()
    }

    private func doubleSlots() {
        let (old, oldCount) = (slots, Int(slotMask) + 1)
        slots = CellTable.emptySlots(count: oldCount * 2)
        slotMask = UInt64(oldCount * 2 - 1)
        for index in 0..<oldCount where old[index] != 0 { place(old[index]) }
        TableMemory.deallocate(old, byteCount: oldCount * 8)
    }

    private static func emptySlots(count: Int) -> UnsafeMutablePointer<UInt64> {
        let slots = TableMemory.allocate(byteCount: count * 8).bindMemory(to: UInt64.self, capacity: count)
        slots.initialize(repeating: 0, count: count)
        return slots
    }
}
