import Columns
import Rollups
import Storage
import Transactions

/// What `verify` found.
public struct VerificationReport: Sendable {
    /// Blocks that were read.
    public var blocks = 0
    /// Records that were read.
    public var records: UInt64 = 0
    /// Days of rollups that were compared with a recount.
    public var chunks = 0
    /// Everything that is wrong, each with its place; empty when the ledger is whole.
    public var faults: [String] = []
    /// The chain up to the last record; nil when damage keeps it from being known.
    public var chain: ChainHead?
}

/// Checks a ledger at rest: every checksum, the sequences, the chain, names, index files, and every rollup against a recount. Whatever
/// is wrong, it goes on with the rest.
public struct Verification {
    private let files: LedgerFiles
    private let fileSystem: any FileSystem
    private var report = VerificationReport()
    private var catalogue: Catalogue?
    private var checkpoint = Catalogue.Checkpoint(sequence: 0, identityFrom: 1, identityFiles: [])
    private var recount: [Place: RollupChunk] = [:]
    private var names: [Name: UInt32] = [:]
    /// What the catalogue keeps and is whole.
    private var rollups: [KeptRollup] = []

    private struct Place: Hashable {
        var rollup: String
        var day: CalendarDay
    }

    /// A verification of the ledger in `files`.
    public init(_ files: LedgerFiles, fileSystem: any FileSystem = DiskFileSystem()) {
        self.files = files
        self.fileSystem = fileSystem
    }

    /// Reads everything once.
    ///
    /// - Parameter progress: told the records read so far and in all, after each block.
    /// - Returns: the report; damage is in it.
    /// - Throws: `LedgerError` when there is no ledger or a daemon holds it; `LogError` of a later format.
    public mutating func run(progress: (UInt64, UInt64) -> Void) throws -> VerificationReport {
        guard try files.exist(in: fileSystem) else { throw LedgerError.notFound(directory: files.directory) }
        guard let lock = try fileSystem.lock(files.lock, exclusively: false) else {
            throw LedgerError.inUse(directory: files.directory)
        }
        defer { lock.release() }
        guard let log = try openLog() else { return report }
        rollups = attempt { try $0.keptRollups() } ?? KeptRollup.inOrder([])
        let damage = try checkLog(log, progress: progress)
        checkCatalogue(log, damage)
        checkIndex(log)
        return report
    }

    private mutating func note(_ fault: String) { if !report.faults.contains(fault) { report.faults.append(fault) } }

    // MARK: The log

    private mutating func openLog() throws -> Log? {
        var catalogue: Catalogue?
        var checkpoint = checkpoint
        var catalogueFault: (any Error)?
        defer {
            (self.catalogue, self.checkpoint) = (catalogue, checkpoint)
            if let catalogueFault { note("\(catalogueFault)") }
        }
        do {
            return try LogRecovery.open(directory: files.log, fileSystem: fileSystem, mayWrite: false) { settings in
                do {
                    catalogue = try LedgerReader.openCatalogue(files, ledger: settings.ledger, fileSystem: fileSystem)
                    checkpoint = try catalogue?.checkpoint() ?? checkpoint
                } catch {
                    (catalogue, catalogueFault) = (nil, error)
                }
                return checkpoint.sequence
            }.log
        } catch let error as LogError where error.isDamage {
            note("\(error)")
        }
        do {
            return try LogRecovery.survey(directory: files.log, fileSystem: fileSystem)
        } catch let error as LogError where error.isDamage {
            note("\(error)")
            return nil
        }
    }

    /// - Returns: what could not be read.
    private mutating func checkLog(_ log: Log, progress: (UInt64, UInt64) -> Void) throws -> [DamagedStretch] {
        var audit = LogAudit(log)
        let counting = RollupAccumulator(
            rollups.map(\.declaration), calendar: try log.settings.calendar(), firstSequence: 1)
        let isCounted = catalogue != nil
        try audit.run(progress: progress) { entry, records, declarations in
            for named in declarations.compactMap(Catalogue.NamedCode.init) { names[named.name] = named.code }
            let count = Int(min(checkpoint.sequence + 1, entry.endSequence)) - Int(entry.firstSequence)
            guard isCounted, count > 0 else { return }
            if counting.lastSequence + 1 < entry.firstSequence {
                try collect(counting.drain())
                counting.pass(to: entry.firstSequence)
            }
            counting.fold(UnsafeBufferPointer(rebasing: records[..<count]), firstSequence: entry.firstSequence)
            if counting.shouldDrain(byteLimit: 512 << 20) { try collect(counting.drain()) }
        }
        try collect(counting.drain())
        audit.faults.forEach { note($0) }
        (report.blocks, report.records, report.chain) = (audit.blocks, audit.records, audit.chain)
        return audit.damage
    }

