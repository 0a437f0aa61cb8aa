import Rollups
import Transactions

/// Makes the rows of an inquiry's sheet: for each figure its value, then what it is seen beside.
struct SheetMaker {
    private let inquiry: Inquiry
    private typealias Row = (codes: [UInt32], values: RowValues)

    private let main: [Row]
    /// Where rows are looked up: for moving averages.
    private let mainByCodes: [[UInt32]: RowValues]
    private let earlier: [[UInt32]: RowValues]?
    private let digital: [[UInt32]: RowValues]
    private let backlog: Backlog?
    /// By time and currency of rows and figure: the sum of all.
    private var totals: [[UInt32]: [Figure: Int128]] = [:]
    private let dayPlace: Int?
    private let monthPlace: Int?
    /// The first day that has any row.
    private let firstDay: Int32?

    init(
        _ inquiry: Inquiry, _ main: Answer, earlier: Answer?, days: Answer?, digital: Answer?, backlog: Answer?
    ) {
        self.inquiry = inquiry
        self.main = main.measuredRows
        mainByCodes = inquiry.averageDays == nil ? [:] : main.rowsByCodes
        self.earlier = earlier?.rowsByCodes
        self.digital = digital?.rowsByCodes ?? [:]
        let by = inquiry.question.by
        (dayPlace, monthPlace) = (by.firstIndex(of: .day), by.firstIndex(of: .month))
        firstDay =
            days.map { $0.rows.map { Int32(bitPattern: $0.codes[0]) }.min() }
            ?? dayPlace.flatMap { place in main.rows.map { Int32(bitPattern: $0.codes[place]) }.min() }
        self.backlog = backlog.map { Backlog($0, timePlace: by.firstIndex(of: .day) ?? by.firstIndex(of: .month)) }
        guard inquiry.showsShares else { return }
        for (codes, values) in self.main {
            for figure in inquiry.figures where figure.addsUp {
                totals[totalKey(codes), default: [:]][figure, default: 0] += values[figure.measures[0]] ?? 0
            }
        }
    }

    var columns: [Sheet.Column] {
        inquiry.figures.flatMap { figure in
            var columns = [Sheet.Column(figure.name)]
            if figure.error(of: nil) != nil { columns.append(.init(figure.name + "_error")) }
            if inquiry.comparison != nil {
                columns += [.init(figure.name + "_before"), .init(figure.name + "_change")]
                if !figure.isPercentage { columns.append(.init(figure.name + "_growth_percent")) }
            }
            if let days = inquiry.averageDays { columns.append(.init("\(figure.name)_average_\(days)")) }
            if inquiry.showsShares, figure.addsUp { columns.append(.init(figure.name + "_share_percent")) }
            if target(of: figure) != nil { columns.append(.init(figure.name + "_to_target")) }
            return columns
        }
    }

    /// In the order of their codes.
    func rows() -> [Sheet.Row] {
        shownRows().map { row in
            Sheet.Row(codes: row.codes, values: inquiry.figures.flatMap { values(of: $0, row) })
        }
    }

    /// The rows of the days that are shown, those among them that only the earlier time has.
    private func shownRows() -> [Row] {
        var shown = main.filter { isShown($0.codes) }
        guard let earlier else { return shown }
        // Days to come are not shown, unless they were asked for.
        let to = inquiry.question.to
        let last = dayPlace.flatMap { place in
            to?.daysSince1970 ?? shown.map { Int32(bitPattern: $0.codes[place]) }.max()
        }
        let lastMonth = monthPlace.flatMap { place in
            to.map(Dimension.monthCode(of:)) ?? shown.map { $0.codes[place] }.max()
        }
        let own = Set(shown.map(\.codes))
        for codes in earlier.keys {
            guard let codes = laterCodes(codes), !own.contains(codes), isShown(codes) else { continue }
            if let dayPlace, Int32(bitPattern: codes[dayPlace]) > last ?? .min { continue }
            if dayPlace == nil, let monthPlace, codes[monthPlace] > lastMonth ?? 0 { continue }
            shown.append((codes, .none))
        }
        return shown.sorted { $0.codes.lexicographicallyPrecedes($1.codes) }
    }

    private func isShown(_ codes: [UInt32]) -> Bool {
        guard let dayPlace else { return true }
        return inquiry.question.covers(CalendarDay(daysSince1970: Int32(bitPattern: codes[dayPlace])))
    }

    private func values(of figure: Figure, _ row: Row) -> [Sheet.Value] {
        let (codes, own) = row
        let fraction = fraction(of: figure, own, codes)
        var values = [figure.shown(fraction)]
        if let error = figure.error(of: fraction) { values.append(error) }
        if let earlier { values += comparison(of: figure, fraction, with: earlier, codes) }
        if let days = inquiry.averageDays { values.append(average(of: figure, codes, days: days)) }
        if inquiry.showsShares, figure.addsUp {
            let total = totals[totalKey(codes)]?[figure] ?? 0
            let share = Fraction(numerator: own[figure.measures[0]] ?? 0, denominator: total)
            values.append(share.hundredthsOfPercent.map { .percent($0) } ?? .none)
        }
        if let target = target(of: figure) {
            let distance = fraction?.minus(Fraction(numerator: target, denominator: 10_000))?.hundredthsOfPercent
            values.append(distance.map { .growth($0) } ?? .none)
        }
        return values
    }

