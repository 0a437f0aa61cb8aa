import Transactions

/// The derived database: names, rollup chunks, and up to which sequence they reach. The log is the truth; `rebuild` makes this
/// anew from it.
///
/// | table | a row is |
/// |---|---|
/// | `facts` | one fact about the whole: format, ledger, checkpoint, identity_from |
/// | `names` | a name of a space and its code |
/// | `chunks` | the statistics of one rollup and business day over a range of sequences |
/// | `identity_files` | a file of the identity index |
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
    public static let formatVersion: Int64 = 1

    private let database: SQLiteDatabase

    /// Opens the catalogue of a ledger, and makes its tables when there are none.
    /// - Throws: `CatalogueError` when it belongs to another ledger, was made by a later version or for other rollups.
    public init(
        path: String, ledger: UInt64, mode: SQLiteDatabase.Mode, rollupSignature: String, fileSystem: any FileSystem
    ) throws {
        database = try SQLiteDatabase(path: path, mode: mode, fileSystem: fileSystem)
        if mode == .readWrite {
            try database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
            try database.transaction { try makeTables(ledger: ledger, rollupSignature: rollupSignature) }
        }
        let version = try fact("format").flatMap(Int64.init)
        guard version == Catalogue.formatVersion else {
            throw CatalogueError.otherFormat(path: path, version: version ?? 0)
        }
        guard try fact("ledger") == String(ledger, radix: 16) else { throw CatalogueError.otherLedger(path: path) }
        guard try fact("rollups") == rollupSignature else { throw CatalogueError.otherRollups(path: path) }
    }

    private func makeTables(ledger: UInt64, rollupSignature: String) throws {
        let known = try database.run("SELECT 1 FROM sqlite_master WHERE name = 'facts'")
        guard known.isEmpty else { return }
        try database.execute(
            """
            CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE names (space INTEGER, code INTEGER, name TEXT NOT NULL, PRIMARY KEY (space, code)) WITHOUT ROWID;
            CREATE TABLE chunks (rollup TEXT, day INTEGER, first INTEGER, last INTEGER, bytes BLOB NOT NULL);
            CREATE UNIQUE INDEX chunk_places ON chunks (rollup, day, first, last);
            CREATE TABLE identity_files (name TEXT PRIMARY KEY) WITHOUT ROWID;
            """)
        let facts = [
            ("format", String(Catalogue.formatVersion)), ("ledger", String(ledger, radix: 16)),
            ("rollups", rollupSignature), ("checkpoint", "0"), ("identity_from", "1"),
        ]
        for (name, value) in facts { try setFact(name, value) }
    }

    /// Lets go of the files; the last connection brings all into the one database file.
    public func close() { database.close() }

    // MARK: Checkpoints

    /// What the last checkpoint said.
    public func checkpoint() throws -> Checkpoint {
        Checkpoint(
            sequence: try fact("checkpoint").flatMap(UInt64.init) ?? 0,
            identityFrom: try fact("identity_from").flatMap(UInt64.init) ?? 1,
            identityFiles: try database.run("SELECT name FROM identity_files ORDER BY name").compactMap { $0[0].text })
    }

    /// Adds chunks and names, and moves the checkpoint, all or nothing.
    public func add(_ chunks: [Chunk], names: [NamedCode], checkpoint: Checkpoint) throws {
        try database.transaction {
            try insert(chunks)
            let statement = try database.prepare("INSERT OR REPLACE INTO names VALUES (?, ?, ?)")
            for named in names {
                try statement.run([
                    .integer(Int64(named.name.space.rawValue)), .integer(Int64(named.code)), .text(named.name.text),
                ])
            }
            try setFact("checkpoint", String(checkpoint.sequence))
            try setFact("identity_from", String(checkpoint.identityFrom))
            try database.run("DELETE FROM identity_files")
            for file in checkpoint.identityFiles {
                try database.run("INSERT INTO identity_files VALUES (?)", [.text(file)])
            }
        }
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
            try insert([chunk])
        }
    }

    private func insert(_ chunks: [Chunk]) throws {
        let statement = try database.prepare("INSERT INTO chunks VALUES (?, ?, ?, ?, ?)")
        for chunk in chunks {
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
        let rows = try database.run(
            "SELECT day, first, last, bytes FROM chunks WHERE rollup = ? AND day BETWEEN ? AND ? ORDER BY day, first",
            [
                .text(rollup), .integer(Int64(days.lowerBound.daysSince1970)),
                .integer(Int64(days.upperBound.daysSince1970)),
            ])
        return try rows.map { row in
            guard let day = row[0].integer, let first = row[1].integer, let last = row[2].integer,
                let bytes = row[3].blob,
                first > 0, first <= last
            else { throw CatalogueError.damaged("a row of 'chunks' for rollup '\(rollup)' is malformed") }
            return Chunk(
                rollup: rollup, day: CalendarDay(daysSince1970: Int32(truncatingIfNeeded: day)),
                sequences: UInt64(first)...UInt64(last), bytes: bytes)
        }
    }

    /// Rollups and days with at least `count` chunks.
    public func placesWithChunks(atLeast count: Int) throws -> [(rollup: String, day: CalendarDay)] {
        try database.run(
            "SELECT rollup, day FROM chunks GROUP BY rollup, day HAVING count(*) >= ?", [.integer(Int64(count))]
        ).compactMap { row in
            guard let rollup = row[0].text, let day = row[1].integer else { return nil }
            return (rollup, CalendarDay(daysSince1970: Int32(truncatingIfNeeded: day)))
        }
    }

    /// Days with statistics, in order.
    public func days() throws -> [CalendarDay] {
        try database.run("SELECT DISTINCT day FROM chunks ORDER BY day").compactMap {
            $0[0].integer.map { CalendarDay(daysSince1970: Int32(truncatingIfNeeded: $0)) }
        }
    }

    /// All names with their codes.
    public func names() throws -> [NamedCode] {
        try database.run("SELECT space, code, name FROM names").map { row in
            guard let space = row[0].integer.flatMap({ UInt8(exactly: $0) }).flatMap(NameSpace.init(rawValue:)),
                let code = row[1].integer.flatMap({ UInt32(exactly: $0) }), let text = row[2].text
            else { throw CatalogueError.damaged("a row of 'names' is malformed") }
            return NamedCode(name: Name(space, text), code: code)
        }
    }

    /// SQLite's own check of the whole file.
    public func checkIntegrity() throws {
        let result = try database.run("PRAGMA integrity_check")
        guard result.first?.first?.text == "ok" else {
            throw CatalogueError.damaged(result.compactMap { $0.first?.text }.joined(separator: "; "))
        }
    }

    private func fact(_ name: String) throws -> String? {
        try database.run("SELECT value FROM facts WHERE name = ?", [.text(name)]).first?[0].text
    }

    private func setFact(_ name: String, _ value: String) throws {
        try database.run("INSERT OR REPLACE INTO facts VALUES (?, ?)", [.text(name), .text(value)])
    }
}

/// Trouble with the catalogue. `rebuild` makes it anew.
public enum CatalogueError: Error, Hashable, Sendable, CustomStringConvertible {
    case otherFormat(path: String, version: Int64)
    case otherLedger(path: String)
    case otherRollups(path: String)
    case damaged(String)

    /// What is wrong.
    public var description: String {
        switch self {
        case .otherFormat(let path, let version):
            "\(path) has format version \(version), this program reads version \(Catalogue.formatVersion)"
        case .otherLedger(let path): "\(path) belongs to another ledger"
        case .otherRollups(let path): "\(path) was made for other rollups"
        case .damaged(let reason): "the catalogue is damaged: \(reason)"
        }
    }
}
