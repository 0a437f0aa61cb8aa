/// How often values of each size came, with their number, sum and sum of squares: percentiles within 0.8 %, the standard
/// deviation exactly.
///
/// A DDSketch (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
/// VLDB 2019) whose logarithm is interpolated linearly between powers of two, so that it takes shifts only and is the same on
/// every machine: values up to 127 have a bucket each, and each octave above is cut into 64 buckets of the same width, which is
/// at most 1/64 of its values. A bucket stands for the middle of it, so a percentile is off by 1/128 of itself at most.
///
/// Counts of buckets add up, so distributions that are united are the distribution of all, whoever added what in which order.
///
/// | words of 64 bits | what |
/// |---|---|
/// | 0 | number of values |
/// | 1, 2 | their sum |
/// | 3, 4, 5 | the sum of their squares |
/// | 6 to 63 | for each octave the address of 64 counts, 0 where no value lies in it |
///
/// A place of a cell holds the address of these words; 0 is the empty distribution. One thread at a time.
final class Distributions {
    private static let pieceBits = 9
    private static let firstOctaveWord = 6

    private let memory: PieceMemory

    /// - Parameter memory: that of all collections of an answer.
    init(memory: PieceMemory) { self.memory = memory }

    /// Adds a value to the distribution whose place this is.
    @inline(__always)
    func add(_ value: UInt64, to place: UnsafeMutableRawPointer) {
        let words = words(of: place)
        words[0] &+= 1
        increase(words + 1, count: 2, by: (value, 0))
        let square = value.multipliedFullWidth(by: value)
        increase(words + 3, count: 3, by: (square.low, square.high))
        let bucket = Distribution.bucket(of: value)
        counts(of: words, octave: bucket >> 6)[bucket & 63] &+= 1
    }

    /// Adds all values of a distribution, which may lie in another object's memory.
    func unite(_ theirs: UnsafeRawPointer, into place: UnsafeMutableRawPointer) {
        guard let other = theirs.load(as: UnsafeMutablePointer<UInt64>?.self) else { return }
        let words = words(of: place)
        words[0] += other[0]
        increase(words + 1, count: 2, by: (other[1], other[2]))
        increase(words + 3, count: 3, by: (other[3], other[4]))
        words[5] += other[5]
        for octave in 0..<Distribution.octaveCount {
            guard let source = Distributions.octave(octave, of: other) else { continue }
            let target = counts(of: words, octave: octave)
            for slot in 0..<64 { target[slot] += source[slot] }
        }
    }

    /// The distribution at a place.
    func distribution(at place: UnsafeRawPointer) -> Distribution {
        guard let words = place.load(as: UnsafeMutablePointer<UInt64>?.self) else { return Distribution() }
        var counts: [(bucket: Int, count: UInt64)] = []
        for octave in 0..<Distribution.octaveCount {
            guard let source = Distributions.octave(octave, of: words) else { continue }
            for slot in 0..<64 where source[slot] > 0 { counts.append((octave << 6 | slot, source[slot])) }
        }
        return Distribution(
            count: words[0], sum: UInt128(words[2]) << 64 | UInt128(words[1]),
            squares: (words[5], UInt128(words[4]) << 64 | UInt128(words[3])), counts: counts)
    }

