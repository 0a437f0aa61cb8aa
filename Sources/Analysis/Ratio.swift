import Rollups

/// A ratio of sums of measures: shares in percent, and means. It is computed from the whole numbers, never from rounded figures.
///
/// `docs/statistics.md` defines each.
public enum Ratio: String, CaseIterable, Sendable {
    case approvedPercent = "approved_percent"
    case businessDeclinePercent = "business_decline_percent"
    case technicalDeclinePercent = "technical_decline_percent"
    case pendingPercent = "pending_percent"
    case abandonedPercent = "abandoned_percent"
    case reversalSuccessPercent = "reversal_success_percent"
    case refundedPercent = "refunded_percent"
    case onTimePercent = "on_time_percent"
    case meanAmount = "mean_amount"
    case meanDuration = "mean_duration_milliseconds"

    /// What a ratio is in.
    enum Unit {
        case percent
        case money
        case milliseconds
    }

    var unit: Unit {
        switch self {
        case .meanAmount: .money
        case .meanDuration: .milliseconds
        default: .percent
        }
    }

    /// Measures that are added up, and those that are taken off.
    struct Sum {
        var plus: [Measure]
        var minus: [Measure] = []

        var measures: [Measure] { plus + minus }

        func value(_ value: (Measure) -> Int128?) -> Int128 {
            plus.reduce(0) { $0 + (value($1) ?? 0) } - minus.reduce(0) { $0 + (value($1) ?? 0) }
        }
    }

    /// What is divided.
    var numerator: Sum {
        switch self {
        case .approvedPercent: Sum(plus: [.approved])
        case .businessDeclinePercent: Sum(plus: [.businessDeclines])
        case .technicalDeclinePercent: Sum(plus: [.technicalDeclines])
        case .pendingPercent: Sum(plus: [.pending])
        case .abandonedPercent: Sum(plus: [.abandoned])
        case .reversalSuccessPercent: Sum(plus: [.reversals])
        case .refundedPercent: Sum(plus: [.refundAmount])
        case .onTimePercent: Sum(plus: [.attempts, .resolved], minus: [.pending, .overdue])
        case .meanAmount: Sum(plus: [.amount])
        case .meanDuration: Sum(plus: [.durationMilliseconds])
        }
    }

    /// What it is divided by; where that is 0 there is no ratio.
    var denominator: Sum {
        switch self {
        case .approvedPercent, .businessDeclinePercent, .technicalDeclinePercent, .pendingPercent, .abandonedPercent:
            Sum(plus: [.attempts])
        case .reversalSuccessPercent: Sum(plus: [.reversals, .reversalsFailed])
        case .refundedPercent: Sum(plus: [.amount])
        case .onTimePercent: Sum(plus: [.attempts, .resolved], minus: [.pending])
        case .meanAmount: Sum(plus: [.settled])
        case .meanDuration: Sum(plus: [.timed])
        }
    }
}

/// A quotient of whole numbers that is still exact.
struct Fraction: Hashable {
    var numerator: Int128
    var denominator: Int128

    /// The quotient times `scale` as the nearest whole number, halves away from zero; nil where the denominator is not more than
    /// 0 or the result does not fit.
    func rounded(times scale: UInt128 = 1) -> Int128? {
        guard denominator > 0 else { return nil }
        let divisor = denominator.magnitude
        let product = numerator.magnitude.multipliedFullWidth(by: scale)
        guard product.high < divisor else { return nil }
        let (quotient, rest) = divisor.dividingFullWidth(product)
        let (rounded, overflows) = quotient.addingReportingOverflow(rest >= divisor - rest ? 1 : 0)
        guard !overflows, let magnitude = Int128(exactly: rounded) else { return nil }
        return numerator < 0 ? -magnitude : magnitude
    }

    /// In hundredths of a percent.
    var hundredthsOfPercent: Int128? { rounded(times: 10_000) }

    /// The difference, whose denominator is more than 0 where theirs are; nil where it does not fit.
    func minus(_ other: Fraction) -> Fraction? {
        guard let (own, theirs) = crossProducts(other) else { return nil }
        let (difference, overflows) = own.subtractingReportingOverflow(theirs)
        let (product, productOverflows) = denominator.multipliedReportingOverflow(by: other.denominator)
        return overflows || productOverflows ? nil : Fraction(numerator: difference, denominator: product)
    }

    /// How much more it is than another, as a share of that one; nil where it does not fit. Of 0 or less there is no share.
    func growth(since before: Fraction) -> Fraction? {
        guard let (own, theirs) = crossProducts(before) else { return nil }
        let (difference, overflows) = own.subtractingReportingOverflow(theirs)
        return overflows ? nil : Fraction(numerator: difference, denominator: theirs)
    }

    private func crossProducts(_ other: Fraction) -> (Int128, Int128)? {
        let (own, overflows) = numerator.multipliedReportingOverflow(by: other.denominator)
        let (theirs, theirsOverflow) = other.numerator.multipliedReportingOverflow(by: denominator)
        return overflows || theirsOverflow ? nil : (own, theirs)
    }
}
