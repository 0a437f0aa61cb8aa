import Foundation
import Tables
import Testing

/// Statements over the ledger answer as they do over ordinary tables with the same rows.
@Suite struct QueryTests {
    @Test(arguments: Statements.all)
    func sameAsPlainTables(_ sql: String) throws {
        let query = LedgerQuery(try SampleLedger.shared.get().reader)
        let expected = try PlainCopy.shared.get().rows(sql)
        let found = try query.rows(sql)
        #expect(found.names == expected.names)
        #expect(found.rows.count == expected.rows.count)
        if sql.contains("ORDER BY") {
            #expect(found.rows == expected.rows)
        } else {
            #expect(sorted(found.rows) == sorted(expected.rows))
        }
    }

    @Test func theStatementsFindSomething() throws {
        let plain = try PlainCopy.shared.get()
        let fruitful = try Statements.all.filter { try !plain.rows($0).rows.isEmpty }
        #expect(Statements.all.count >= 70)
        #expect(fruitful.count >= Statements.all.count * 3 / 4)
    }

    private func sorted(_ rows: [[SQLValue]]) -> [String] { rows.map { "\($0)" }.sorted() }
}

/// The ordinary database, made once. Tests of one suite's arguments take turns.
private final class PlainCopy: @unchecked Sendable {
    static let shared = Result { try PlainCopy() }
    private let database: PlainDatabase
    private let lock = NSLock()

    private init() throws { database = try SampleLedger.shared.get().plainDatabase() }

    func rows(_ sql: String) throws -> (names: [String], rows: [[SQLValue]]) {
        try lock.withLock { try database.rows(sql) }
    }
}

/// Each exercises something else: what is pushed down, what must not be, and what SQLite does by itself.
enum Statements {
    static let all = wholeTables + numbers + texts + lists + times + limits + joins + others

    private static let wholeTables = [
        "SELECT * FROM transactions ORDER BY sequence",
        "SELECT count(*) FROM transactions",
        "SELECT rowid, sequence, id FROM transactions ORDER BY rowid DESC",
        "SELECT sum(duration_milliseconds), count(duration_milliseconds), avg(step), max(time), min(day) FROM transactions",
        "SELECT DISTINCT day FROM transactions ORDER BY 1 DESC",
        "SELECT DISTINCT region, region_code FROM transactions",
    ]

    private static let numbers = [
        "SELECT id FROM transactions WHERE sequence = 77",
        "SELECT id, sequence FROM transactions WHERE sequence BETWEEN 100 AND 110 ORDER BY sequence DESC",
        "SELECT sequence FROM transactions WHERE rowid > 4990",
        "SELECT sequence FROM transactions WHERE sequence < 2.5 OR sequence > 4998.5",
        "SELECT sequence FROM transactions WHERE sequence >= '4995'",
        "SELECT sequence FROM transactions WHERE sequence = 5.0",
        "SELECT sequence FROM transactions WHERE sequence = 5.5",
        "SELECT count(*) FROM transactions WHERE sequence > 9223372036854775807",
        "SELECT count(*) FROM transactions WHERE sequence < -9223372036854775808",
        "SELECT count(*) FROM transactions WHERE sequence < 1e300 AND amount > -1e300",
        "SELECT count(*) FROM transactions WHERE sequence > 1e300",
        "SELECT count(*) FROM transactions WHERE sequence > NULL",
        "SELECT count(*) FROM transactions WHERE sequence < 'abc'",
        "SELECT count(*) FROM transactions WHERE sequence < x'00'",
        "SELECT count(*) FROM transactions WHERE sequence = 18446744073709551616",
        "SELECT sequence, amount FROM transactions WHERE amount > 9223372036854770000 ORDER BY amount, sequence",
        "SELECT count(*), currency FROM transactions WHERE amount BETWEEN 5000 AND 20000 GROUP BY currency",
        "SELECT count(*) FROM transactions WHERE amount = '7000'",
        "SELECT count(*) FROM transactions WHERE region_code = 3",
        "SELECT count(*) FROM transactions WHERE region_code = 0 OR region_code < 1",
        "SELECT count(*) FROM transactions WHERE region_code IS NULL",
        "SELECT count(*) FROM transactions WHERE region_code < 5",
        "SELECT count(*) FROM transactions WHERE payee_code > 4294967295",
        "SELECT count(*) FROM transactions WHERE payee_code >= 70000 AND payee_code < 2147483650.5",
        "SELECT count(*) FROM transactions WHERE step > 11 AND is_test = 1",
        "SELECT count(*) FROM transactions WHERE is_test = 0 AND is_overdue <> 0",
        "SELECT count(*) FROM transactions WHERE outcome_code >= 0x30 AND kind_code <= 2",
        "SELECT count(*) FROM transactions WHERE currency_numeric = 826",
        "SELECT count(*) FROM transactions WHERE duration_milliseconds > 700 AND hour >= 22",
        "SELECT count(*) FROM transactions WHERE amount % 3000 = 0",
        "SELECT sequence FROM transactions WHERE -sequence < -4995",
    ]

