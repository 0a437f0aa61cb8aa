import Transactions

/// Amounts, durations and delays, from quantile tables.
final class Measurements: Sendable {
    /// Most of the delays between an event and its arrival are short, and all but the late ones at most this.
    static let longestDelayMicroseconds = 2_000_000.0
    static let meanDelayMicroseconds = 200_000.0
    /// Of 65,536: 0.5 % are late by 1 to 6 hours.
    static let lateShare: UInt64 = 328
    static let shortestLateMicroseconds: UInt64 = 3_600_000_000
    static let lateRangeMicroseconds: UInt64 = 18_000_000_000
    /// What a timeout takes.
    static let timeoutMilliseconds: UInt32 = 30_000

    /// Medians in dong and standard deviations of the logarithm, in the order of the kinds' codes.
    static let amounts: [(kind: Kind, median: Double, sigma: Double)] = [
        (.payment, 120_000, 1.2), (.transfer, 800_000, 1.6), (.withdrawal, 1_500_000, 0.7), (.fee, 11_000, 0.5),
        (.request, 60_000, 0.8),
    ]

    /// By kind, thousands of dong with 8 fractional bits.
    private let thousands: Table<QuantileTable>
    /// Mean 1, with 16 fractional bits.
    private let gamma = QuantileTable { Quantile.gamma($0) * 65_536 }
    private let delays = QuantileTable {
        Quantile.exponential(
            $0, mean: Measurements.meanDelayMicroseconds, limit: Measurements.longestDelayMicroseconds)
    }
    /// Mean milliseconds by code of the payer's institution.
    private let meanDurations = Table<UInt32>(
        (0...Population.institutionCount).map { 400 + UInt32(scaled(mixed(UInt64($0) &+ 0x4475_7261), below: 1200)) })

    init() {
        thousands = Table(
            Measurements.amounts.map { amount in
                QuantileTable { Quantile.logNormal($0, median: amount.median / 1000, sigma: amount.sigma) * 256 }
            })
    }

    deinit {
        for kind in Measurements.amounts.indices { thousands[kind].deallocate() }
        thousands.deallocate()
        gamma.deallocate()
        delays.deallocate()
        meanDurations.deallocate()
    }

    /// Dong, in whole thousands, at least one thousand.
    @inline(__always)
    func amount(kindCode: UInt8, _ draw: UInt64) -> Int64 {
        let rounded = (thousands[Int(kindCode) - 1].value(draw) &+ 128) >> 8
        return Int64(truncatingIfNeeded: max(1, rounded)) &* 1000
    }

    /// From request to answer, by the payer's institution.
    @inline(__always)
    func durationMilliseconds(payerInstitution: UInt16, _ draw: UInt64) -> UInt32 {
        let mean = UInt64(meanDurations[Int(payerInstitution)])
        return UInt32(truncatingIfNeeded: (gamma.value(draw) &* mean) >> 16)
    }

    /// From an event to its arrival, never longer than `limit`, which is 0 or more.
    @inline(__always)
    func delayMicroseconds(_ draw: UInt64, atMost limit: Int64) -> Int64 {
        var delay = delays.value(draw)
        if draw & 0xFFFF < Measurements.lateShare {
            delay =
                Measurements.shortestLateMicroseconds
                &+ draw.multipliedFullWidth(by: Measurements.lateRangeMicroseconds).high
        }
        let room = UInt64(truncatingIfNeeded: limit)
        return Int64(truncatingIfNeeded: delay <= room ? delay : delay % (room &+ 1))
    }
}
