import CSQLite

/// A connection to an SQLite database; used by one thread at a time.
public final class SQLiteDatabase {
    /// How a database is opened.
    public enum Mode: Sendable {
        /// Created when missing.
        case readWrite
        /// The file must not change while it is open: no lock is taken and no other file is looked at.
        case immutable
    }

    /// A value in a statement or a row.
    public enum Value: Equatable, Sendable {
        case integer(Int64)
        case text(String)
        case blob([UInt8])
        case null
    }

    private var handle: OpaquePointer?
    private let path: String
    /// Its VFS must live as long as the connection.
    private let fileSystem: any FileSystem

    /// Opens the database at `path` of a file system.
    public init(path: String, mode: Mode, fileSystem: any FileSystem) throws(SQLiteError) {
        self.path = path
        self.fileSystem = fileSystem
        let flags =
            mode == .immutable
            ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI
        let escaped = path.replacing("%", with: "%25").replacing("?", with: "%3f").replacing("#", with: "%23")
        let uri = "file:" + escaped + (mode == .immutable ? "?immutable=1" : "")
        let result = sqlite3_open_v2(uri, &handle, flags | SQLITE_OPEN_NOMUTEX, fileSystem.sqliteVFSName)
        guard result == SQLITE_OK else {
            let error = SQLiteError(path, handle, result)
            sqlite3_close_v2(handle)
            throw error
        }
        sqlite3_busy_timeout(handle, 10_000)
    }

    deinit { close() }

    /// Ends the connection. Whatever is asked of it afterwards fails.
    public func close() {
        sqlite3_close_v2(handle)
        handle = nil
    }

    /// Runs statements that take no values and give no rows.
    public func execute(_ sql: String) throws(SQLiteError) {
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else { throw SQLiteError(path, handle, result) }
    }

    /// Runs one statement with values for its parameters.
    /// - Returns: its rows.
    @discardableResult
    public func run(_ sql: String, _ values: [Value] = []) throws(SQLiteError) -> [[Value]] {
        let statement = try Statement(sql, self)
        return try statement.run(values)
    }

    /// Rows that the last statement inserted, changed or removed.
    public var changedRowCount: Int { Int(sqlite3_changes(handle)) }

    /// Prepares a statement that is run many times.
    public func prepare(_ sql: String) throws(SQLiteError) -> Statement { try Statement(sql, self) }

    /// Runs `body` in a transaction: all of it happens or nothing.
    public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
        try execute("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try execute("COMMIT")
            return result
        } catch {
            try? execute("ROLLBACK")
            throw error
        }
    }

    /// Opens the blobs of one column, one after another, to read parts of them.
    public func blobs(table: String, column: String) -> Blobs { Blobs(table: table, column: column, self) }

    /// The blobs of one column, of which one is open at a time.
    public final class Blobs {
        private let table: String
        private let column: String
        private let database: SQLiteDatabase
        private var handle: OpaquePointer?

        fileprivate init(table: String, column: String, _ database: SQLiteDatabase) {
            (self.table, self.column, self.database) = (table, column, database)
        }

        deinit { sqlite3_blob_close(handle) }

        /// Goes to a row.
        /// - Returns: the number of bytes of its blob.
        public func open(row: Int64) throws(SQLiteError) -> Int {
            let result =
                handle == nil
                ? sqlite3_blob_open(database.handle, "main", table, column, row, 0, &handle)
                : sqlite3_blob_reopen(handle, row)
            guard result == SQLITE_OK else {
                let error = SQLiteError(database.path, database.handle, result)
                sqlite3_blob_close(handle)
                handle = nil
                throw error
            }
            return Int(sqlite3_blob_bytes(handle))
        }

        /// Reads a part of the blob that is open, all of which must be there.
        public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SQLiteError) {
            guard !buffer.isEmpty else { return }
            let result = sqlite3_blob_read(handle, buffer.baseAddress, Int32(buffer.count), Int32(offset))
            guard result == SQLITE_OK else { throw SQLiteError(database.path, database.handle, result) }
        }
    }

    /// A prepared statement.
    public final class Statement {
        private var statement: OpaquePointer?
        private let database: SQLiteDatabase

        fileprivate init(_ sql: String, _ database: SQLiteDatabase) throws(SQLiteError) {
            self.database = database
            let result = sqlite3_prepare_v2(database.handle, sql, -1, &statement, nil)
            guard result == SQLITE_OK else { throw SQLiteError(database.path, database.handle, result) }
        }

        deinit { sqlite3_finalize(statement) }

        /// Runs the statement with these values.
        @discardableResult
        public func run(_ values: [Value]) throws(SQLiteError) -> [[Value]] {
            defer { sqlite3_reset(statement) }
            for (index, value) in values.enumerated() { try bind(value, at: Int32(index + 1)) }
            var rows: [[Value]] = []
            while true {
                switch sqlite3_step(statement) {
                case SQLITE_ROW: rows.append((0..<sqlite3_column_count(statement)).map(column))
                case SQLITE_DONE: return rows
                case let result: throw SQLiteError(database.path, database.handle, result)
                }
            }
        }

        private func bind(_ value: Value, at index: Int32) throws(SQLiteError) {
            // SQLITE_TRANSIENT: SQLite copies what it is given.
            let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
            let result =
                switch value {
                case .integer(let number): sqlite3_bind_int64(statement, index, number)
                case .text(let text): sqlite3_bind_text(statement, index, text, -1, transient)
                case .blob(let bytes):
                    bytes.withUnsafeBytes {
                        sqlite3_bind_blob64(statement, index, $0.baseAddress, UInt64($0.count), transient)
                    }
                case .null: sqlite3_bind_null(statement, index)
                }
            guard result == SQLITE_OK else { throw SQLiteError(database.path, database.handle, result) }
        }

        private func column(_ index: Int32) -> Value {
            switch sqlite3_column_type(statement, index) {
            case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, index))
            case SQLITE_TEXT: return .text(String(cString: sqlite3_column_text(statement, index)))
            case SQLITE_BLOB:
                let count = Int(sqlite3_column_bytes(statement, index))
                return .blob(Array(UnsafeRawBufferPointer(start: sqlite3_column_blob(statement, index), count: count)))
            default: return .null
            }
        }
    }
}

extension SQLiteDatabase.Value {
    /// The integer; nil for anything else.
    public var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    /// The text; nil for anything else.
    public var text: String? { if case .text(let text) = self { text } else { nil } }
    /// The bytes; nil for anything else.
    public var blob: [UInt8]? { if case .blob(let bytes) = self { bytes } else { nil } }
}

/// What SQLite said.
public struct SQLiteError: Error, Hashable, Sendable, CustomStringConvertible {
    /// SQLite's extended result code.
    public var code: Int32
    /// Database and message.
    public var description: String

    /// True when the file is not what SQLite wrote.
    public var isDamage: Bool { code & 0xFF == SQLITE_CORRUPT || code & 0xFF == SQLITE_NOTADB }

    init(_ path: String, _ handle: OpaquePointer?, _ result: Int32) {
        code = handle == nil ? result : sqlite3_extended_errcode(handle)
        let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(result))
        description = "\(path): \(message)"
        if isDamage { description += "; 'sluice rebuild' makes it anew" }
    }
}
