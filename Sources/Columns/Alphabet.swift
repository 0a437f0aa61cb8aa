import Foundation

/// The frequent values of a column with the number of times that each occurs, and the column as indices into them.
///
/// Values whose quotient is below 65,536 are counted in a table of that size. Wider ones go to
/// one of two neighbouring places by their hash; a value that finds both taken is not counted. What is frequent comes
/// early and finds a place, and no step needs a branch that the data could mislead. Values that are not counted, or
/// not worth an entry, share one index behind the last, the escape.
final class Alphabet {
    private static let directWidth = 16
    private static let slotCount = 1 << 16
    private static let placeCount = 1 << 15
    /// About what the state of a piece takes, and its place in the list of these.
    private static let pieceBitCount = 24
    private static let logarithms = (0..<256).map { $0 == 0 ? 0 : Double($0) * log2(Double($0)) }

    /// The number of values with an index of their own.
    private(set) var count = 0
    /// Values without one.
    private(set) var escapedCount = 0
    /// Those with one; the first `count` are valid.
    let values: UnsafeMutablePointer<UInt64>
    /// How often each occurs, then how often the escape; after `arrange` what these are scaled to.
    let counts: UnsafeMutablePointer<UInt64>
    private let symbols: UnsafeMutablePointer<UInt16>
    private let firstOfFrequency: UnsafeMutablePointer<UInt32>
    private let arranged: UnsafeMutablePointer<UInt64>
    private let slots: UnsafeMutablePointer<UInt32>
    private let places: UnsafeMutablePointer<UInt64>
    private var frame = Frame(reference: 0, scale: 1, width: 0)
    private var distinctCount = 0
    private var countedCount = 0
    private var total = 0

    init(capacity: Int) {
        values = .allocate(capacity: Alphabet.slotCount + 1)
        counts = .allocate(capacity: Alphabet.slotCount + 1)
        symbols = .allocate(capacity: capacity)
        firstOfFrequency = .allocate(capacity: RangeCoder.largestFrequency + 1)
        arranged = .allocate(capacity: RangeCoder.largestAlphabetCount)
        slots = .allocate(capacity: Alphabet.slotCount)
        places = .allocate(capacity: 2 * Alphabet.placeCount)
    }

