import Foundation

/// The distinct values of a column with the number of times that each occurs, and the column as indices into them.
///
/// Values whose quotient is below 65,536 are counted in a table of that size. Wider ones go through a table of 16,384
/// slots with linear probing, and are given up on when there are more than `RangeCoder.largestAlphabetCount`.
final class Alphabet {
    private static let slotCount = 1 << 16
    private static let hashSlotCount = 1 << 14

    private(set) var count = 0
    /// The distinct values, ascending; the first `count` are valid.
    let values: UnsafeMutablePointer<UInt64>
    /// How often each occurs; scaled in place by the range coder.
    let counts: UnsafeMutablePointer<UInt64>
    /// One index for each value of the column, after `index(_:)`.
    let symbols: UnsafeMutablePointer<UInt16>
    private let slots: UnsafeMutablePointer<UInt32>
    private let hashed: UnsafeMutablePointer<UInt64>
    private var frame = Frame(reference: 0, scale: 1, width: 0)

    init(capacity: Int) {
        values = .allocate(capacity: RangeCoder.largestAlphabetCount)
        counts = .allocate(capacity: RangeCoder.largestAlphabetCount)
        symbols = .allocate(capacity: capacity)
        slots = .allocate(capacity: Alphabet.slotCount)
        hashed = .allocate(capacity: Alphabet.hashSlotCount)
    }

    deinit {
        values.deallocate()
        counts.deallocate()
        symbols.deallocate()
        slots.deallocate()
        hashed.deallocate()
    }

    /// Counts the distinct values; false when there are too many.
    func collect(_ column: UnsafeBufferPointer<UInt64>, frame: Frame) -> Bool {
        self.frame = frame
        count = 0
        slots.update(repeating: 0, count: Alphabet.slotCount)
        return frame.width <= 16 ? collectDirectly(column) : collectByHash(column)
    }

    private func collectDirectly(_ column: UnsafeBufferPointer<UInt64>) -> Bool {
        let (slots, frame) = (slots, frame)
        for value in column { slots[Int(frame.quotient(value))] &+= 1 }
        for slot in 0..<(1 << frame.width) where slots[slot] != 0 {
            guard count < RangeCoder.largestAlphabetCount else { return false }
            values[count] = frame.reference + UInt64(slot) * frame.scale
            counts[count] = UInt64(slots[slot])
            slots[slot] = UInt32(count)
            count += 1
        }
        return true
    }

    private func collectByHash(_ column: UnsafeBufferPointer<UInt64>) -> Bool {
        for value in column {
            let slot = Alphabet.slot(of: value, slots, hashed)
            if slots[slot] == 0 {
                guard count < RangeCoder.largestAlphabetCount else { return false }
                hashed[slot] = value
                values[count] = value
                count += 1
            }
            slots[slot] &+= 1
        }
        var distinct = UnsafeMutableBufferPointer(start: values, count: count)
        distinct.sort()
        for index in 0..<count {
            let slot = Alphabet.slot(of: values[index], slots, hashed)
            counts[index] = UInt64(slots[slot])
            slots[slot] = UInt32(index) + 1
        }
        return true
    }

    /// The slot that holds `value`, or the empty one where it belongs.
    @inline(__always)
    private static func slot(
        of value: UInt64, _ slots: UnsafePointer<UInt32>, _ hashed: UnsafePointer<UInt64>
    ) -> Int {
        var slot = Int(truncatingIfNeeded: (value &* 0x9E37_79B9_7F4A_7C15) &>> 50)
        while slots[slot] != 0, hashed[slot] != value { slot = (slot + 1) & (hashSlotCount - 1) }
        return slot
    }

    /// Writes the index of each value of the column that was collected.
    func index(_ column: UnsafeBufferPointer<UInt64>) -> UnsafeBufferPointer<UInt16> {
        let (symbols, slots, hashed, frame) = (symbols, slots, hashed, frame)
        if frame.width <= 16 {
            for position in 0..<column.count {
                symbols[position] = UInt16(truncatingIfNeeded: slots[Int(frame.quotient(column[position]))])
            }
        } else {
            for position in 0..<column.count {
                let slot = Alphabet.slot(of: column[position], slots, hashed)
                symbols[position] = UInt16(truncatingIfNeeded: slots[slot] &- 1)
            }
        }
        return UnsafeBufferPointer(start: symbols, count: column.count)
    }

    /// The entropy of the whole column, in bits.
    var entropyBitCount: Double {
        var total = 0.0
        var sum = 0.0
        for index in 0..<count {
            let occurrences = Double(counts[index])
            total += occurrences
            sum += occurrences * log2(occurrences)
        }
        return total * log2(total) - sum
    }
}
