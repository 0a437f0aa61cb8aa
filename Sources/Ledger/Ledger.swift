import Foundation
import Locks
import RingBuffer
import Rollups
import Storage
import Synchronization
import Transactions

/// A ledger that this process holds: takes batches, makes them durable once, counts them, and answers.
///
/// Any number of threads may call it. It runs threads of its own: the committer decides, the flusher makes durable, the
/// folder counts, the checkpointer saves what was counted, the filler counts the log for rollups that were declared later, the
/// compactor rewrites sealed segments of small blocks.
public final class Ledger: LedgerView, @unchecked Sendable {
    /// What the ledger was made with.
    public let settings: LedgerSettings
    /// Where its files are.
    public let files: LedgerFiles
    /// What recovery cut off the log's end; nil when it was whole.
    public let cut: LogRecovery.Cut?

    private let fileSystem: any FileSystem
    private let machine: any Machine
    private let lock: any FileLock
    let log: Log
    let calendar: BusinessCalendar
    private let registry: NameRegistry
    /// Makes tokens of accounts.
    public let tokenKeys: TokenKeys
    private let ring: RingBuffer
    /// What lies before it in the ring was counted.
    private let folded: Cursor
    private let committer: Committer
    private let flusher: Flusher
    private let folder: Folder
    private let checkpointer: Checkpointer
    private let threads: [EngineThread]
    private let threadCount: Int
    /// For questions; a catalogue is used by one thread at a time.
    private let readCatalogue: TurnLock<CatalogueBox>
    private let isClosed = Atomic<Bool>(false)

    /// A connection that only ever is used under its mutex.
    private struct CatalogueBox: @unchecked Sendable {
        let catalogue: Catalogue
    }

    /// Opens a ledger for writing, after whatever happened to it.
    ///
    /// - Parameters:
    ///   - machine: gives time and threads.
    ///   - report: told, once or seldom, about what an operator should know: a cut end, statistics that could not be saved,
    ///     a segment that could not be compacted.
    ///   - onFailure: told when nothing more may be written; the process should end.
    /// - Throws: `LedgerError` when there is none or another process holds it, `LogError` when the log is damaged,
    ///   `CatalogueError` when the catalogue is unusable and `rebuild` should make it anew.
    public init(
        _ files: LedgerFiles, options: LedgerOptions = LedgerOptions(), fileSystem: any FileSystem = DiskFileSystem(),
        machine: any Machine = SystemMachine(),
        report: @escaping @Sendable (String) -> Void = { _ in },
        onFailure: @escaping @Sendable (Refusal) -> Void = { _ in }
    ) throws {
        guard try files.exist(in: fileSystem) else { throw LedgerError.notFound(directory: files.directory) }
        guard let lock = try fileSystem.lock(files.lock, exclusively: true) else {
            throw LedgerError.inUse(directory: files.directory)
        }
        self.lock = lock
        self.files = files
        self.fileSystem = fileSystem
        self.machine = machine
        threadCount = options.threadCount(on: machine)
        let openCatalogue = { (settings: LedgerSettings) in
            try Catalogue(
                path: files.catalogue, ledger: settings.ledger, mode: .readWrite,
                rollupSignature: RollupDeclaration.defaultsSignature, fileSystem: fileSystem)
        }
        try fileSystem.createDirectory(files.index)
        let (restored, catalogue) = try Restored.restore(
            files, fileSystem: fileSystem, machine: machine, options: options, mayWrite: true,
            openCatalogue: openCatalogue)
        if let cut = restored.cut { report(cut.description) }
        if let fault = restored.indexFault { report("the identity index is made anew from the log: \(fault.cause)") }
        try restored.log.checkStarts()
        for stretch in restored.log.knownDamage {
            report("\(stretch); days that are whole are answered. Restore the segment from a copy")
        }
        (log, cut, calendar, registry) = (restored.log, restored.cut, restored.calendar, restored.names)
        settings = restored.log.settings
        tokenKeys = try TokenKeys(files.tokenKeyFile(fileSystem: fileSystem), machine: machine)
        readCatalogue = TurnLock(CatalogueBox(catalogue: try openCatalogue(settings)), on: machine)

        let chain = try ChainHasher(endOf: log)
        let committerBell = machine.makeDoorbell()
        let (pin, folded) = (Cursor(), Cursor())
        self.folded = folded
        ring = RingBuffer(
            capacity: options.ringSlotCount, slotByteCount: Record.byteCount, largestBatch: Ledger.largestBatch,
            gates: [pin, folded], bell: committerBell)
        let identity = IdentityProgress(
            restored.index, end: log.endSequence, directory: files.index, fileSystem: fileSystem)
        checkpointer = Checkpointer(
            catalogue: catalogue!, calendar: calendar, names: registry,
            checkpointSequence: restored.checkpoint.sequence, declared: restored.declared, identity: identity,
            machine: machine, report: report)
        folder = Folder(
            accumulator: restored.accumulator, declared: restored.declared, cursor: folded, ring: ring,
            checkpointer: checkpointer, options: options, machine: machine)
        folder.declare(registry.declaredRollups)
        flusher = Flusher(
            log: log, chain: chain.head, names: registry, folder: folder, committerBell: committerBell,
            machine: machine, onFailure: onFailure)
        let compactor =
            options.compactsSegments
            ? Compactor(log: log, flusher: flusher, options: options, machine: machine, report: report) : nil
        let filler = RollupFiller(
            log: log, calendar: calendar, checkpointer: checkpointer, flusher: flusher, options: options,
            machine: machine)
        let assistant = Assistant(on: machine)
        committer = Committer(
            ring: ring, bell: committerBell, pin: pin, flusher: flusher, names: registry, log: log,
            index: restored.index,
            identity: identity, chain: chain, options: options, machine: machine, compactor: compactor,
            assistant: assistant)
        threads = Ledger.startThreads(
            on: machine, compactor, filler, committer, assistant, flusher, folder, checkpointer)
    }

