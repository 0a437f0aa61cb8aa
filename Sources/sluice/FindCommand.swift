import ArgumentParser
import Foundation
import Ledger
import Presentation
import Transactions

struct FindCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "find", abstract: "Every event of the transaction with an id, in order.",
        discussion: """
            The id is what the source sent: a UUID, a reference of up to 16 characters, or a longer one, which is \
            found by its hash. Several sources may have used the same. A table leaves out the columns that are empty \
            for all events; the other formats always have all columns.

            EXAMPLES
              sluice find 536365-85123A --data ledger
              sluice find 018f3a5c-7c1e-7b2a-9c33-5a0e8f6b1d42 --data ledger --format json
            """)

    @Argument(help: "The transaction's id.") var id: String
    @OptionGroup var data: DataOption
    @Option(help: "table, csv, json, ndjson or markdown.") var format = OutputFormat.table
    @OptionGroup var damage: DamageOption

    func run() async throws {
        try await reportingErrors {
            let access = try await LedgerAccess.open(try data.files())
            let findings = try await access.find(id, despiteDamage: damage.despiteDamage)
            let found = findings.records
            var book = NameBook()
            for space in NameSpace.ofRecords {
                try await book.fetch(Set(found.flatMap { $0.record.codes(in: space) }), space, from: access)
            }
            await access.close()
            complain(of: findings.damage)
            if found.isEmpty { complain("no transaction has the id '\(id)'") }
            if !found.isEmpty || format != .table {
                var report = Report(events: found.map { ($0.sequence, $0.record) }, names: book.name)
                report.damage = findings.damage
                let shown = format == .table ? report.withoutIdleColumns : report
                try emit(shown.rendered(as: format, width: terminalWidth()))
            }
        }
    }
}
