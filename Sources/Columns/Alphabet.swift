import Foundation

/// The frequent values of a column with the number of times that each occurs, and the column as indices into them.
///
/// Values whose quotient is below 65,536 are counted in a table of that size. Wider ones go through a table of 32,768
/// slots with linear probing; once it holds 16,384 values, further ones are not counted, as what is frequent has
/// been seen by then. Values that are not worth an entry share one index behind the last, the escape.
final class Alphabet {
    private static let directWidth = 16
    private static let hashWidth = 15
    private static let largestHashedCount = 1 << 14
    /// About what a value and its frequency take in the tables of a coded column.
    private static let entryBitCount = 12.0
    private static let logarithms = (0..<256).map { $0 == 0 ? 0 : Double($0) * log2(Double($0)) }

    /// The number of values with an index of their own.
    private(set) var count = 0
    /// Values without one.
    private(set) var escapedCount = 0
    /// Those with one, ascending; the first `count` are valid.
    let values: UnsafeMutablePointer<UInt64>
    /// How often each occurs, then how often the escape; scaled in place by the range coder.
    let counts: UnsafeMutablePointer<UInt64>
    private let symbols: UnsafeMutablePointer<UInt16>
    private let slots: UnsafeMutablePointer<UInt32>
    private let hashed: UnsafeMutablePointer<UInt64>
    private var frame = Frame(reference: 0, scale: 1, width: 0)
    private var distinctCount = 0
    private var total = 0

    init(capacity: Int) {
        values = .allocate(capacity: 1 << Alphabet.directWidth)
        counts = .allocate(capacity: 1 << Alphabet.directWidth)
        symbols = .allocate(capacity: capacity)
        slots = .allocate(capacity: 1 << Alphabet.directWidth)
        hashed = .allocate(capacity: 1 << Alphabet.hashWidth)
    }

    deinit {
        values.deallocate()
        counts.deallocate()
        symbols.deallocate()
        slots.deallocate()
        hashed.deallocate()
    }

    /// Bits that the column takes: as packed indices of all its values, and range-coded.
    struct Cost {
        var dictionary = Double.infinity
        var rangeCoded = Double.infinity
    }

    /// Counts the values, settles which are worth an entry, and says what that costs.
    func collect(_ column: UnsafeBufferPointer<UInt64>, frame: Frame) -> Cost {
        self.frame = frame
        total = column.count
        distinctCount = 0
        if frame.width <= Alphabet.directWidth { countDirectly(column) } else { countByHash(column) }
        var cost = Cost()
        let rare = leastWorthyCount
        let coded = [1, rare].map { (least: $0, bits: codedBitCount(leastCount: $0)) }
        let isWhole = distinctCount < Alphabet.largestHashedCount || frame.width <= Alphabet.directWidth
        let best = coded[0].bits <= coded[1].bits ? coded[0] : coded[1]
        if isWhole, distinctCount < RangeCoder.largestAlphabetCount, best.least == 1 {
            let width = BitPacking.width(of: UInt64(max(1, distinctCount) - 1))
            cost.dictionary = Double(total * width + distinctCount * 8 + 640)
        }
        cost.rangeCoded = best.bits
        if best.bits < .infinity { keep(leastCount: UInt64(best.least)) }
        return cost
    }

    private func countDirectly(_ column: UnsafeBufferPointer<UInt64>) {
        let (slots, frame) = (slots, frame)
        slots.update(repeating: 0, count: 1 << frame.width)
        for value in column { slots[Int(frame.quotient(value))] &+= 1 }
        for slot in 0..<(1 << frame.width) where slots[slot] != 0 {
            values[distinctCount] = frame.reference &+ UInt64(slot) &* frame.scale
            counts[distinctCount] = UInt64(slots[slot])
            distinctCount += 1
        }
    }

    private func countByHash(_ column: UnsafeBufferPointer<UInt64>) {
        let (slots, hashed, values) = (slots, hashed, values)
        slots.update(repeating: 0, count: 1 << Alphabet.hashWidth)
        var distinct = 0
        for value in column {
            let slot = Alphabet.slot(of: value, slots, hashed)
            if slots[slot] == 0 {
                if distinct == Alphabet.largestHashedCount { continue }
                hashed[slot] = value
                values[distinct] = value
                distinct += 1
            }
            slots[slot] &+= 1
        }
        distinctCount = distinct
        for index in 0..<distinct { counts[index] = UInt64(slots[Alphabet.slot(of: values[index], slots, hashed)]) }
    }

