import Simulation
import Storage
import Synchronization
import Testing

/// SQLite on a simulated disk.
@Suite struct SQLiteTests {
    private static let rowsPerCommit = 3

    /// Journal mode and whether a commit is durable when it returns.
    struct Setting: Sendable, CustomTestStringConvertible {
        var pragmas: String
        var commitsAreDurable: Bool
        var testDescription: String { pragmas }
    }

    static let settings = [
        Setting(pragmas: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", commitsAreDurable: false),
        Setting(pragmas: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", commitsAreDurable: true),
        Setting(pragmas: "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA", commitsAreDurable: true),
    ]

    private func open(_ disk: SimulatedDisk, _ setting: Setting) throws -> SQLiteDatabase {
        let database = try SQLiteDatabase(path: "/db/test.sqlite", mode: .readWrite, fileSystem: disk)
        try database.execute(setting.pragmas + "; PRAGMA wal_autocheckpoint = 12")
        return database
    }

    private func commit(_ number: Int, _ database: SQLiteDatabase) throws {
        try database.transaction {
            for row in 0..<SQLiteTests.rowsPerCommit {
                try database.run(
                    "INSERT INTO rows VALUES (?, ?)",
                    [
                        .integer(Int64(number * SQLiteTests.rowsPerCommit + row)),
                        .blob([UInt8](repeating: UInt8(number), count: 400)),
                    ])
            }
        }
    }

    private func newDisk(_ setting: Setting, seed: UInt64 = 0) throws -> SimulatedDisk {
        let disk = SimulatedDisk(SimulatedDisk.Settings(seed: seed))
        try disk.createDirectory("/db")
        try disk.synchroniseDirectory("/")
        let database = try open(disk, setting)
        try database.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, bytes BLOB); PRAGMA wal_checkpoint")
        return disk
    }

    /// The number of commits that a recovered database holds; they must be the first ones, whole.
    private func commitCount(_ disk: SimulatedDisk, _ setting: Setting) throws -> Int {
        let database = try open(disk, setting)
        #expect(try database.run("PRAGMA integrity_check") == [[.text("ok")]])
        let numbers = try database.run("SELECT number FROM rows ORDER BY number").compactMap { $0[0].integer }
        #expect(numbers == (0..<numbers.count).map(Int64.init))
        #expect(numbers.count % SQLiteTests.rowsPerCommit == 0)
        return numbers.count / SQLiteTests.rowsPerCommit
    }

    @Test(arguments: settings)
    func commitsOutliveCrashesAtEveryChange(setting: Setting) throws {
        let disk = try newDisk(setting)
        let committed = Atomic<Int>(0)
        let images = Mutex<[(image: DiskImage, committed: Int)]>([])
        disk.setObserver { operation, moment, image in
            guard moment == .after, operation.kind.isChange else { return }
            images.withLock { $0.append((image(), committed.load(ordering: .relaxed))) }
        }
        do {
            let database = try open(disk, setting)
            for number in 0..<12 {
                try commit(number, database)
                committed.store(number + 1, ordering: .relaxed)
            }
        }
        let taken = images.withLock { $0 }
        #expect(taken.count > 50)
        var lost = 0
        for (index, (image, committed)) in taken.enumerated() {
            let killed = try commitCount(SimulatedDisk(afterProcessCrash: image), setting)
            #expect((committed...committed + 1).contains(killed))
            for (number, mode) in PowerCut.Mode.allCases.enumerated() where (index + number) % 5 == 0 {
                let cut = PowerCut(mode, seed: UInt64(index))
                let count = try commitCount(SimulatedDisk(afterPowerCut: image, damage: cut), setting)
                #expect(count <= committed + 1, "\(cut) at change \(index)")
                if setting.commitsAreDurable { #expect(count >= committed, "\(cut) at change \(index)") }
                lost += max(0, committed - count)
            }
        }
        #expect(setting.commitsAreDurable == (lost == 0), "power cuts do reach what is not durable")
    }

    @Test func severalConnectionsShareADatabase() throws {
        let setting = SQLiteTests.settings[0]
        let disk = try newDisk(setting)
        let (writer, reader) = (try open(disk, setting), try open(disk, setting))
        func count() throws -> Int64? { try reader.run("SELECT count(*) FROM rows").first?.first?.integer }
        try commit(0, writer)
        #expect(try count() == 3)
        try reader.execute("BEGIN")
        #expect(try count() == 3)
        for number in 1..<30 { try commit(number, writer) }
        #expect(try count() == 3, "a reader keeps its snapshot")
        try reader.execute("COMMIT")
        #expect(try count() == 90)
        // Only one may write at a time; the other waits without taking time, and is told.
        try writer.execute("BEGIN IMMEDIATE")
        #expect(throws: SQLiteError.self) { try reader.execute("BEGIN IMMEDIATE") }
        try writer.execute("COMMIT")
        try reader.execute("BEGIN IMMEDIATE; COMMIT")
    }

    @Test func theLastConnectionPutsTheLogIntoTheDatabase() throws {
        let disk = try newDisk(SQLiteTests.settings[0])
        var database: SQLiteDatabase? = try open(disk, SQLiteTests.settings[0])
        try commit(0, database!)
        #expect(try disk.list("/db") == ["test.sqlite", "test.sqlite-wal"])
        database = nil
        #expect(try disk.list("/db") == ["test.sqlite"])
        let reader = try SQLiteDatabase(path: "/db/test.sqlite", mode: .immutable, fileSystem: disk)
        #expect(try reader.run("SELECT count(*) FROM rows") == [[.integer(3)]])
    }

    @Test func errorsOfTheDiskReachTheCaller() throws {
        for kind in [DiskOperation.Kind.read, .write, .synchronise, .inspect, .create] {
            let setting = SQLiteTests.settings[1]
            let disk = try newDisk(setting)
            disk.setFaults { $0.kind == kind ? .error(errno: DiskErrorNumber.inputOutput) : nil }
            let failure = #expect(throws: SQLiteError.self) { try commit(0, open(disk, setting)) }
            #expect([10, 14].contains((failure?.code ?? 0) & 0xFF), "\(kind)")
            disk.setFaults(nil)
            #expect(try commitCount(disk, setting) == 0)
        }
    }

    @Test func aFullDiskIsCalledFull() throws {
        let setting = SQLiteTests.settings[0]
        let disk = try newDisk(setting)
        let database = try open(disk, setting)
        try commit(0, database)
        disk.setCapacity(byteCount: disk.occupiedByteCount + 5000)
        let failure = #expect(throws: SQLiteError.self) { for number in 1..<100 { try commit(number, database) } }
        #expect((failure?.code ?? 0) & 0xFF == 13)
        disk.setCapacity(byteCount: nil)
        #expect(try commitCount(disk, setting) >= 1)
    }

    @Test func theSameSeedLeavesTheSameBytes() throws {
        let setting = SQLiteTests.settings[0]
        let runs = try (0..<2).map { _ in
            let disk = try newDisk(setting, seed: 7)
            let database = try open(disk, setting)
            for number in 0..<20 { try commit(number, database) }
            return disk.image().files
        }
        #expect(runs[0].elementsEqual(runs[1], by: ==))
    }
}
