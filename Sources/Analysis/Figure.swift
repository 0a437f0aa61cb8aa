import Rollups

/// What an analyst asks for: a measure, a ratio of measures, or something that takes a second question.
public enum Figure: Hashable, Sendable {
    /// As the rollups and the records have it.
    case measure(Measure)
    /// A share or a mean.
    case ratio(Ratio)
    /// The share of attempts that came in through a digital channel.
    case digitalPercent
    /// What was left pending up to the end of a row's day or month and has not been resolved by then.
    case backlog

    /// Finds a figure by its name; nil when there is none.
    public init?(name: String) {
        guard let figure = Figure.all.first(where: { $0.name == name }) else { return nil }
        self = figure
    }

    /// Its column's name, in snake case.
    public var name: String {
        switch self {
        case .measure(let measure): measure.name
        case .ratio(let ratio): ratio.rawValue
        case .digitalPercent: "digital_percent"
        case .backlog: "backlog"
        }
    }

    /// Every figure, measures first.
    public static let all: [Figure] =
        Measure.allCases.map(Figure.measure) + Ratio.allCases.map(Figure.ratio) + [.digitalPercent, .backlog]

    /// Those that are no measures.
    public static let derived = all.filter { if case .measure = $0 { false } else { true } }

    /// What has to be asked for it.
    var measures: [Measure] {
        switch self {
        case .measure(let measure): [measure]
        case .ratio(let ratio): ratio.numerator.measures + ratio.denominator.measures
        case .digitalPercent: [.attempts]
        case .backlog: [.pending, .resolved]
        }
    }

    /// True when the figures of rows add up to that of all of them together, so that shares and totals have a meaning.
    var addsUp: Bool {
        guard case .measure(let measure) = self else { return false }
        return measure.form == .count || measure.form == .sum
    }
}

extension Figure {
    /// What its values are in.
    public enum Unit: Sendable {
        case events
        case accounts
        case milliseconds
        case money
        case percent
        case second
    }

    /// What its values are in.
    public var unit: Unit {
        switch self {
        case .measure(let measure): measure.unit
        case .ratio(let ratio):
            switch ratio.unit {
            case .percent: .percent
            case .money: .money
            case .milliseconds: .milliseconds
            }
        case .digitalPercent: .percent
        case .backlog: .events
        }
    }

    /// The value from what was asked for a row, before it is rounded; nil where there is none, as where a ratio is by 0, and for
    /// what takes a second question.
    func fraction(_ value: (Measure) -> Int128?) -> Fraction? {
        switch self {
        case .measure(let measure):
            (value(measure) ?? (addsUp ? 0 : nil)).map { Fraction(numerator: $0, denominator: 1) }
        case .ratio(let ratio):
            Fraction(numerator: ratio.numerator.value(value), denominator: ratio.denominator.value(value)).ifPositive
        case .digitalPercent, .backlog: nil
        }
    }

    /// A value as it is shown.
    func shown(_ fraction: Fraction?) -> Sheet.Value {
        guard let fraction else { return .none }
        switch unit {
        case .percent: return fraction.hundredthsOfPercent.map { .percent($0) } ?? .none
        case .money: return estimated(fraction.rounded()) { .money($0) }
        case .events, .accounts, .milliseconds: return estimated(fraction.rounded()) { .whole($0) }
        case .second: return fraction.rounded().map { .second(Int64(truncatingIfNeeded: $0)) } ?? .none
        }
    }

    /// How far a shown value may be off; nil where the figure is never estimated.
    func error(of fraction: Fraction?) -> Sheet.Value? {
        guard case .measure(let measure) = self, measure.isEstimated else { return nil }
        guard let error = fraction?.rounded().flatMap(measure.error) else { return Sheet.Value.none }
        return measure.isMoney ? .money(error) : .whole(error)
    }

    private func estimated(_ value: Int128?, _ form: (Int128) -> Sheet.Value) -> Sheet.Value {
        guard let value else { return .none }
        guard case .measure(let measure) = self, let error = measure.error(of: value), error > 0 else {
            return form(value)
        }
        return .estimate(form(value))
    }
}

extension Measure {
    fileprivate var unit: Figure.Unit {
        switch self {
        case .payers, .approvedPayers: .accounts
        case .durationMilliseconds, .durationP50, .durationP90, .durationP95, .durationP99, .durationP999,
            .durationDeviation:
            .milliseconds
        case .peakSecond: .second
        default: isMoney ? .money : .events
        }
    }
}

extension Fraction {
    fileprivate var ifPositive: Fraction? { denominator > 0 ? self : nil }
}
