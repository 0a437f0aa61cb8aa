import Foundation

/// A table that is filled once and then only read, without bounds checks.
///
/// Every index comes from `scaled`, a shift that leaves fewer bits than the table has entries, or an entry that was
/// checked when the table was made. Whoever owns the table deallocates it.
struct Table<Entry: BitwiseCopyable>: BitwiseCopyable, @unchecked Sendable {
    private let base: UnsafeMutablePointer<Entry>

    init(_ entries: [Entry]) {
        base = .allocate(capacity: entries.count)
        base.initialize(from: entries, count: entries.count)
    }

    @inline(__always)
    subscript(index: Int) -> Entry { base[index] }

    func deallocate() { base.deallocate() }
}

/// Draws an index by given weights in constant time.
///
/// Source: A. J. Walker's alias method, in the construction of M. D. Vose, "A Linear Algorithm for Generating Random
/// Numbers with a Given Distribution", 1991.
struct AliasTable: BitwiseCopyable, Sendable {
    private struct Column: BitwiseCopyable {
        var threshold: UInt32
        var alias: UInt32
    }

    private let columns: Table<Column>
    let count: Int

    init(weights: [Double]) {
        let total = weights.reduce(0, +)
        var scaledWeights = weights.map { $0 / total * Double(weights.count) }
        var columns = weights.indices.map { Column(threshold: .max, alias: UInt32($0)) }
        var small = weights.indices.filter { scaledWeights[$0] < 1 }
        var large = weights.indices.filter { scaledWeights[$0] >= 1 }
        while let low = small.popLast(), let high = large.last {
            columns[low] = Column(threshold: UInt32(scaledWeights[low] * 0x1p32), alias: UInt32(high))
            scaledWeights[high] -= 1 - scaledWeights[low]
            if scaledWeights[high] < 1 {
                large.removeLast()
                small.append(high)
            }
        }
        self.columns = Table(columns)
        count = weights.count
    }

    /// Zipf's law with exponent 1: the index of rank k (from 0) has a weight of 1 / (k + 1).
    init(zipf count: Int) {
        self.init(weights: (1...count).map { 1 / Double($0) })
    }

    @inline(__always)
    func index(_ draw: UInt64) -> Int {
        let index = scaled(draw, below: count)
        let column = columns[index]
        return UInt32(truncatingIfNeeded: draw) < column.threshold ? index : Int(column.alias)
    }

    func deallocate() { columns.deallocate() }
}

/// Zipf's law with exponent 1 over many ranks, in steps: a table small enough for the processor's first caches.
///
/// Ranks below 1,024 have their own weights, 1 / (rank + 1). Beyond, each octave is cut into 64 steps; a step has the
/// sum of its ranks' weights, and within it every rank is equally likely, which is off by less than 0.8 %.
struct SteppedZipf: Sendable {
    private struct Step: BitwiseCopyable {
        var first: UInt32
        var count: UInt32
    }

    private let steps: Table<Step>
    private let weights: AliasTable

    /// Below this rank a step is one rank, and `rank` ignores its second word.
    static let singleCount = 1024

    init(_ count: Int) {
        var ranges = (0..<min(count, SteppedZipf.singleCount)).map { $0..<$0 + 1 }
        while let start = ranges.last?.upperBound, start < count {
            let octave = 1 << (Int.bitWidth - 1 - start.leadingZeroBitCount)
            ranges.append(start..<min(count, start + octave / 64))
        }
        steps = Table(ranges.map { Step(first: UInt32($0.lowerBound), count: UInt32($0.count)) })
        weights = AliasTable(weights: ranges.map { $0.reduce(0) { $0 + 1 / Double($1 + 1) } })
    }

    /// A rank, from 0, from two words.
    @inline(__always)
    func rank(_ draw: UInt64, within: UInt64) -> Int {
        let step = steps[weights.index(draw)]
        return Int(step.first) &+ scaled(within, below: Int(step.count))
    }

    func deallocate() {
        steps.deallocate()
        weights.deallocate()
    }
}

/// Quantiles of a distribution at 1,025 equally spaced probabilities, with straight lines between them.
///
/// The two ends stand for the probabilities 2^-14 and 1 - 2^-14, where the distributions used here are finite.
struct QuantileTable: BitwiseCopyable, Sendable {
    private let quantiles: Table<UInt32>

    static let binCount = 1024
    private static let tail = 0x1p-14

    /// - Parameter quantile: gives the quantile of a probability, 0 up to 2^32.
    init(_ quantile: (Double) -> Double) {
        let probabilities = (0...QuantileTable.binCount).map {
            min(max(Double($0) / Double(QuantileTable.binCount), QuantileTable.tail), 1 - QuantileTable.tail)
        }
        quantiles = Table(probabilities.map { UInt32(quantile($0).rounded()) })
    }

    /// Uses the high 42 bits of `draw`; the low 22 are free for another use.
    @inline(__always)
    func value(_ draw: UInt64) -> UInt64 {
        let bin = Int(draw >> 54)
        let fraction = draw >> 22 & 0xFFFF_FFFF
        let lower = UInt64(quantiles[bin])
        return lower &+ ((UInt64(quantiles[bin + 1]) &- lower) &* fraction) >> 32
    }

    func deallocate() { quantiles.deallocate() }
}

/// Quantiles of the distributions, by bisection of the exact distribution functions: slow, for making tables.
enum Quantile {
    /// Log-normal with the given median and standard deviation of the logarithm.
    static func logNormal(_ probability: Double, median: Double, sigma: Double) -> Double {
        let normal = bisected(in: -9...9) { erfc(-$0 / 2.squareRoot()) / 2 < probability }
        return median * exp(sigma * normal)
    }

    /// Gamma with shape 2 and mean 1: 1 - (1 + 2x) e^(-2x).
    static func gamma(_ probability: Double) -> Double {
        bisected(in: 0...40) { 1 - (1 + 2 * $0) * exp(-2 * $0) < probability }
    }

    /// Exponential with the given mean, cut off at `limit`.
    static func exponential(_ probability: Double, mean: Double, limit: Double) -> Double {
        -mean * log(1 - probability * (1 - exp(-limit / mean)))
    }

    private static func bisected(in range: ClosedRange<Double>, isBelow: (Double) -> Bool) -> Double {
        var (lower, upper) = (range.lowerBound, range.upperBound)
        for _ in 0..<60 {
            let middle = (lower + upper) / 2
            if isBelow(middle) { lower = middle } else { upper = middle }
        }
        return (lower + upper) / 2
    }
}