    private mutating func collect(_ chunks: [RollupChunk]) throws {
        for chunk in chunks {
            let place = Place(rollup: chunk.rollup.name, day: chunk.day)
            recount[place] = try recount[place].map { try RollupChunk.merge([$0, chunk]) } ?? chunk
        }
    }

    // MARK: What is derived

    /// Does one check; what it throws is a fault, and the next check goes on.
    private mutating func attempt<Result>(_ check: (inout Verification) throws -> Result) -> Result? {
        do {
            return try check(&self)
        } catch {
            note("\(error)")
            return nil
        }
    }

    private mutating func checkCatalogue(_ log: Log, _ damage: [DamagedStretch]) {
        guard let catalogue else { return }
        _ = attempt { _ in try catalogue.checkIntegrity() }
        _ = attempt { try $0.compareNames(catalogue.names(), isLogWhole: damage.isEmpty) }
        // Days of which something cannot be read cannot be recounted; nil: none can.
        let unknown = attempt { _ in
            let assessment = DamageAssessment(calendar: try log.settings.calendar(), catalogue: catalogue)
            return try damage.reduce(into: Set<CalendarDay>() as Set<CalendarDay>?) { days, stretch in
                guard let more = try assessment.days(of: stretch) else { return days = nil }
                days?.formUnion(more)
            }
        }
        for kept in rollups {
            let rollup = kept.declaration
            guard let stored = attempt({ _ in try catalogue.days(ofRollup: rollup.name) }) else { continue }
            let counted = recount.keys.filter { $0.rollup == rollup.name }.map(\.day)
                .filter { day in kept.keptFrom.map { day >= $0 } ?? true }
            for day in Set(stored).union(counted).sorted() {
                _ = attempt {
                    try $0.compare(
                        rollup, day, in: catalogue,
                        isCountedWhole: unknown.map { days in
                            days.map { days in !days.contains { rollup.covers($0, inChunkOf: day) } } ?? false
                        })
                }
            }
            _ = attempt { try $0.compareSums(rollup, in: catalogue) }
        }
    }

    /// The rollups of every ledger, and the declared ones that are whole.
    private func keptRollups() throws -> [KeptRollup] {
        let statements = try catalogue?.names().filter { $0.name.space == .statement } ?? []
        let declared = try catalogue?.keptRollups { code in statements.first { $0.code == code }?.name.text } ?? []
        return KeptRollup.inOrder(declared.filter { $0.fill == nil })
    }

    private mutating func compareNames(_ stored: [Catalogue.NamedCode], isLogWhole: Bool) throws {
        for named in stored {
            let code = names[named.name]
            guard code != nil || isLogWhole, code != named.code else { continue }
            note(
                "\(files.catalogue): the \(named.name.space.name) '\(named.name.text)' has code \(named.code), in the log "
                    + (code.map { "\($0)" } ?? "none"))
        }
    }

    private mutating func compare(
        _ rollup: RollupDeclaration, _ day: CalendarDay, in catalogue: Catalogue, isCountedWhole: Bool?
    ) throws {
        let chunks = try catalogue.chunks(rollup: rollup.name, days: day...day).compactMap { chunk in
            attempt { _ in try chunk.decoded(of: catalogue.path) }
        }
        guard isCountedWhole == true else { return }
        report.chunks += 1
        let stored = chunks.isEmpty ? nil : try RollupChunk.merge(chunks)
        let counted = recount[Place(rollup: rollup.name, day: day)]
        guard let stored, let counted else {
            if stored != nil || counted != nil {
                note("rollup \(rollup.name), \(day): only \(stored == nil ? "the log" : "the catalogue") has it")
            }
            return
        }
        if let difference = try stored.difference(from: counted) {
            note("catalogue and recount of the log differ: \(difference)")
        }
    }

    /// Sums of months must be those of the chunks that they stand for, which were compared with the log.
    private mutating func compareSums(_ rollup: RollupDeclaration, in catalogue: Catalogue) throws {
        try catalogue.sums(ofRollup: rollup.name) { month, stored in
            _ = attempt { verification in
                let (sum, expected) = (try stored.decoded(of: catalogue.path), try catalogue.sum(of: month))
                if let difference = try expected.flatMap({ try sum.difference(from: $0) }) {
                    verification.note("\(catalogue.path): \(month.place), their sum: \(difference)")
                }
            }
        }
    }

    private mutating func checkIndex(_ log: Log) {
        let durable = log.endSequence - 1
        let index = IdentityIndex(
            key: log.settings.identityKey, ledger: log.settings.ledger, directory: files.index, fileSystem: fileSystem,
            capacity: 1, digestCount: 1)
        let faults = index.faults(ofFilesNamed: checkpoint.identityFiles, durable: durable)
        faults.forEach { note("\($0)") }
        guard faults.isEmpty else { return }
        _ = attempt { [checkpoint] _ in
            try index.adoptFiles(named: checkpoint.identityFiles, durable: durable)
        }
    }
}
