import CPlatform
import Transactions

/// The derived database: names, rollup chunks, and up to which sequence they reach. The log is the truth; `rebuild` makes this
/// anew from it.
///
/// | table | a row is |
/// |---|---|
/// | `facts` | one fact about the whole: format, ledger, rollups, checkpoint, identity_from, names, check |
/// | `names` | a name of a space and its code, with a checksum of the three |
/// | `chunks` | the statistics of one rollup and business day over a range of sequences |
/// | `places` | how many chunks a rollup has of a day |
/// | `months` | the sum of a rollup's chunks in a calendar month, and which ones they are |
/// | `declared` | a rollup that someone declared, and how much of it there is, with a checksum |
/// | `identity_files` | a file of the identity index |
///
/// SQLite has no checksums of its own. So nothing is believed because it stands there: chunks check themselves, a day has as many
/// as its place says, names have checksums and a number, and the facts and the list of files have a checksum together.
///
/// A checkpoint adds chunks and moves the checkpoint's sequence in one transaction, so the chunks are always those of the log
/// up to exactly that sequence.
public final class Catalogue {
    /// A stored chunk.
    public struct Chunk: Hashable, Sendable {
        /// The rollup's name.
        public var rollup: String
        /// The business day.
        public var day: CalendarDay
        /// The sequences that it speaks of.
        public var sequences: ClosedRange<UInt64>
        /// The encoded chunk.
        public var bytes: [UInt8]

        /// Which one it is, for people.
        public var place: String {
            "rollup \(rollup), \(day), sequences \(sequences.lowerBound) to \(sequences.upperBound)"
        }

        /// A chunk from its parts.
        public init(rollup: String, day: CalendarDay, sequences: ClosedRange<UInt64>, bytes: [UInt8]) {
            self.rollup = rollup
            self.day = day
            self.sequences = sequences
            self.bytes = bytes
        }
    }

    /// What a checkpoint says besides its chunks.
    public struct Checkpoint: Hashable, Sendable {
        /// The chunks are those of the log up to here.
        public var sequence: UInt64
        /// From here on the log has to be read to know the identities that are in no file.
        public var identityFrom: UInt64
        /// Files of the identity index.
        public var identityFiles: [String]

        /// A checkpoint from its parts.
        public init(sequence: UInt64, identityFrom: UInt64, identityFiles: [String]) {
            self.sequence = sequence
            self.identityFrom = identityFrom
            self.identityFiles = identityFiles
        }
    }

    /// A name with its code.
    public struct NamedCode: Hashable, Sendable {
        /// The name.
        public var name: Name
        /// Its code.
        public var code: UInt32

        /// `code` is the code of `name`.
        public init(name: Name, code: UInt32) {
            self.name = name
            self.code = code
        }
    }

    /// The version of the tables.
    public static let formatVersion: Int64 = 2

    let database: SQLiteDatabase
    /// False of a catalogue that was made before there were sums of months, and is only read.
    private(set) var hasMonths = false
    /// False of a catalogue that was made before rollups could be declared, and is only read.
    private(set) var hasDeclared = false
    /// The database's file.
    public let path: String

    /// Opens the catalogue of a ledger, and makes its tables when there are none.
    /// - Throws: `CatalogueError` when it belongs to another ledger, was made by a later version or for other rollups.
    public init(
        path: String, ledger: UInt64, mode: SQLiteDatabase.Mode, rollupSignature: String, fileSystem: any FileSystem
    ) throws {
        self.path = path
        database = try SQLiteDatabase(path: path, mode: mode, fileSystem: fileSystem)
        if mode == .readWrite {
            try database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
            try database.transaction { try makeTables(ledger: ledger, rollupSignature: rollupSignature) }
        } else if try !hasTables() {
            throw CatalogueError.unfinished(path: path)
        }
        let version = try database.run("SELECT value FROM facts WHERE name = 'format'").first?[0].text
        guard version == String(Catalogue.formatVersion) else {
            throw CatalogueError.otherFormat(path: path, version: version.flatMap(Int64.init) ?? 0)
        }
        let facts = try checkedFacts().facts
        guard facts["ledger"] == String(ledger, radix: 16) else { throw CatalogueError.otherLedger(path: path) }
        guard facts["rollups"] == rollupSignature else { throw CatalogueError.otherRollups(path: path) }
        if mode == .readWrite { try database.execute(Catalogue.monthsTable + Catalogue.declaredTable) }
        hasMonths = try hasTable("months")
        hasDeclared = try hasTable("declared")
    }

