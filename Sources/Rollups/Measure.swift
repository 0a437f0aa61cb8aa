import Transactions

/// What statistics count and add up. The raw value is the measure's code in chunks.
///
/// `docs/statistics.md` says which events count in each; `Contribution` is that page in code.
public enum Measure: UInt8, Vocabulary {
    case attempts = 1
    case approved = 2
    case businessDeclines = 3
    case technicalDeclines = 4
    case pending = 5
    case abandoned = 6
    case settled = 7
    case amount = 8
    case resolved = 9
    case refunds = 10
    case refundAmount = 11
    case reversals = 12
    case reversalAmount = 13
    case chargebacks = 14
    case chargebackAmount = 15
    case returnsFailed = 16
    case overdue = 17
    case smallestAmount = 18
    case largestAmount = 19
    case durationMilliseconds = 20
    case timed = 21
    case payers = 22
    case approvedPayers = 23
    case reversalsFailed = 24
    case amountP50 = 25
    case amountP90 = 26
    case amountP95 = 27
    case amountP99 = 28
    case amountDeviation = 29
    case durationP50 = 30
    case durationP90 = 31
    case durationP95 = 32
    case durationP99 = 33
    case durationP999 = 34
    case durationDeviation = 35
    case peakPerSecond = 36
    case peakSecond = 37

    /// The name in snake case.
    public var name: String {
        switch self {
        case .reversalsFailed: "reversals_failed"
        case .amountP50: "amount_p50"
        case .amountP90: "amount_p90"
        case .amountP95: "amount_p95"
        case .amountP99: "amount_p99"
        case .amountDeviation: "amount_deviation"
        case .durationP50: "duration_p50_milliseconds"
        case .durationP90: "duration_p90_milliseconds"
        case .durationP95: "duration_p95_milliseconds"
        case .durationP99: "duration_p99_milliseconds"
        case .durationP999: "duration_p999_milliseconds"
        case .durationDeviation: "duration_deviation_milliseconds"
        case .peakPerSecond: "peak_per_second"
        case .peakSecond: "peak_second"
        case .businessDeclines: "business_declines"
        case .technicalDeclines: "technical_declines"
        case .refundAmount: "refund_amount"
        case .reversalAmount: "reversal_amount"
        case .chargebackAmount: "chargeback_amount"
        case .returnsFailed: "returns_failed"
        case .smallestAmount: "smallest_amount"
        case .largestAmount: "largest_amount"
        case .durationMilliseconds: "duration_milliseconds"
        case .approvedPayers: "approved_payers"
        default: "\(self)"
        }
    }

    /// How two values of the measure become one, which also says how it is stored.
    public enum Form: Sendable {
        /// Occurrences: added, 64 bits.
        case count
        /// A total of money or time: added, 128 bits.
        case sum
        /// The lesser of both, 64 bits; all ones where nothing settled.
        case smallest
        /// The greater of both, 64 bits; all ones (-1) where nothing settled.
        case largest
        /// Read from what a group has collected of its records (`Collection`): collections are united, and their figures
        /// cannot be added. No chunk holds them; they are counted from the records.
        case collected
    }

    /// What a group collects of its records for measures that neither add up nor have an extreme.
    enum Collection: UInt8, CaseIterable {
        /// The accounts of attempts.
        case payers
        /// The accounts of approved attempts.
        case approvedPayers
        /// The amounts of settled events.
        case amounts
        /// The known durations of settled events.
        case durations
        /// The attempts of each second.
        case seconds
    }

    /// The collection that the measure is read from; nil where it is added up.
    var collection: Collection? {
        switch self {
        case .payers: .payers
        case .approvedPayers: .approvedPayers
        case .amountP50, .amountP90, .amountP95, .amountP99, .amountDeviation: .amounts
        case .durationP50, .durationP90, .durationP95, .durationP99, .durationP999, .durationDeviation: .durations
        case .peakPerSecond, .peakSecond: .seconds
        default: nil
        }
    }

    /// The share of values below a percentile, in thousandths; nil where the measure is none.
    public var perMille: Int? {
        switch self {
        case .amountP50, .durationP50: 500
        case .amountP90, .durationP90: 900
        case .amountP95, .durationP95: 950
        case .amountP99, .durationP99: 990
        case .durationP999: 999
        default: nil
        }
    }

    /// How two values of the measure become one.
    public var form: Form {
        switch self {
        case .amount, .refundAmount, .reversalAmount, .chargebackAmount, .durationMilliseconds: .sum
        case .smallestAmount: .smallest
        case .largestAmount: .largest
        case _ where collection != nil: .collected
        default: .count
        }
    }

    /// True when the value is money in minor units, which has a meaning in one currency only.
    public var isMoney: Bool {
        switch self {
        case .amount, .refundAmount, .reversalAmount, .chargebackAmount, .smallestAmount, .largestAmount: true
        case .amountP50, .amountP90, .amountP95, .amountP99, .amountDeviation: true
        default: false
        }
    }

    /// Columns of 64 bits that a chunk holds of the measure: a sum has its low and its high half.
    public var columnCount: Int { form == .sum ? 2 : 1 }

    /// Those that the default rollups hold; the others are counted from the records.
    public static let kept = allCases.filter { $0.form != .collected && $0 != .reversalsFailed }

    /// True when a value may be an estimate, whose error `error(of:)` tells.
    public var isEstimated: Bool {
        collection.map { $0 == .payers || $0 == .approvedPayers } ?? false || perMille != nil
    }

    /// How far a value may be off: the standard error of distinct accounts, the largest error of a percentile, 0 of a value
    /// that is exact. Nil where the measure is never estimated.
    public func error(of value: Int128) -> Int128? {
        guard isEstimated else { return nil }
        if perMille != nil { return Int128(Distribution.largestError(of: UInt64(clamping: value))) }
        guard value > Int128(AccountSets.exactCount) else { return 0 }
        return Int128((Double(value) * HyperLogLog.standardError).rounded(.up))
    }
}
