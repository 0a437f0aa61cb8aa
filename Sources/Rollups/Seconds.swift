/// How many events each second of a group had: the peak and when it was.
///
/// A group's place in a cell holds the address of a table of entries (second since 1970, events), which doubles, and how many
/// entries it has. One thread at a time.
final class Seconds {
    /// Where a group's table lies; all zeros is the empty one.
    private struct Handle {
        var entries: UnsafeMutablePointer<Entry>?
        var count: UInt32
        var slotBits: UInt8
    }

    /// An entry with no event is a free slot.
    private struct Entry {
        var second: Int64
        var count: UInt64
    }

    /// Seconds in a row lie in slots in a row, so many of them; such runs lie all over the table. Longer ones would run into each
    /// other where a table is smaller than the span of its seconds, and every look would walk along them.
    private static let runBits = 4
    private static let firstSlotBits = runBits
    private static let entryBits = 4

    private let memory: PieceMemory

    /// - Parameter memory: that of all collections of an answer.
    init(memory: PieceMemory) {
        precondition(MemoryLayout<Handle>.size <= AccountSets.handleByteCount)
        precondition(MemoryLayout<Entry>.stride == 1 << Seconds.entryBits)
        self.memory = memory
    }

    /// Counts events of a second.
    @inline(__always)
    func add(_ count: UInt64, at second: Int64, to place: UnsafeMutableRawPointer) {
        let handle = place.assumingMemoryBound(to: Handle.self)
        if handle.pointee.entries == nil || (Int(handle.pointee.count) + 1) * 4 > 3 << handle.pointee.slotBits {
            grow(handle)
        }
        let entry = Seconds.entry(of: second, in: handle.pointee)
        if entry.pointee.count == 0 {
            entry.pointee.second = second
            handle.pointee.count += 1
        }
        entry.pointee.count += count
    }

    /// Adds the seconds of a group, which may lie in another object's memory.
    func unite(_ theirs: UnsafeRawPointer, into place: UnsafeMutableRawPointer) {
        for entry in Seconds.entries(of: theirs.load(as: Handle.self)) where entry.count > 0 {
            add(entry.count, at: entry.second, to: place)
        }
    }

    /// The most events of a second, and the first second with so many; nil where there is none.
    func peak(at place: UnsafeRawPointer) -> (count: UInt64, second: Int64)? {
        var peak: (count: UInt64, second: Int64)?
        for entry in Seconds.entries(of: place.load(as: Handle.self)) where entry.count > 0 {
            guard let best = peak else {
                peak = (entry.count, entry.second)
                continue
            }
            if entry.count > best.count || entry.count == best.count && entry.second < best.second {
                peak = (entry.count, entry.second)
            }
        }
        return peak
    }

    private static func entries(of handle: Handle) -> UnsafeMutableBufferPointer<Entry> {
        UnsafeMutableBufferPointer(start: handle.entries, count: handle.entries == nil ? 0 : 1 << Int(handle.slotBits))
    }

    /// The entry of a second, or the free slot where it would go.
    @inline(__always)
    private static func entry(of second: Int64, in handle: Handle) -> UnsafeMutablePointer<Entry> {
        let entries = handle.entries.unsafelyUnwrapped
        let mask = 1 &<< Int(handle.slotBits) &- 1
        let hash = UInt64(bitPattern: second &>> Int64(runBits)) &* 0x9E37_79B9_7F4A_7C15
        // The upper half of the product, of which the table takes as many bits as it has runs.
        let run = Int(truncatingIfNeeded: hash &>> 32) &<< runBits
        var slot = (run | Int(truncatingIfNeeded: second) & (1 &<< runBits &- 1)) & mask
        while entries[slot].count != 0, entries[slot].second != second { slot = (slot &+ 1) & mask }
        return entries + slot
    }

    @inline(never)
    private func grow(_ handle: UnsafeMutablePointer<Handle>) {
        let old = handle.pointee
        let bits = old.entries == nil ? Seconds.firstSlotBits : Int(old.slotBits) + 1
        let piece = memory.take(bits: bits + Seconds.entryBits)
        handle.pointee.entries = piece.assumingMemoryBound(to: Entry.self)
        handle.pointee.slotBits = UInt8(bits)
        for entry in Seconds.entries(of: old) where entry.count > 0 {
            Seconds.entry(of: entry.second, in: handle.pointee).pointee = entry
        }
        if let entries = old.entries { memory.giveBack(entries, bits: Int(old.slotBits) + Seconds.entryBits) }
    }
}
