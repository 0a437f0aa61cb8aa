/// When the records of a day arrive: the quantiles of the daily curve of a retail switch.
///
/// The weights are those of local hours in Asia/Ho_Chi_Minh (UTC+7, no daylight saving) and hold in the middle of each
/// hour; between two middles the rate changes along a straight line, minute by minute. The day is the UTC date, so the
/// stream begins at 07:00 local time and ends there on the next morning.
final class DailyCurve: Sendable {
    /// Relative rates of local hours 0 to 23.
    static let hourlyWeights: [Double] = [
        9, 5, 3, 2, 3, 8, 20, 38, 52, 62, 66, 68, 60, 50, 54, 58, 60, 64, 68, 66, 58, 46, 32, 18,
    ]
    static let localOffsetMinutes = 420
    static let dayMicroseconds: Int64 = 86_400_000_000
    private static let binCount = 4096

    private let quantiles: Table<Int64>
    private let scale: UInt64

    /// The curve of a day of `count` records, 1 or more.
    init(count: Int) {
        quantiles = Table(DailyCurve.quantileTable())
        scale = .max / UInt64(count)
    }

    /// Microseconds after the start of the day at which the record of `position`, 0..<count, arrives.
    @inline(__always)
    func arrivalMicroseconds(_ position: Int) -> Int64 {
        let share = UInt64(truncatingIfNeeded: position) &* scale
        let bin = Int(share >> 52)
        let fraction = Int64(truncatingIfNeeded: share >> 20 & 0xFFFF_FFFF)
        let lower = quantiles[bin]
        return lower &+ ((quantiles[bin + 1] &- lower) &* fraction) >> 32
    }

    deinit { quantiles.deallocate() }

    private static func rate(localMinute: Int) -> Double {
        let hours = Double(localMinute) / 60
        let before = Int((hours + 23.5).rounded(.down)) % 24
        let fraction = (hours + 23.5) - (hours + 23.5).rounded(.down)
        return hourlyWeights[before] * (1 - fraction) + hourlyWeights[(before + 1) % 24] * fraction
    }

    private static func quantileTable() -> [Int64] {
        let rates = (0..<1440).map { rate(localMinute: ($0 + localOffsetMinutes) % 1440) }
        let total = rates.reduce(0, +)
        var quantiles: [Int64] = []
        var (minute, reached) = (0, 0.0)
        for bin in 0..<binCount {
            let wanted = Double(bin) / Double(binCount) * total
            while reached + rates[minute] < wanted {
                reached += rates[minute]
                minute += 1
            }
            quantiles.append(Int64((Double(minute) + (wanted - reached) / rates[minute]) * 60_000_000))
        }
        return quantiles + [dayMicroseconds]
    }
}
