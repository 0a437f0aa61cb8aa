import Chance
import Foundation
import Ledger
import Rollups
import Storage
import Testing
import Transactions

private typealias Dimension = Rollups.Dimension

/// Sums of months: they answer what the days would, and only as long as they are the sums of just these days.
@Suite struct MonthTests {
    private static let first = CalendarDay("2024-01-20")!

    private static func records(onDay back: Int, seed: UInt64, count: Int = 15) -> [Record] {
        var chance = SeededGenerator(seed: seed)
        let start = Int64(first.daysSince1970) * 24 * hour + Int64(back) * 24 * hour
        return (0..<count).map { number in
            record(
                Int(seed) * 100_000 + back * 1000 + number, time: start + .random(in: 0..<24 * hour, using: &chance),
                amount: .random(in: 0...1_000_000, using: &chance),
                event: Event.allCases.randomElement(using: &chance)!, outcome: .approved)
        }
    }

    /// From the 20th of January to the 18th of April, in several loads, so that some days have several chunks.
    private static func makeLedger(_ directory: TemporaryDirectory) throws {
        try directory.files.createUTC()
        for days in [0..<25, 24..<61, 61..<90] {
            try directory.files.load(days.flatMap { records(onDay: $0, seed: UInt64(days.lowerBound + 1)) })
        }
    }

    /// Chunks that a question about all days reads of a rollup.
    private static func visitedCount(_ files: LedgerFiles, inMonths: Bool) throws -> Int {
        let catalogue = try files.openCatalogue()
        defer { catalogue.close() }
        var count = 0
        let days = CalendarDay("2024-01-01")!...CalendarDay("2024-12-31")!
        try catalogue.forEachChunk(rollup: "regions", days: days, inMonths: inMonths) { _ in count += 1 }
        return count
    }

    private static func execute(_ sql: String, _ files: LedgerFiles) throws {
        let database = try SQLiteDatabase(path: files.catalogue, mode: .readWrite, fileSystem: DiskFileSystem())
        defer { database.close() }
        try database.execute(sql)
    }

    private static func questions() throws -> [Question] {
        func day(_ text: String) -> CalendarDay? { CalendarDay(text) }
        return [
            try Question(by: [.region], measures: Measure.kept), try Question(by: [.month], measures: Measure.kept),
            try Question(by: [.source, .hour, .outcome], measures: Measure.kept),
            try Question(
                by: [.service, .month], filters: [.month: [202402, 202403]], measures: [.amount, .largestAmount]),
            try Question(from: day("2024-01-25"), to: day("2024-03-02"), by: [.region], measures: Measure.kept),
            try Question(from: day("2024-02-01"), to: day("2024-02-29"), by: [.payee], measures: [.amount]),
            try Question(by: [.region, .day], measures: [.attempts, .amount]),
            try Question(by: [.region], filters: [.day: [UInt32(Self.first.daysSince1970 + 20)]], measures: [.amount]),
        ]
    }

    private static func answers(_ files: LedgerFiles) throws -> [Answer] {
        let reader = try LedgerReader(files)
        return try questions().map { try reader.answer($0) }
    }

    @Test func monthsAnswerWhatTheirDaysWould() throws {
        let directory = try TemporaryDirectory()
        try Self.makeLedger(directory)
        let days = try Self.visitedCount(directory.files, inMonths: false)
        // Of the last month the days.
        #expect(try Self.visitedCount(directory.files, inMonths: true) == 3 + 18)
        #expect(days > 90)
        let answers = try Self.answers(directory.files)
        #expect(answers.allSatisfy { !$0.rows.isEmpty })
        try Self.execute("DELETE FROM months", directory.files)
        #expect(try Self.visitedCount(directory.files, inMonths: true) == days)
        #expect(try Self.answers(directory.files) == answers)
        var verification = Verification(directory.files)
        #expect(try verification.run { _, _ in }.faults == [])
    }

    /// A catalogue that was made before there were sums is read, and gets them when it is next written to.
    @Test func aCatalogueWithoutTheTableIsRead() throws {
        let directory = try TemporaryDirectory()
        try Self.makeLedger(directory)
        let answers = try Self.answers(directory.files)
        try Self.execute("DROP TABLE months", directory.files)
        #expect(try Self.answers(directory.files) == answers)
        try directory.files.load(Self.records(onDay: 89, seed: 700))
        #expect(try Self.visitedCount(directory.files, inMonths: true) == 3 + 19)
    }

    /// A late record brings its month another chunk: until there is a new sum the days answer.
    @Test func aLateRecordMakesASumWorthless() throws {
        let directory = try TemporaryDirectory()
        try Self.makeLedger(directory)
        let before = try directory.files.savedMonths()
        let late = Self.records(onDay: 30, seed: 900, count: 7)
        try directory.files.load(late)
        let answers = try Self.answers(directory.files)
        // As if the sums had not been made anew.
        try directory.files.restoreMonths(before)
        #expect(try Self.answers(directory.files) == answers)
        let visited = try Self.visitedCount(directory.files, inMonths: true)
        #expect(visited > 3 + 18 + 25, "January, the days of February, March and the days of April")
        var verification = Verification(directory.files)
        #expect(try verification.run { _, _ in }.faults == [])
    }

    /// What was changed in a sum is found by whoever reads it and by `verify`.
    @Test(arguments: ["bytes", "chunks"]) func damageOfASumIsFound(column: String) throws {
        let directory = try TemporaryDirectory()
        try Self.makeLedger(directory)
        let answers = try Self.answers(directory.files)
        // The bytes of one month in another's place, with or without what they are a sum of.
        let both = column == "bytes" ? "bytes" : "chunks = x'00', bytes"
        try Self.execute(
            "UPDATE months SET \(both) = (SELECT bytes FROM months WHERE rollup = 'regions' AND month = 24289)"
                + " WHERE rollup = 'regions' AND month = 24290", directory.files)
        if column == "chunks" {
            // It is the sum of nothing that is there, and never read.
            #expect(try Self.answers(directory.files) == answers)
            return
        }
        let question = try Question(by: [.region], measures: [.amount])
        #expect(throws: CatalogueError.self) { try LedgerReader(directory.files).answer(question) }
        var verification = Verification(directory.files)
        #expect(try !verification.run { _, _ in }.faults.isEmpty)
    }
}

extension LedgerFiles {
    /// The sums of months as they are.
    fileprivate func savedMonths() throws -> [[SQLiteDatabase.Value]] {
        let database = try SQLiteDatabase(path: catalogue, mode: .readWrite, fileSystem: DiskFileSystem())
        defer { database.close() }
        return try database.run("SELECT rollup, month, chunks, \"check\", bytes FROM months")
    }

    fileprivate func restoreMonths(_ rows: [[SQLiteDatabase.Value]]) throws {
        let database = try SQLiteDatabase(path: catalogue, mode: .readWrite, fileSystem: DiskFileSystem())
        defer { database.close() }
        try database.execute("DELETE FROM months")
        for row in rows { try database.run("INSERT INTO months VALUES (?, ?, ?, ?, ?)", row) }
    }
}
