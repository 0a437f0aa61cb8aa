import Analysis
import ArgumentParser
import Rollups

struct SettleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle", abstract: "The indicative net position of each institution, by day and currency.",
        discussion: """
            Value flows from the payer's institution to the payee's with each event that settles (an approved payment, \
            a capture, a resolution as approved), and back with refunds, reversals and chargebacks, each on its own \
            day. 'paid_out' and 'paid_in' are payments, 'returned_in' and 'returned_out' what came and went back; \
            'debits' and 'credits' are what an institution owes and is owed, 'net' the difference: negative is to pay. \
            The net positions of a day and currency add up to 0. What stays within one institution is told as 'within' \
            and settles nothing. Records that name no institution stand under 'none'.

            Sluice decides nothing and keeps no balances: these are figures to check a settlement by. A reversal of an \
            authorisation that was never captured flows back as any other.

            EXAMPLES
              sluice settle --data ledger --from 2026-11-27 --to 2026-11-27
              sluice settle --data ledger --from 2026-11-01 --to 2026-11-30 \\
                --where currency=VND --format csv
            """)

    @OptionGroup var options: QuestionOptions

    func run() async throws {
        try await Analyst.with(options) { analyst in
            let question = try await analyst.inquiry(options.text(by: [], measures: ["attempts"])).question
            let settlement = Settlement(of: question)
            try await analyst.show(settlement.sheet(try await analyst.answers([settlement.question])[0]))
        }
    }
}
