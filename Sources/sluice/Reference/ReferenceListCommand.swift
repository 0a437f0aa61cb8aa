import ArgumentParser
import Foundation
import Ledger
import Presentation
import Reference
import Transactions

struct ReferenceListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show reference data as of a day, or how it came about.",
        discussion: """
            All entries of a kind with their codes, names and attributes, as they were on a business day: today when \
            absent. With --history every value that was ever said, the day from which on it is valid, and when it was \
            said; of values said for the same day the last one holds.

            EXAMPLES
              sluice reference list regions --data ledger --at 2025-06-30
              sluice reference list offerings --format csv
              sluice reference list services --history
            """)

    @Argument(help: "What to show, such as regions.") var kind: ReferenceKind
    @OptionGroup var data: DataOption
    @Option(help: "A business day (yyyy-MM-dd); today when absent.") var at: CalendarDay?
    @Flag(help: "Every value that was ever said.") var history = false
    @Option(help: "\(OutputFormat.words).") var format = OutputFormat.table

    func validate() throws {
        if history, at != nil { throw ValidationError("--history has all days: leave --at away") }
    }

    func run() async throws {
        try await reportingErrors {
            let access = try await LedgerAccess.open(try data.files())
            let statements = history ? try await access.statements(of: [kind]) : []
            let day = try await access.today(or: at)
            let listing = ReferenceListing(
                kind: kind, book: try await access.bookWithCategories(of: [kind]), names: try await names(access))
            await access.close()
            let report = history ? listing.history(statements) : listing.report(on: day)
            if format == .table, report.rows.isEmpty {
                try emit("nothing is known of \(kind.name)s\n")
            } else {
                try emit(report.rendered(as: format, width: terminalWidth()))
            }
        }
    }
}

extension ReferenceListCommand {
    private func names(_ access: LedgerAccess) async throws -> [ReferenceKind: [UInt32: String]] {
        var names: [ReferenceKind: [UInt32: String]] = [:]
        for kind in kind == .offering ? [.payee, .service, .region] : [kind] {
            names[kind] = try await access.entryNames(of: kind)
        }
        return names
    }
}

/// Reference data as rows.
struct ReferenceListing {
    let kind: ReferenceKind
    let book: ReferenceBook
    /// Of the entries, of an offering of its agency, service and region.
    let names: [ReferenceKind: [UInt32: String]]

    /// All entries with their attributes on a day.
    func report(on day: CalendarDay) -> Report {
        let attributes = book.knownAttributes(of: kind).filter { $0 != "name" }
        var entries = book.entries(of: kind)
        if kind != .offering { entries.formUnion(names[kind, default: [:]].keys.map { ReferenceEntry($0) }) }
        let rows = sorted(entries).compactMap { entry -> [Report.Value]? in
            let values = attributes.map { attribute -> Report.Value in
                book.value(of: attribute, of: entry, kind, on: day).map { .text($0) } ?? .none
            }
            // An offering without a level is none on that day.
            if kind == .offering, book.value(of: "level", of: entry, kind, on: day) == nil { return nil }
            return identity(entry, on: day) + values
        }
        let shown = attributes.indices.filter { column in
            book.attributes(of: kind).contains(attributes[column])
                || rows.contains { $0[identityColumns.count + column] != .none }
        }
        return Report(
            columns: identityColumns
                + shown.map { column in
                    let name = attributes[column]
                    return Report.Column(name == "code" ? "\(kind.name).code" : name, isNumeric: false)
                },
            rows: rows.map { row in row[..<identityColumns.count] + shown.map { row[identityColumns.count + $0] } })
    }

    /// Every value that was ever said, in that order.
    func history(_ statements: [String]) -> Report {
        let columns = ["attribute", "value", "from", "said"].map { Report.Column($0, isNumeric: false) }
        let rows = statements.compactMap(ReferenceStatement.init(text:)).map { statement in
            identity(statement.entry) + [
                .text(statement.attribute), statement.value.isEmpty ? .none : .text(statement.value),
                statement.from.map { .text("\($0)") } ?? .none,
                .text(TimeText.text(ofMicroseconds: statement.momentMicroseconds)),
            ]
        }
        return Report(columns: identityColumns + columns, rows: rows)
    }

    private var identityColumns: [Report.Column] {
        kind == .offering
            ? ["agency", "service", "region"].map { Report.Column($0, isNumeric: false) }
            : [Report.Column("code", isNumeric: true), Report.Column("name", isNumeric: false)]
    }

    /// - Parameter day: nil for the names that the codes have in records.
    private func identity(_ entry: ReferenceEntry, on day: CalendarDay? = nil) -> [Report.Value] {
        guard kind == .offering else {
            let name = day.flatMap { book.value(of: "name", of: entry, kind, on: $0) } ?? names[kind]?[entry.codes[0]]
            return [.count(Int128(entry.codes[0])), name.map { .text($0) } ?? .none]
        }
        return zip([ReferenceKind.payee, .service, .region], entry.codes).map { kind, code in
            code == 0 ? .none : .text(names[kind]?[code] ?? "\(code)")
        }
    }

    private func sorted(_ entries: Set<ReferenceEntry>) -> [ReferenceEntry] {
        entries.sorted { $0.codes.lexicographicallyPrecedes($1.codes) }
    }
}
