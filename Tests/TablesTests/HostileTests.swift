import CSQLite
import Tables
import Testing

/// What must not be possible, and what must end.
@Suite struct HostileTests {
    private func query(_ change: (inout QueryLimits) -> Void = { _ in }) throws -> LedgerQuery {
        var limits = QueryLimits()
        limits.seconds = 60
        change(&limits)
        return LedgerQuery(try SampleLedger.shared.get().reader, limits: limits)
    }

    private func fault(_ query: LedgerQuery, _ sql: String) throws -> SQLFault {
        try #require(throws: SQLFault.self, "\(sql)") { _ = try query.rows(sql) }
    }

    @Test(arguments: [
        "CREATE TABLE t(a)", "CREATE TEMP TABLE t(a)", "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER t AFTER DELETE ON x BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE v USING fts5(a)", "CREATE VIRTUAL TABLE v USING transactions",
        "DROP TABLE transactions", "ALTER TABLE transactions RENAME TO t", "CREATE INDEX i ON transactions(id)",
        "INSERT INTO transactions(sequence) VALUES(1)", "UPDATE transactions SET amount = 0",
        "DELETE FROM transactions",
        "INSERT INTO sqlite_schema VALUES(1,1,1,1,1)", "DELETE FROM sqlite_schema", "UPDATE sqlite_schema SET sql = ''",
        "ATTACH '/etc/passwd' AS p", "ATTACH ':memory:' AS p", "DETACH main", "VACUUM INTO '/tmp/stolen'", "VACUUM",
        "BEGIN", "COMMIT", "SAVEPOINT s", "ANALYZE",
        "PRAGMA writable_schema = ON", "PRAGMA journal_mode = WAL", "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA hard_heap_limit = 0", "PRAGMA database_list", "SELECT * FROM pragma_database_list",
        "SELECT load_extension('/lib/x86_64-linux-gnu/libm.so.6')", "SELECT fts3_tokenizer('simple')",
        "SELECT readfile('/etc/passwd')", "SELECT writefile('/tmp/x', 'x')", "SELECT edit('x')",
        "EXPLAIN DELETE FROM transactions",
    ])
    func refused(_ sql: String) throws {
        let query = try query()
        let fault = try fault(query, sql)
        #expect(!fault.isStopped, "\(fault)")
        #expect(try query.rows("SELECT count(*) FROM transactions").rows == [[.integer(5000)]])
    }

    @Test(arguments: [
        "", " ", ";", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE transactions", "SELEC 1",
        "SELECT nothing",
        "SELECT * FROM nowhere", "SELECT \"no column\" FROM transactions", "SELECT 1\0 FROM transactions",
        "SELECT * FROM daily('plan')", "SELECT * FROM daily('day', 'yesterday')", "SELECT * FROM daily(7)",
        "SELECT * FROM daily('day', NULL, NULL, 'region')",
        "SELECT attempts FROM daily('day', NULL, NULL, 'region=Vinh')",
        "SELECT ?", "SELECT a FROM transactions('x')",
    ])
    func faulty(_ sql: String) throws {
        if sql == "SELECT ?" {
            #expect(try query().rows(sql).rows == [[.null]])
        } else {
            #expect(try !fault(query(), sql).isStopped)
        }
    }

    @Test func oneStatementMayHaveACommentBehindIt() throws {
        #expect(try query().rows("SELECT 1; -- one").rows == [[.integer(1)]])
        #expect(try query().rows("/* a */ SELECT ';' AS x ; /* ; */").rows == [[.text(";")]])
    }

    @Test(arguments: [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0",
        "SELECT count(*) FROM transactions a, transactions b, transactions c, transactions d",
        "SELECT group_concat(a.id || b.id || hex(randomblob(1000))) FROM transactions a, transactions b",
        "SELECT count(*) FROM transactions a JOIN transactions b ON a.payee LIKE '%' || b.id || '%'",
    ])
    func endsAfterItsSteps(_ sql: String) throws {
        let fault = try fault(query { $0.stepCount = 300_000 }, sql)
        #expect(fault.isStopped)
        #expect(fault.description.contains("300000 steps"))
    }

    @Test func endsAfterItsTime() throws {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        #expect(try fault(query { $0.seconds = 0.05 }, sql).description.contains("0.05 seconds"))
    }

    @Test func endsWhenItIsAsked() throws {
        let stop = StopSignal()
        stop.raise()
        let query = LedgerQuery(try SampleLedger.shared.get().reader, stop: stop)
        for sql in ["SELECT count(*) FROM transactions", "SELECT attempts FROM daily"] {
            #expect(try fault(query, sql).description == "interrupted")
        }
        stop.clear()
        #expect(try query.rows("SELECT count(*) FROM transactions").rows == [[.integer(5000)]])
    }

    @Test(arguments: [
        "SELECT zeroblob(1000000000)", "SELECT hex(zeroblob(15000000))", "SELECT randomblob(2000000000)",
        "WITH RECURSIVE t(x) AS (SELECT 'abcdefgh' UNION ALL SELECT x || x FROM t) SELECT length(x) FROM t",
        "SELECT replace(hex(zeroblob(5000000)), '0', hex(zeroblob(5000)))",
        "WITH RECURSIVE n(i, x) AS (SELECT 1, randomblob(100000) UNION ALL SELECT i + 1, randomblob(100000) FROM n) SELECT x FROM n ORDER BY x",
        "SELECT json_group_array(randomblob(10)) FROM transactions",
    ])
    func endsWithinItsMemory(_ sql: String) throws {
        let query = try query { $0.memoryByteCount = 64 << 20 }
        let before = sqlite3_memory_used()
        sqlite3_memory_highwater(1)
        _ = try fault(query, sql)
        #expect(sqlite3_memory_highwater(0) <= 65 << 20)
        #expect(sqlite3_memory_used() <= before + 1 << 20)
    }

    @Test func patternsAndExpressionsHaveLimits() throws {
        let pattern = String(repeating: "%a", count: 2000)
        #expect(throws: SQLFault.self) { try query().rows("SELECT id LIKE '\(pattern)' FROM transactions") }
        let deep = String(repeating: "(", count: 3000) + "1" + String(repeating: ")", count: 3000)
        #expect(throws: SQLFault.self) { try query().rows("SELECT \(deep)") }
        let nested = (0..<300).reduce("1") { sql, _ in "abs(\(sql))" }
        #expect(throws: SQLFault.self) { try query().rows("SELECT \(nested)") }
        let wide = (0..<2000).map { "\($0)" }.joined(separator: ",")
        #expect(throws: SQLFault.self) { try query().rows("SELECT \(wide)") }
        let many = Array(repeating: "SELECT 1", count: 600).joined(separator: " UNION ALL ")
        #expect(throws: SQLFault.self) { try query().rows(many) }
        let long = "SELECT '" + String(repeating: "x", count: 2 << 20) + "'"
        #expect(throws: SQLFault.self) { try query().rows(long) }
    }

    @Test func harmlessPragmasAreAnswered() throws {
        let names = try query().rows("SELECT name FROM pragma_table_info('transactions')").rows
        #expect(names.first == [.text("sequence")])
        #expect(names.count == 35)
    }
}
