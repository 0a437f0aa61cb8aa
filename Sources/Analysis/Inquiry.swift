import Rollups
import Transactions

/// Figures over a span of days by dimensions, and what they are to be seen beside: an earlier time, a moving average, a total,
/// a target.
///
/// It becomes one or more questions for the ledger; their answers, in the same order, become a sheet.
public struct Inquiry: Hashable, Sendable {
    /// A percentage that is to be reached.
    public struct Target: Hashable, Sendable {
        /// One of the figures.
        public var figure: Figure
        /// In hundredths of a percent.
        public var hundredths: Int128

        /// A target.
        public init(_ figure: Figure, hundredths: Int128) { (self.figure, self.hundredths) = (figure, hundredths) }
    }

    /// What the figures are made of, over the days that are shown.
    public private(set) var question: Question
    /// In the order of the columns.
    public let figures: [Figure]
    /// Adds what the figures were earlier.
    public var comparison: Comparison?
    /// Adds the mean over so many days, a row's own the last of them.
    public var averageDays: Int?
    /// True when any figure adds up, so that rows have shares of it.
    public var canShowShares: Bool { figures.contains(where: \.addsUp) }
    /// Adds the share of the rows of the same time and currency.
    public var showsShares = false
    /// Adds whether they are reached.
    public var targets: [Target] = []

    /// Channels that count as digital.
    public static let digitalChannels: [Channel] =
        [.account, .qr, .wallet, .portal]
        + ["web", "mobile"].compactMap { Channel(name: $0) }

    /// Figures without anything beside them.
    /// - Throws: `RollupError` as `Question` does.
    public init(
        from: CalendarDay? = nil, to: CalendarDay? = nil, by: [Dimension] = [],
        filters: [Dimension: Set<UInt32>] = [:], figures: [Figure]
    ) throws(RollupError) {
        for (place, figure) in figures.enumerated() where figures[..<place].contains(figure) {
            throw .repeated(figure.name)
        }
        var measures: [Measure] = []
        for measure in figures.flatMap(\.measures) where !measures.contains(measure) { measures.append(measure) }
        var question = try Question(from: from, to: to, by: by, filters: filters, measures: measures)
        question.by = question.grouping
        (self.question, self.figures) = (question, figures)
    }

    /// Between which amounts bands lie.
    public var bands: AmountBands {
        get { question.bands }
        set { question.bands = newValue }
    }

    /// The figures as they stood when this was the last sequence; nil: now.
    public var asOf: UInt64? {
        get { question.asOf }
        set { question.asOf = newValue }
    }

    /// Fails when the parts do not go together.
    public func check() throws(InquiryError) {
        let by = question.by
        if let comparison, !by.contains(.day) {
            if by.contains(.month) {
                guard comparison.months != nil else { throw .weeksOfMonths }
            } else if question.from == nil || question.to == nil {
                throw .comparisonNeedsSpan
            }
        }
        if averageDays != nil, !by.contains(.day) { throw .averageNeedsDays }
        if showsShares, !figures.contains(where: \.addsUp) { throw .noShare(figures[0].name) }
        for (place, target) in targets.enumerated()
        where targets[..<place].contains(where: { $0.figure == target.figure }) {
            throw .targetTwice(target.figure.name)
        }
        for target in targets where !figures.contains(target.figure) || !target.figure.isPercentage {
            throw .noTarget(target.figure.name)
        }
        let looksBack = comparison != nil || averageDays != nil || figures.contains(.backlog)
        if looksBack, question.filters.keys.contains(where: { $0 == .day || $0 == .month }) { throw .daysByFilter }
        for figure in [Figure.digitalPercent, .backlog] where figures.contains(figure) {
            if comparison != nil { throw .notWith(figure: figure.name, what: "a comparison") }
            if averageDays != nil { throw .notWith(figure: figure.name, what: "a moving average") }
        }
    }

    /// What the ledger is to be asked, one after another.
    public var questions: [Question] {
        [mainQuestion] + [earlierQuestion, firstDayQuestion, digitalQuestion, backlogQuestion].compactMap { $0 }
    }

    /// The figures.
    /// - Parameter answers: to each of the `questions`.
    public func sheet(_ answers: [Answer]) -> Sheet {
        precondition(answers.count == questions.count, "an answer for each question")
        var rest = answers[...]
        let main = rest.removeFirst()
        let earlier = comparison.map { _ in rest.removeFirst() }
        let days = firstDayQuestion.map { _ in rest.removeFirst() }
        let digital = figures.contains(.digitalPercent) ? rest.removeFirst() : nil
        let backlog = figures.contains(.backlog) ? rest.removeFirst() : nil
        let maker = SheetMaker(self, main, earlier: earlier, days: days, digital: digital, backlog: backlog)
        var sheet = Sheet(
            dimensions: question.by, columns: maker.columns, rows: maker.rows(),
            sequence: answers.leastSequence, damage: answers.allDamage)
        sheet.attributes = main.attributes
        return sheet
    }

    /// Moving averages need the days before the first one shown.
    private var mainQuestion: Question {
        var main = question
        if let averageDays, let from = question.from {
            main.from = from.movedBy(days: 1 - averageDays)
        }
        return main
    }

    private var earlierQuestion: Question? {
        guard let comparison else { return nil }
        var earlier = question
        let span = spanLength
        func moved(_ day: CalendarDay) -> CalendarDay {
            if question.by.contains(.day) { return comparison.earlier(day) }
            if question.by.contains(.month) { return day.movedBy(months: -(comparison.months ?? 0)) }
            if comparison == .previous { return day.movedBy(days: -span) }
            return comparison.earlier(day)
        }
        earlier.from = question.from.map(moved)
        earlier.to = question.to.map { to in
            // A month that is asked for to its last day is compared with a whole one.
            let next = to.movedBy(days: 1)
            guard question.by.contains(.month), next.components.day == 1, let months = comparison.months else {
                return moved(to)
            }
            return next.movedBy(months: -months).movedBy(days: -1)
        }
        // At the first year that there is, days stay where they are.
        if let from = earlier.from, let to = earlier.to, to < from { earlier.to = from }
        return earlier
    }

    private var spanLength: Int {
        guard let from = question.from, let to = question.to else { return 0 }
        return Int(to.daysSince1970) - Int(from.daysSince1970) + 1
    }

    /// A moving average begins when so many days are known, which the days before those asked for say.
    private var firstDayQuestion: Question? {
        guard averageDays != nil, question.from != nil else { return nil }
        var days = question
        (days.from, days.by, days.measures) = (nil, [.day], [.attempts])
        return days
    }

    private var digitalQuestion: Question? {
        guard figures.contains(.digitalPercent) else { return nil }
        var digital = question
        digital.measures = [.attempts]
        let channels = Set(Inquiry.digitalChannels.map { UInt32($0.rawValue) })
        digital.filters[.channel] = question.filters[.channel].map { $0.intersection(channels) } ?? channels
        return digital
    }

    /// What is pending began at any time before.
    private var backlogQuestion: Question? {
        guard figures.contains(.backlog) else { return nil }
        var backlog = question
        backlog.measures = [.pending, .resolved]
        backlog.from = nil
        return backlog
    }
}

extension Figure {
    var isPercentage: Bool { unit == .percent }

    var isRatio: Bool { if case .ratio = self { true } else { false } }
}
