import CSQLite
import Ledger
import Rollups
import Transactions

/// Which tables there are.
enum TableCatalogue {
    /// What kind of a table it is.
    enum Group: String, Sendable {
        case records
        case statistics
        case names
        case function
    }

    /// A table: its name, what it holds, and how it is made.
    struct Entry: Sendable {
        var name: String
        var group: Group
        var summary: String
        var columns: [TableColumn]
        var make: @Sendable (QuerySession) -> VirtualTable
    }

    /// The tables over a ledger that keeps `rollups`.
    static func entries(_ rollups: [RollupDeclaration]) -> [Entry] {
        [
            Entry(
                name: TransactionTable.name, group: .records, summary: "every record, in the order of the log",
                columns: TransactionTable.columns
            ) { TransactionTable($0) }
        ]
            + rollups.map { rollup in
                Entry(
                    name: RollupTable.name(of: rollup), group: .statistics,
                    summary: "by "
                        + ([RollupTable.span(of: rollup)] + rollup.dimensions).map(\.name).joined(separator: ", "),
                    columns: RollupTable.answerColumns(of: rollup).map(\.declaration)
                ) { RollupTable(rollup, $0) }
            }
            + fixed
    }

    /// Those of every ledger behind its records and statistics.
    private static let fixed: [Entry] =
        [
            Entry(
                name: DailyFunction.name, group: .function,
                summary: "daily(by, from, to, where): statistics grouped by the ledger itself",
                columns: DailyFunction.columns
            ) { DailyFunction($0) }
        ]
        + NameSpace.ofRecords.map { space in
            Entry(
                name: space.name + "s", group: .names, summary: "codes and names", columns: ReferenceTable.codeAndName
            ) {
                ReferenceTable.names(of: space, $0)
            }
        }
        + [
            Entry(
                name: "attributes", group: .names,
                summary: "reference data: values of attributes, and when they are valid",
                columns: ReferenceTable.attributeColumns, make: ReferenceTable.attributes),
            Entry(
                name: "offerings", group: .names, summary: "which services are offered online where, since when",
                columns: ReferenceTable.offeringColumns, make: ReferenceTable.offerings),
            names("kinds", "what a transaction is") { .vocabulary(Kind.self) },
            names("events", "what happened to it") { .vocabulary(Event.self) },
            names("outcomes", "what came of it, with its class", ReferenceTable.outcomeColumns) { .outcomes() },
            names("channels", "the way it came in") { .channels() },
            names("currencies", "ISO 4217: code, number, digits of the minor unit", ReferenceTable.currencyColumns) {
                .currencies()
            },
        ]

    private static func names(
        _ name: String, _ summary: String, _ columns: [TableColumn] = ReferenceTable.codeAndName,
        _ make: @escaping @Sendable () -> ReferenceTable
    ) -> Entry {
        Entry(name: name, group: .names, summary: summary, columns: columns) { _ in make() }
    }
}
