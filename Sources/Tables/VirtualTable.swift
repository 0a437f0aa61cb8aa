import CSQLite

/// A table whose rows come from the ledger when SQLite asks for them.
class VirtualTable {
    let columns: [TableColumn]

    init(columns: [TableColumn]) { self.columns = columns }

    /// Chooses what to look to itself. Called often: cheap.
    func plan(_ plan: inout IndexPlan) { preconditionFailure("a table plans") }

    /// A cursor, which `filter` sets to its first row.
    func cursor() throws -> TableCursor { preconditionFailure("a table has cursors") }
}

/// A place among the rows of a table that were asked for.
class TableCursor {
    /// Goes to the first row that is asked for.
    func filter(_ request: FilterRequest) throws { preconditionFailure("a cursor filters") }
    /// Goes to the next row.
    func advance() throws { preconditionFailure("a cursor advances") }
    /// True behind the last row.
    var isAtEnd: Bool { preconditionFailure("a cursor ends") }
    /// Gives a column of the row.
    func show(_ column: Int, in context: OpaquePointer?) throws { preconditionFailure("a cursor has columns") }
    /// The row's number.
    var rowID: Int64 { preconditionFailure("a cursor numbers its rows") }
}

/// Makes tables known to a connection under their names, and tells what they threw.
///
/// The tables are "eponymous": there without a CREATE, and made when a statement names them.
final class TableModules {
    /// What the first table or cursor that failed has thrown.
    private(set) var failure: (any Error)?

    /// A name and how its table is made.
    private final class Entry {
        let make: () throws -> VirtualTable
        unowned let modules: TableModules

        init(_ make: @escaping () throws -> VirtualTable, _ modules: TableModules) {
            (self.make, self.modules) = (make, modules)
        }
    }

    /// Makes a table known. The modules must live as long as the connection.
    func add(_ name: String, to database: OpaquePointer?, make: @escaping () throws -> VirtualTable) -> Int32 {
        let entry = Unmanaged.passRetained(Entry(make, self))
        return sqlite3_create_module_v2(database, name, TableModules.callbacks, entry.toOpaque()) {
            Unmanaged<AnyObject>.fromOpaque($0!).release()
        }
    }

    private func note(_ error: any Error) { failure = failure ?? error }

    /// What a table of SQLite's stands for.
    private final class Box<Content> {
        let content: Content
        let modules: TableModules

        init(_ content: Content, _ modules: TableModules) { (self.content, self.modules) = (content, modules) }
    }

    private typealias Table = sluice_sqlite_table
    private typealias Cursor = sluice_sqlite_cursor