    private static let monthsTable = """
        CREATE TABLE IF NOT EXISTS months (
            rollup TEXT, month INTEGER, chunks BLOB NOT NULL, "check" INTEGER NOT NULL, bytes BLOB NOT NULL,
            PRIMARY KEY (rollup, month)
        );
        """

    /// They are made in one transaction: all are there or none.
    private func hasTables() throws -> Bool { try hasTable("facts") }

    private func hasTable(_ name: String) throws -> Bool {
        try !database.run("SELECT 1 FROM sqlite_master WHERE name = ?", [.text(name)]).isEmpty
    }

    private func makeTables(ledger: UInt64, rollupSignature: String) throws {
        guard try !hasTables() else { return }
        try database.execute(
            """
            CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE names (
                space INTEGER, code INTEGER, name TEXT NOT NULL, "check" INTEGER NOT NULL, PRIMARY KEY (space, code)
            ) WITHOUT ROWID;
            CREATE TABLE chunks (rollup TEXT, day INTEGER, first INTEGER, last INTEGER, bytes BLOB NOT NULL);
            CREATE UNIQUE INDEX chunk_places ON chunks (rollup, day, first, last);
            CREATE TABLE places (rollup TEXT, day INTEGER, chunks INTEGER NOT NULL, PRIMARY KEY (rollup, day)) WITHOUT ROWID;
            CREATE TABLE identity_files (name TEXT PRIMARY KEY) WITHOUT ROWID;
            """)
        let facts = [
            ("format", String(Catalogue.formatVersion)), ("ledger", String(ledger, radix: 16)),
            ("rollups", rollupSignature), ("checkpoint", "0"), ("identity_from", "1"), ("names", "0"),
        ]
        for (name, value) in facts { try setFact(name, value) }
        try sealFacts()
    }

    /// Lets go of the files; the last connection brings all into the one database file.
    public func close() { database.close() }

    // MARK: Checkpoints

    /// What the last checkpoint said.
    public func checkpoint() throws -> Checkpoint {
        let (facts, files) = try checkedFacts()
        return Checkpoint(
            sequence: try number("checkpoint", facts), identityFrom: try number("identity_from", facts),
            identityFiles: files)
    }

    /// Adds chunks and names, begins and ends what is kept of declared rollups, and moves the checkpoint, all or nothing.
    /// - Parameter isForGood: true when files are removed that the last checkpoint names: this one must not be undone by a power
    ///   cut. Any other may, for the log has it all.
    public func add(
        _ chunks: [Chunk], names: [NamedCode], declarations: DeclarationChange = DeclarationChange(),
        checkpoint: Checkpoint, isForGood: Bool = false
    ) throws {
        if isForGood { try database.execute("PRAGMA synchronous = FULL") }
        defer { if isForGood { try? database.execute("PRAGMA synchronous = NORMAL") } }
        try database.transaction {
            var nameCount = try number("names", checkedFacts().facts)
            try insert(chunks)
            try apply(declarations)
            let statement = try database.prepare("INSERT OR IGNORE INTO names VALUES (?, ?, ?, ?)")
            for named in names {
                try statement.run([
                    .integer(Int64(named.name.space.rawValue)), .integer(Int64(named.code)), .text(named.name.text),
                    .integer(Int64(named.checksum)),
                ])
                nameCount += UInt64(database.changedRowCount)
            }
            try setFact("names", String(nameCount))
            try setFact("checkpoint", String(checkpoint.sequence))
            try setFact("identity_from", String(checkpoint.identityFrom))
            try database.run("DELETE FROM identity_files")
            for file in checkpoint.identityFiles {
                try database.run("INSERT INTO identity_files VALUES (?)", [.text(file)])
            }
            try sealFacts()
        }
    }

    /// Makes what the catalogue says now outlast a power cut, as that of an earlier process may not.
    /// - Returns: false when another connection was in the way.
    public func synchronise() throws -> Bool {
        // SQLite flushes the log of its changes before it brings them into the database.
        try database.run("PRAGMA wal_checkpoint(PASSIVE)").first?.first?.integer == 0
    }

