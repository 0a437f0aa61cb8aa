import Chance
import Foundation
import Ledger
import Locks
import Rollups
import Storage
import Testing
import Transactions

private typealias Dimension = Rollups.Dimension

/// Rollups that someone declares while there are records: filled from the log, whole or silent, gone when they are dropped.
@Suite struct DeclaredRollupTests {
    private static let first = CalendarDay("2024-01-20")!

    /// So many records a day, all events and outcomes among them.
    private static func records(_ days: Range<Int>, seed: UInt64 = 1, perDay: Int = 12) -> [Record] {
        var chance = SeededGenerator(seed: seed)
        return days.flatMap { day in
            let start = (Int64(first.daysSince1970) + Int64(day)) * 24 * hour
            return (0..<perDay).map { number in
                record(
                    Int(seed) * 1_000_000 + day * 1000 + number,
                    time: start + .random(in: 0..<24 * hour, using: &chance),
                    event: Event.allCases.randomElement(using: &chance)!)
            }
        }
    }

    /// Fills in small steps.
    private static let options: LedgerOptions = {
        var options = LedgerOptions()
        options.fillStepRecordCount = 100
        options.segmentByteCount = 32 << 10
        return options
    }()

    private static func statement(
        _ name: String, _ dimensions: [Dimension], _ measures: [Measure] = Measure.kept, isMonthly: Bool = false,
        retentionDays: Int? = nil, moment: Int64 = 1
    ) throws -> NameDefinition {
        let declaration = try RollupDeclaration(
            name: name, dimensions: dimensions, measures: measures, isMonthly: isMonthly)
        return NameDefinition(
            .statement,
            RollupStatement(keeping: declaration, retentionDays: retentionDays, momentMicroseconds: moment).text)
    }

    private static func dropping(_ name: String, moment: Int64 = 2) -> NameDefinition {
        NameDefinition(.statement, RollupStatement(dropping: name, momentMicroseconds: moment).text)
    }

    /// The answer is that of the records themselves, and comes from where it should.
    private func expect(
        _ question: Question, from rollup: String?, in view: any LedgerView,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(
            question.rollup(among: try view.rollups())?.declaration.name == rollup, sourceLocation: sourceLocation)
        let answer = try view.answer(question)
        var counted = question
        counted.asOf = answer.sequence
        #expect(answer.rows == (try view.answer(counted)).rows, sourceLocation: sourceLocation)
        #expect(!answer.rows.isEmpty, sourceLocation: sourceLocation)
    }

    private static let byRegionAndService = try! Question(
        by: [.region, .service], measures: [.attempts, .approved, .amount, .largestAmount, .refunds])
    private static let byMonth = try! Question(by: [.month, .region], measures: [.attempts, .amount])

    @Test func whatTheLedgerHoldsIsFilledInAndWhatComesIsCounted() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(Self.records(0..<60), options: Self.options)
        let ledger = try Ledger(files, options: Self.options)
        _ = try ledger.load(Self.records(60..<70))
        _ = try await ledger.define([Self.statement("cities", [.currency, .region, .service])])
        _ = try ledger.load(Self.records(65..<80, seed: 2))
        try ledger.fillRollups()
        try expect(Self.byRegionAndService, from: "cities", in: ledger)
        _ = try ledger.load(Self.records(0..<80, seed: 3, perDay: 2))
        try expect(Self.byRegionAndService, from: "cities", in: ledger)
        let crashed = try directory.crashImage(of: files)
        ledger.close()

