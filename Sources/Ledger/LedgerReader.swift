import Locks
import Rollups
import Storage
import Transactions

/// A ledger at rest, read by a process that changes nothing: it shares the lock with other readers and keeps holders out.
public final class LedgerReader: LedgerView, @unchecked Sendable {
    /// The settings in force at the log's end.
    public let settings: LedgerSettings
    /// Where its files are.
    public let files: LedgerFiles

    private let fileSystem: any FileSystem
    private let lock: any FileLock
    /// Used under the mutex only: index, accumulator and catalogue are for one thread at a time.
    private let state: Lock<State>
    private let registry: NameRegistry
    let log: Log
    let calendar: BusinessCalendar
    private let threadCount: Int

    private struct State: @unchecked Sendable {
        var restored: Restored
        let catalogue: Catalogue?
    }

    /// Opens a ledger for reading. What an interrupted daemon left unfinished is passed over, not mended.
    /// - Throws: `LedgerError`, `LogError`, `CatalogueError` as `Ledger` does.
    public init(
        _ files: LedgerFiles, options: LedgerOptions = LedgerOptions(), fileSystem: any FileSystem = DiskFileSystem()
    ) throws {
        guard try files.exist(in: fileSystem) else { throw LedgerError.notFound(directory: files.directory) }
        guard let lock = try fileSystem.lock(files.lock, exclusively: false) else {
            throw LedgerError.inUse(directory: files.directory)
        }
        let (restored, catalogue) = try Restored.restore(
            files, fileSystem: fileSystem, machine: SystemMachine(), options: options, mayWrite: false
        ) { settings in
            do {
                return try LedgerReader.openCatalogue(files, ledger: settings.ledger, fileSystem: fileSystem)
            } catch CatalogueError.unfinished {
                return nil
            }
        }
        self.files = files
        threadCount = options.threadCount(on: SystemMachine())
        self.fileSystem = fileSystem
        self.lock = lock
        settings = restored.log.settings
        registry = restored.names
        log = restored.log
        calendar = restored.calendar
        state = Lock(State(restored: restored, catalogue: catalogue))
    }

    /// The catalogue as the last holder left it. After a crash part of it lies in SQLite's write-ahead log, which only a writer
    /// may open: then a copy is read. An empty one, as somebody leaves who looks into the catalogue, holds nothing.
    static func openCatalogue(
        _ files: LedgerFiles, ledger: UInt64, fileSystem: any FileSystem
    ) throws -> Catalogue? {
        guard fileSystem.exists(files.catalogue) else { return nil }
        func open(_ path: String, _ mode: SQLiteDatabase.Mode) throws -> Catalogue {
            try Catalogue(
                path: path, ledger: ledger, mode: mode, rollupSignature: RollupDeclaration.defaultsSignature,
                fileSystem: fileSystem)
        }
        let ahead = files.catalogue + "-wal"
        guard fileSystem.exists(ahead), try fileSystem.open(ahead, .read).byteCount() > 0 else {
            return try open(files.catalogue, .immutable)
        }
        let copy = fileSystem.temporaryPath()
        // The open descriptors keep the copy alive after its names are gone.
        defer { for suffix in ["", "-wal", "-shm"] { try? fileSystem.remove(copy + suffix) } }
        for suffix in ["", "-wal"] { try fileSystem.copy(files.catalogue + suffix, to: copy + suffix) }
        return try open(copy, .readWrite)
    }

    /// The statistics that a question asks for, as of the log's end.
    public func answer(_ question: Question, despiteDamage: Bool) throws -> Answer {
        try state.withLock { state in
            let statistics = Statistics(
                log: log, calendar: calendar, names: registry, machine: SystemMachine(), threadCount: threadCount,
                leftOut: state.restored.uncounted)
            return try statistics.answer(question, despiteDamage: despiteDamage, catalogue: state.catalogue) {
                rollup, days in
                Folder.View(
                    checkpointSequence: state.restored.checkpoint.sequence,
                    chunks: state.restored.accumulator.snapshot(rollup: rollup.declaration.name, days: days),
                    sequence: log.endSequence - 1)
            }
        }
    }

    /// The rollups that are kept, in the order in which questions try them. One of which the catalogue has nothing yet is to
    /// be filled by the next who holds the ledger.
    public func rollups() -> [KeptRollup] {
        let saved = state.withLock { $0.restored.declared }
        return KeptRollup.inOrder(
            registry.declaredRollups.map { rollup in
                if let known = saved.first(where: { $0.code == rollup.code }) { return known }
                var new = rollup
                new.fill = KeptRollup.Fill(sequence: 0, end: log.endSequence - 1)
                return new
            })
    }

    /// Every event with an id, in order of sequence.
    public func find(_ id: RecordID, despiteDamage: Bool) throws -> Findings {
        try state.withLock { state in
            try state.restored.restoreIndex()
            return try log.find(
                id, among: state.restored.index.candidates(for: id), unknown: state.restored.unindexed,
                despiteDamage: despiteDamage, DamageAssessment(calendar: calendar, catalogue: state.catalogue))
        }
    }

    /// The last sequence that was committed by a moment.
    public func sequence(committedBy microseconds: Int64) throws -> UInt64 {
        try log.sequence(committedBy: microseconds)
    }

    /// What is in the ledger.
    public func status() throws -> LedgerStatus {
        try log.checkStarts()
        var chain: ChainHead?
        do { chain = try ChainHasher(endOf: log).head } catch let error as LogError where error.isDamage {}
        return try LedgerStatus(
            files: files, log: log, names: registry, days: answer(LedgerStatus.daysQuestion, despiteDamage: true),
            checkpoint: state.withLock { $0.restored.checkpoint.sequence }, chain: chain, isServed: false,
            fileSystem: fileSystem)
    }

    /// The codes of names that have one; nil for each other.
    public func knownCodes(for names: [Name]) -> [UInt32?] { registry.codes(for: names) }

    /// The names of a space by their codes.
    public func names(of space: NameSpace) -> [UInt32: String] { registry.names(of: space) }
}
