import Columns
import Locks
import Rollups
import Storage
import Transactions

/// What a log and its derived files hold, brought into memory: how every holder and reader of a ledger begins.
///
/// The catalogue gives names, chunks up to its checkpoint, and which index files there are; the log's blocks from there on
/// give the rest. Without a catalogue the whole log is read.
struct Restored {
    var log: Log
    var cut: LogRecovery.Cut?
    var calendar: BusinessCalendar
    var checkpoint: Catalogue.Checkpoint
    var names: NameRegistry
    /// Knows every identity, once `restoreIndex` was called for a reader.
    var index: IdentityIndex
    private var isIndexed = false
    /// What the catalogue keeps besides the rollups of every ledger.
    var declared: [KeptRollup]
    /// Has counted what the log holds beyond the checkpoint.
    var accumulator: RollupAccumulator
    /// What a reader passed over and is not counted, in the catalogue or in memory.
    private(set) var uncounted: [DamagedStretch] = []
    /// What a reader passed over and the index does not know.
    private(set) var unindexed: [DamagedStretch] = []
    /// Why the index's files were not taken over and it was made anew.
    var indexFault: IndexError?
    /// Where the log is read, and by how many threads.
    private let machine: any Machine
    private let threadCount: Int

    /// How a catalogue is opened once the ledger is known.
    typealias CatalogueOpener = (LedgerSettings) throws -> Catalogue?

    /// What of the log's records is brought into memory.
    private struct Parts {
        var statistics = true
        var identities = true
    }

    /// - Parameters:
    ///   - mayWrite: false for a reader, which changes nothing. Most of them ask for statistics alone and need no identities,
    ///     of which the files may lack many dates: these are left to `restoreIndex`.
    ///   - openCatalogue: nil when there is none.
    static func restore(
        _ files: LedgerFiles, fileSystem: any FileSystem, machine: any Machine, options: LedgerOptions, mayWrite: Bool,
        openCatalogue: CatalogueOpener
    ) throws -> (restored: Restored, catalogue: Catalogue?) {
        var catalogue: Catalogue?
        var checkpoint = Catalogue.Checkpoint(sequence: 0, identityFrom: 1, identityFiles: [])
        let (log, cut) = try LogRecovery.open(directory: files.log, fileSystem: fileSystem, mayWrite: mayWrite) {
            settings in
            catalogue = try openCatalogue(settings)
            if let catalogue { checkpoint = try catalogue.checkpoint() }
            guard mayWrite else { return checkpoint.sequence }
            return max(
                checkpoint.sequence,
                IdentityIndex.lastSequence(
                    ofFilesIn: files.index, ledger: settings.ledger, fileSystem: fileSystem))
        }
        let calendar = try log.settings.calendar()
        let names = NameRegistry(largestCount: options.nameCount, largestByteCount: options.nameByteCount)
        names.publish(try catalogue?.names() ?? [], isSaved: true)
        let index = IdentityIndex(
            key: log.settings.identityKey, ledger: log.settings.ledger, directory: files.index, fileSystem: fileSystem,
            capacity: Committer.blockRecordCount, digestCount: options.digestCount)
        let declared = try catalogue?.keptRollups { names.name(.statement, $0) } ?? []
        let accumulator = RollupAccumulator(
            RollupDeclaration.defaults + declared.map(\.declaration), calendar: calendar,
            firstSequence: checkpoint.sequence + 1)
        var restored = Restored(
            log: log, cut: cut, calendar: calendar, checkpoint: checkpoint, names: names, index: index,
            declared: declared, accumulator: accumulator, machine: machine,
            threadCount: options.threadCount(on: machine))
        guard mayWrite else {
            try restored.replay(Parts(identities: false), movingIdentitiesToFiles: nil)
            return (restored, catalogue)
        }
        restored.adoptIndexFiles()
        try restored.replay(Parts(), movingIdentitiesToFiles: options)
        restored.isIndexed = true
        restored.removeLeftovers(of: catalogue)
        return (restored, catalogue)
    }

    /// Removes index files that a process left behind. Only now: as long as the log cannot be read, they may be the last that
    /// know of what was in it; and only when a power cut cannot bring back a catalogue that names them.
    private func removeLeftovers(of catalogue: Catalogue?) {
        let leftovers = index.leftoverFileNames(besides: indexFault == nil ? checkpoint.identityFiles : [])
        guard !leftovers.isEmpty, let catalogue, (try? catalogue.synchronise()) == true else { return }
        index.removeFiles(named: leftovers)
    }

    /// Brings a reader's index into memory; the second time it is there.
    mutating func restoreIndex() throws {
        guard !isIndexed else { return }
        index.reset()
        adoptIndexFiles()
        try replay(Parts(statistics: false), movingIdentitiesToFiles: nil)
        isIndexed = true
    }