        for files in [files, crashed] {
            try expect(Self.byRegionAndService, from: "cities", in: LedgerReader(files))
            let ledger = try Ledger(files, options: Self.options)
            try ledger.fillRollups()
            try expect(Self.byRegionAndService, from: "cities", in: ledger)
            ledger.close()
            try files.rebuild(options: Self.options)
            try expect(Self.byRegionAndService, from: "cities", in: LedgerReader(files))
            #expect(try verificationFaults(files) == [])
        }
    }

    @Test func itIsSilentUntilItIsWholeAndGoesOnWhereItStopped() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(Self.records(0..<80), options: Self.options)
        var stopped = files
        var steps: Set<UInt64> = []
        for round in 0..<400 {
            // Every start saves a step or two before it is stopped again.
            let ledger = try Ledger(stopped, options: Self.options)
            if round == 0 { _ = try await ledger.define([Self.statement("cities", [.currency, .region, .service])]) }
            let rollups = try ledger.rollups()
            let own = try #require(rollups.first { $0.declaration.name == "cities" })
            if let fill = own.fill { steps.insert(fill.sequence) }
            // What it says may have changed since: an answer is right either way.
            let answer = try ledger.answer(Self.byRegionAndService)
            var counted = Self.byRegionAndService
            counted.asOf = answer.sequence
            #expect(answer.rows == (try ledger.answer(counted)).rows)
            let crashed = try directory.crashImage(of: stopped)
            ledger.close()
            if own.fill == nil { break }
            try FileManager.default.removeItem(atPath: stopped.directory)
            stopped = crashed
        }
        try expect(Self.byRegionAndService, from: "cities", in: LedgerReader(stopped))
        #expect(try verificationFaults(stopped) == [])
    }

    @Test func monthsAnswerWholeMonthsAlone() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(Self.records(0..<70))
        let ledger = try Ledger(files, options: Self.options)
        _ = try await ledger.define([
            Self.statement("months", [.currency, .region], [.attempts, .amount], isMonthly: true)
        ])
        try ledger.fillRollups()
        _ = try ledger.load(Self.records(50..<90, seed: 2))
        try expect(Self.byMonth, from: "months", in: ledger)
        var february = Self.byMonth
        (february.from, february.to) = (CalendarDay("2024-02-01"), CalendarDay("2024-02-29"))
        try expect(february, from: "months", in: ledger)
        february.to = CalendarDay("2024-02-28")
        try expect(february, from: "regions", in: ledger)
        try expect(Question(by: [.day, .region], measures: [.attempts]), from: "regions", in: ledger)
        ledger.close()
        try expect(Self.byMonth, from: "months", in: LedgerReader(files))
        #expect(try verificationFaults(files) == [])
        let catalogue = try files.openCatalogue()
        #expect(
            try catalogue.days(ofRollup: "months").map(\.description)
                == ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"])
    }

    @Test func oneThatIsDroppedLeavesNothingAndItsNameIsFree() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(Self.records(0..<40))
        var ledger = try Ledger(files, options: Self.options)
        let cities = try Self.statement("cities", [.currency, .region, .service])
        _ = try await ledger.define([cities])
        try ledger.fillRollups()
        _ = try ledger.load(Self.records(40..<50))
        _ = try await ledger.define([Self.dropping("cities")])
        _ = try ledger.load(Self.records(50..<55))
        try expect(Self.byRegionAndService, from: nil, in: ledger)
        // Again, and with other measures; the first one of a name stands.
        _ = try await ledger.define([
            Self.statement("cities", [.region, .service], [.attempts], moment: 3),
            Self.statement("cities", [.currency, .payee], [.attempts], moment: 4),
        ])
        _ = try ledger.load(Self.records(55..<60))
        try ledger.fillRollups()
        try expect(Self.byRegionAndService, from: nil, in: ledger)
        let attempts = try Question(by: [.region, .service], measures: [.attempts])
        try expect(attempts, from: "cities", in: ledger)
        ledger.close()
        #expect(try verificationFaults(files) == [])
        ledger = try Ledger(files)
        _ = try await ledger.define([Self.dropping("cities", moment: 5)])
        #expect(try ledger.rollups().map(\.declaration) == RollupDeclaration.defaults)
        ledger.close()
        #expect(try files.openCatalogue().days(ofRollup: "cities") == [])
        try expect(attempts, from: nil, in: LedgerReader(files))
        #expect(try verificationFaults(files) == [])
    }

    @Test func onlyTheLastDaysAreKeptWhereThatIsSaid() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(Self.records(0..<30))
        let ledger = try Ledger(files, options: Self.options)
        _ = try await ledger.define([
            Self.statement("cities", [.currency, .region, .service], retentionDays: 10)
        ])
        try ledger.fillRollups()
        _ = try ledger.load(Self.records(30..<40))
        _ = try ledger.load(Self.records(0..<40, seed: 2, perDay: 1))
        ledger.close()
        let reader = try LedgerReader(files)
        try expect(Self.byRegionAndService, from: nil, in: reader)
        var last = Self.byRegionAndService
        last.from = Self.first.movedBy(days: 30)
        try expect(last, from: "cities", in: reader)
        last.from = Self.first.movedBy(days: 29)
        try expect(last, from: nil, in: reader)
        #expect(
            try files.openCatalogue().days(ofRollup: "cities") == (30..<40).map { Self.first.movedBy(days: $0) })
        #expect(try verificationFaults(files) == [])
    }

    @Test func damageOfTheLogKeepsItFromAnswering() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        // The chain's last span, which a start reads, lies behind the first block.
        for days in [0..<30, 30..<60] { try files.load(Self.records(days, perDay: 200)) }
        let block = try directory.blocks(of: files)[0]
        try directory.flip(.amount, of: block)
        let ledger = try Ledger(files, options: Self.options)
        _ = try await ledger.define([Self.statement("cities", [.currency, .region, .service])])
        try ledger.fillRollups()
        let own = try #require(try ledger.rollups().first { $0.declaration.name == "cities" })
        #expect(own.fill != nil)
        #expect(own.failure?.contains(block.path) == true)
        #expect(throws: DamageError.self) { try ledger.answer(Self.byRegionAndService) }
        // What was counted when the records came is not touched.
        #expect(try !ledger.answer(Self.byMonth).rows.isEmpty)
        ledger.close()
    }

    /// A catalogue that takes no chunk of it, as on a full disk.
    @Test func whatCannotBeSavedIsToldOfAndTheNextHolderGoesOn() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        try files.load(Self.records(0..<60), options: Self.options)
        try catalogue(
            files,
            """
            CREATE TRIGGER no BEFORE INSERT ON chunks WHEN NEW.rollup = 'cities'
            BEGIN SELECT RAISE(ABORT, 'no room'); END
            """)
        let told = Lock<[String]>([])
        let ledger = try Ledger(files, options: Self.options, report: { text in told.withLock { $0.append(text) } })
        _ = try await ledger.define([Self.statement("cities", [.currency, .region, .service])])
        let error = #expect(throws: UnfilledError.self) { try ledger.fillRollups() }
        #expect(error?.reason.contains("no room") == true)
        #expect(told.withLock { $0 }.contains { $0.contains("the rollup cities could not be filled, trying again") })
        try expect(Self.byRegionAndService, from: nil, in: ledger)
        // Records are taken as before, and what was counted of them when they came is whole.
        #expect(try ledger.load(Self.records(0..<60, seed: 2)).accepted == 720)
        #expect(try !ledger.answer(Self.byMonth).rows.isEmpty)
        ledger.close()

        try catalogue(files, "DROP TRIGGER no")
        let next = try Ledger(files, options: Self.options)
        try next.fillRollups()
        try expect(Self.byRegionAndService, from: "cities", in: next)
        next.close()
        #expect(try verificationFaults(files) == [])
    }

    private func catalogue(_ files: LedgerFiles, _ statement: String) throws {
        let database = try SQLiteDatabase(path: files.catalogue, mode: .readWrite, fileSystem: DiskFileSystem())
        defer { database.close() }
        try database.execute(statement)
    }

    /// 16 at most: what is too much changes nothing.
    @Test func thereIsALimit() async throws {
        let directory = try TemporaryDirectory()
        let files = directory.files
        try files.createUTC()
        let ledger = try Ledger(files)
        _ = try await ledger.define(
            (0..<20).map { try Self.statement("r\($0)", [.channel], [.attempts], moment: Int64($0)) })
        #expect(try ledger.rollups().compactMap(\.code) == (1...16).map { UInt32($0) })
        ledger.close()
        try files.load(Self.records(0..<3))
        try expect(Question(by: [.channel], measures: [.attempts]), from: "r0", in: LedgerReader(files))
    }
}