    /// Puts one chunk in the place of several of the same rollup and day that it is the sum of.
    public func replace(_ old: [ClosedRange<UInt64>], by chunk: Chunk) throws {
        try database.transaction {
            for range in old {
                try database.run(
                    "DELETE FROM chunks WHERE rollup = ? AND day = ? AND first = ? AND last = ?",
                    [
                        .text(chunk.rollup), .integer(Int64(chunk.day.daysSince1970)),
                        .integer(Int64(range.lowerBound)),
                        .integer(Int64(range.upperBound)),
                    ])
            }
            try database.run(
                "UPDATE places SET chunks = chunks - ? WHERE rollup = ? AND day = ?",
                [.integer(Int64(old.count)), .text(chunk.rollup), .integer(Int64(chunk.day.daysSince1970))])
            try insert([chunk])
        }
    }

    func insert(_ chunks: [Chunk]) throws {
        let statement = try database.prepare("INSERT INTO chunks VALUES (?, ?, ?, ?, ?)")
        let place = try database.prepare(
            "INSERT INTO places VALUES (?, ?, 1) ON CONFLICT (rollup, day) DO UPDATE SET chunks = chunks + 1")
        for chunk in chunks {
            try place.run([.text(chunk.rollup), .integer(Int64(chunk.day.daysSince1970))])
            try statement.run([
                .text(chunk.rollup), .integer(Int64(chunk.day.daysSince1970)),
                .integer(Int64(chunk.sequences.lowerBound)), .integer(Int64(chunk.sequences.upperBound)),
                .blob(chunk.bytes),
            ])
        }
    }

    // MARK: Reading

    /// Runs `body` on one unchanging state of the catalogue, whatever others write meanwhile.
    public func snapshot<Result>(_ body: () throws -> Result) throws -> Result {
        try database.execute("BEGIN")
        defer { try? database.execute("COMMIT") }
        return try body()
    }

    /// The chunks of a rollup on days of a range, by day and sequence.
    public func chunks(rollup: String, days: ClosedRange<CalendarDay>) throws -> [Chunk] {
        var chunks: [Chunk] = []
        try forEachChunk(rollup: rollup, days: days) { stored in
            var bytes = [UInt8](repeating: 0, count: stored.byteCount)
            try bytes.withUnsafeMutableBytes { try stored.read(into: $0, at: 0) }
            chunks.append(Chunk(rollup: rollup, day: stored.day, sequences: stored.sequences, bytes: bytes))
        }
        return chunks
    }

    /// A chunk that can be read in parts, as long as its visit lasts.
    public struct StoredChunk {
        /// The business day.
        public let day: CalendarDay
        /// The sequences that it speaks of.
        public let sequences: ClosedRange<UInt64>
        /// Bytes of the encoded chunk.
        public let byteCount: Int
        fileprivate let blobs: SQLiteDatabase.Blobs

