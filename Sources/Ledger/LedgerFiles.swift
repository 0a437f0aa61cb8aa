import Foundation
import Storage
import Transactions

/// Where the files of a ledger are.
public struct LedgerFiles: Sendable {
    /// The data directory.
    public let directory: String
    /// Segments of the log.
    public var log: String { directory + "/log" }
    /// Files of the identity index.
    public var index: String { directory + "/index" }
    /// The derived database.
    public var catalogue: String { directory + "/catalogue.sqlite" }
    /// Who holds the ledger.
    public var lock: String { directory + "/LOCK" }
    /// Where the holder answers readers.
    public var socket: String { directory + "/sluice.sock" }
    /// The keys of account tokens, with their dates.
    public var tokenKey: String { directory + "/token.key" }

    /// Who may do what with the daemon.
    public var grants: String { directory + "/grants.json" }
    /// What was refused, granted and taken back.
    public var auditLog: String { directory + "/audit.log" }

    /// The files of the ledger in `directory`.
    public init(directory: String) {
        self.directory = directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
    }

    /// True when there is a log.
    /// - Throws: why that cannot be told; a ledger that cannot be looked at must not be taken for none, and be made anew.
    public func exist(in fileSystem: any FileSystem) throws(StorageError) -> Bool {
        do throws(StorageError) {
            return try fileSystem.list(log).contains { $0.hasSuffix(".log") }
        } catch  where error.isNotFound {
            return false
        }
    }

    /// The catalogue, and what SQLite keeps beside it.
    var catalogueFiles: [String] { ["", "-wal", "-shm"].map { catalogue + $0 } }
}

/// Why a ledger cannot be opened or made.
public enum LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    case inUse(directory: String)
    case exists(directory: String)
    case notFound(directory: String)
    case unknownTimeZone(String)
    case tokenKey(path: String, line: Int?, reason: String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .inUse(let directory): "\(directory) is in use by another process"
        case .exists(let directory): "\(directory) holds a ledger already"
        case .notFound(let directory): "\(directory) holds no ledger; 'sluice init --data \(directory)' makes one"
        case .unknownTimeZone(let name): "'\(name)' is no time zone; expected an IANA name such as Asia/Ho_Chi_Minh"
        case .tokenKey(let path, let line, let reason): "\(path)\(line.map { ":\($0)" } ?? ""): \(reason)"
        }
    }
}

extension LedgerFiles {
    /// Makes a ledger: its directories, its token key and the first segment of its log.
    ///
    /// - Parameters:
    ///   - timeZone: an IANA name.
    ///   - cutoverMinutes: 0 to 1,439; 0: the business day is the calendar day.
    ///   - tokenKeyVariable: of the environment, that holds the token key; nil: one is drawn.
    public func create(
        timeZone: String, cutoverMinutes: Int, tokenKeyVariable: String? = nil,
        fileSystem: any FileSystem = DiskFileSystem(),
        machine: any Machine = SystemMachine()
    ) throws {
        var chance = SystemRandomNumberGenerator()
        try create(
            timeZone: timeZone, cutoverMinutes: cutoverMinutes, tokenKeyVariable: tokenKeyVariable,
            fileSystem: fileSystem, machine: machine, chance: &chance)
    }

    /// As above, with keys and number drawn from `chance`.
    public func create(
        timeZone: String, cutoverMinutes: Int, tokenKeyVariable: String? = nil, fileSystem: any FileSystem,
        machine: any Machine, chance: inout some RandomNumberGenerator
    ) throws {
        guard TimeZone(identifier: timeZone) != nil else { throw LedgerError.unknownTimeZone(timeZone) }
        guard try !exist(in: fileSystem) else { throw LedgerError.exists(directory: directory) }
        try fileSystem.createDurableDirectory(index)
        guard let lock = try fileSystem.lock(lock, exclusively: true) else {
            throw LedgerError.inUse(directory: directory)
        }
        defer { lock.release() }
        if !fileSystem.exists(tokenKey) {
            let secret = tokenKeyVariable.map { TokenKeyFile.Secret.variable($0) } ?? .drawn(with: &chance)
            try TokenKeyFile(path: tokenKey, fileSystem: fileSystem).begin(with: secret)
        }
        let now = machine.wallClockMicroseconds()
        let settings = LedgerSettings(
            timeZone: timeZone, cutoverMinutes: cutoverMinutes, createdMicroseconds: now, chance: &chance)
        _ = try LogRecovery.create(directory: log, settings: settings, fileSystem: fileSystem, nowMicroseconds: now)
        try fileSystem.synchroniseDirectory(directory)
    }

    /// The file of the token keys.
    public func tokenKeyFile(fileSystem: any FileSystem = DiskFileSystem()) -> TokenKeyFile {
        TokenKeyFile(path: tokenKey, fileSystem: fileSystem)
    }
}

extension LedgerSettings {
    /// The ledger's business days.
    public func calendar() throws -> BusinessCalendar {
        guard let zone = TimeZone(identifier: timeZone) else { throw LedgerError.unknownTimeZone(timeZone) }
        return BusinessCalendar(timeZone: zone, cutoverMinutes: cutoverMinutes)
    }
}
