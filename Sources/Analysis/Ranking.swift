import Rollups

/// The largest of many: the rows of a dimension by a figure, with their share and what they have together.
public struct Ranking: Sendable {
    /// What is asked: the figure that ranks first, others behind it.
    public let inquiry: Inquiry
    /// So many rows of each currency are shown.
    public let limit: Int

    /// A ranking by the first figure.
    /// - Throws: `noShare` when that figure does not add up over rows.
    public init(_ inquiry: Inquiry, limit: Int) throws(InquiryError) {
        guard let first = inquiry.figures.first, first.addsUp else {
            throw .noShare(inquiry.figures.first?.name ?? "nothing")
        }
        (self.inquiry, self.limit) = (inquiry, limit)
    }

    /// How few rows have how much, for a currency (0: none).
    public struct Concentration: Hashable, Sendable {
        /// The currency's code.
        public var currency: UInt32
        /// So many rows, the largest, have at least `percent` of all.
        public var rowCount: Int
        /// Of so many that have any.
        public var allCount: Int
        /// 80.
        public var percent: Int
    }

    /// The largest rows with rank, share and cumulative share, those of each currency together.
    public func sheet(_ answers: [Answer]) -> (sheet: Sheet, concentrations: [Concentration]) {
        let whole = inquiry.sheet(answers)
        var (rows, concentrations): ([Sheet.Row], [Concentration]) = ([], [])
        let byCurrency = Dictionary(grouping: whole.rows, by: whole.currencyCode(of:))
        for currency in byCurrency.keys.sorted() {
            let ranked = byCurrency[currency, default: []].sorted { a, b in
                let (x, y) = (a.weight, b.weight)
                return x == y ? a.codes.lexicographicallyPrecedes(b.codes) : x > y
            }
            let total = ranked.reduce(0) { $0 + $1.weight }
            var sum: Int128 = 0
            var needed: Int?
            for (place, row) in ranked.enumerated() {
                sum += row.weight
                if needed == nil, total > 0, sum * 100 >= total * 80 { needed = place + 1 }
                guard place < limit else { continue }
                rows.append(
                    Sheet.Row(
                        codes: row.codes,
                        values: [.whole(Int128(place + 1))] + row.values + [
                            .share(row.weight, of: total), .share(sum, of: total),
                        ]))
            }
            if let needed {
                concentrations.append(
                    Concentration(
                        currency: currency, rowCount: needed, allCount: ranked.count { $0.weight > 0 }, percent: 80))
            }
        }
        let name = inquiry.figures[0].name
        let columns =
            [Sheet.Column("rank")] + whole.columns + [
                .init(name + "_share_percent"), .init(name + "_cumulative_percent"),
            ]
        var sheet = Sheet(
            dimensions: whole.dimensions, columns: columns, rows: rows, sequence: whole.sequence, damage: whole.damage)
        sheet.attributes = whole.attributes
        sheet.drawnColumn = 1
        return (sheet, concentrations)
    }
}

extension Sheet.Row {
    /// What the row is ranked by.
    fileprivate var weight: Int128 {
        switch values[0] {
        case .whole(let value), .money(let value): value
        default: 0
        }
    }
}

extension Sheet.Value {
    /// A share in percent; none of nothing.
    static func share(_ part: Int128, of whole: Int128) -> Sheet.Value {
        Fraction(numerator: part, denominator: whole).hundredthsOfPercent.map { .percent($0) } ?? .none
    }
}
