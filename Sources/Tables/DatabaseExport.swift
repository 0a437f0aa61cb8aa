import CSQLite
import Ledger
import Transactions

/// Copies the tables into an SQLite database that any tool reads.
public final class DatabaseExport {
    private let connection: Connection
    private var target: OpaquePointer?
    private let days: ClosedRange<CalendarDay>?

    /// - Parameters:
    ///   - path: where the database is made; nothing may be there.
    ///   - days: records and statistics of these alone; nil: of all.
    public init(
        _ ledger: any LedgerView & SnapshotSource, to path: String, days: ClosedRange<CalendarDay>?,
        despiteDamage: Bool = false, stop: StopSignal = StopSignal()
    ) throws {
        var limits = QueryLimits()
        (limits.seconds, limits.stepCount) = (1e9, .max)
        connection = try Connection(ledger, limits, despiteDamage, stop)
        self.days = days
        try call(sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil))
        // Nobody else knows of the file before it is whole.
        try execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; BEGIN")
    }

    deinit { sqlite3_close_v2(target) }

    /// Copies every table; where days are given, those of months are left out.
    /// - Parameter progress: told from time to time how many rows of which table there are.
    /// - Returns: the records that were copied.
    @discardableResult
    public func run(progress: (_ table: String, _ rowCount: Int) -> Void) throws -> Int {
        var recordCount = 0
        for entry in connection.tables where entry.group != .function && isWanted(entry) {
            let rowCount = try copy(entry) { progress(entry.name, $0) }
            if entry.group == .records { recordCount = rowCount }
        }
        try execute("COMMIT")
        return recordCount
    }

    /// Statistics by month cannot be told apart by days.
    private func isWanted(_ entry: TableCatalogue.Entry) -> Bool {
        days == nil || entry.group != .statistics || entry.columns.contains { $0.name == "day" }
    }

    private func copy(_ entry: TableCatalogue.Entry, progress: (Int) -> Void) throws -> Int {
        let columns = entry.columns.filter { !$0.isHidden }
        let declared = columns.enumerated().map { place, column in
            "\"\(column.name)\" \(column.affinity.rawValue)"
                + (place == 0 && entry.group == .records ? " PRIMARY KEY" : "")
        }
        try execute("CREATE TABLE \"\(entry.name)\" (\(declared.joined(separator: ", ")))")
        let places = columns.map { _ in "?" }.joined(separator: ", ")
        var insert: OpaquePointer?
        try call(sqlite3_prepare_v2(target, "INSERT INTO \"\(entry.name)\" VALUES (\(places))", -1, &insert, nil))
        defer { sqlite3_finalize(insert) }
        let names = columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
        var condition = ""
        if let days, entry.group != .names {
            condition = " WHERE day BETWEEN '\(days.lowerBound)' AND '\(days.upperBound)'"
        }
        var rowCount = 0
        try connection.run("SELECT \(names) FROM \"\(entry.name)\"\(condition)", header: { _ in }) { row in
            row.bind(to: insert)
            guard sqlite3_step(insert) == SQLITE_DONE else { throw fault() }
            try call(sqlite3_reset(insert))
            rowCount += 1
            if rowCount % 10_000 == 0 { progress(rowCount) }
        }
        return rowCount
    }

    private func execute(_ sql: String) throws { try call(sqlite3_exec(target, sql, nil, nil, nil)) }

    private func call(_ result: Int32) throws { if result != SQLITE_OK { throw fault() } }

    /// A file that cannot be written is no fault of a statement's.
    private func fault() -> WritingFault {
        WritingFault(description: target.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory")
    }
}

/// A database that could not be written.
public struct WritingFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What SQLite said.
    public var description: String
}

extension ResultRow {
    /// Hands all values to the parameters of another statement.
    func bind(to statement: OpaquePointer?) {
        for column in 0..<Int32(count) {
            sqlite3_bind_value(statement, column + 1, sqlite3_column_value(self.statement, column))
        }
    }
}