    /// In the order in which they end: each is done when the one before has nothing more for it.
    private static func startThreads(
        on machine: any Machine, _ compactor: Compactor?, _ filler: RollupFiller, _ committer: Committer,
        _ assistant: Assistant, _ flusher: Flusher, _ folder: Folder, _ checkpointer: Checkpointer
    ) -> [EngineThread] {
        let compacting = compactor.map { compactor in
            EngineThread("compactor", on: machine, inBackground: true, end: { compactor.close() }) {
                compactor.run { committer.forgetBlocks(of: $0, done: $1) }
            }
        }
        return [
            compacting,
            EngineThread("filler", on: machine, inBackground: true, end: { filler.close() }) { filler.run() },
            EngineThread("committer", on: machine, end: { committer.close() }) { committer.run() },
            EngineThread("assistant", on: machine, end: { assistant.close() }) { assistant.run() },
            EngineThread("flusher", on: machine, end: { flusher.close() }) { flusher.run() },
            EngineThread("folder", on: machine, end: { folder.close() }) { folder.run() },
            EngineThread("checkpointer", on: machine, inBackground: true, end: { checkpointer.close() }) {
                checkpointer.run()
            },
        ].compactMap(\.self)
    }

    deinit {
        guard let end = takeEnd() else { return }
        // The last who held it may be the owner of a batch, let go on the ledger's own thread, which cannot wait for itself.
        if EngineThread.isCurrent { machine.startThread("closer", end) } else { end() }
    }

    /// The most records of a batch.
    public static let largestBatch = 1024

    /// The ledger's number.
    public var ledgerID: UInt64 { settings.ledger }

    // MARK: Sending

    /// Takes a batch: checks each record, copies the good ones into the ring, and answers to `owner` once all is durable.
    ///
    /// Never blocks. Records that are faulty by themselves or of a foreign source are rejected in the receipt.
    /// - Parameters:
    ///   - records: 1 to 1,024 records of 64 bytes; not needed after the call.
    ///   - batch: the owner's own number, repeated in the answer.
    public func submit(
        _ records: UnsafeRawBufferPointer, batch: UInt64, sources: SourceSet, owner: any BatchOwner
    ) -> Admission {
        let count = records.count / Record.byteCount
        precondition(
            records.count % Record.byteCount == 0 && (1...Ledger.largestBatch).contains(count),
            "a batch has 1 to \(Ledger.largestBatch) whole records")
        if isClosed.load(ordering: .acquiring) {
            owner.ledgerDidAnswer([BatchAnswer(batch: batch, result: .failure(.closing))])
            return .taken
        }
        let rejected = Record.exceptions(
            in: records, nowMicroseconds: machine.wallClockMicroseconds(), sources: sources)
        let slotCount = max(1, count - rejected.count)
        let entry = Batch(owner: owner, number: batch, rejected: rejected, isPlaceholder: rejected.count == count)
        if let claim = ring.claim(slotCount) {
            entry.copy(records, to: claim.slots)
            ring.publish(claim, tag: entry.tag)
            return .taken
        }
        let copy = [UInt8](records)
        let ring = self.ring
        ring.claimInTurn(slotCount) { claim in
            if let claim {
                copy.withUnsafeBytes { entry.copy($0, to: claim.slots) }
                ring.publish(claim, tag: entry.tag)
            } else {
                owner.ledgerDidAnswer([BatchAnswer(batch: batch, result: .failure(.closing))])
            }
            owner.ledgerDidAdmitWaitingBatch()
        }
        return .waiting
    }

