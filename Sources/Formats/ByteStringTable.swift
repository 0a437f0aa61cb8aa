import Foundation

/// A hash table from byte strings to 64-bit values: what spares a String for each field of each row.
///
/// Open addressing with linear probing over 32-bit positions into entries that stay where they are until `removeAll`; the
/// keys' bytes lie in one piece. The hash is seeded afresh for each table, so that no input can aim at one chain.
struct ByteStringTable: ~Copyable {
    private struct Entry {
        var hash: UInt64
        var keyStart: Int
        var keyCount: Int
        var value: UInt64
    }

    private var slots: UnsafeMutableBufferPointer<UInt32>
    private var entries: UnsafeMutableBufferPointer<Entry>
    private var keys: UnsafeMutableBufferPointer<UInt8>
    private var keyByteCount = 0
    private let seed = UInt64.random(in: .min ... .max)
    /// How many keys there are; entries are numbered from 0 in the order in which they came.
    private(set) var count = 0

    init() {
        slots = .allocate(capacity: 64)
        slots.initialize(repeating: 0)
        entries = .allocate(capacity: 32)
        keys = .allocate(capacity: 1024)
    }

    deinit {
        slots.deallocate()
        entries.deallocate()
        keys.deallocate()
    }

    /// Bytes that the keys take.
    var sizeInBytes: Int { keyByteCount + count * MemoryLayout<Entry>.stride }

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
    func entry(of key: UnsafeBufferPointer<UInt8>) -> Int {
        let hash = hash(key)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let entry = Int(slots[slot]) - 1
            if entries[entry].hash == hash, isEqual(entries[entry], key) { return entry }
            slot = (slot + 1) & (slots.count - 1)
        }
        return -1
    }

    /// Adds a key that is not there yet.
    /// - Returns: its entry.
    mutating func insert(_ key: UnsafeBufferPointer<UInt8>, value: UInt64) -> Int {
        if count == entries.count { growEntries() }
        growKeys(by: key.count)
        if !key.isEmpty { memcpy(keys.baseAddress! + keyByteCount, key.baseAddress!, key.count) }
        let hash = hash(key)
        entries.initializeElement(
            at: count, to: Entry(hash: hash, keyStart: keyByteCount, keyCount: key.count, value: value))
        keyByteCount += key.count
        count += 1
        occupySlot(hash: hash, entry: count - 1)
        return count - 1
    }

    /// Forgets all keys and keeps the memory.
    mutating func removeAll() {
        slots.update(repeating: 0)
        count = 0
        keyByteCount = 0
    }

    private func isEqual(_ entry: Entry, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
        guard entry.keyCount == key.count else { return false }
        return key.isEmpty || memcmp(keys.baseAddress! + entry.keyStart, key.baseAddress!, key.count) == 0
    }

    private mutating func occupySlot(hash: UInt64, entry: Int) {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(entry + 1)
    }

    private mutating func growEntries() {
        let larger = UnsafeMutableBufferPointer<Entry>.allocate(capacity: entries.count * 2)
        _ = larger.moveInitialize(fromContentsOf: UnsafeMutableBufferPointer(rebasing: entries[..<count]))
        entries.deallocate()
        entries = larger
        slots.deallocate()
        slots = .allocate(capacity: entries.count * 2)
        slots.initialize(repeating: 0)
        for entry in 0..<count { occupySlot(hash: entries[entry].hash, entry: entry) }
    }

    private mutating func growKeys(by byteCount: Int) {
        guard keyByteCount + byteCount > keys.count else { return }
        let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(keys.count * 2, keyByteCount + byteCount))
        memcpy(larger.baseAddress!, keys.baseAddress!, keyByteCount)
        keys.deallocate()
        keys = larger
    }

    /// Folded 64x64-bit multiplications over eight bytes at a time, as in wyhash (Wang Yi).
    private func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash = seed ^ UInt64(truncatingIfNeeded: key.count)
        var position = 0
        let bytes = UnsafeRawPointer(key.baseAddress)
        while position + 8 <= key.count {
            hash = fold(hash ^ bytes!.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var tail: UInt64 = 0
        while position < key.count {
            tail = tail << 8 | UInt64(key[position])
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