    /// Never freed: SQLite keeps its address.
    nonisolated(unsafe) private static let callbacks: UnsafePointer<sqlite3_module> = {
        let module = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
        module.initialize(to: sqlite3_module())
        module.pointee.iVersion = 2
        module.pointee.xConnect = { database, entry, _, _, table, message in
            let entry = Unmanaged<Entry>.fromOpaque(entry!).takeUnretainedValue()
            do {
                let made = try entry.make()
                let result = sqlite3_declare_vtab(database, declaration(of: made))
                guard result == SQLITE_OK else {
                    message?.pointee = copy(String(cString: sqlite3_errmsg(database)))
                    return result
                }
                guard let memory = sqlite3_malloc(Int32(MemoryLayout<Table>.stride)) else { return SQLITE_NOMEM }
                let pointer = memory.bindMemory(to: Table.self, capacity: 1)
                let box = Unmanaged.passRetained(Box(made, entry.modules))
                pointer.initialize(to: Table(base: sqlite3_vtab(), object: box.toOpaque()))
                table!.pointee = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sqlite3_vtab.self)
                return SQLITE_OK
            } catch {
                entry.modules.note(error)
                message?.pointee = copy("\(error)")
                return SQLITE_ERROR
            }
        }
        module.pointee.xDisconnect = { table in
            let pointer = UnsafeMutableRawPointer(table!).assumingMemoryBound(to: Table.self)
            Unmanaged<Box<VirtualTable>>.fromOpaque(pointer.pointee.object).release()
            sqlite3_free(pointer)
            return SQLITE_OK
        }
        module.pointee.xBestIndex = { table, info in
            var plan = IndexPlan(info!)
            box(table!).content.plan(&plan)
            if plan.isImpossible { return SQLITE_CONSTRAINT }
            return plan.finish() ? SQLITE_OK : SQLITE_NOMEM
        }
        module.pointee.xOpen = { table, cursor in
            attempt(table!) {
                let owner = box(table!)
                guard let memory = sqlite3_malloc(Int32(MemoryLayout<Cursor>.stride)) else {
                    throw SQLFault(SQLITE_NOMEM, "out of memory")
                }
                let made: TableCursor
                do { made = try owner.content.cursor() } catch {
                    sqlite3_free(memory)
                    throw error
                }
                let pointer = memory.bindMemory(to: Cursor.self, capacity: 1)
                pointer.initialize(
                    to: Cursor(base: sqlite3_vtab_cursor(), object: Unmanaged.passRetained(made).toOpaque()))
                cursor!.pointee = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
            }
        }
        module.pointee.xClose = { cursor in
            let pointer = UnsafeMutableRawPointer(cursor!).assumingMemoryBound(to: Cursor.self)
            Unmanaged<TableCursor>.fromOpaque(pointer.pointee.object).release()
            sqlite3_free(pointer)
            return SQLITE_OK
        }
        module.pointee.xFilter = { cursor, number, text, count, values in
            attempt(cursor!.pointee.pVtab) {
                let values = UnsafeBufferPointer(start: values, count: Int(count))
                guard let request = FilterRequest(number: number, text: text, values: values) else {
                    throw SQLFault(SQLITE_ERROR, "a list of values cannot be read")
                }
                try object(cursor!).filter(request)
            }
        }
        module.pointee.xNext = { cursor in attempt(cursor!.pointee.pVtab) { try object(cursor!).advance() } }
        module.pointee.xEof = { cursor in object(cursor!).isAtEnd ? 1 : 0 }
        module.pointee.xColumn = { cursor, context, column in
            attempt(cursor!.pointee.pVtab) { try object(cursor!).show(Int(column), in: context) }
        }
        module.pointee.xRowid = { cursor, number in
            number!.pointee = object(cursor!).rowID
            return SQLITE_OK
        }
        return UnsafePointer(module)
    }()

    private static func box(_ table: UnsafeMutablePointer<sqlite3_vtab>) -> Box<VirtualTable> {
        let pointer = UnsafeMutableRawPointer(table).assumingMemoryBound(to: Table.self)
        return Unmanaged<Box<VirtualTable>>.fromOpaque(pointer.pointee.object).takeUnretainedValue()
    }

    @inline(__always)
    private static func object(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>) -> TableCursor {
        let pointer = UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: Cursor.self)
        return Unmanaged<TableCursor>.fromOpaque(pointer.pointee.object)._withUnsafeGuaranteedRef { $0 }
    }

    /// Runs `work`; what it throws is kept, and told to SQLite in words.
    @inline(__always)
    private static func attempt(_ table: UnsafeMutablePointer<sqlite3_vtab>, _ work: () throws -> Void) -> Int32 {
        do {
            try work()
            return SQLITE_OK
        } catch {
            box(table).modules.note(error)
            sqlite3_free(table.pointee.zErrMsg)
            table.pointee.zErrMsg = copy("\(error)")
            return (error as? SQLFault)?.code ?? SQLITE_ERROR
        }
    }

    private static func copy(_ text: String) -> UnsafeMutablePointer<CChar>? {
        let bytes = text.utf8CString
        guard let memory = sqlite3_malloc(Int32(bytes.count)) else { return nil }
        bytes.withUnsafeBytes { memory.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        return memory.assumingMemoryBound(to: CChar.self)
    }

    private static func declaration(of table: VirtualTable) -> String {
        let columns = table.columns.map {
            "\"\($0.name)\" \($0.affinity.rawValue)\($0.isHidden ? " HIDDEN" : "")"
        }
        return "CREATE TABLE x(\(columns.joined(separator: ", ")))"
    }
}