    private mutating func adoptIndexFiles() {
        do throws(IndexError) {
            try index.adoptFiles(named: checkpoint.identityFiles, durable: log.endSequence - 1)
        } catch {
            indexFault = error
            index.reset()
            checkpoint.identityFrom = 1
        }
    }

    /// - Parameter options: when dates move to files, as they do while the ledger is written; nil for a reader, which keeps
    ///   all in memory and passes over damage.
    private mutating func replay(_ parts: Parts, movingIdentitiesToFiles options: LedgerOptions?) throws {
        let (firstUncounted, firstUnindexed) = (checkpoint.sequence + 1, checkpoint.identityFrom)
        let from = min(parts.statistics ? firstUncounted : .max, parts.identities ? firstUnindexed : .max)
        let leftOut = Lock<[DamagedStretch]>([])
        let passOver: @Sendable (DamagedStretch) throws -> Void = { stretch in
            guard options == nil else { throw stretch.error }
            leftOut.withLock { $0.append(stretch) }
        }
        var stages: [BlockPipeline.Stage] = [
            { block in
                guard let failure = block.failure else { return }
                guard let error = failure as? LogError, error.isDamage else { throw failure }
                try passOver(DamagedStretch(block.entry, in: block.path, reason: error.reason))
            }
        ]
        if parts.identities { stages.append(enterIdentities(movingToFiles: options, from: from)) }
        if parts.statistics { stages.append(countStatistics()) }
        let pipeline = BlockPipeline(log, on: machine, threadCount: threadCount)
        try log.forEachListOfBlocks(from: from, damage: passOver) {
            try pipeline.run(over: $0, from: from, through: stages)
        }
        let passedOver = leftOut.withLock(\.self).inOrder
        if parts.statistics { uncounted = passedOver.filter { $0.sequences.upperBound > firstUncounted } }
        if parts.identities { unindexed = passedOver.filter { $0.sequences.upperBound > firstUnindexed } }
    }

    private func enterIdentities(movingToFiles options: LedgerOptions?, from: UInt64) -> BlockPipeline.Stage {
        let restoration = IdentityRestoration(
            index: index, from: checkpoint.identityFrom, options: options, nextCheck: from)
        return { try restoration.enter($0) }
    }

    private func countStatistics() -> BlockPipeline.Stage {
        let box = AccumulatorBox(accumulator: accumulator)
        let (names, from) = (names, checkpoint.sequence + 1)
        return { block in
            names.publish(block.declarations.compactMap(Catalogue.NamedCode.init))
            guard !block.records.isEmpty, block.entry.endSequence > from else { return }
            let first = max(from, block.entry.firstSequence)
            if box.accumulator.lastSequence + 1 < first { box.accumulator.pass(to: first) }
            box.accumulator.fold(
                UnsafeBufferPointer(rebasing: block.records[Int(first - block.entry.firstSequence)...]),
                firstSequence: first)
        }
    }

    /// Used by one thread at a time, as its stage is.
    private struct AccumulatorBox: @unchecked Sendable {
        let accumulator: RollupAccumulator
    }
}

/// Enters the identities of blocks into the index. Used by one thread at a time, as its stage is.
private final class IdentityRestoration: @unchecked Sendable {
    private let index: IdentityIndex
    private let from: UInt64
    private let options: LedgerOptions?
    private var nextCheck: UInt64

    /// - Parameters:
    ///   - from: what lies before this sequence is in files.
    ///   - options: when dates move to files; nil: never.
    ///   - nextCheck: the first sequence that is read.
    init(index: IdentityIndex, from: UInt64, options: LedgerOptions?, nextCheck: UInt64) {
        self.index = index
        self.from = from
        self.options = options
        self.nextCheck = nextCheck + (options?.identityCheckCount ?? 0)
    }

    func enter(_ block: DecodedBlock) throws {
        if block.entry.endSequence > from { index.restore(block.records, firstSequence: block.entry.firstSequence) }
        guard let options, block.entry.endSequence >= nextCheck else { return }
        nextCheck = block.entry.endSequence + options.identityCheckCount
        _ = try index.closeDates(
            idleBefore: 0, durable: block.entry.endSequence - 1, byteLimit: options.identityByteCount)
    }
}

extension Catalogue.NamedCode {
    /// The name that a declaration gives a code; nil for a setting.
    init?(_ declaration: Declaration) {
        guard case .name(let name, let code) = declaration else { return nil }
        self.init(name: name, code: code)
    }

    /// What gives the name its code in the log.
    var declaration: Declaration { .name(name, code: code) }
}

extension RollupDeclaration {
    /// Names the rollups that a catalogue holds; another set needs another catalogue.
    public static var defaultsSignature: String {
        defaults.map { "\($0.name)(\($0.dimensions.map(\.name).joined(separator: ",")))[\($0.measures.count)]" }
            .joined(separator: " ")
    }
}
