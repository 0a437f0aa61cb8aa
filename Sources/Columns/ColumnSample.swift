/// A small sorted sample of a column, from which the width of a patched frame is chosen.
///
/// One value is drawn at random from each of up to 256 equal stretches, so that a period in the data cannot hide.
final class ColumnSample {
    private static let capacity = 256
    private static let leastCount = 32
    /// About what the number of patches before a piece takes.
    private static let countBitCount = 6
    private let quotients = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: capacity)
    private var count = 0
    private var distinctCount = 0

    /// The share of distinct values in the sample.
    var distinctShare: Double { Double(distinctCount) / Double(max(1, count)) }

    deinit { quotients.deallocate() }

    /// One in 32 values, between 32 and 256 of them: a short column is not worth a long look.
    private static func count(of total: Int) -> Int { min(total, max(leastCount, min(total / 32, capacity))) }

    /// A frame, and how many bits the column is expected to take in it.
    struct Choice {
        var frame: Frame
        var bitCount: Double
        var isPatched: Bool
    }

    /// Draws from `values`, as quotients of their covering frame.
    func draw(_ values: UnsafeBufferPointer<UInt64>, frame: Frame) {
        let drawn = ColumnSample.count(of: values.count)
        for number in 0..<drawn {
            quotients[number] = frame.quotient(values[position(number, of: drawn, in: values.count)])
        }
        finish(drawn)
    }

    /// Draws differences of neighbours from `values`, as they are.
    func drawDifferences(_ values: UnsafeBufferPointer<UInt64>) {
        let drawn = ColumnSample.count(of: values.count - 1)
        for number in 0..<drawn {
            let place = position(number, of: drawn, in: values.count - 1)
            quotients[number] = difference(values[place + 1], values[place])
        }
        finish(drawn)
    }

    /// Draws lags behind the largest of the 64 values before, which stands for the largest of all before.
    func drawLags(_ values: UnsafeBufferPointer<UInt64>) {
        let drawn = ColumnSample.count(of: values.count - 1)
        for number in 0..<drawn {
            let place = position(number, of: drawn, in: values.count - 1)
            var largest: UInt64 = 0
            for index in max(0, place - 63)...place { largest = max(largest, values[index]) }
            quotients[number] = difference(values[place + 1], largest)
        }
        finish(drawn)
    }

    private func position(_ number: Int, of drawn: Int, in total: Int) -> Int {
        let stretch = total / drawn
        let random = (UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15) >> 33
        return number * stretch + Int(random % UInt64(stretch))
    }

    private func finish(_ drawn: Int) {
        count = drawn
        var sample = UnsafeMutableBufferPointer(rebasing: quotients[..<drawn])
        if drawn <= ColumnSample.leastCount { sortByInsertion(sample) } else { sample.sort() }
        distinctCount = 1
        for index in 1..<max(1, drawn) where sample[index] != sample[index - 1] { distinctCount += 1 }
    }

    /// The cheapest frame for `total` values: the covering one, or a narrower one with the others kept apart.
    ///
    /// For each narrower width the most populated window is found by two pointers over the sorted sample; widths at which no
    /// fewer values drop out of it than at the next narrower one are passed over. A value kept apart costs its own width and
    /// its place in the piece.
    func choose(covering frame: Frame, total: Int) -> Choice {
        var best = Choice(frame: frame, bitCount: Double(total * frame.width), isPatched: false)
        let placeWidth = BitPacking.width(of: UInt64(min(total, Piece.valueCount) - 1))
        let countBitCount = 3 * 8 * PackedList.headByteCount + Piece.count(of: total) * ColumnSample.countBitCount
        var width = frame.width - 1
        while width >= 0, let window = window(width: width), window.covered * 4 >= count * 3 {
            guard window.neededWidth == width else {
                width = window.neededWidth
                continue
            }
            let share = (Double(count - window.covered) + 0.5) / Double(count)
            let each = Double(frame.width + placeWidth)
            let bits = Double(total) * (Double(width) + share * each) + Double(countBitCount)
            if bits < best.bitCount {
                let reference = frame.reference &+ window.first &* frame.scale
                best = Choice(
                    frame: Frame(reference: reference, scale: frame.scale, width: width), bitCount: bits,
                    isPatched: true)
            }
            width -= 1
        }
        return best
    }

    /// The covering frame of the sample alone, for an estimate.
    var sampledFrame: Frame {
        let spread = quotients[count - 1] - quotients[0]
        return Frame(reference: quotients[0], scale: 1, width: BitPacking.width(of: spread))
    }

    /// The window of 2^width quotients with most of the sample inside; slack is shared between both of its ends.
    private func window(width: Int) -> (first: UInt64, covered: Int, neededWidth: Int)? {
        guard count > 0 else { return nil }
        let reach = BitPacking.mask(width)
        var (best, bestStart) = (0, 0)
        var start = 0
        for end in 0..<count {
            while quotients[end] - quotients[start] > reach { start += 1 }
            if end - start + 1 > best { (best, bestStart) = (end - start + 1, start) }
        }
        let least = quotients[bestStart]
        let span = quotients[bestStart + best - 1] - least
        let neededWidth = BitPacking.width(of: span)
        if least + span <= reach { return (0, best, neededWidth) }
        return (least - min(least, (reach - span) / 2), best, neededWidth)
    }
}

/// The wrapping difference plus 2^63: order-preserving from signed to unsigned.
@inline(__always)
func difference(_ value: UInt64, _ previous: UInt64) -> UInt64 { value &- previous &+ (1 << 63) }

/// For few values: without the memory that a sort of many takes.
private func sortByInsertion(_ values: UnsafeMutableBufferPointer<UInt64>) {
    for index in 1..<max(1, values.count) {
        let value = values[index]
        var place = index
        while place > 0, values[place - 1] > value {
            values[place] = values[place - 1]
            place -= 1
        }
        values[place] = value
    }
}
