import CSQLite

/// Lets statements read and do nothing else: SQLite asks for everything that a statement is about to do when it is prepared.
final class ReadOnly {
    /// What was refused last, in words.
    private(set) var refused: String?

    /// Pragmas that only tell what there is.
    private static let harmlessPragmas: Set<String> = ["table_info", "table_xinfo", "table_list", "compile_options"]
    /// Functions that reach beyond the connection.
    private static let refusedFunctions: Set<String> = [
        "load_extension", "fts3_tokenizer", "sqlite_log", "edit", "readfile", "writefile",
    ]

    /// Watches over a connection; must live as long as it does.
    func guardOver(_ database: OpaquePointer?) {
        let own = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_set_authorizer(
            database,
            { own, action, first, second, _, _ in
                let guardian = Unmanaged<ReadOnly>.fromOpaque(own!).takeUnretainedValue()
                return guardian.mayDo(action, first, second) ? SQLITE_OK : SQLITE_DENY
            }, own)
    }

    private func mayDo(_ action: Int32, _ first: UnsafePointer<CChar>?, _ second: UnsafePointer<CChar>?) -> Bool {
        switch action {
        case SQLITE_SELECT, SQLITE_READ, SQLITE_RECURSIVE: return true
        case SQLITE_FUNCTION:
            let name = second.map { String(cString: $0).lowercased() } ?? ""
            if !ReadOnly.refusedFunctions.contains(name) { return true }
            refused = "the function \(name)"
        case SQLITE_PRAGMA:
            let name = first.map { String(cString: $0).lowercased() } ?? ""
            if ReadOnly.harmlessPragmas.contains(name) { return true }
            refused = "PRAGMA \(name)"
        case SQLITE_ATTACH, SQLITE_DETACH: refused = "ATTACH"
        case SQLITE_TRANSACTION, SQLITE_SAVEPOINT: refused = "a transaction"
        // So SQLite asks whether a table may declare its columns. A statement that says so fails: the schema is not writable.
        case SQLITE_UPDATE where first.map { String(cString: $0) } == "sqlite_master": return true
        case SQLITE_INSERT, SQLITE_UPDATE, SQLITE_DELETE: refused = "a change"
        default: refused = "what changes or makes something"
        }
        return false
    }
}