        /// Reads bytes of the encoded chunk, all of which must be there.
        public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
            try blobs.read(into: buffer, at: offset)
        }
    }

    /// Visits the chunks of a rollup on days of a range, by day and sequence.
    /// - Parameter inMonths: where there is a sum of a month's chunks in the range, that is visited instead of them. It says
    ///   that it is of the first of their days.
    /// - Throws: `CatalogueError` when a day has more or fewer of them than its place says.
    public func forEachChunk(
        rollup: String, days: ClosedRange<CalendarDay>, inMonths: Bool = false, _ visit: (StoredChunk) throws -> Void
    ) throws {
        let listed = try list(rollup: rollup, days: days)
        let sums = inMonths ? try sums(ofRollup: rollup) : [:]
        let blobs = database.blobs(table: "chunks", column: "bytes")
        let sumBlobs = database.blobs(table: "months", column: "bytes")
        for month in sums.isEmpty ? [listed[...]] : Catalogue.byMonth(listed) {
            if let first = month.first, let sum = sums[first.month], sum.members == Catalogue.members(month) {
                let byteCount = try open(sumBlobs, sum, Month(rollup: rollup, month).place)
                try visit(
                    StoredChunk(
                        day: first.day, sequences: Catalogue.hull(month), byteCount: byteCount, blobs: sumBlobs))
                continue
            }
            for chunk in month {
                let byteCount = try open(blobs, row: chunk.row, rollup: rollup, chunk.day)
                try visit(
                    StoredChunk(day: chunk.day, sequences: chunk.sequences, byteCount: byteCount, blobs: blobs))
            }
        }
    }

    /// Where the chunks of a rollup on days of a range stand, by day and sequence; of each day as many as its place says.
    func list(rollup: String, days: ClosedRange<CalendarDay>) throws -> [Listed] {
        let parameters: [SQLiteDatabase.Value] = [
            .text(rollup), .integer(Int64(days.lowerBound.daysSince1970)),
            .integer(Int64(days.upperBound.daysSince1970)),
        ]
        let rows = try database.run(
            "SELECT rowid, day, first, last FROM chunks WHERE rollup = ? AND day BETWEEN ? AND ? ORDER BY day, first",
            parameters)
        var counts: [CalendarDay: Int64] = [:]
        let listed = try rows.map { row in
            guard let number = row[0].integer, let day = row[1].integer, let first = row[2].integer,
                let last = row[3].integer, first > 0, first <= last
            else { throw damaged("a row of 'chunks' for rollup \(rollup) is malformed") }
            let date = CalendarDay(daysSince1970: Int32(truncatingIfNeeded: day))
            counts[date, default: 0] += 1
            return Listed(row: number, day: date, sequences: UInt64(first)...UInt64(last))
        }
        try check(counts, rollup: rollup, parameters)
        return listed
    }

    private func open(
        _ blobs: SQLiteDatabase.Blobs, row: Int64, rollup: String, _ date: CalendarDay
    ) throws -> Int {
        do {
            return try blobs.open(row: row)
        } catch {
            if error.isDamage { throw error }
            // A row that is not there, or holds no bytes, is no damage to SQLite.
            throw damaged("rollup \(rollup), \(date): \(error)")
        }
    }

    /// Compares the numbers of chunks by day with what is kept of them.
    private func check(
        _ counts: [CalendarDay: Int64], rollup: String, _ parameters: [SQLiteDatabase.Value]
    ) throws {
        var counts = counts
        for row in try database.run(
            "SELECT day, chunks FROM places WHERE rollup = ? AND day BETWEEN ? AND ?", parameters)
        {
            let date = CalendarDay(daysSince1970: Int32(truncatingIfNeeded: row[0].integer ?? 0))
            let count = counts.removeValue(forKey: date) ?? 0
            guard row[1].integer == count else {
                let expected = row[1].integer.map(String.init) ?? "some"
                throw damaged("rollup \(rollup), \(date): found \(count) chunks, expected \(expected)")
            }
        }
        if let (date, count) = counts.min(by: { $0.key < $1.key }) {
            throw damaged("rollup \(rollup), \(date): found \(count) chunks, expected 0")
        }
    }

    /// Rollups and days with at least `count` chunks.
    public func placesWithChunks(atLeast count: Int) throws -> [(rollup: String, day: CalendarDay)] {
        try database.run("SELECT rollup, day FROM places WHERE chunks >= ?", [.integer(Int64(count))]).compactMap {
            row in
            guard let rollup = row[0].text, let day = row[1].integer else { return nil }
            return (rollup, CalendarDay(daysSince1970: Int32(truncatingIfNeeded: day)))
        }
    }

    /// The days of a rollup, by what is kept of their number of chunks.
    public func days(ofRollup rollup: String) throws -> [CalendarDay] {
        let rows = try database.run(
            "SELECT day FROM places WHERE rollup = ? UNION SELECT day FROM chunks WHERE rollup = ? ORDER BY day",
            [.text(rollup), .text(rollup)])
        return rows.compactMap { $0[0].integer.map { CalendarDay(daysSince1970: Int32(truncatingIfNeeded: $0)) } }
    }

    /// The days of all chunks that speak of sequences of a range, in order. Those of declared rollups say nothing: they may be
    /// of months, or lack what they were let go of.
    public func days(overlapping sequences: ClosedRange<UInt64>) throws -> [CalendarDay] {
        let others = hasDeclared ? "AND rollup NOT IN (SELECT name FROM declared)" : ""
        return try database.run(
            "SELECT DISTINCT day FROM chunks WHERE first <= ? AND last >= ? \(others) ORDER BY day",
            [.integer(Int64(sequences.upperBound)), .integer(Int64(sequences.lowerBound))]
        ).compactMap {
            $0[0].integer.map { CalendarDay(daysSince1970: Int32(truncatingIfNeeded: $0)) }
        }
    }

    /// All names with their codes.
    public func names() throws -> [NamedCode] {
        let names = try database.run("SELECT space, code, name, \"check\" FROM names").map { row in
            guard let space = row[0].integer.flatMap({ UInt8(exactly: $0) }).flatMap(NameSpace.init(rawValue:)),
                let code = row[1].integer.flatMap({ UInt32(exactly: $0) }), let text = row[2].text
            else { throw damaged("a row of 'names' is malformed") }
            let named = NamedCode(name: Name(space, text), code: code)
            guard row[3].integer == Int64(named.checksum) else {
                throw damaged("the \(space.name) with code \(code) does not match its checksum")
            }
            return named
        }
        let expected = try number("names", checkedFacts().facts)
        guard UInt64(names.count) == expected else {
            throw damaged("found \(names.count) names, expected \(expected)")
        }
        return names
    }

    /// SQLite's own check of the whole file.
    public func checkIntegrity() throws {
        let result = try database.run("PRAGMA integrity_check")
        guard result.first?.first?.text == "ok" else {
            throw damaged(result.compactMap { $0.first?.text }.joined(separator: "; "))
        }
    }

    // MARK: Facts

    /// All facts and the list of identity files, which have a checksum together.
    private func checkedFacts() throws -> (facts: [String: String], identityFiles: [String]) {
        let (facts, files) = try readFacts()
        guard facts["check"] == Catalogue.check(facts, files) else {
            throw damaged("the facts and the list of identity files do not match their checksum")
        }
        return (facts, files)
    }

    private func readFacts() throws -> (facts: [String: String], identityFiles: [String]) {
        var facts: [String: String] = [:]
        for row in try database.run("SELECT name, value FROM facts") { facts[row[0].text ?? ""] = row[1].text ?? "" }
        let files = try database.run("SELECT name FROM identity_files ORDER BY name").map { $0[0].text ?? "" }
        return (facts, files)
    }

    private func sealFacts() throws {
        let (facts, files) = try readFacts()
        try setFact("check", Catalogue.check(facts, files))
    }

    private static func check(_ facts: [String: String], _ files: [String]) -> String {
        let lines = facts.filter { $0.key != "check" }.map { "\($0.key)=\($0.value)" }.sorted() + files
        return String(crc32c(lines.joined(separator: "\n")), radix: 16)
    }

    private func number(_ name: String, _ facts: [String: String]) throws -> UInt64 {
        guard let value = facts[name].flatMap(UInt64.init) else { throw damaged("the fact '\(name)' is no number") }
        return value
    }

    func damaged(_ reason: String) -> CatalogueError { .damaged(path: path, reason) }

    private func setFact(_ name: String, _ value: String) throws {
        try database.run("INSERT OR REPLACE INTO facts VALUES (?, ?)", [.text(name), .text(value)])
    }
}