    /// The slot that holds `value`, or the empty one where it belongs; at least half of the slots are empty.
    @inline(__always)
    private static func slot(
        of value: UInt64, _ slots: UnsafePointer<UInt32>, _ hashed: UnsafePointer<UInt64>
    ) -> Int {
        var slot = Int(truncatingIfNeeded: (value &* 0x9E37_79B9_7F4A_7C15) &>> UInt64(64 - hashWidth))
        while slots[slot] != 0, hashed[slot] != value { slot = (slot + 1) & (1 << hashWidth - 1) }
        return slot
    }

    /// The least count at which an entry costs less than escaping every time, an escape being taken for 3 bits.
    private var leastWorthyCount: Int {
        guard distinctCount > 256 else { return 1 }
        let escapeBits = Double(frame.width) + 3
        return (1...64).first { count in
            Double(count) * (escapeBits - log2(Double(total) / Double(count))) > Alphabet.entryBitCount
        } ?? 65
    }

    /// The range-coded column's bits when only values of at least that count have an entry.
    private func codedBitCount(leastCount: Int) -> Double {
        var (kept, entries, sum) = (0.0, 0, 0.0)
        for index in 0..<distinctCount where counts[index] >= leastCount {
            kept += Double(counts[index])
            entries += 1
            sum += Alphabet.weighted(counts[index])
        }
        guard entries > 0, entries < RangeCoder.largestAlphabetCount else { return .infinity }
        let escaped = Double(total) - kept
        if escaped > 0 { sum += escaped * log2(escaped) - escaped * Double(frame.width) }
        let tables = 1024 + Double(entries) * Alphabet.entryBitCount
        return (Double(total) * log2(Double(total)) - sum) * 1.005 + tables
    }

    /// The count times its logarithm.
    private static func weighted(_ count: UInt64) -> Double {
        count < 256 ? logarithms[Int(count)] : Double(count) * log2(Double(count))
    }

    /// Gives the values of at least that count their indices, in ascending order.
    private func keep(leastCount: UInt64) {
        var kept = 0
        for index in 0..<distinctCount where counts[index] >= leastCount {
            values[kept] = values[index]
            counts[kept] = counts[index]
            kept += 1
        }
        count = kept
        if frame.width <= Alphabet.directWidth {
            slots.update(repeating: 0, count: 1 << frame.width)
            for index in 0..<kept { slots[Int(frame.quotient(values[index]))] = UInt32(index) + 1 }
        } else {
            var ascending = UnsafeMutableBufferPointer(start: values, count: kept)
            ascending.sort()
            for index in 0..<kept { counts[index] = UInt64(slots[Alphabet.slot(of: values[index], slots, hashed)]) }
            for slot in 0..<(1 << Alphabet.hashWidth) where slots[slot] != 0 { slots[slot] = UInt32(kept) + 1 }
            for index in 0..<kept { slots[Alphabet.slot(of: values[index], slots, hashed)] = UInt32(index) + 1 }
        }
        escapedCount = total - (0..<kept).reduce(0) { $0 + Int(counts[$1]) }
        counts[kept] = UInt64(escapedCount)
    }

    /// The index of each value of the column that was collected; `count` for a value without one of its own.
    func index(_ column: UnsafeBufferPointer<UInt64>) -> UnsafeBufferPointer<UInt16> {
        let (symbols, slots, hashed, frame) = (symbols, slots, hashed, frame)
        let escape = UInt32(count)
        let isDirect = frame.width <= Alphabet.directWidth
        for position in 0..<column.count {
            let value = column[position]
            let slot = isDirect ? Int(frame.quotient(value)) : Alphabet.slot(of: value, slots, hashed)
            symbols[position] = UInt16(truncatingIfNeeded: slots[slot] == 0 ? escape : slots[slot] &- 1)
        }
        return UnsafeBufferPointer(start: symbols, count: column.count)
    }
}
