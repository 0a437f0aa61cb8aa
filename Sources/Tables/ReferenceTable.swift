import CSQLite
import Reference
import Transactions

/// A table of few columns that is held in memory: names and the closed vocabularies, to be joined by code or name.
final class ReferenceTable: VirtualTable {
    /// In order; made when a statement first asks for rows.
    private(set) lazy var rows = makeRows()
    private let makeRows: () -> [[SQLValue]]
    private let keys: Set<Int>
    private let expectedRowCount: Int
    /// By key column and value, which rows have it.
    private var places: [Int: [SQLValue: [Int]]] = [:]

    /// - Parameters:
    ///   - keys: columns by which rows are found without looking at all of them.
    ///   - expectedRowCount: about how many rows there are.
    init(_ columns: [TableColumn], keys: Set<Int>, expectedRowCount: Int, rows: @escaping () -> [[SQLValue]]) {
        (self.keys, self.expectedRowCount, makeRows) = (keys, expectedRowCount, rows)
        super.init(columns: columns)
    }

    override func plan(_ plan: inout IndexPlan) {
        let key = plan.constraints.first { constraint in
            constraint.comparison == .equal
                && constraint.column.map { keys.contains($0) && (constraint.isBinary || isInteger($0)) } ?? false
        }
        if let key {
            plan.take(key)
            plan.cost(2, rows: plan.uses[0].isList ? 10 : 1)
        } else {
            plan.cost(Double(expectedRowCount), rows: Double(expectedRowCount))
        }
    }

    override func cursor() throws -> TableCursor { ReferenceCursor(self) }

    private func isInteger(_ column: Int) -> Bool { columns[column].affinity == .integer }

    /// The rows that may satisfy a constraint, in order; nil: any.
    fileprivate func candidates(_ bound: FilterRequest.Bound) -> [Int]? {
        guard let column = bound.column else { return nil }
        var found: Set<Int> = []
        for value in bound.values {
            switch value {
            case .null: break
            case .integer where isInteger(column), .text where !isInteger(column):
                found.formUnion(index(of: column)[value, default: []])
            default: return nil
            }
        }
        return found.sorted()
    }

    private func index(of column: Int) -> [SQLValue: [Int]] {
        if let known = places[column] { return known }
        let made = Dictionary(grouping: rows.indices) { rows[$0][column] }
        places[column] = made
        return made
    }
}

private final class ReferenceCursor: TableCursor {
    private let table: ReferenceTable
    /// Nil: all.
    private var candidates: [Int]?
    private var place = 0

    init(_ table: ReferenceTable) { self.table = table }

    override func filter(_ request: FilterRequest) throws {
        candidates = request.bounds.first.flatMap { table.candidates($0) }
        place = 0
    }

    override func advance() throws { place += 1 }

    override var isAtEnd: Bool { place >= candidates?.count ?? table.rows.count }

    private var row: Int { candidates?[place] ?? place }

    override func show(_ column: Int, in context: OpaquePointer?) throws {
        table.rows[row][column].show(in: context)
    }

    override var rowID: Int64 { Int64(row) + 1 }
}

extension ReferenceTable {
    private static func column(_ name: String, _ affinity: TableColumn.Affinity = .text) -> TableColumn {
        TableColumn(name: name, affinity: affinity)
    }

    static let codeAndName = [column("code", .integer), column("name")]
    static let attributeColumns =
        [column("kind"), column("code", .integer)]
        + ["name", "attribute", "value", "valid_from", "valid_to"].map { column($0) }
    static let offeringColumns = ["agency", "service", "region", "level", "valid_from", "valid_to"].map { column($0) }
    static let outcomeColumns = codeAndName + [column("class")]
    static let currencyColumns = [column("code"), column("numeric", .integer), column("minor_units", .integer)]

    /// The names of a space with their codes.
    static func names(of space: NameSpace, _ session: QuerySession) -> ReferenceTable {
        ReferenceTable(
            codeAndName, keys: [0, 1],
            expectedRowCount: max(1, session.names(of: space).count)
        ) {
            session.names(of: space).sorted { $0.key < $1.key }.map { [.integer(Int64($0.key)), .text($0.value)] }
        }
    }

    /// Reference data: each value of an attribute with its days, of all kinds but offerings.
    static func attributes(_ session: QuerySession) -> ReferenceTable {
        ReferenceTable(
            attributeColumns, keys: [1, 2, 3], expectedRowCount: max(1, session.names(of: .statement).count)
        ) {
            let book = session.book
            return ReferenceKind.allCases.filter { $0 != .offering }.flatMap { kind in
                book.values(of: kind).map { value in
                    let code = value.entry.codes[0]
                    let name = kind.space.map { session.text(of: code, in: $0) } ?? kind.ownName(of: code)
                    return [
                        .text(kind.name), .integer(Int64(code)), name.map { .text($0) } ?? .null,
                        .text(value.attribute),
                        .text(value.value), day(value.from), day(value.to),
                    ]
                }
            }
        }
    }

    /// Each offering with its level and days.
    static func offerings(_ session: QuerySession) -> ReferenceTable {
        ReferenceTable(
            offeringColumns, keys: [0, 1, 2],
            expectedRowCount: max(1, session.names(of: .statement).count)
        ) {
            session.book.values(of: .offering).filter { $0.attribute == "level" }.map { value in
                let names = zip([NameSpace.payee, .service, .region], value.entry.codes).map { space, code in
                    session.text(of: code, in: space).map { SQLValue.text($0) } ?? .null
                }
                return names + [.text(value.value), day(value.from), day(value.to)]
            }
        }
    }

    private static func day(_ day: CalendarDay?) -> SQLValue { day.map { .text("\($0)") } ?? .null }

    /// A closed vocabulary.
    static func vocabulary<Word: Vocabulary>(_ words: Word.Type) -> ReferenceTable {
        ReferenceTable(
            codeAndName, keys: [0, 1], expectedRowCount: Word.allCases.count
        ) {
            Word.allCases.map { [.integer(Int64($0.rawValue)), .text($0.name)] }
        }
    }

    /// Every channel with a name of its own.
    static func channels() -> ReferenceTable {
        ReferenceTable(codeAndName, keys: [0, 1], expectedRowCount: 16) {
            Channel.names.enumerated().map { [.integer(Int64($0)), .text($1)] }
        }
    }

    /// Every outcome with a name of its own, and its class.
    static func outcomes() -> ReferenceTable {
        ReferenceTable(
            outcomeColumns, keys: [0, 1], expectedRowCount: 32
        ) {
            Outcome.names.compactMap { Outcome(name: $0) }.map {
                [.integer(Int64($0.rawValue)), .text($0.name), $0.outcomeClass.map { .text($0.name) } ?? .null]
            }
        }
    }

    /// ISO 4217.
    static func currencies() -> ReferenceTable {
        ReferenceTable(
            currencyColumns, keys: [0, 1],
            expectedRowCount: 180
        ) {
            (UInt16(1)...999).map(Currency.init(rawValue:)).filter(\.isKnown).map {
                [.text($0.code), .integer(Int64($0.rawValue)), .integer(Int64($0.minorUnitDigits))]
            }
        }
    }
}
