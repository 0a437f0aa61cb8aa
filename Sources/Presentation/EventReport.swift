import Rollups
import Transactions

extension Report {
    /// Events of transactions in words, a row for each, with every field.
    ///
    /// - Parameter events: each with its sequence.
    public init(events: [(sequence: UInt64, record: Record)], names: @escaping NameLookup) {
        func name(_ space: NameSpace, _ code: some FixedWidthInteger) -> Value {
            code == 0 ? .none : .text(names(space, UInt32(code)) ?? "\(code)")
        }
        let columns: [(Column, (UInt64, Record) -> Value)] = [
            (.init("sequence", isNumeric: true), { sequence, _ in .count(Int128(sequence)) }),
            (.init("time", isNumeric: false), { .text(TimeText.text(ofMicroseconds: $1.timeMicroseconds)) }),
            (.init("source", isNumeric: false), { name(.source, $1.source) }),
            (.init("kind", isNumeric: false), { .text($1.kind?.name ?? "") }),
            (.init("event", isNumeric: false), { .text($1.event?.name ?? "") }),
            (.init("step", isNumeric: true), { .count(Int128($1.step)) }),
            (.init("outcome", isNumeric: false), { .text($1.outcome.name) }),
            (
                .init("amount", isNumeric: true),
                { .decimal($1.currency.decimal(minorUnits: Int128($1.amountMinorUnits))) }
            ),
            (.init("currency", isNumeric: false), { .text($1.currency.code) }),
            (.init("channel", isNumeric: false), { .text($1.channel.name) }),
            (.init("payer", isNumeric: false), { $1.payer == 0 ? .none : .text(TokenText.text(of: $1.payer)) }),
            (.init("payer_institution", isNumeric: false), { name(.institution, $1.payerInstitution) }),
            (.init("payee", isNumeric: false), { name(.payee, $1.payee) }),
            (.init("payee_institution", isNumeric: false), { name(.institution, $1.payeeInstitution) }),
            (.init("service", isNumeric: false), { name(.service, $1.service) }),
            (.init("region", isNumeric: false), { name(.region, $1.region) }),
            (
                .init("duration_milliseconds", isNumeric: true),
                { $1.duration.milliseconds.map { .count(Int128($0)) } ?? .none }
            ),
            (.init("overdue", isNumeric: false), { .text($1.isOverdue ? "yes" : "no") }),
            (.init("test", isNumeric: false), { .text($1.isTest ? "yes" : "no") }),
        ]
        self.init(
            columns: columns.map(\.0),
            rows: events.map { event in columns.map { $0.1(event.sequence, event.record) } })
    }

    /// Without the columns that say nothing in any row, so that a table of a few events fits a screen.
    public var withoutIdleColumns: Report {
        let idle: [String: Value] = ["step": .count(0), "overdue": .text("no"), "test": .text("no")]
        let kept = columns.indices.filter { column in
            !rows.allSatisfy { $0[column] == idle[columns[column].name, default: .none] }
        }
        return Report(columns: kept.map { columns[$0] }, rows: rows.map { row in kept.map { row[$0] } })
    }
}

extension Record {
    /// The codes that the record uses of a space.
    public func codes(in space: NameSpace) -> [UInt32] {
        switch space {
        case .source: [UInt32(source)]
        case .institution: [UInt32(payerInstitution), UInt32(payeeInstitution)]
        case .payee: [payee]
        case .service: [service]
        case .region: [UInt32(region)]
        case .statement: []
        }
    }
}
