import Foundation

/// A hash table from byte strings to 64-bit values: what spares a String for each field of each row.
///
/// Open addressing with linear probing over 32-bit positions into entries that stay where they are until `removeAll`. The
/// first 16 bytes of a key lie in its entry as two words, so that short keys are compared without a loop; the rest of the
/// keys lies in one piece. The hash is seeded afresh for each table, so that no input can aim at one chain. A table that
/// never had a key has no memory of its own: a reader has one for each column, and many inputs are of one row.
struct ByteStringTable: ~Copyable {
    private struct Entry {
        var low: UInt64
        var high: UInt64
        var value: UInt64
        var keyCount: UInt32
        var restStart: UInt32
    }

    /// Bytes of a key that its entry holds.
    private static let shortByteCount = 16
    private static let fewestEntries = 32
    private static let fewestRestBytes = 1024
    /// The one empty slot of all tables that never had a key; it is never written.
    private nonisolated(unsafe) static let noSlots: UnsafeMutableBufferPointer<UInt32> = {
        let slots = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: 1)
        slots.initialize(repeating: 0)
        return slots
    }()

    private var slots = ByteStringTable.noSlots
    private var entries = UnsafeMutableBufferPointer<Entry>(start: nil, count: 0)
    private var rests = UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
    private var restByteCount = 0
    private let seed = UInt64.random(in: .min ... .max)
    /// How many keys there are; entries are numbered from 0 in the order in which they came.
    private(set) var count = 0

    deinit {
        guard !entries.isEmpty else { return }
        slots.deallocate()
        entries.deallocate()
        rests.deallocate()
    }

    /// Bytes that the keys take.
    var sizeInBytes: Int { restByteCount + count * MemoryLayout<Entry>.stride }

    /// The value of an entry.
    subscript(entry: Int) -> UInt64 {
        get {
            precondition(entry < count)
            return entries[entry].value
        }
        set {
            precondition(entry < count)
            entries[entry].value = newValue
        }
    }

    /// The entry of a key; -1 when there is none. O(1) expected.
    @inline(__always)
    func entry(of key: FieldText) -> Int {
        let (low, high) = (key.low, key.high)
        var slot = firstSlot(of: key, low, high)
        while slots[slot] != 0 {
            let entry = Int(slots[slot]) - 1
            if entries[entry].low == low, entries[entry].high == high, Int(entries[entry].keyCount) == key.count,
                key.count <= ByteStringTable.shortByteCount || hasRest(entries[entry], of: key)
            {
                return entry
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return -1
    }

    /// Adds a key that is not there yet.
    /// - Returns: its entry.
    mutating func insert(_ key: FieldText, value: UInt64) -> Int {
        if count == entries.count { growEntries() }
        let restStart = restByteCount
        appendRest(of: key)
        entries.initializeElement(
            at: count,
            to: Entry(
                low: key.low, high: key.high, value: value, keyCount: UInt32(key.count), restStart: UInt32(restStart)))
        count += 1
        occupySlot(firstSlot(of: key, key.low, key.high), entry: count - 1)
        return count - 1
    }

    /// Forgets all keys and keeps the memory.
    mutating func removeAll() {
        guard count > 0 else { return }
        slots.update(repeating: 0)
        count = 0
        restByteCount = 0
    }

    private func hasRest(_ entry: Entry, of key: FieldText) -> Bool {
        let short = ByteStringTable.shortByteCount
        return memcmp(rests.baseAddress! + Int(entry.restStart), key.start + short, key.count - short) == 0
    }

    private mutating func occupySlot(_ first: Int, entry: Int) {
        var slot = first
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(entry + 1)
    }

    private mutating func growEntries() {
        let larger = UnsafeMutableBufferPointer<Entry>.allocate(
            capacity: max(ByteStringTable.fewestEntries, entries.count * 2))
        _ = larger.moveInitialize(fromContentsOf: UnsafeMutableBufferPointer(rebasing: entries[..<count]))
        if entries.isEmpty {
            rests = .allocate(capacity: ByteStringTable.fewestRestBytes)
        } else {
            slots.deallocate()
            entries.deallocate()
        }
        entries = larger
        slots = .allocate(capacity: entries.count * 2)
        slots.initialize(repeating: 0)
        for number in 0..<count {
            let entry = entries[number]
            let count = Int(entry.keyCount)
            let restCount = max(0, count - ByteStringTable.shortByteCount)
            let rest = UnsafeRawPointer(rests.baseAddress! + Int(entry.restStart))
            let hash = hash(entry.low, entry.high, count: count, rest: rest, restCount: restCount)
            occupySlot(slot(of: hash), entry: number)
        }
    }

    private mutating func appendRest(of key: FieldText) {
        let byteCount = key.count - ByteStringTable.shortByteCount
        guard byteCount > 0 else { return }
        if restByteCount + byteCount > rests.count {
            let larger = UnsafeMutableBufferPointer<UInt8>.allocate(
                capacity: max(rests.count * 2, restByteCount + byteCount))
            memcpy(larger.baseAddress!, rests.baseAddress!, restByteCount)
            rests.deallocate()
            rests = larger
        }
        memcpy(rests.baseAddress! + restByteCount, key.start + ByteStringTable.shortByteCount, byteCount)
        restByteCount += byteCount
    }

    @inline(__always)
    private func firstSlot(of key: FieldText, _ low: UInt64, _ high: UInt64) -> Int {
        let short = ByteStringTable.shortByteCount
        let rest = UnsafeRawPointer(key.start + short)
        return slot(of: hash(low, high, count: key.count, rest: rest, restCount: max(0, key.count - short)))
    }

    @inline(__always)
    private func slot(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (slots.count - 1) }

    /// Folded 64x64-bit multiplications over eight bytes at a time, as in wyhash (Wang Yi).
    @inline(__always)
    private func hash(
        _ low: UInt64, _ high: UInt64, count: Int, rest: UnsafeRawPointer, restCount: Int
    ) -> UInt64 {
        let hash = fold(fold(low ^ seed) ^ high ^ UInt64(truncatingIfNeeded: count))
        return restCount > 0 ? self.hash(rest, restCount, after: hash) : hash
    }

    private func hash(_ bytes: UnsafeRawPointer, _ count: Int, after start: UInt64) -> UInt64 {
        var hash = start
        var position = 0
        while position + 8 <= count {
            hash = fold(hash ^ bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var tail: UInt64 = 0
        while position < count {
            tail = tail << 8 | UInt64(bytes.load(fromByteOffset: position, as: UInt8.self))
            position += 1
        }
        return fold(hash ^ tail)
    }

    @inline(__always)
    private func fold(_ word: UInt64) -> UInt64 {
        let product = word.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
