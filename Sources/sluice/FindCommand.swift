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
    @Option(help: "table, csv, json or ndjson.") var format = OutputFormat.table
    @OptionGroup var damage: DamageOption

    func run() async throws {
        try await reportingErrors {
            let access = try await LedgerAccess.open(try data.files())
            let findings = try await access.find(id, despiteDamage: damage.despiteDamage)
            let found = findings.records
            var book = NameBook()
            for space in NameSpace.allCases {
                try await book.fetch(Set(found.flatMap { $0.record.codes(in: space) }), space, from: access)
            }
            await access.close()
            complain(of: findings.damage)
            if found.isEmpty { complain("no transaction has the id '\(id)'") }
            if !found.isEmpty || format != .table {
                var report = report(found, book)
                report.damage = findings.damage
                try emit((format == .table ? report.withoutIdleColumns : report).rendered(as: format))
            }
        }
    }

    private func report(_ found: [FoundRecord], _ book: NameBook) -> Report {
        func name(_ space: NameSpace, _ code: some FixedWidthInteger) -> Report.Value {
            code == 0 ? .none : .text(book.name(space, UInt32(code)) ?? "\(code)")
        }
        let columns: [(Report.Column, (FoundRecord) -> Report.Value)] = [
            (.init("sequence", isNumeric: true), { .count(Int128($0.sequence)) }),
            (.init("time", isNumeric: false), { .text(timeText($0.record.timeMicroseconds)) }),
            (.init("source", isNumeric: false), { name(.source, $0.record.source) }),
            (.init("kind", isNumeric: false), { .text($0.record.kind?.name ?? "") }),
            (.init("event", isNumeric: false), { .text($0.record.event?.name ?? "") }),
            (.init("step", isNumeric: true), { .count(Int128($0.record.step)) }),
            (.init("outcome", isNumeric: false), { .text($0.record.outcome.name) }),
            (
                .init("amount", isNumeric: true),
                { .decimal($0.record.currency.decimal(minorUnits: Int128($0.record.amountMinorUnits))) }
            ),
            (.init("currency", isNumeric: false), { .text($0.record.currency.code) }),
            (.init("channel", isNumeric: false), { .text($0.record.channel.name) }),
            (
                .init("payer", isNumeric: false),
                { $0.record.payer == 0 ? .none : .text(TokenText.text(of: $0.record.payer)) }
            ),
            (.init("payer_institution", isNumeric: false), { name(.institution, $0.record.payerInstitution) }),
            (.init("payee", isNumeric: false), { name(.payee, $0.record.payee) }),
            (.init("payee_institution", isNumeric: false), { name(.institution, $0.record.payeeInstitution) }),
            (.init("service", isNumeric: false), { name(.service, $0.record.service) }),
            (.init("region", isNumeric: false), { name(.region, $0.record.region) }),
            (
                .init("duration_milliseconds", isNumeric: true),
                { $0.record.duration.milliseconds.map { .count(Int128($0)) } ?? .none }
            ),
            (.init("overdue", isNumeric: false), { .text($0.record.isOverdue ? "yes" : "no") }),
            (.init("test", isNumeric: false), { .text($0.record.isTest ? "yes" : "no") }),
        ]
        return Report(columns: columns.map(\.0), rows: found.map { record in columns.map { $0.1(record) } })
    }
}

extension Report {
    /// Without the columns that say nothing in any row, so that a table of a few events fits a screen.
    fileprivate var withoutIdleColumns: Report {
        let idle: [String: Report.Value] = ["step": .count(0), "overdue": .text("no"), "test": .text("no")]
        let kept = columns.indices.filter { column in
            !rows.allSatisfy { $0[column] == idle[columns[column].name, default: .none] }
        }
        return Report(columns: kept.map { columns[$0] }, rows: rows.map { row in kept.map { row[$0] } })
    }
}

extension Record {
    /// The codes that the record uses of a space.
    fileprivate func codes(in space: NameSpace) -> [UInt32] {
        switch space {
        case .source: [UInt32(source)]
        case .institution: [UInt32(payerInstitution), UInt32(payeeInstitution)]
        case .payee: [payee]
        case .service: [service]
        case .region: [UInt32(region)]
        }
    }
}

/// RFC 3339 in UTC with microseconds.
private func timeText(_ microseconds: Int64) -> String {
    let day = CalendarDay(daysSince1970: Int32(floorDivision(microseconds, 86_400_000_000)))
    let rest = microseconds - Int64(day.daysSince1970) * 86_400_000_000
    let clock = String(
        format: "%02d:%02d:%02d.%06d", Int(rest / 3_600_000_000), Int(rest / 60_000_000 % 60),
        Int(rest / 1_000_000 % 60),
        Int(rest % 1_000_000))
    return "\(day)T\(clock)Z"
}