extension Catalogue.NamedCode {
    fileprivate var checksum: UInt32 { crc32c("\(name.space.rawValue) \(code) \(name.text)") }
}

func crc32c(_ text: String) -> UInt32 {
    var text = text
    return text.withUTF8 { sluice_crc32c(0, $0.baseAddress, $0.count) }
}

/// Trouble with the catalogue. `rebuild` makes it anew.
public enum CatalogueError: Error, Hashable, Sendable, CustomStringConvertible {
    case otherFormat(path: String, version: Int64)
    case otherLedger(path: String)
    case otherRollups(path: String)
    case damaged(path: String, String)
    /// It holds no tables: whoever was making it was stopped.
    case unfinished(path: String)

    /// What is wrong.
    public var description: String {
        switch self {
        case .otherFormat(let path, let version):
            "\(path) has format version \(version), this program reads version \(Catalogue.formatVersion); "
                + "'sluice rebuild' makes it anew"
        case .otherLedger(let path): "\(path) belongs to another ledger; 'sluice rebuild' makes it anew"
        case .otherRollups(let path): "\(path) was made for other rollups; 'sluice rebuild' makes it anew"
        case .damaged(let path, let reason): "\(path) is damaged: \(reason); 'sluice rebuild' makes it anew"
        case .unfinished(let path): "\(path) is empty; whoever next opens the ledger to write makes it"
        }
    }
}
