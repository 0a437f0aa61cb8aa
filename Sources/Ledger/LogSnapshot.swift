import Columns
import Storage
import Transactions

/// Gives out the records of a ledger as they are at a moment.
public protocol SnapshotSource: AnyObject, Sendable {
    /// All records that were receipted before the call.
    func snapshot() throws -> LogSnapshot
}

/// The records of a ledger up to a sequence. What is appended later does not show; reading takes no lock that a writer waits
/// for.
public struct LogSnapshot: Sendable {
    let log: Log
    /// The sequence after the last record's.
    public let endSequence: UInt64
    /// The ledger's business days.
    public let calendar: BusinessCalendar

    init(log: Log, endSequence: UInt64, calendar: BusinessCalendar) {
        (self.log, self.endSequence, self.calendar) = (log, endSequence, calendar)
    }
}

extension LogSnapshot {
    /// The records of a ledger that another process holds, which has told that all before a sequence are durable. The files are
    /// read as they are, and nothing is asked of that process.
    public init(of files: LedgerFiles, before end: UInt64, fileSystem: any FileSystem = DiskFileSystem()) throws {
        let log = try LogRecovery.openServed(directory: files.log, before: end, fileSystem: fileSystem)
        self.init(log: log, endSequence: end, calendar: try log.settings.calendar())
    }

    /// What the ledger was made with.
    public var settings: LedgerSettings { log.settings }
}

extension LedgerReader: SnapshotSource {
    /// All records.
    public func snapshot() throws -> LogSnapshot {
        LogSnapshot(log: log, endSequence: log.endSequence, calendar: calendar)
    }
}

extension Ledger: SnapshotSource {
    /// All records that were receipted before the call.
    public func snapshot() throws -> LogSnapshot {
        LogSnapshot(log: log, endSequence: log.endSequence, calendar: calendar)
    }
}

/// Which records a scan gives, and in which order.
public struct RecordSelection: Sendable {
    /// What a value of a column has to be; values as `Column` says how they are stored.
    public enum Condition: Sendable {
        /// Within bounds.
        case range(ClosedRange<UInt64>)
        /// One of these.
        case codes(Set<UInt64>)

        /// True unless no value within bounds can satisfy it.
        func mayHold(within bounds: ClosedRange<UInt64>) -> Bool {
            switch self {
            case .range(let range): range.overlaps(bounds)
            case .codes(let codes): codes.contains(where: bounds.contains)
            }
        }
    }

    /// Only these sequences.
    public var sequences: Range<UInt64> = 1..<UInt64.max
    /// Only these times, microseconds since 1970-01-01 UTC.
    public var times: ClosedRange<Int64> = Int64.min...Int64.max
    /// Only these business days.
    public var days: ClosedRange<CalendarDay>?
    /// Columns besides time, each with what its values have to be; all have to hold.
    public var conditions: [(column: Column, condition: Condition)] = []
    /// The latest sequence first.
    public var isDescending = false

    /// Every record, the first one first.
    public init() {}
}
