import Rollups
import Transactions

/// What came in since a sequence, and which days it changed: a day that was already read may have moved.
public struct Changes: Sendable {
    /// The figures of now; must add up.
    public let inquiry: Inquiry
    private let since: UInt64

    /// What moved since a sequence.
    /// - Throws: `noShare` naming a figure that does not add up over records.
    public init(_ inquiry: Inquiry, since: UInt64) throws(InquiryError) {
        if let figure = inquiry.figures.first(where: { !$0.addsUp }) { throw .noShare(figure.name) }
        (self.inquiry, self.since) = (inquiry, since)
    }

    /// All of it, and what came since.
    public var questions: [Question] {
        var recent = inquiry.question
        recent.after = since
        return [inquiry.question, recent]
    }

    /// A row for each group that anything was added to: each figure before, what was added, and now.
    public func sheet(_ answers: [Answer]) -> Sheet {
        let all = answers[0].rowsByCodes
        let rows = answers[1].measuredRows.map { codes, added in
            Sheet.Row(
                codes: codes,
                values: inquiry.figures.flatMap { figure -> [Sheet.Value] in
                    let measure = figure.measures[0]
                    // The second answer may be the later one: what it has and the first has not was not there before.
                    let now = max(all[codes]?[measure] ?? 0, added[measure] ?? 0)
                    let change = added[measure] ?? 0
                    return [now - change, change, now].map {
                        figure.shown(Fraction(numerator: $0, denominator: 1))
                    }
                })
        }
        let columns = inquiry.figures.flatMap { figure in
            [figure.name + "_before", figure.name + "_change", figure.name].map { Sheet.Column($0) }
        }
        var sheet = Sheet(
            dimensions: inquiry.question.by, columns: columns, rows: rows, sequence: answers.leastSequence,
            damage: answers.allDamage)
        sheet.attributes = answers[0].attributes
        sheet.drawnColumn = 1
        return sheet
    }
}
