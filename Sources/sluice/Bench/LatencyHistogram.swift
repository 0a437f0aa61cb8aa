import Histogram

/// Latencies from a microsecond to an hour, to three figures (HdrHistogram); longer ones count as an hour.
struct LatencyHistogram: Sendable {
    private static let longestNanoseconds: UInt64 = 3_600_000_000_000

    private var histogram: Histogram<UInt64>

    /// - Parameter isCoarse: to two figures, in a tenth of the memory.
    init(isCoarse: Bool = false) {
        histogram = Histogram(
            lowestDiscernibleValue: 1000, highestTrackableValue: LatencyHistogram.longestNanoseconds,
            numberOfSignificantValueDigits: isCoarse ? .two : .three)
    }

    /// Adds a latency that `count` records had.
    mutating func record(nanoseconds: UInt64, count: Int = 1) {
        histogram.record(min(nanoseconds, LatencyHistogram.longestNanoseconds), count: UInt64(count))
    }

    mutating func add(_ other: LatencyHistogram) { histogram.add(other.histogram) }

    var isEmpty: Bool { histogram.totalCount == 0 }

    /// Milliseconds that `percent` of all did not exceed.
    func milliseconds(atPercentile percent: Double) -> Double {
        isEmpty ? 0 : Double(histogram.valueAtPercentile(percent)) / 1e6
    }

    /// The figures that are printed.
    var summary: LatencySummary {
        LatencySummary(
            p50: milliseconds(atPercentile: 50), p90: milliseconds(atPercentile: 90),
            p99: milliseconds(atPercentile: 99), p999: milliseconds(atPercentile: 99.9),
            max: isEmpty ? 0 : Double(histogram.max) / 1e6)
    }
}

/// Latencies in milliseconds.
struct LatencySummary: Encodable, Sendable {
    var p50: Double
    var p90: Double
    var p99: Double
    var p999: Double
    var max: Double

    var text: String {
        [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p999), ("max", max)]
            .map { "\($0) \(formatMilliseconds($1))" }.joined(separator: ", ")
    }
}
