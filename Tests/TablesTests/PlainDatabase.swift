import CSQLite
import Tables

/// An ordinary SQLite database in memory: what the virtual tables are held against.
final class PlainDatabase {
    private var handle: OpaquePointer?

    init() throws {
        try check(sqlite3_open(":memory:", &handle))
        // As the boxed-in connection has it.
        try check(sluice_sqlite_switch(handle, SQLITE_DBCONFIG_DQS_DML, 0))
    }

    deinit { sqlite3_close(handle) }

    func execute(_ sql: String) throws { try check(sqlite3_exec(handle, sql, nil, nil, nil)) }

    func fill(_ table: String, _ rows: [[SQLValue]]) throws {
        guard let width = rows.first?.count else { return }
        var statement: OpaquePointer?
        let places = Array(repeating: "?", count: width).joined(separator: ",")
        try check(sqlite3_prepare_v2(handle, "INSERT INTO \(table) VALUES(\(places))", -1, &statement, nil))
        defer { sqlite3_finalize(statement) }
        try execute("BEGIN")
        for row in rows {
            for (place, value) in row.enumerated() { bind(value, at: Int32(place + 1), of: statement) }
            guard sqlite3_step(statement) == SQLITE_DONE else { throw fault() }
            sqlite3_reset(statement)
        }
        try execute("COMMIT")
    }

    func rows(_ sql: String) throws -> (names: [String], rows: [[SQLValue]]) {
        var statement: OpaquePointer?
        try check(sqlite3_prepare_v2(handle, sql, -1, &statement, nil))
        defer { sqlite3_finalize(statement) }
        let count = sqlite3_column_count(statement)
        var rows: [[SQLValue]] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: rows.append((0..<count).map { value(of: statement, $0) })
            case SQLITE_DONE: return ((0..<count).map { String(cString: sqlite3_column_name(statement, $0)) }, rows)
            default: throw fault()
            }
        }
    }

    private func bind(_ value: SQLValue, at place: Int32, of statement: OpaquePointer?) {
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: sqlite3_bind_null(statement, place)
        case .integer(let number): sqlite3_bind_int64(statement, place, number)
        case .real(let number): sqlite3_bind_double(statement, place, number)
        case .text(let text): sqlite3_bind_text(statement, place, text, Int32(text.utf8.count), transient)
        case .blob(let bytes): sqlite3_bind_blob(statement, place, bytes, Int32(bytes.count), transient)
        }
    }

    private func value(of statement: OpaquePointer?, _ column: Int32) -> SQLValue {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: .integer(sqlite3_column_int64(statement, column))
        case SQLITE_FLOAT: .real(sqlite3_column_double(statement, column))
        case SQLITE_TEXT: .text(String(cString: sqlite3_column_text(statement, column)))
        case SQLITE_BLOB:
            .blob(
                Array(
                    UnsafeRawBufferPointer(
                        start: sqlite3_column_blob(statement, column),
                        count: Int(sqlite3_column_bytes(statement, column)))))
        default: .null
        }
    }

    private func check(_ result: Int32) throws { if result != SQLITE_OK { throw fault() } }

    private func fault() -> SQLFault { SQLFault(sqlite3_errcode(handle), String(cString: sqlite3_errmsg(handle))) }
}
