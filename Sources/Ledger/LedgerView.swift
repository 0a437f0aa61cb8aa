import Rollups
import Storage
import Transactions

/// What can be asked of a ledger, whether this process holds it or reads it at rest.
public protocol LedgerView: AnyObject, Sendable {
    /// What the ledger was made with.
    var settings: LedgerSettings { get }
    /// Answers a question about statistics; includes all that was receipted before the call. Blocks.
    /// - Parameter despiteDamage: leave out what cannot be read, and mark the answer, instead of failing.
    /// - Throws: `DamageError` when the answer would lack something.
    func answer(_ question: Question, despiteDamage: Bool) throws -> Answer
    /// Every record with an id, in order of sequence. Blocks.
    /// - Parameter despiteDamage: leave out what cannot be read, and say so, instead of failing.
    /// - Throws: `DamageError` when records with the id may lie where the log is damaged.
    func find(_ id: RecordID, despiteDamage: Bool) throws -> Findings
    /// The last sequence that was committed by a moment, microseconds since 1970 UTC; 0 when none was. To the commit, and
    /// where these were compacted, to the block of them. Blocks.
    func sequence(committedBy microseconds: Int64) throws -> UInt64
    /// What is in the ledger. Blocks.
    func status() throws -> LedgerStatus
    /// The rollups that are kept, in the order in which questions try them. Blocks.
    func rollups() throws -> [KeptRollup]
    /// Codes of names that have one, nil for the others.
    func knownCodes(for names: [Name]) -> [UInt32?]
    /// The names of a space by code.
    func names(of space: NameSpace) -> [UInt32: String]
}

extension LedgerView {
    /// As `answer(_:despiteDamage:)`, failing where something would be left out.
    public func answer(_ question: Question) throws -> Answer { try answer(question, despiteDamage: false) }

    /// As `find(_:despiteDamage:)`, failing where something would be left out.
    public func find(_ id: RecordID) throws -> [FoundRecord] { try find(id, despiteDamage: false).records }

    /// Every record with an id as the user wrote it; none for what is no id.
    public func find(printed text: String, despiteDamage: Bool) throws -> Findings {
        guard let id = RecordID(printed: text) else { return Findings(records: [], damage: []) }
        return try find(id, despiteDamage: despiteDamage)
    }
}

/// What was found for an id.
public struct Findings: Hashable, Sendable {
    /// The records, in order of sequence.
    public var records: [FoundRecord]
    /// Where others may be, which cannot be read.
    public var damage: [DamageMark]

    /// Findings from their parts.
    public init(records: [FoundRecord], damage: [DamageMark]) {
        self.records = records
        self.damage = damage
    }
}

/// A record with its place in the log.
public struct FoundRecord: Hashable, Sendable {
    /// Its sequence.
    public var sequence: UInt64
    /// The record.
    public var record: Record

    /// `record` has `sequence`.
    public init(sequence: UInt64, record: Record) {
        self.sequence = sequence
        self.record = record
    }
}

/// What is in a ledger.
public struct LedgerStatus: Hashable, Sendable, Codable {
    /// The data directory.
    public var directory: String
    /// The ledger's number, 16 hexadecimal digits.
    public var ledger: String
    /// IANA name of the zone of its business days.
    public var timeZone: String
    /// `HH:MM` from which on the next business day begins.
    public var cutover: String
    /// Records in the log.
    public var records: UInt64
    /// Segments of the log.
    public var segments: Int
    /// Bytes of the log.
    public var bytes: Int
    /// Bytes of index and catalogue.
    public var derivedBytes: Int
    /// Business days with statistics.
    public var days: Int
    /// The first of them.
    public var firstDay: String?
    /// The last of them.
    public var lastDay: String?
    /// Names by space.
    public var names: [String: Int]
    /// The sequence up to which statistics are saved.
    public var checkpoint: UInt64
    /// Chain up to the last record, 64 hexadecimal digits; nil when damage keeps it from being known.
    public var chain: String?
    /// The same as a receipt that can be stored, for `verify --receipt`.
    public var receipt: StoredReceipt?
    /// What is known to be damaged; not all that is.
    public var damage: [DamageMark]
    /// True when a daemon holds the ledger.
    public var isServed: Bool
    /// Resident memory of the process that answered, in bytes.
    public var residentBytes: UInt64
}
