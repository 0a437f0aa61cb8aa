import Transactions

/// What the catalogue holds of rollups that someone declared.
///
/// Their chunks lie among the others. A rollup that is begun when there are records already has two parts: what comes after
/// `fillEnd` is added by checkpoints, and what lies up to there is filled from the log, in order, in steps that each add
/// chunks and move `filledTo` in one transaction. It is whole when both are the same; nobody may use it before.
extension Catalogue {
    /// How much there is of a declared rollup.
    public struct Declared: Hashable, Sendable {
        /// The code of the statement that declared it.
        public var code: UInt32
        /// The rollup's name.
        public var name: String
        /// What lies before this day was let go; nil: nothing was.
        public var keptFrom: CalendarDay?
        /// The log is counted up to here ...
        public var filledTo: UInt64
        /// ... and from behind here on.
        public var fillEnd: UInt64

        /// True when nothing is missing.
        public var isWhole: Bool { filledTo == fillEnd }

        /// A declared rollup of which nothing is filled yet.
        public init(code: UInt32, name: String, fillEnd: UInt64) {
            (self.code, self.name, self.fillEnd, filledTo) = (code, name, fillEnd, 0)
        }

        fileprivate init(_ code: UInt32, _ name: String, _ keptFrom: CalendarDay?, _ filledTo: UInt64, _ end: UInt64) {
            (self.code, self.name, self.keptFrom, self.filledTo, fillEnd) = (code, name, keptFrom, filledTo, end)
        }

        fileprivate var checksum: Int64 {
            Int64(crc32c("\(code) \(name) \(keptFrom?.description ?? "-") \(filledTo) \(fillEnd)"))
        }
    }

    /// Rollups that end and begin with a checkpoint.
    public struct DeclarationChange: Hashable, Sendable {
        /// Nothing of them is kept any more.
        public var ended: [Declared] = []
        /// They are kept from the checkpoint on.
        public var begun: [Declared] = []

        /// No change.
        public init() {}

        /// True when there is none.
        public var isEmpty: Bool { ended.isEmpty && begun.isEmpty }
    }

    static let declaredTable = """
        CREATE TABLE IF NOT EXISTS declared (
            code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kept_from INTEGER, filled_to INTEGER NOT NULL,
            fill_end INTEGER NOT NULL, "check" INTEGER NOT NULL
        );
        """

    /// The declared rollups, in the order of their codes.
    public func declared() throws -> [Declared] {
        guard hasDeclared else { return [] }
        let rows = try database.run(
            "SELECT code, name, kept_from, filled_to, fill_end, \"check\" FROM declared ORDER BY code")
        return try rows.map { row in
            guard let code = row[0].integer.flatMap({ UInt32(exactly: $0) }), let name = row[1].text,
                let filledTo = row[3].integer.flatMap({ UInt64(exactly: $0) }),
                let end = row[4].integer.flatMap({ UInt64(exactly: $0) })
            else { throw damaged("a row of 'declared' is malformed") }
            let keptFrom = row[2].integer.map { CalendarDay(daysSince1970: Int32(truncatingIfNeeded: $0)) }
            let declared = Declared(code, name, keptFrom, filledTo, end)
            guard row[5].integer == declared.checksum, filledTo <= end else {
                throw damaged("the declared rollup \(name) does not match its checksum")
            }
            return declared
        }
    }

    /// Within a transaction. Whatever there is by the name of a rollup that begins is older than it.
    func apply(_ change: DeclarationChange) throws {
        for rollup in change.ended { try remove(rollup) }
        for rollup in change.begun {
            try remove(rollup)
            try set(rollup)
        }
    }

    /// Adds what was counted of the log for a rollup that is not whole, which then is as `rollup` says; all or nothing.
    /// - Returns: false when the rollup is no longer there, and nothing was added.
    public func fill(_ rollup: Declared, adding chunks: [Chunk]) throws -> Bool {
        try database.transaction {
            guard try declared().contains(where: { $0.code == rollup.code }) else { return false }
            try insert(chunks)
            try set(rollup)
            return true
        }
    }

    /// Lets go of what a rollup has of days before its `keptFrom`.
    public func letGo(_ rollup: Declared) throws {
        guard let day = rollup.keptFrom else { return }
        try database.transaction {
            for table in ["chunks", "places"] {
                try database.run(
                    "DELETE FROM \(table) WHERE rollup = ? AND day < ?",
                    [.text(rollup.name), .integer(Int64(day.daysSince1970))])
            }
            let (year, month, _) = day.components
            try database.run(
                "DELETE FROM months WHERE rollup = ? AND month <= ?",
                [.text(rollup.name), .integer(Int64(year * 12 + month - 1))])
            try set(rollup)
        }
    }

    /// The last day of which there is anything of a rollup.
    public func lastDay(ofRollup name: String) throws -> CalendarDay? {
        try database.run("SELECT max(day) FROM places WHERE rollup = ?", [.text(name)]).first?[0].integer.map {
            CalendarDay(daysSince1970: Int32(truncatingIfNeeded: $0))
        }
    }

    private func remove(_ rollup: Declared) throws {
        for table in ["chunks", "places", "months"] {
            try database.run("DELETE FROM \(table) WHERE rollup = ?", [.text(rollup.name)])
        }
        try database.run("DELETE FROM declared WHERE name = ?", [.text(rollup.name)])
    }

    private func set(_ rollup: Declared) throws {
        try database.run(
            "INSERT OR REPLACE INTO declared VALUES (?, ?, ?, ?, ?, ?)",
            [
                .integer(Int64(rollup.code)), .text(rollup.name),
                rollup.keptFrom.map { .integer(Int64($0.daysSince1970)) } ?? .null, .integer(Int64(rollup.filledTo)),
                .integer(Int64(rollup.fillEnd)), .integer(rollup.checksum),
            ])
    }
}