    @inline(__always)
    private func words(of place: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt64> {
        let place = place.assumingMemoryBound(to: UnsafeMutablePointer<UInt64>?.self)
        if let words = place.pointee { return words }
        let words = memory.take(bits: Distributions.pieceBits).assumingMemoryBound(to: UInt64.self)
        place.pointee = words
        return words
    }

    private static func octave(
        _ octave: Int, of words: UnsafeMutablePointer<UInt64>
    ) -> UnsafeMutablePointer<UInt64>? {
        UnsafeMutablePointer(bitPattern: UInt(words[firstOctaveWord + octave]))
    }

    @inline(__always)
    private func counts(of words: UnsafeMutablePointer<UInt64>, octave: Int) -> UnsafeMutablePointer<UInt64> {
        if let counts = Distributions.octave(octave, of: words) { return counts }
        let counts = memory.take(bits: Distributions.pieceBits).assumingMemoryBound(to: UInt64.self)
        words[Distributions.firstOctaveWord + octave] = UInt64(UInt(bitPattern: counts))
        return counts
    }
}

@inline(__always)
private func increase(_ words: UnsafeMutablePointer<UInt64>, count: Int, by value: (UInt64, UInt64)) {
    var carries: Bool
    (words[0], carries) = words[0].addingReportingOverflow(value.0)
    let high = value.1 &+ (carries ? 1 : 0)
    let wraps = high < value.1
    (words[1], carries) = words[1].addingReportingOverflow(high)
    if count == 3 { words[2] &+= (carries ? 1 : 0) &+ (wraps ? 1 : 0) }
}

/// What a group's values are like, read out of `Distributions`.
struct Distribution {
    static let octaveCount = 58

    private let count: UInt64
    private let sum: UInt128
    private let squares: (high: UInt64, low: UInt128)
    /// In order; only those with values.
    private let counts: [(bucket: Int, count: UInt64)]

    init(
        count: UInt64 = 0, sum: UInt128 = 0, squares: (high: UInt64, low: UInt128) = (0, 0),
        counts: [(bucket: Int, count: UInt64)] = []
    ) {
        (self.count, self.sum, self.squares, self.counts) = (count, sum, squares, counts)
    }

    /// The bucket of a value, which is below 2^63: octave times 64 and the place in it.
    @inline(__always)
    static func bucket(of value: UInt64) -> Int {
        let exponent = 63 &- (value | 32).leadingZeroBitCount
        // Up to 63 the first octave has all; then the octave of 2^exponent begins at 64 times (exponent - 5).
        let shift = exponent > 6 ? exponent &- 6 : 0
        return Int(truncatingIfNeeded: value &>> UInt64(shift)) &+ shift &* 64
    }

    /// The values of a bucket.
    static func values(of bucket: Int) -> ClosedRange<UInt64> {
        let octave = bucket >> 6
        guard octave > 1 else { return UInt64(bucket)...UInt64(bucket) }
        let shift = UInt64(octave - 1)
        let first = UInt64(64 + bucket & 63) << shift
        return first...(first + (1 << shift) - 1)
    }

    /// How far the value of a percentile may be off.
    static func largestError(of value: UInt64) -> UInt64 {
        let values = values(of: bucket(of: min(value, UInt64(Int64.max))))
        return (values.upperBound - values.lowerBound + 1) / 2
    }

    /// The least value that so many thousandths of all values do not exceed, as the middle of its bucket; nil where there is no
    /// value.
    func percentile(perMille: Int) -> Int128? {
        guard count > 0 else { return nil }
        let wanted = (UInt128(count) * UInt128(perMille) + 999) / 1000
        var seen: UInt128 = 0
        for (bucket, count) in counts {
            seen += UInt128(count)
            guard seen >= wanted else { continue }
            let values = Distribution.values(of: bucket)
            return Int128(values.lowerBound + (values.upperBound - values.lowerBound) / 2)
        }
        preconditionFailure("the counts of all buckets are the number of values")
    }

    /// The standard deviation of all values (not of a sample), rounded to a whole number; nil where there is no value.
    ///
    /// √(n Σx² - (Σx)²) / n, whose difference is taken in 256 bits, so that nothing cancels.
    var deviation: Int128? {
        guard count > 0 else { return nil }
        let number = UInt128(count)
        let low = number.multipliedFullWidth(by: squares.low)
        let scaled = (high: low.high + number * UInt128(squares.high), low: low.low)
        let squared = sum.multipliedFullWidth(by: sum)
        let (difference, borrows) = scaled.low.subtractingReportingOverflow(squared.low)
        let high = scaled.high - squared.high - (borrows ? 1 : 0)
        let whole = Double(high) * 0x1p128 + Double(difference)
        return Int128((whole.squareRoot() / Double(count)).rounded())
    }
}
