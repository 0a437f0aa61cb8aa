import Rollups

extension Figure {
    /// What it is, in a sentence without a full stop, for a data dictionary.
    public var definition: String {
        switch self {
        case .measure(let measure): measure.definition
        case .ratio(let ratio): ratio.definition
        case .digitalPercent: "share of attempts through account, qr, wallet, portal, web or mobile"
        case .backlog: "events left pending up to the end of the period that had not been resolved by then"
        }
    }
}

extension Figure.Unit {
    /// Its name in a data dictionary.
    public var name: String {
        switch self {
        case .events: "events"
        case .accounts: "accounts"
        case .milliseconds: "milliseconds"
        case .money: "major units of the currency"
        case .percent: "percent"
        case .second: "UTC"
        }
    }
}

extension Measure {
    fileprivate var definition: String {
        switch self {
        case .attempts: "initiated and authorised events, whatever came of them"
        case .approved: "attempts that were approved, in full or in part"
        case .businessDeclines: "attempts declined for a reason of business"
        case .technicalDeclines: "attempts that failed technically"
        case .pending: "attempts that were not decided when they were recorded"
        case .abandoned: "attempts that the payer or applicant gave up"
        case .settled: "events that took their amount: approved, captured, or resolved as approved"
        case .amount: "sum of the amounts of settled events"
        case .resolved: "ends of what was pending, whatever the outcome"
        case .refunds: "approved refunds"
        case .refundAmount: "sum of their amounts"
        case .reversals: "approved reversals"
        case .reversalAmount: "sum of their amounts"
        case .chargebacks: "approved chargebacks"
        case .chargebackAmount: "sum of their amounts"
        case .returnsFailed: "refunds, reversals and chargebacks that were declined, failed or were given up"
        case .reversalsFailed: "reversals among them"
        case .overdue: "events that finished after their deadline"
        case .smallestAmount: "the smallest amount of a settled event"
        case .largestAmount: "the largest amount of a settled event"
        case .durationMilliseconds: "sum of the known durations of settled events, from request to outcome"
        case .timed: "settled events whose duration is known"
        case .payers: "distinct payers of attempts, estimated beyond 1,024"
        case .approvedPayers: "distinct payers of approved attempts, estimated beyond 1,024"
        case .amountP50, .amountP90, .amountP95, .amountP99: "\(percentileWord) of the amounts of settled events"
        case .durationP50, .durationP90, .durationP95, .durationP99, .durationP999:
            "\(percentileWord) of the durations of settled events"
        case .amountDeviation: "standard deviation of the amounts of settled events"
        case .durationDeviation: "standard deviation of the durations of settled events"
        case .peakPerSecond: "the most attempts within one second"
        case .peakSecond: "the first second with so many attempts"
        }
    }

    /// `99.9 % percentile`.
    private var percentileWord: String {
        guard let perMille else { return "" }
        return perMille % 10 == 0 ? "\(perMille / 10) % percentile" : "\(perMille / 10).\(perMille % 10) % percentile"
    }
}

extension Ratio {
    fileprivate var definition: String {
        switch self {
        case .approvedPercent: "approved attempts, share of all attempts"
        case .businessDeclinePercent: "attempts declined for a reason of business, share of all attempts"
        case .technicalDeclinePercent: "attempts that failed technically, share of all attempts"
        case .pendingPercent: "attempts not decided when recorded, share of all attempts"
        case .abandonedPercent: "attempts given up, share of all attempts"
        case .reversalSuccessPercent: "approved reversals, share of those that came to an end"
        case .refundedPercent: "refunded amount, share of the settled amount"
        case .onTimePercent: "events finished before their deadline, share of those that came to an end"
        case .meanAmount: "settled amount by settled event"
        case .meanDuration: "mean of the known durations of settled events"
        }
    }
}
