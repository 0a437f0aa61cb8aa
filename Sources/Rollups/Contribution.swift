import Transactions

/// What one event adds to its cell: the rules of `docs/statistics.md`.
///
/// An event that counts in any measure has a cell in every rollup, whichever measures the rollup declares; one that counts
/// in none has no cell.
/// The flag for overdue and the duration are the record's own and come on top.
struct Contribution: Hashable, Sendable {
    /// The measures that grow by one.
    var counts: [Measure]
    /// The measure that grows by the record's amount.
    var sum: Measure?
    /// True when the event settles: its amount and duration enter the extremes and the duration's sum.
    var settles: Bool { sum == .amount }

    static let none = Contribution(counts: [], sum: nil)

    static func of(_ event: Event, _ outcomeClass: OutcomeClass) -> Contribution {
        let isApproved = outcomeClass == .approved
        let settlement: Measure? = isApproved ? .amount : nil
        let settled: [Measure] = isApproved ? [.settled] : []
        switch event {
        case .initiated: return Contribution(counts: [.attempts, outcomeClass.measure] + settled, sum: settlement)
        case .authorised: return Contribution(counts: [.attempts, outcomeClass.measure])
        case .captured: return Contribution(counts: settled, sum: settlement)
        case .resolved: return Contribution(counts: [.resolved] + settled, sum: settlement)
        case .refunded: return ofReturn(.refunds, .refundAmount, outcomeClass)
        case .reversed: return ofReturn(.reversals, .reversalAmount, outcomeClass, failures: [.reversalsFailed])
        case .chargedBack: return ofReturn(.chargebacks, .chargebackAmount, outcomeClass)
        }
    }

    private static func ofReturn(
        _ count: Measure, _ sum: Measure, _ outcomeClass: OutcomeClass, failures: [Measure] = []
    ) -> Contribution {
        switch outcomeClass {
        case .approved: Contribution(counts: [count], sum: sum)
        case .businessDecline, .technicalDecline, .abandoned: Contribution(counts: [.returnsFailed] + failures)
        case .pending: none
        }
    }
}

extension OutcomeClass {
    fileprivate var measure: Measure {
        switch self {
        case .approved: .approved
        case .businessDecline: .businessDeclines
        case .technicalDecline: .technicalDeclines
        case .pending: .pending
        case .abandoned: .abandoned
        }
    }
}

/// The distinct contributions, numbered, and the number of each combination of event and class of outcome.
struct ContributionTable: Sendable {
    /// Number 0 is the contribution of nothing.
    let distinct: [Contribution]
    /// By event (high four bits) and class (low four bits); combinations that no record has contribute nothing.
    let numbers: [UInt8]

    static let shared = ContributionTable()

    private init() {
        var distinct: [Contribution] = [.none]
        var numbers = [UInt8](repeating: 0, count: 256)
        for event in Event.allCases {
            for outcomeClass in OutcomeClass.allCases {
                let contribution = Contribution.of(event, outcomeClass)
                let number = distinct.firstIndex(of: contribution) ?? distinct.count
                if number == distinct.count { distinct.append(contribution) }
                numbers[Int(event.rawValue << 4 | outcomeClass.rawValue)] = UInt8(number)
            }
        }
        self.distinct = distinct
        self.numbers = numbers
    }
}
