import CSQLite
import Ledger
import Rollups

/// Runs statements of SQL over a ledger: they read, within limits, and nothing else.
///
/// Each statement sees the records that were receipted before it began. Used by one thread at a time; only the stop signal is
/// for others.
public final class LedgerQuery {
    private let ledger: any LedgerView & SnapshotSource
    private let limits: QueryLimits
    private let despiteDamage: Bool
    private let stop: StopSignal
    /// Damage that the last statement met: what it left out, and what only should be known.
    public private(set) var damage: [DamageMark] = []

    /// - Parameters:
    ///   - despiteDamage: leave out what cannot be read, instead of failing.
    ///   - stop: ends a statement that runs.
    public init(
        _ ledger: any LedgerView & SnapshotSource, limits: QueryLimits = QueryLimits(), despiteDamage: Bool = false,
        stop: StopSignal = StopSignal()
    ) {
        (self.ledger, self.limits, self.despiteDamage, self.stop) = (ledger, limits, despiteDamage, stop)
    }

    /// Runs one statement.
    /// - Parameters:
    ///   - header: gets the names of the columns, before any row.
    ///   - row: gets one row after the other, which is valid during the call.
    /// - Throws: `SQLFault`, what the ledger throws, and what the callers throw.
    public func run(
        _ statement: String, header: ([String]) throws -> Void, row: (borrowing ResultRow) throws -> Void
    ) throws {
        let connection = try Connection(ledger, limits, despiteDamage, stop)
        defer { damage = connection.session.damage }
        try connection.run(statement, header: header, row: row)
    }

    /// The tables: name, what they are for.
    public func tables() throws -> [(name: String, summary: String)] {
        try ledger.tables().map { ($0.name, $0.summary) }
    }

    /// The columns of a table, or of all tables, as SQL would declare them.
    public func schema(of table: String? = nil) throws -> [String] {
        try ledger.tables().filter { table == nil || $0.name == table }.map { entry in
            let columns = entry.columns.map {
                "  \"\($0.name)\" \($0.affinity.rawValue)\($0.isHidden ? " HIDDEN" : "")"
            }
            return "CREATE TABLE \"\(entry.name)\" (\n\(columns.joined(separator: ",\n"))\n);"
        }
    }
}

extension LedgerView {
    /// The tables over it.
    fileprivate func tables() throws -> [TableCatalogue.Entry] {
        let declared = try rollups().filter { $0.code != nil }.map(\.declaration)
        return TableCatalogue.entries(RollupDeclaration.defaults + declared)
    }
}

/// A row of a result.
public struct ResultRow: ~Copyable {
    let statement: OpaquePointer
    /// Number of columns.
    public let count: Int

    init(_ statement: OpaquePointer) {
        self.statement = statement
        count = Int(sqlite3_column_count(statement))
    }

    /// A column's value.
    public subscript(column: Int) -> SQLValue { SQLValue(sqlite3_column_value(statement, Int32(column))) }

    /// All values.
    public var values: [SQLValue] { (0..<count).map { self[$0] } }
}

/// An SQLite in memory with nothing in it but the ledger's tables.
final class Connection {
    let session: QuerySession
    let tables: [TableCatalogue.Entry]
    private let watch: Watch
    private let modules = TableModules()
    private let readOnly = ReadOnly()
    private let limits: QueryLimits
    private var database: OpaquePointer?

