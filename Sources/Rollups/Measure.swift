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

    /// The name in snake case.
    public var name: String {
        switch self {
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
        /// Distinct accounts: sets are united, and their numbers cannot be added. No chunk holds them; they are counted from
        /// the records.
        case distinct
    }

    /// How two values of the measure become one.
    public var form: Form {
        switch self {
        case .amount, .refundAmount, .reversalAmount, .chargebackAmount, .durationMilliseconds: .sum
        case .smallestAmount: .smallest
        case .largestAmount: .largest
        case .payers, .approvedPayers: .distinct
        default: .count
        }
    }

    /// True when the value is money in minor units, which has a meaning in one currency only.
    public var isMoney: Bool {
        switch self {
        case .amount, .refundAmount, .reversalAmount, .chargebackAmount, .smallestAmount, .largestAmount: true
        default: false
        }
    }

    /// Columns of 64 bits that a chunk holds of the measure: a sum has its low and its high half.
    public var columnCount: Int { form == .sum ? 2 : 1 }

    /// Those that rollups can hold: all but distinct accounts.
    public static let kept = allCases.filter { $0.form != .distinct }

    /// The standard error of a value: 0 of one that is exact, nil where the measure is never estimated.
    public func standardError(of value: Int128) -> Int128? {
        guard form == .distinct else { return nil }
        guard value > Int128(AccountSets.exactCount) else { return 0 }
        return Int128((Double(value) * HyperLogLog.standardError).rounded(.up))
    }
}
