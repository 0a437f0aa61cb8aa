/// A small sorted sample of a column, from which the width of a patched frame is chosen.
///
/// One value is drawn at random from each of 256 equal stretches, so that a period in the data cannot hide.
final class ColumnSample {
    private static let capacity = 256
    private let quotients = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: capacity)
    private var count = 0
    /// Numbers of distinct values in the sample.
    private(set) var distinctCount = 0

    deinit { quotients.deallocate() }

    /// A frame, and how many bits the column is expected to take in it.
    struct Choice {
        var frame: Frame
        var bitCount: Double
        var isPatched: Bool
    }

    /// Draws from `values`, as quotients of their covering frame.
    func draw(_ values: UnsafeBufferPointer<UInt64>, frame: Frame) {
        let drawn = min(values.count, ColumnSample.capacity)
        for number in 0..<drawn {
            quotients[number] = frame.quotient(values[position(number, of: drawn, in: values.count)])
        }
        finish(drawn)
    }

    /// Draws differences of neighbours from `values`, as they are.
    func drawDifferences(_ values: UnsafeBufferPointer<UInt64>) {
        let drawn = min(values.count - 1, ColumnSample.capacity)
        for number in 0..<drawn {
            let place = position(number, of: drawn, in: values.count - 1)
            quotients[number] = difference(values[place + 1], values[place])
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
        sample.sort()
        distinctCount = 1
        for index in 1..<max(1, drawn) where sample[index] != sample[index - 1] { distinctCount += 1 }
    }

    /// The cheapest frame for `total` values: the covering one, or a narrower one with the others kept apart.
    ///
    /// For each narrower width the most populated window is found by two pointers over the sorted sample. A value kept
    /// apart costs its own width and about the logarithm of the gaps between such values.
    func choose(covering frame: Frame, total: Int) -> Choice {
        var best = Choice(frame: frame, bitCount: Double(total * frame.width), isPatched: false)
        var width = frame.width - 1
        while width >= 0, let window = window(width: width), window.covered * 4 >= count * 3 {
            let share = (Double(count - window.covered) + 0.5) / Double(count)
            let each = Double(frame.width) + 2 + Double(BitPacking.width(of: UInt64(1 / share)))
            let bits = Double(total) * (Double(width) + share * each) + 800
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
    private func window(width: Int) -> (first: UInt64, covered: Int)? {
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
        if least + span <= reach { return (0, best) }
        return (least - min(least, (reach - span) / 2), best)
    }
}

/// The wrapping difference plus 2^63: order-preserving from signed to unsigned.
@inline(__always)
func difference(_ value: UInt64, _ previous: UInt64) -> UInt64 { value &- previous &+ (1 << 63) }