    init(
        _ ledger: any LedgerView & SnapshotSource, _ limits: QueryLimits, _ despiteDamage: Bool, _ stop: StopSignal
    ) throws {
        let watch = Watch(limits, stop)
        (self.watch, self.limits) = (watch, limits)
        tables = try ledger.tables()
        session = try QuerySession(ledger, despiteDamage: despiteDamage) { try watch.check() }
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX
        try call(sqlite3_open_v2(":memory:", &database, flags, nil))
        for entry in tables {
            try call(modules.add(entry.name, to: database) { [unowned session] in entry.make(session) })
        }
        // Nothing is written to disk, not even what is sorted.
        try call(sqlite3_exec(database, "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF", nil, nil, nil))
        for (which, isOn) in Connection.switches { try call(sluice_sqlite_switch(database, which, isOn)) }
        limits.apply(to: database)
        readOnly.guardOver(database)
        sqlite3_progress_handler(
            database, Int32(Watch.stepsPerLook),
            { watch in Unmanaged<Watch>.fromOpaque(watch!).takeUnretainedValue().mayStep() ? 0 : 1 },
            Unmanaged.passUnretained(watch).toOpaque())
    }

    deinit { sqlite3_close_v2(database) }

    private static let switches: [(Int32, Int32)] = [
        (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
        (SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0), (SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0),
        (SQLITE_DBCONFIG_ENABLE_TRIGGER, 0), (SQLITE_DBCONFIG_ENABLE_VIEW, 0),
        // "x" is a column or a fault, never a text: a name with a slip in it would compare as one.
        (SQLITE_DBCONFIG_DQS_DML, 0), (SQLITE_DBCONFIG_DQS_DDL, 0),
    ]

    func run(
        _ text: String, header: ([String]) throws -> Void, row: (borrowing ResultRow) throws -> Void
    ) throws {
        let former = sqlite3_hard_heap_limit64(Int64(limits.memoryByteCount))
        defer { sqlite3_hard_heap_limit64(former) }
        let statement = try prepare(text)
        defer { sqlite3_finalize(statement) }
        try header(
            (0..<sqlite3_column_count(statement)).map {
                sqlite3_column_name(statement, $0).map { String(cString: $0) } ?? ""
            })
        while true {
            let result = sqlite3_step(statement)
            guard result == SQLITE_ROW else {
                if result == SQLITE_DONE { return }
                throw fault(result)
            }
            try row(ResultRow(statement))
        }
    }

    /// The one statement of a text.
    private func prepare(_ text: String) throws -> OpaquePointer {
        guard text.utf8.count <= limits.statementByteCount else {
            throw SQLFault(SQLITE_TOOBIG, "the statement is longer than \(limits.statementByteCount) bytes")
        }
        guard !text.utf8.contains(0) else { throw SQLFault(SQLITE_ERROR, "the statement has a NUL in it") }
        return try text.withCString { start in
            var rest: UnsafePointer<CChar>?
            var (statement, second): (OpaquePointer?, OpaquePointer?)
            try call(sqlite3_prepare_v2(database, start, -1, &statement, &rest))
            guard let statement else { throw SQLFault(SQLITE_ERROR, "there is no statement") }
            // What follows may be a comment, which makes no statement.
            let result = sqlite3_prepare_v2(database, rest, -1, &second, nil)
            sqlite3_finalize(second)
            guard result == SQLITE_OK, second == nil else {
                sqlite3_finalize(statement)
                throw SQLFault(SQLITE_ERROR, "one statement at a time: there is more behind the ';'")
            }
            return statement
        }
    }

    private func call(_ result: Int32) throws {
        if result != SQLITE_OK { throw fault(result) }
    }

    /// Why SQLite failed: what a table threw, what was refused, which limit it was, else SQLite's own words.
    private func fault(_ result: Int32) -> any Error {
        if let failure = modules.failure { return failure }
        if let reason = watch.reason { return SQLFault(SQLITE_INTERRUPT, reason) }
        if result == SQLITE_AUTH, let refused = readOnly.refused {
            return SQLFault(result, "\(refused) is not allowed: statements read, and nothing else")
        }
        switch result {
        case SQLITE_NOMEM: return SQLFault(result, "it needs more than \(limits.memoryByteCount) bytes of memory")
        case SQLITE_TOOBIG:
            return SQLFault(result, "a text, a blob or a row is longer than \(limits.valueByteCount) bytes")
        default:
            let message =
                database.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(result))
            return SQLFault(result, message)
        }
    }
}