    private static let texts = [
        "SELECT count(*) FROM transactions WHERE region = 'Hà Nội'",
        "SELECT count(*) FROM transactions WHERE region = 'hà nội' COLLATE NOCASE",
        "SELECT count(*) FROM transactions WHERE region = 'Ha\u{300} No\u{302}\u{323}i'",
        "SELECT count(*) FROM transactions WHERE region = '3'",
        "SELECT count(*) FROM transactions WHERE region = 3",
        "SELECT count(*) FROM transactions WHERE region = '4' AND region = 'Huế'",
        "SELECT sequence FROM transactions WHERE region = 'o''Brien \"x\"' AND sequence < 100 ORDER BY sequence",
        "SELECT count(*) FROM transactions WHERE region LIKE 'h%'",
        "SELECT count(*) FROM transactions WHERE service GLOB 'b*' OR service = 'school' || char(10) || 'fees'",
        "SELECT count(*) FROM transactions WHERE service = 'bills' COLLATE NOCASE",
        "SELECT count(*) FROM transactions WHERE service > 'a' AND service < 'c'",
        "SELECT count(*) FROM transactions WHERE service IS NULL AND payee IS NOT NULL",
        "SELECT count(*) FROM transactions WHERE service IS 'bills'",
        "SELECT count(*) FROM transactions WHERE outcome > 'business_decline' AND outcome_class <> 'approved'",
        "SELECT count(*) FROM transactions WHERE outcome_class = 'technical_decline' AND channel = 'channel_99'",
        "SELECT count(*) FROM transactions WHERE kind >= 'request' AND event = 'initiated'",
        "SELECT count(*) FROM transactions WHERE currency < 'KX'",
        "SELECT count(*) FROM transactions WHERE currency = '704'",
        "SELECT count(*), min(sequence) FROM transactions WHERE payer = 'token:000010000000'",
        "SELECT count(*), min(sequence) FROM transactions WHERE payer = 'token:000010000000' COLLATE NOCASE OR payer = 'x'",
        "SELECT sequence, id FROM transactions WHERE id = 'R-8' ORDER BY sequence DESC",
        "SELECT sequence FROM transactions WHERE id = '018f3a5c-7c1e-7b2a-9c33-100000000001'",
        "SELECT sequence FROM transactions WHERE id = '018F3A5C-7C1E-7B2A-9C33-100000000001'",
        "SELECT sequence FROM transactions WHERE id = 'r-8' COLLATE NOCASE",
        "SELECT sequence FROM transactions WHERE id = 'R-8' AND sequence > 17",
        "SELECT sequence FROM transactions WHERE id > 'sha256:ff' AND id < 'z'",
        "SELECT count(*) FROM transactions WHERE id = 8",
    ]

