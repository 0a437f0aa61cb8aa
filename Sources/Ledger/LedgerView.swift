import Rollups
import Storage
import Transactions

/// What can be asked of a ledger, whether this process holds it or reads it at rest.
public protocol LedgerView: AnyObject, Sendable {
    /// What the ledger was made with.
    var settings: LedgerSettings { get }
    /// Answers a question about statistics; includes all that was receipted before the call. Blocks.
    func answer(_ question: Question) throws -> Answer
    /// Every record with an id, in order of sequence. Blocks.
    func find(_ id: RecordID) throws -> [FoundRecord]
    /// What is in the ledger. Blocks.
    func status() throws -> LedgerStatus
    /// Codes of names that have one, nil for the others.
    func knownCodes(for names: [Name]) -> [UInt32?]
    /// The names of a space by code.
    func names(of space: NameSpace) -> [UInt32: String]
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
    /// Chain up to the last record, 64 hexadecimal digits.
    public var chain: String
    /// True when a daemon holds the ledger.
    public var isServed: Bool
    /// Resident memory of the process that answered, in bytes.
    public var residentBytes: UInt64
}
