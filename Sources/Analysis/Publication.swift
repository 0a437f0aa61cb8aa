import Rollups
import Transactions

/// Figures that may be made public: rows that stand for few events are withheld, and so many others that nobody can find them
/// from the totals.
///
/// With threshold k:
///
/// 1. A row is withheld whole when any number of events or accounts behind one of its figures is between 1 and k - 1. Behind an
///    amount stands the number of events whose amounts it adds up, whether that is published or not, and behind every row the
///    number of accounts, so that many events of one are few as well.
/// 2. Published totals less published rows are the sum over the withheld ones. So in each period and currency, where any row is
///    withheld, further ones are, the smallest first, until there are two of them at least and each of these sums is 0 or k and
///    more. A total that is itself below k is withheld with all of its rows.
public struct Publication: Sendable {
    /// The rows.
    public let rows: Inquiry
    /// The totals of each period and currency.
    public let totals: Inquiry
    /// The least number that may be told.
    public let threshold: Int128
    private let figureCount: Int
    /// The counts that are looked at, by their places among the figures that are asked for.
    private let countPlaces: [Int]

    /// - Parameters:
    ///   - inquiry: figures without anything beside them, by a period and other dimensions.
    ///   - countsAccounts: looks at the accounts behind rows, for which all records are read.
    /// - Throws: `InquiryError` for a figure that is one event's or not made of counts that are looked at, `RollupError` as
    ///   `Question` does.
    public init(_ inquiry: Inquiry, threshold: Int, countsAccounts: Bool = true) throws {
        if let figure = inquiry.figures.first(where: \.givesAwayOne) {
            throw InquiryError.notWith(figure: figure.name, what: "a publication: it tells of single events")
        }
        self.threshold = Int128(threshold)
        figureCount = inquiry.figures.count
        var figures = inquiry.figures
        let accounts: [Measure] = countsAccounts ? [.payers] : []
        for count in (inquiry.figures.flatMap(\.counts) + accounts).map(Figure.measure) where !figures.contains(count) {
            figures.append(count)
        }
        countPlaces = figures.indices.filter { figures[$0].isCount }
        let question = inquiry.question
        func asked(_ by: [Dimension]) throws(RollupError) -> Inquiry {
            var made = try Inquiry(
                from: question.from, to: question.to, by: by, filters: question.filters, figures: figures)
            (made.asOf, made.bands) = (question.asOf, question.bands)
            return made
        }
        rows = try asked(question.by)
        totals = try asked(question.by.filter { $0 == .day || $0 == .month || $0 == .currency })
    }

    /// What the ledger is to be asked.
    public var questions: [Question] { rows.questions + totals.questions }

    /// The tables to publish; where a row is withheld, its figures are missing and it says so.
    public func tables(_ answers: [Answer]) -> (rows: Sheet, totals: Sheet, withheld: Int) {
        let all = rows.sheet(Array(answers[..<rows.questions.count]))
        let sums = totals.sheet(Array(answers[rows.questions.count...]))
        let places = all.dimensions.indices.filter { sums.dimensions.contains(all.dimensions[$0]) }
        let groups = Dictionary(grouping: all.rows.indices) { index in places.map { all.rows[index].codes[$0] } }
        var withheld: Set<Int> = []
        for indices in groups.values { withheld.formUnion(withheldRows(indices.map { ($0, counts(all.rows[$0])) })) }
        let withheldTotals = Set(sums.rows.indices.filter { counts(sums.rows[$0]).contains(where: isSmall) })
        return (published(all, withheld), published(sums, withheldTotals), withheld.count)
    }

    private func isSmall(_ count: Int128) -> Bool { count > 0 && count < threshold }

    /// The counts behind a row's figures.
    private func counts(_ row: Sheet.Row) -> [Int128] {
        countPlaces.map { place in
            // Estimates and exact counts alike; a column with errors stands behind some of them.
            switch row.values[columnPlaces[place]] {
            case .whole(let count), .estimate(.whole(let count)): count
            default: 0
            }
        }
    }

    /// Where each figure's column is.
    private var columnPlaces: [Int] {
        var places: [Int] = []
        var next = 0
        for figure in rows.figures {
            places.append(next)
            next += figure.error(of: nil) == nil ? 1 : 2
        }
        return places
    }

    private func withheldRows(_ rows: [(index: Int, counts: [Int128])]) -> Set<Int> {
        var withheld = Set(rows.filter { $0.counts.contains(where: isSmall) }.map(\.index))
        guard !withheld.isEmpty else { return [] }
        let others = rows.filter { !withheld.contains($0.index) }.sorted {
            $0.counts.lexicographicallyPrecedes($1.counts)
        }
        for other in others {
            var sums = [Int128](repeating: 0, count: countPlaces.count)
            for row in rows where withheld.contains(row.index) {
                for place in sums.indices { sums[place] += row.counts[place] }
            }
            if withheld.count > 1, !sums.contains(where: isSmall) { break }
            withheld.insert(other.index)
        }
        return withheld
    }

    private func published(_ sheet: Sheet, _ withheld: Set<Int>) -> Sheet {
        let columnCount = figureCount < rows.figures.count ? columnPlaces[figureCount] : sheet.columns.count
        let shown = sheet.rows.enumerated().map { index, row in
            let values = row.values.prefix(columnCount)
            let isWithheld = withheld.contains(index)
            return Sheet.Row(
                codes: row.codes,
                values: (isWithheld ? values.map { _ in .none } : Array(values)) + [
                    .text(isWithheld ? "true" : "false")
                ])
        }
        return Sheet(
            dimensions: sheet.dimensions,
            columns: Array(sheet.columns.prefix(columnCount)) + [.init("withheld", isNumeric: false)], rows: shown,
            sequence: sheet.sequence, damage: sheet.damage)
    }
}

extension Figure {
    /// True for what one event alone decides, and for what is made of counts that are not asked for.
    fileprivate var givesAwayOne: Bool {
        switch self {
        case .measure(.smallestAmount), .measure(.largestAmount), .measure(.peakSecond): true
        case .digitalPercent, .backlog: true
        default: false
        }
    }

    /// True for a number of events or accounts that stand behind figures.
    fileprivate var isCount: Bool {
        guard case .measure(let measure) = self else { return false }
        return measure.form == .count || measure == .payers || measure == .approvedPayers
    }

    /// The counts of what the figure is made of.
    fileprivate var counts: [Measure] {
        measures.flatMap { measure -> [Measure] in
            switch measure {
            case .amount, .smallestAmount, .largestAmount, .amountP50, .amountP90, .amountP95, .amountP99,
                .amountDeviation:
                [.settled]
            case .refundAmount: [.refunds]
            case .reversalAmount: [.reversals]
            case .chargebackAmount: [.chargebacks]
            case .durationMilliseconds, .durationP50, .durationP90, .durationP95, .durationP99, .durationP999,
                .durationDeviation:
                [.timed]
            case .peakPerSecond, .peakSecond: [.attempts]
            default: [measure]
            }
        }
    }
}