    private static let lists = [
        "SELECT count(*) FROM transactions WHERE region_code IN (3, 4, NULL, 'x', 32769)",
        "SELECT count(*) FROM transactions WHERE region_code IN (3, 4.0, '32769')",
        "SELECT count(*) FROM transactions WHERE region_code NOT IN (3, 4)",
        "SELECT count(*) FROM transactions WHERE region IN ('Huế', '3', 'nowhere', NULL)",
        "SELECT sequence FROM transactions WHERE sequence IN (5, 4000, 2, -1, 99999) ORDER BY sequence DESC",
        "SELECT sequence, id FROM transactions WHERE id IN ('R-8', 'R-4', 'no', NULL) ORDER BY sequence",
        "SELECT count(*) FROM transactions WHERE day IN ('2024-11-19', '2024-11-21') AND outcome IN ('approved', 'timeout')",
        "SELECT count(*) FROM transactions WHERE service IN (SELECT name FROM services WHERE code > 2147483649)",
        "SELECT count(*) FROM transactions WHERE step IN (1, 3, 15, 77) AND amount IN (1000, 2000, 37000)",
        "SELECT count(*) FROM transactions WHERE region_code IN ()",
        "SELECT count(*) FROM transactions WHERE region_code IN (NULL)",
        "SELECT count(*) FROM transactions WHERE (kind, event) IN (('payment', 'initiated'), ('fee', 'refunded'))",
    ]

    private static let times = [
        "SELECT count(*) FROM transactions WHERE day = '2024-11-20'",
        "SELECT count(*) FROM transactions WHERE day > '2024-11-20' AND day <= '2024-11-22'",
        "SELECT count(*) FROM transactions WHERE day >= '2024-11-2' AND day < '2024-11-21x'",
        "SELECT count(*) FROM transactions WHERE day = '2024-11-31' OR day = ''",
        "SELECT count(*) FROM transactions WHERE day > 20241120",
        "SELECT count(*) FROM transactions WHERE day > '2024-11-19' AND day < '2024-11-18'",
        "SELECT count(*), min(time), max(time) FROM transactions WHERE time >= '2024-11-20' AND time < '2024-11-20T12'",
        "SELECT sequence FROM transactions WHERE time = '2024-11-19T16:00:00.000000Z'",
        "SELECT sequence FROM transactions WHERE time > '9999' OR time < '1970'",
        "SELECT count(*) FROM transactions WHERE time > 'zzz' OR time_microseconds < 0",
        "SELECT count(*) FROM transactions WHERE time_microseconds BETWEEN 1732032000000000 AND 1732118400000000",
        "SELECT day, hour, count(*), sum(step) FROM transactions GROUP BY day, hour ORDER BY day DESC, hour",
        "SELECT strftime('%H', time) AS h, count(*) FROM transactions GROUP BY h ORDER BY h",
    ]

    private static let limits = [
        "SELECT sequence, amount FROM transactions LIMIT 5",
        "SELECT sequence FROM transactions LIMIT 5 OFFSET 4321",
        "SELECT sequence FROM transactions ORDER BY sequence LIMIT 5 OFFSET 997",
        "SELECT sequence FROM transactions ORDER BY sequence DESC LIMIT 5 OFFSET 997",
        "SELECT sequence FROM transactions LIMIT 5 OFFSET 4998",
        "SELECT sequence FROM transactions LIMIT 5 OFFSET 99999",
        "SELECT sequence FROM transactions LIMIT -1 OFFSET 4990",
        "SELECT sequence FROM transactions LIMIT 3 OFFSET -7",
        "SELECT sequence FROM transactions LIMIT 0",
        "SELECT sequence FROM transactions WHERE region = 'Huế' ORDER BY sequence LIMIT 3 OFFSET 2",
        "SELECT sequence FROM transactions WHERE amount % 2 = 0 ORDER BY sequence LIMIT 3 OFFSET 2",
        "SELECT sequence FROM transactions WHERE sequence > 100 ORDER BY sequence DESC LIMIT 3 OFFSET 1",
        "SELECT amount, sequence FROM transactions ORDER BY amount DESC, sequence LIMIT 7 OFFSET 3",
        "SELECT DISTINCT kind FROM transactions ORDER BY kind LIMIT 2 OFFSET 1",
        "SELECT count(*) FROM (SELECT * FROM transactions LIMIT 10 OFFSET 4995)",
        "SELECT sequence FROM transactions UNION ALL SELECT -sequence FROM transactions ORDER BY 1 LIMIT 4 OFFSET 4999",
        "SELECT t.sequence, r.name FROM transactions t, regions r ORDER BY 1, 2 LIMIT 3 OFFSET 4",
        "SELECT sequence FROM transactions WHERE sequence IN (9, 8, 7) OR id = 'R-8' ORDER BY sequence LIMIT 2 OFFSET 1",
    ]

