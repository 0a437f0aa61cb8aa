import Rollups
import Transactions

/// How well each institution did: approvals and declines over a span, beside its own days before, with those marked that are
/// far from what they usually are.
///
/// The usual rate is that of all the days before together, r = Σa / Σn. How much a rate differs by itself is taken from these days:
/// with rates a_i / n_i the spread is s² = Σ n_i (a_i / n_i - r)² / Σ n_i, the variance between days weighted by their size, and a
/// rate of n attempts has at least the binomial variance q (1 - q) / n (the standard error of a proportion), with
/// q = (Σa + 1) / (Σn + 2), Laplace's rule of succession, so that what never happened before is not impossible. The distance is
/// z = (rate - r) / √(s² + q (1 - q) / n); from 3 on, either way, it is marked.
public struct Quality: Sendable {
    /// Which of both institutions of a payment is looked at.
    public enum Side: String, CaseIterable, Sendable {
        /// The payer's: what NPCI calls the remitter.
        case payer
        /// The payee's: the beneficiary.
        case payee

        var dimension: Dimension { self == .payer ? .payerInstitution : .payeeInstitution }
    }

    /// Days before the span that say what is usual.
    public static let usualDays = 28
    /// From so far on a rate is marked.
    public static let markedDistance = 3.0
    /// Fewer attempts are not judged.
    public static let fewestAttempts: Int128 = 30

    /// The span, and the days before it.
    public let questions: [Question]
    private let dimension: Dimension

    private static let measures: [Measure] = [
        .attempts, .approved, .businessDeclines, .technicalDeclines, .pending, .abandoned,
    ]

    /// The quality over a span of days.
    /// - Throws: `RollupError` when `from` is after `to`.
    /// - Parameter asked: of which events; its days, dimensions and measures do not matter.
    public init(side: Side, from: CalendarDay, to: CalendarDay, of asked: Question) throws(RollupError) {
        dimension = side.dimension
        if from > to { throw .emptyRange(from: from, to: to) }
        var span = asked
        (span.from, span.to, span.by, span.measures) = (from, to, [dimension], Quality.measures)
        var past = span
        (past.from, past.to) = (from.movedBy(days: -Quality.usualDays), from.movedBy(days: -1))
        past.by = [dimension, .day]
        past.filters = asked.filters.filter { $0.key != .day && $0.key != .month }
        questions = [span, past]
    }

    /// A row for each institution, the one with the most attempts first.
    public func sheet(_ answers: [Answer]) -> Sheet {
        let past = Dictionary(grouping: answers[1].measuredRows) { $0.codes[0] }
        let ranked = answers[0].measuredRows.sorted { ($0.values[.attempts] ?? 0) > ($1.values[.attempts] ?? 0) }
        let rows = ranked.map { row in
            Sheet.Row(codes: row.codes, values: values(row.values, past[row.codes[0], default: []].map(\.values)))
        }
        let figures = [
            "attempts", "approved_percent", "business_decline_percent", "technical_decline_percent",
            "approved_percent_usual", "approved_percent_change", "technical_decline_percent_usual",
            "technical_decline_percent_change",
        ]
        let columns = figures.map { Sheet.Column($0) } + [Sheet.Column("unusual", isNumeric: false)]
        var sheet = Sheet(
            dimensions: [dimension], columns: columns, rows: rows,
            sequence: answers.leastSequence, damage: answers.allDamage)
        sheet.drawnColumn = 1
        return sheet
    }

    private func values(_ now: RowValues, _ past: [RowValues]) -> [Sheet.Value] {
        let ratios: [Ratio] = [.approvedPercent, .businessDeclinePercent, .technicalDeclinePercent]
        let rates = ratios.map(Figure.ratio).map { figure in figure.shown(figure.fraction { now[$0] }) }
        let approved = Judgement(of: .approved, now, past)
        let technical = Judgement(of: .technicalDeclines, now, past)
        let marks = [approved.mark("approvals"), technical.mark("technical declines")].compactMap { $0 }
        return [.whole(now[.attempts] ?? 0)] + rates
            + [
                approved.usual, approved.change, technical.usual, technical.change,
                .text(marks.joined(separator: ", ")),
            ]
    }
}

/// A rate beside what it usually is.
struct Judgement {
    let usual: Sheet.Value
    let change: Sheet.Value
    /// Nil where there is too little to judge.
    let distance: Double?

    init(of measure: Measure, _ now: RowValues, _ past: [RowValues]) {
        func sum(_ measure: Measure) -> Int128 { past.reduce(0) { $0 + ($1[measure] ?? 0) } }
        let own = Fraction(numerator: now[measure] ?? 0, denominator: now[.attempts] ?? 0)
        let usual = Fraction(numerator: sum(measure), denominator: sum(.attempts))
        self.usual = usual.hundredthsOfPercent.map { .percent($0) } ?? .none
        guard own.denominator > 0, usual.denominator > 0 else {
            (change, distance) = (.none, nil)
            return
        }
        change = own.minus(usual)?.hundredthsOfPercent.map { .growth($0) } ?? .none
        guard own.denominator >= Quality.fewestAttempts, usual.denominator >= Quality.fewestAttempts else {
            distance = nil
            return
        }
        let rate = usual.quotient
        let spread =
            past.reduce(0.0) { sum, day in
                let attempts = Double(day[.attempts] ?? 0)
                guard attempts > 0 else { return sum }
                let difference = Double(day[measure] ?? 0) / attempts - rate
                return sum + attempts * difference * difference
            } / Double(usual.denominator)
        let likely = (Double(usual.numerator) + 1) / (Double(usual.denominator) + 2)
        let variance = spread + likely * (1 - likely) / Double(own.denominator)
        let difference = own.quotient - rate
        distance =
            variance > 0
            ? difference / variance.squareRoot() : difference == 0 ? 0 : difference > 0 ? .infinity : -.infinity
    }

    /// What is unusual, in words; nil where nothing is.
    func mark(_ what: String) -> String? {
        guard let distance, abs(distance) >= Quality.markedDistance else { return nil }
        return (distance > 0 ? "high " : "low ") + what
    }
}

extension Fraction {
    fileprivate var quotient: Double { Double(numerator) / Double(denominator) }
}