    deinit {
        values.deallocate()
        counts.deallocate()
        symbols.deallocate()
        firstOfFrequency.deallocate()
        arranged.deallocate()
        slots.deallocate()
        places.deallocate()
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
        countedCount = (0..<distinctCount).reduce(0) { $0 + Int(counts[$1]) }
        var cost = Cost()
        let rare = leastWorthyCount
        let coded = [1, rare].map { (least: $0, bits: codedBitCount(leastCount: $0)) }
        let best = coded[0].bits <= coded[1].bits ? coded[0] : coded[1]
        if countedCount == total, distinctCount < RangeCoder.largestAlphabetCount, best.least == 1 {
            let width = BitPacking.width(of: UInt64(max(1, distinctCount) - 1))
            cost.dictionary = Double(total * width + distinctCount * frame.width + 160)
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
        let (places, values, counts) = (places, values, counts)
        places.update(repeating: 0, count: 2 * Alphabet.placeCount)
        var distinct = 0
        for value in column {
            let place = Alphabet.place(of: value, places)
            let (before, occurrences) = (places[place], places[place &+ 1])
            let held = occurrences == 0 ? value : before
            places[place] = held
            values[distinct] = value
            distinct &+= occurrences == 0 ? 1 : 0
            places[place &+ 1] = occurrences &+ (held == value ? 1 : 0)
        }
        distinctCount = distinct
        for index in 0..<distinct { counts[index] = places[Alphabet.place(of: values[index], places) + 1] }
    }

    /// Where `value` is or may be: the value, and behind it the number that belongs to it (0: free). Another value's
    /// place when both that it may take are taken.
    @inline(__always)
    private static func place(of value: UInt64, _ places: UnsafePointer<UInt64>) -> Int {
        let first = Int(truncatingIfNeeded: (value &* 0x9E37_79B9_7F4A_7C15) &>> 49)
        let (held, number) = (places[2 &* first], places[2 &* first &+ 1])
        let isFirst = (held == value ? 1 : 0) | (number == 0 ? 1 : 0)
        return 2 &* (first ^ (1 &- isFirst))
    }

    /// About what a value takes in the lists of a coded column, with its share of the frequencies.
    private var entryBitCount: Double { Double(frame.width) + 1 }

    /// The least count at which an entry costs less than escaping every time, an escape being taken for 3 bits.
    private var leastWorthyCount: Int {
        guard distinctCount > 256 else { return 1 }
        let escapeBits = Double(frame.width) + 3
        return (1...64).first { count in
            Double(count) * (escapeBits - log2(Double(total) / Double(count))) > entryBitCount
        } ?? 65
    }

    /// The range-coded column's bits when only values of at least that count have an entry.
    private func codedBitCount(leastCount: Int) -> Double {
        var (kept, entries, sum) = (0.0, 0, 0.0)
        let (counts, least, logarithms) = (counts, UInt64(leastCount), Alphabet.logarithms)
        for index in 0..<distinctCount where counts[index] >= least {
            kept += Double(counts[index])
            entries += 1
            let occurrences = counts[index]
            sum += occurrences < 256 ? logarithms[Int(occurrences)] : Alphabet.weighted(occurrences)
        }
        guard entries > 0, entries < RangeCoder.largestAlphabetCount else { return .infinity }
        let escaped = Double(total) - kept
        if escaped > 0 { sum += escaped * log2(escaped) - escaped * Double(frame.width) }
        let tables = 1024 + Double(Piece.count(of: total) * Alphabet.pieceBitCount) + Double(entries) * entryBitCount
        return (Double(total) * log2(Double(total)) - sum) * 1.003 + tables
    }

    /// The count times its logarithm.
    private static func weighted(_ count: UInt64) -> Double {
        Double(count) * log2(Double(count))
    }

    /// Keeps the values of at least that count, in the order in which they are.
    private func keep(leastCount: UInt64) {
        var kept = 0
        var keptCount = 0
        for index in 0..<distinctCount where counts[index] >= leastCount {
            keptCount += Int(counts[index])
            values[kept] = values[index]
            counts[kept] = counts[index]
            kept += 1
        }
        count = kept
        escapedCount = total - keptCount
        counts[kept] = UInt64(escapedCount)
    }

    /// Orders the values by their scaled frequencies in `counts`, the largest first, leaving the escape behind them all.
    ///
    /// There are at most 255 different frequencies, as these add up to no more than 2^15.
    func arrange() {
        var largest = 0
        for index in 0..<count { largest = max(largest, Int(counts[index])) }
        firstOfFrequency.update(repeating: 0, count: largest + 1)
        for index in 0..<count { firstOfFrequency[Int(counts[index])] += 1 }
        var first: UInt32 = 0
        for frequency in stride(from: largest, to: 0, by: -1) {
            first += firstOfFrequency[frequency]
            firstOfFrequency[frequency] = first - firstOfFrequency[frequency]
        }
        arranged.update(from: values, count: count)
        for index in 0..<count {
            values[Int(firstOfFrequency[Int(counts[index])])] = arranged[index]
            firstOfFrequency[Int(counts[index])] += 1
        }
        var index = 0
        for frequency in stride(from: largest, to: 0, by: -1) {
            while index < firstOfFrequency[frequency] {
                counts[index] = UInt64(frequency)
                index += 1
            }
        }
    }

    /// Notes the index of each value with its slot or place.
    private func assignIndices() {
        if frame.width <= Alphabet.directWidth {
            slots.update(repeating: 0, count: 1 << frame.width)
            for index in 0..<count { slots[Int(frame.quotient(values[index]))] = UInt32(index) + 1 }
        } else {
            for place in 0..<Alphabet.placeCount {
                places[2 * place + 1] = places[2 * place + 1] == 0 ? 0 : UInt64(count) + 1
            }
            for index in 0..<count { places[Alphabet.place(of: values[index], places) + 1] = UInt64(index) + 1 }
        }
    }

    /// The index of each value of the column that was collected; `count` for a value without one of its own.
    func index(_ column: UnsafeBufferPointer<UInt64>) -> UnsafeBufferPointer<UInt16> {
        assignIndices()
        let (symbols, slots, places, frame) = (symbols, slots, places, frame)
        let escape = UInt64(count)
        if frame.width <= Alphabet.directWidth {
            for position in 0..<column.count {
                let symbol = slots[Int(frame.quotient(column[position]))]
                symbols[position] = symbol == 0 ? UInt16(escape) : UInt16(truncatingIfNeeded: symbol &- 1)
            }
        } else {
            for position in 0..<column.count {
                let value = column[position]
                let place = Alphabet.place(of: value, places)
                let (held, number) = (places[place], places[place &+ 1])
                symbols[position] = UInt16(truncatingIfNeeded: held == value ? number &- 1 : escape)
            }
        }
        return UnsafeBufferPointer(start: symbols, count: column.count)
    }
}
