import Rollups
import Transactions

/// The indicative net position of each institution, by business day and currency.
///
/// Value flows from the payer's institution to the payee's where an event settles, and back with refunds, reversals and
/// chargebacks. What stays within one institution is shown apart and moves nothing between any two. Each flow is a debit of one
/// and a credit of another, so the net positions of a day and currency add up to 0, which is asserted. Institution 0, where a
/// record names none, has a position as well: it is what cannot be settled before the institution is known.
public struct Settlement: Sendable {
    /// What the ledger is to be asked.
    public let question: Question

    private static let outward: [Measure] = [.amount]
    private static let homeward: [Measure] = [.refundAmount, .reversalAmount, .chargebackAmount]

    /// Positions over a span of days.
    /// - Parameter asked: of which days and events; its dimensions and measures do not matter.
    public init(of asked: Question) {
        var question = asked
        question.by = [.day, .payerInstitution, .payeeInstitution, .currency]
        question.measures = Settlement.outward + Settlement.homeward
        self.question = question
    }

    private struct Place: Hashable {
        var day: UInt32
        var currency: UInt32
        var institution: UInt32

        var order: [UInt32] { [day, currency, institution] }
    }

    private struct Position {
        var debits: Int128 = 0
        var credits: Int128 = 0
        var within: Int128 = 0
        /// Flows back to the institution's payers.
        var returnsIn: Int128 = 0
        /// Flows back from the institution's payees.
        var returnsOut: Int128 = 0

        var totalDebits: Int128 { debits + returnsOut }
        var totalCredits: Int128 { credits + returnsIn }
        var net: Int128 { totalCredits - totalDebits }
    }

    /// A row for each day, currency and institution: payments out and in, returns in and out, debits, credits and net position
    /// (credits less debits: negative is to pay).
    public func sheet(_ answer: Answer) -> Sheet {
        var positions: [Place: Position] = [:]
        for (codes, values) in answer.measuredRows {
            let (day, payer, payee, currency) = (codes[0], codes[1], codes[2], codes[3])
            let paid = Settlement.outward.reduce(0) { $0 + (values[$1] ?? 0) }
            let returned = Settlement.homeward.reduce(0) { $0 + (values[$1] ?? 0) }
            let payerPlace = Place(day: day, currency: currency, institution: payer)
            guard payer != payee else {
                positions[payerPlace, default: Position()].within += paid - returned
                continue
            }
            positions[payerPlace, default: Position()].debits += paid
            positions[payerPlace]?.returnsIn += returned
            let payeePlace = Place(day: day, currency: currency, institution: payee)
            positions[payeePlace, default: Position()].credits += paid
            positions[payeePlace]?.returnsOut += returned
        }
        let rows = positions.sorted { $0.key.order.lexicographicallyPrecedes($1.key.order) }.map { place, position in
            Sheet.Row(
                codes: [place.day, place.currency],
                values: [.name(.payerInstitution, place.institution)]
                    + [
                        position.debits, position.credits, position.returnsIn, position.returnsOut,
                        position.totalDebits,
                        position.totalCredits, position.net, position.within,
                    ].map { .money($0) })
        }
        Settlement.check(positions)
        let columns = [
            "paid_out", "paid_in", "returned_in", "returned_out", "debits", "credits", "net", "within",
        ]
        var sheet = Sheet(
            dimensions: [.day, .currency],
            columns: [.init("institution", isNumeric: false)] + columns.map { Sheet.Column($0) }, rows: rows,
            sequence: answer.sequence, damage: answer.damage)
        sheet.drawnColumn = 7
        return sheet
    }

    private static func check(_ positions: [Place: Position]) {
        var sums: [[UInt32]: Int128] = [:]
        for (place, position) in positions { sums[[place.day, place.currency], default: 0] += position.net }
        precondition(sums.values.allSatisfy { $0 == 0 }, "what one institution pays another one gets")
    }
}