    private func fraction(of figure: Figure, _ own: RowValues, _ codes: [UInt32]) -> Fraction? {
        switch figure {
        case .digitalPercent:
            guard let attempts = own[.attempts], attempts > 0 else { return nil }
            return Fraction(numerator: digital[codes]?[.attempts] ?? 0, denominator: attempts)
        case .backlog: return Fraction(numerator: backlog?.count(at: codes) ?? 0, denominator: 1)
        default: return figure.fraction { own[$0] }
        }
    }

    private func target(of figure: Figure) -> Int128? {
        inquiry.targets.first { $0.figure == figure }?.hundredths
    }

    /// Shares are of what the same day, month and currency has; where rows are told apart by time alone, of all of a currency.
    private func totalKey(_ codes: [UInt32]) -> [UInt32] {
        zip(inquiry.question.by, codes).filter { totalDimensions.contains($0.0) }.map(\.1)
    }

    private var totalDimensions: Set<Dimension> {
        let times: Set<Dimension> = [.day, .month]
        let isOnlyTime = inquiry.question.by.allSatisfy { times.contains($0) || $0 == .currency }
        return isOnlyTime ? [.currency] : times.union([.currency])
    }

    // MARK: Beside an earlier time

    private func comparison(
        of figure: Figure, _ now: Fraction?, with earlier: [[UInt32]: RowValues], _ codes: [UInt32]
    ) -> [Sheet.Value] {
        let values = earlierCodes(codes).flatMap { earlier[$0] } ?? .none
        let before = figure.fraction { values[$0] }
        var change: Sheet.Value = .none
        var growth: Sheet.Value = .none
        if let now, let before {
            let difference = now.minus(before)
            switch figure.unit {
            case .percent: change = difference?.hundredthsOfPercent.map { .growth($0) } ?? .none
            case .money: change = difference?.rounded().map { .money($0) } ?? .none
            case .events, .accounts, .milliseconds: change = difference?.rounded().map { .whole($0) } ?? .none
            case .second: break
            }
            growth = now.growth(since: before)?.hundredthsOfPercent.map { .growth($0) } ?? .none
        }
        return [figure.shown(before), change] + (figure.isPercentage ? [] : [growth])
    }

    private func earlierCodes(_ codes: [UInt32]) -> [UInt32]? {
        moved(codes) { comparison, day in
            comparison.earlier(day)
        } month: {
            $0
        }
    }

    private func laterCodes(_ codes: [UInt32]) -> [UInt32]? {
        moved(codes) { comparison, day in
            comparison.later(day)
        } month: {
            -$0
        }
    }

    private func moved(
        _ codes: [UInt32], day move: (Comparison, CalendarDay) -> CalendarDay?, month: (Int) -> Int
    ) -> [UInt32]? {
        guard let comparison = inquiry.comparison else { return nil }
        var codes = codes
        if let dayPlace {
            let day = CalendarDay(daysSince1970: Int32(bitPattern: codes[dayPlace]))
            guard let moved = move(comparison, day) else { return nil }
            codes[dayPlace] = Dimension.code(of: moved)
            if let monthPlace { codes[monthPlace] = Dimension.monthCode(of: moved) }
        } else if let monthPlace {
            guard let months = comparison.months else { return nil }
            codes[monthPlace] = monthCode(codes[monthPlace], movedBy: -month(months))
        }
        return codes
    }

    // MARK: Moving averages

    /// The mean of the days up to a row's; a ratio is that of all of them together. None before so many days are known.
    private func average(of figure: Figure, _ codes: [UInt32], days: Int) -> Sheet.Value {
        guard let dayPlace, let first = firstDay else { return .none }
        let last = Int32(bitPattern: codes[dayPlace])
        guard last - Int32(days) + 1 >= first else { return .none }
        var sums: [Measure: Int128] = [:]
        for day in (last - Int32(days) + 1)...last {
            var codes = codes
            codes[dayPlace] = UInt32(bitPattern: day)
            if let monthPlace { codes[monthPlace] = Dimension.monthCode(of: CalendarDay(daysSince1970: day)) }
            guard let values = mainByCodes[codes] else { continue }
            for measure in figure.measures { sums[measure, default: 0] += values[measure] ?? 0 }
        }
        guard figure.addsUp else { return figure.shown(figure.isRatio ? figure.fraction { sums[$0] } : nil) }
        return figure.shown(Fraction(numerator: sums[figure.measures[0]] ?? 0, denominator: Int128(days)))
    }
}

/// What is pending at the end of each day or month, group by group.
private struct Backlog {
    private let timePlace: Int?
    /// By the codes without the time: the times in order, each with what is open at its end.
    private var open: [[UInt32]: [(time: Int32, count: Int128)]] = [:]

    init(_ answer: Answer, timePlace: Int?) {
        self.timePlace = timePlace
        for (codes, values) in answer.measuredRows.sorted(by: { time(of: $0.codes) < time(of: $1.codes) }) {
            let key = key(of: codes)
            let before = open[key]?.last?.count ?? 0
            open[key, default: []].append(
                (time(of: codes), before + (values[.pending] ?? 0) - (values[.resolved] ?? 0)))
        }
    }

    func count(at codes: [UInt32]) -> Int128 {
        let time = time(of: codes)
        return open[key(of: codes)]?.last { $0.time <= time }?.count ?? 0
    }

    private func time(of codes: [UInt32]) -> Int32 { timePlace.map { Int32(bitPattern: codes[$0]) } ?? 0 }

    private func key(of codes: [UInt32]) -> [UInt32] {
        codes.enumerated().filter { $0.offset != timePlace }.map(\.element)
    }
}