    /// Codes of names; names that have none get one, durable before the answer.
    /// - Throws: `Refusal` when a space is full, the disk is, or the ledger has failed; no code is given then.
    public func codes(for names: [Name]) async throws(Refusal) -> [UInt32] {
        let result: Result<[UInt32], Refusal> = await withCheckedContinuation { continuation in
            requestCodes(for: names) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// As `codes(for:)`, without waiting.
    /// - Parameter reply: called once, on this thread or on one of the ledger's own; it must not block.
    public func requestCodes(for names: [Name], reply: @escaping @Sendable (Result<[UInt32], Refusal>) -> Void) {
        let known = registry.codes(for: names)
        if !known.contains(nil) { return reply(.success(known.compactMap(\.self))) }
        if isClosed.load(ordering: .acquiring) { return reply(.failure(.closing)) }
        committer.request(
            CommitterInbox.NameRequest(names: names.map { NameDefinition($0.space, $0.text) }, reply: reply))
    }

    /// Codes of names, some of which shall have the user's own; durable before the answer.
    /// - Throws: `Refusal` as `codes(for:)`, or when a name has another code or a code another name; nothing is defined then.
    public func define(_ definitions: [NameDefinition]) async throws(Refusal) -> [UInt32] {
        if let wrong = definitions.first(where: { !(1...$0.space.largestByteCount).contains($0.text.utf8.count) }) {
            throw Refusal(
                .codeTaken, "a \(wrong.space.name) has 1 to \(wrong.space.largestByteCount) bytes of text")
        }
        guard !definitions.isEmpty else { return [] }
        if isClosed.load(ordering: .acquiring) { throw .closing }
        let result: Result<[UInt32], Refusal> = await withCheckedContinuation { continuation in
            committer.request(
                CommitterInbox.NameRequest(names: definitions, reply: { continuation.resume(returning: $0) }))
        }
        return try result.get()
    }

    /// The codes of names that have one; nil for each other. No code is given.
    public func knownCodes(for names: [Name]) -> [UInt32?] { registry.codes(for: names) }

    /// Tokens of account numbers, each with the key of its date. Nothing is kept.
    public func tokens(for accounts: AccountNumbers) throws(Refusal) -> [UInt64] {
        try tokenKeys.tokens(for: accounts)
    }

    // MARK: Asking

    /// The statistics that a question asks for, as of the last sequence that was receipted before the call. Blocks.
    public func answer(_ question: Question, despiteDamage: Bool) throws -> Answer {
        let statistics = Statistics(
            log: log, calendar: calendar, names: registry, machine: machine, threadCount: threadCount)
        return try readCatalogue.withLock { box in
            // The end closes the catalogue under this lock.
            try checkOpen()
            return try statistics.answer(question, despiteDamage: despiteDamage, catalogue: box.catalogue) {
                try folder.view(of: $0, days: $1)
            }
        }
    }

    /// The rollups that are kept, in the order in which questions try them. Blocks.
    public func rollups() throws -> [KeptRollup] {
        try checkOpen()
        try folder.catchUp()
        return KeptRollup.inOrder(checkpointer.declared)
    }

    /// Returns when every declared rollup is whole, but those that damage of the log keeps from it. Blocks.
    /// - Throws: `UnfilledError` when what was counted cannot be saved, as on a full disk.
    /// - Parameter progress: told a few times a second how far they are.
    public func fillRollups(progress: ([KeptRollup]) -> Void = { _ in }) throws {
        try folder.catchUp()
        while try !checkpointer.waitUntilFilled(timeoutNanoseconds: Ledger.progressNanoseconds) {
            progress(checkpointer.declared)
        }
    }

    private static let progressNanoseconds: Int64 = 200_000_000

    /// Every event with an id, in order of sequence. Blocks.
    public func find(_ id: RecordID, despiteDamage: Bool) throws -> Findings {
        try checkOpen()
        let found = Lock<Result<[UInt64], any Error>?>(nil)
        let done = machine.makeDoorbell()
        committer.perform { index in
            // Reads files: not under the lock.
            let candidates = Result { try index.get().candidates(for: id) }
            found.withLock { $0 = candidates }
            done.ring()
        }
        _ = done.wait { found.withLock { $0 != nil } }
        let end = log.endSequence
        let candidates = try found.withLock { try $0!.get() }.filter { $0 < end }
        return try readCatalogue.withLock { box in
            try checkOpen()
            return try log.find(
                id, among: candidates, unknown: [], despiteDamage: despiteDamage,
                DamageAssessment(calendar: calendar, catalogue: box.catalogue))
        }
    }

    /// The last sequence that was committed by a moment. Blocks.
    public func sequence(committedBy microseconds: Int64) throws -> UInt64 {
        try checkOpen()
        return try log.sequence(committedBy: microseconds)
    }

    /// What is in the ledger. Blocks.
    public func status() throws -> LedgerStatus {
        try LedgerStatus(
            files: files, log: log, names: registry, days: answer(LedgerStatus.daysQuestion, despiteDamage: true),
            checkpoint: checkpointer.checkpointSequence, chain: flusher.chain, isServed: true, fileSystem: fileSystem)
    }

    /// The names of a space by their codes.
    public func names(of space: NameSpace) -> [UInt32: String] { registry.names(of: space) }

    private func checkOpen() throws(Refusal) {
        if isClosed.load(ordering: .acquiring) { throw .closing }
    }

    /// What an operator watches. Never blocks for long; any thread.
    public func figures() -> LedgerFigures {
        LedgerFigures(
            flow: flusher.flow, ringSlots: ring.capacity,
            usedRingSlots: ring.usedSlotCount(from: folded.position),
            waitingClaims: ring.waitingClaimCount, durableSequence: flusher.durableSequence,
            countedSequence: folder.countedSequence, savedSequence: checkpointer.checkpointSequence,
            savingFailure: checkpointer.failure, failure: failure, names: registry.counts)
    }

    /// Why nothing more may be written; nil while all is well.
    public var failure: Refusal? { flusher.failure }

    // MARK: The end

    /// Takes what was submitted, makes it durable, saves statistics and index, and lets go of the files. Blocks.
    public func close() {
        takeEnd()?()
    }

    /// What ends the ledger, for the first who asks. It does not hold the ledger.
    private func takeEnd() -> (@Sendable () -> Void)? {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return nil }
        return { [checkpointer, threads, readCatalogue, lock] in
            checkpointer.prepareToClose()
            for thread in threads { thread.stop() }
            // Whoever takes the lock next may copy the catalogue's files.
            readCatalogue.withLock { $0.catalogue.close() }
            lock.release()
        }
    }
}

extension Log {
    /// The records with an id among candidates of the index.
    /// - Parameters:
    ///   - unknown: stretches of the log whose identities the index does not know.
    ///   - despiteDamage: leave out what cannot be read, and say so, instead of failing.
    func find(
        _ id: RecordID, among candidates: [UInt64], unknown: [DamagedStretch], despiteDamage: Bool,
        _ assessment: DamageAssessment
    ) throws -> Findings {
        let cache = BlockCache()
        var found: [FoundRecord] = []
        var damaged: [UInt64] = []
        for candidate in candidates {
            do {
                let record = try records(at: [candidate], cache: cache)[0]
                if record.id == id { found.append(FoundRecord(sequence: candidate, record: record)) }
            } catch let error as LogError where error.isDamage {
                guard knownDamage.contains(where: { $0.sequences.contains(candidate) }) else { throw error }
                damaged.append(candidate)
            }
        }
        let stretches = knownDamage.filter { stretch in damaged.contains(where: stretch.sequences.contains) }
        let damage = try (unknown + stretches).map { try assessment.mark($0, isLeftOut: true) }
        guard damage.isEmpty || despiteDamage else { throw DamageError(damage: damage) }
        return Findings(records: found, damage: damage)
    }
}