    private static let joins = [
        "SELECT r.name, count(*) FROM transactions t JOIN regions r ON r.code = t.region_code GROUP BY 1 ORDER BY 1",
        "SELECT s.name, count(t.sequence) FROM services s LEFT JOIN transactions t ON t.service_code = s.code AND t.day = '2024-11-20' GROUP BY s.code ORDER BY s.code",
        "SELECT t.sequence, p.code FROM transactions t LEFT JOIN payees p ON p.name = t.payee WHERE t.sequence < 40 ORDER BY 1",
        "SELECT a.id, a.sequence, b.sequence FROM transactions a JOIN transactions b ON b.id = a.id AND b.sequence > a.sequence WHERE a.sequence < 200 ORDER BY a.sequence",
        "SELECT c.code, c.minor_units, sum(t.step) FROM transactions t JOIN currencies c ON c.numeric = t.currency_numeric GROUP BY c.code ORDER BY 1",
        "SELECT o.class, count(*) FROM outcomes o JOIN transactions t ON t.outcome_code = o.code GROUP BY o.class ORDER BY 1",
        "SELECT x.n, t.id FROM (SELECT 5 AS n UNION SELECT 700 UNION SELECT -3) x LEFT JOIN transactions t ON t.sequence = x.n ORDER BY 1",
        "SELECT count(*) FROM transactions WHERE region_code = (SELECT code FROM regions WHERE name = 'Huế')",
        "SELECT name FROM regions r WHERE EXISTS (SELECT 1 FROM transactions t WHERE t.region = r.name AND t.amount > 999000) ORDER BY name",
        "SELECT code, name FROM regions WHERE name IN ('Hà Nội', 'Huế', NULL) OR code = 32771 ORDER BY code",
    ]

    private static let others = [
        "SELECT sequence, row_number() OVER (PARTITION BY region ORDER BY amount DESC, sequence) AS n FROM transactions WHERE sequence < 300 ORDER BY sequence",
        "SELECT day, c, sum(c) OVER (ORDER BY day ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (SELECT day, count(*) AS c FROM transactions GROUP BY day) ORDER BY day",
        "SELECT sequence, lag(amount, 1) OVER (ORDER BY sequence) FROM transactions WHERE sequence BETWEEN 10 AND 20 ORDER BY sequence",
        "WITH t AS (SELECT payee, count(*) AS n FROM transactions GROUP BY payee) SELECT payee, n, n * 100.0 / (SELECT sum(n) FROM t) FROM t ORDER BY n DESC, payee",
        "SELECT kind, count(*) FILTER (WHERE outcome_class = 'approved') * 1.0 / count(*) FROM transactions GROUP BY kind ORDER BY kind",
        "SELECT region, sum(amount / 1000000) AS s FROM transactions GROUP BY region HAVING s > 10 ORDER BY s DESC, region",
        "SELECT group_concat(sequence, '-') FROM (SELECT sequence FROM transactions WHERE payee = 'Phở Thìn' ORDER BY sequence LIMIT 9)",
        "SELECT sequence FROM transactions WHERE region = 'Huế' INTERSECT SELECT sequence FROM transactions WHERE kind = 'fee' EXCEPT SELECT sequence FROM transactions WHERE sequence > 3000 ORDER BY 1",
        "SELECT max(sequence), typeof(amount), typeof(payer), typeof(day), typeof(is_test) FROM transactions",
        "SELECT typeof(payer), typeof(duration_milliseconds), count(*) FROM transactions GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT CASE WHEN amount > 500000 THEN 'large' WHEN amount > 0 THEN 'small' ELSE 'none' END AS band, count(*) FROM transactions GROUP BY band ORDER BY band",
        "SELECT coalesce(region, '-') || '/' || coalesce(service, '-') AS place, count(*) FROM transactions WHERE is_test = 0 GROUP BY 1 ORDER BY 2 DESC, 1",
        "SELECT sequence FROM transactions WHERE (region = 'Huế' OR sequence = 3) AND NOT (step > 4) ORDER BY sequence",
        "SELECT json_group_array(sequence) FROM (SELECT sequence FROM transactions WHERE day = '2024-11-19' ORDER BY sequence LIMIT 4)",
    ]
}
