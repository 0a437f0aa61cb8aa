import Locks
import RingBuffer
import Rollups
import Storage
import Transactions

/// The thread that adds statistics to the catalogue, one checkpoint at a time, while the folder goes on.
///
/// A checkpoint that fails (a full disk, say) stays pending and is tried again; nothing that it holds is forgotten. At the end
/// there is no again: the first one that fails is given up with all that come after it, since chunks are added without gaps.
/// The log has it all, and the next start counts it.
final class Checkpointer: @unchecked Sendable {
    private struct Pending {
        var rollups: DrainedRollups
        var names: [Catalogue.NamedCode]
        var declared: [KeptRollup]
        var declarations: Catalogue.DeclarationChange
        var checkpoint: Catalogue.Checkpoint
        /// Files of the identity index that this checkpoint lets go.
        var obsoleteFiles: [String]
    }

    private struct State {
        var pending: Pending?
        /// What the catalogue keeps besides the rollups of every ledger.
        var declared: [KeptRollup]
        var filling = Filling()
        var checkpointSequence: UInt64
        /// The ledger is being closed: a failure is the last one.
        var isEnding = false
        var hasGivenUp = false
        var lastFailure: String?
        var isClosing = false
    }

    private let catalogue: Catalogue
    private let calendar: BusinessCalendar
    private let names: NameRegistry
    private let machine: any Machine
    private let identity: IdentityProgress
    private let report: @Sendable (String) -> Void
    let bell: Doorbell
    private let state: Lock<State>

    private static let mergedChunkCount = 8
    private static let retryNanoseconds: Int64 = 1_000_000_000

    /// - Parameters:
    ///   - catalogue: used by this thread alone from now on.
    ///   - declared: what it keeps besides the rollups of every ledger.
    ///   - identity: what a checkpoint may say of the identity index.
    ///   - report: told about failures.
    init(
        catalogue: Catalogue, calendar: BusinessCalendar, names: NameRegistry, checkpointSequence: UInt64,
        declared: [KeptRollup], identity: IdentityProgress, machine: any Machine,
        report: @escaping @Sendable (String) -> Void
    ) {
        bell = machine.makeDoorbell()
        self.machine = machine
        self.catalogue = catalogue
        self.calendar = calendar
        self.names = names
        self.identity = identity
        self.report = report
        state = Lock(State(declared: declared, checkpointSequence: checkpointSequence))
    }

    var isBusy: Bool { state.withLock { $0.pending != nil } }
    /// Why statistics cannot be saved; nil while they can.
    var failure: String? { state.withLock { $0.lastFailure } }
    /// The catalogue reaches up to here.
    var checkpointSequence: UInt64 { state.withLock { $0.checkpointSequence } }

    func waitUntilIdle() { _ = bell.wait { !isBusy } }

    /// Takes what the folder has counted since the last checkpoint. The folder calls it when nothing is pending.
    /// - Parameter declared: the rollups that are kept from this checkpoint on besides those of every ledger; nil: the same as
    ///   before.
    func start(_ rollups: DrainedRollups, declaring declared: [KeptRollup]? = nil) {
        state.withLock { state in
            precondition(state.pending == nil, "one checkpoint at a time")
            if state.hasGivenUp { return }
            let (checkpoint, obsoleteFiles) = identity.checkpoint(
                sequence: rollups.sequences?.upperBound ?? state.checkpointSequence)
            let (kept, change) = (declared ?? state.declared).kept(
                insteadOf: state.declared, from: checkpoint.sequence)
            state.pending = Pending(
                rollups: rollups, names: names.takeUnsaved(), declared: kept, declarations: change,
                checkpoint: checkpoint, obsoleteFiles: obsoleteFiles)
        }
        bell.ring()
    }

    /// The chunks of a rollup that are on their way into the catalogue, and up to where it reaches without them; nil when
    /// chunks were given up.
    func pendingChunks(
        rollup: RollupDeclaration, days: ClosedRange<CalendarDay>
    ) -> (checkpointSequence: UInt64, chunks: [RollupChunk])? {
        let (sequence, pending, hasGivenUp) = state.withLock { ($0.checkpointSequence, $0.pending, $0.hasGivenUp) }
        if hasGivenUp { return nil }
        let chunks = pending?.rollups.chunks() ?? []
        return (sequence, chunks.filter { $0.rollup == rollup && days.contains($0.day) })
    }

    /// From now on nothing that fails is tried again.
    func prepareToClose() {
        state.withLock { $0.isEnding = true }
        bell.ring()
    }

    func close() {
        state.withLock { $0.isClosing = true }
        bell.ring()
    }

    // MARK: The thread

    func run() {
        defer { catalogue.close() }
        while true {
            _ = bell.wait { state.withLock { $0.pending != nil || $0.filling.step != nil || $0.isClosing } }
            guard let pending = state.withLock({ $0.pending }) else {
                guard let step = state.withLock({ $0.filling.step }) else { return }
                save(step)
                continue
            }
            do {
                try save(pending)
            } catch {
                retryOrGiveUp(after: error)
                continue
            }
            state.withLock { state in
                state.checkpointSequence = pending.checkpoint.sequence
                state.declared = pending.declared.asTheyAre(in: state.declared)
                state.pending = nil
                state.lastFailure = nil
            }
            bell.ring()
            remove(pending.obsoleteFiles)
            tidyUp()
        }
    }

    /// What makes answers faster or the catalogue smaller, and can wait for the next time.
    private func tidyUp() {
        do {
            try letGoOfOldDays()
            try mergeChunks()
            try sumMonths()
        } catch { report("chunks of statistics could not be merged: \(error)") }
    }

    /// Says what failed, once, and waits a while; when the ledger is being closed that was the last attempt.
    private func retryOrGiveUp(after error: any Error) {
        let failure = "\(error)"
        let isNew = state.withLock { state in
            defer { state.lastFailure = failure }
            return state.lastFailure != failure
        }
        if isNew { report("statistics could not be saved, trying again every second: \(failure)") }
        _ = bell.wait(timeoutNanoseconds: Checkpointer.retryNanoseconds) { state.withLock { $0.isEnding } }
        let givesUp = state.withLock { state in
            guard state.isEnding else { return false }
            state.pending = nil
            state.hasGivenUp = true
            return true
        }
        guard givesUp else { return }
        report("statistics are not saved; the next start counts them from the log")
        bell.ring()
    }

    private func save(_ pending: Pending) throws {
        let chunks = pending.rollups.chunks().map(Catalogue.Chunk.init)
        let declared = pending.declared.asTheyAre(in: state.withLock { $0.declared })
        try catalogue.add(
            declared.withoutOldDays(chunks), names: pending.names, declarations: pending.declarations,
            checkpoint: pending.checkpoint, isForGood: !pending.obsoleteFiles.isEmpty)
    }

    private func remove(_ obsoleteFiles: [String]) {
        do {
            try identity.remove(obsoleteFiles: obsoleteFiles)
        } catch {
            report("a file of the identity index that is needed no more could not be removed: \(error)")
        }
    }

    /// Many small chunks of a day make its questions slow: from a number on they become one. Those of a rollup that is being
    /// filled wait until no more can come between them.
    private func mergeChunks() throws {
        let unfinished = state.withLock { $0.declared }.filter { $0.fill != nil }.map(\.declaration.name)
        for (rollup, day) in try catalogue.placesWithChunks(atLeast: Checkpointer.mergedChunkCount)
        where !unfinished.contains(rollup) {
            let stored = try catalogue.chunks(rollup: rollup, days: day...day)
            let merged = try RollupChunk.merge(stored.map { try $0.decoded(of: catalogue.path) })
            try catalogue.replace(
                stored.map(\.sequences),
                by: Catalogue.Chunk(rollup: rollup, day: day, sequences: merged.sequences, bytes: merged.encoded()))
        }
    }

    /// A year of days is many chunks: those of each month that is over are added up besides. The next checkpoint goes first.
    private func sumMonths() throws {
        let declared = state.withLock { $0.declared }.filter { $0.fill == nil && !$0.declaration.isMonthly }
        for rollup in RollupDeclaration.defaults + declared.map(\.declaration) {
            for month in try catalogue.monthsWithoutSum(ofRollup: rollup.name) {
                if isBusy { return }
                if let sum = try catalogue.sum(of: month) { try catalogue.setSum(of: month, bytes: sum.encoded()) }
            }
        }
    }

    // MARK: Declared rollups

    /// Between the filler, which counts, and this thread, which saves.
    private struct Filling {
        /// What is to be saved.
        var step: FillStep?
        /// Whether it was; false: its rollup is gone.
        var outcome: Result<Bool, any Error>?
        /// Why the last step could not be saved, while that is so.
        var failure: String?
        var isStopped = false
    }

    private struct FillStep {
        var rollup: KeptRollup
        var chunks: [RollupChunk]
    }

    /// What the catalogue keeps, or will with the checkpoint that is on its way, besides the rollups of every ledger.
    var declared: [KeptRollup] {
        state.withLock { ($0.pending?.declared ?? $0.declared).asTheyAre(in: $0.declared) }
    }

    /// A rollup that lacks something that can be read; waits for one. Nil when no more is to be filled.
    func nextToFill() -> KeptRollup? {
        var next: KeptRollup?
        _ = bell.wait {
            state.withLock { state in
                next = state.declared.first { $0.fill != nil && $0.failure == nil }
                return next != nil || state.filling.isStopped
            }
        }
        return state.withLock { $0.filling.isStopped } ? nil : next
    }

    /// Saves what was counted of the log for a rollup. Blocks.
    /// - Parameter sequence: up to where that is.
    /// - Returns: false when nothing more is to be counted for it.
    func fill(_ rollup: KeptRollup, with chunks: [RollupChunk], upTo sequence: UInt64) throws -> Bool {
        var rollup = rollup
        rollup.fill?.sequence = sequence
        let isTaken = state.withLock { state in
            if !state.filling.isStopped { state.filling.step = FillStep(rollup: rollup, chunks: chunks) }
            return !state.filling.isStopped
        }
        guard isTaken else { return false }
        bell.ring()
        _ = bell.wait { state.withLock { $0.filling.outcome != nil } }
        let outcome = state.withLock { state in
            defer { state.filling.outcome = nil }
            return state.filling.outcome!
        }
        return try outcome.get()
    }

    private func save(_ step: FillStep) {
        let kept = state.withLock { $0.declared.first { $0.code == step.rollup.code } }
        let outcome = Result {
            guard var kept, let fill = step.rollup.fill else { return false }
            kept.fill = fill
            return try catalogue.fill(
                Catalogue.Declared(kept), adding: [kept].withoutOldDays(step.chunks.map(Catalogue.Chunk.init)))
        }
        state.withLock { state in
            if (try? outcome.get()) == true, let fill = step.rollup.fill {
                state.declared.change(step.rollup.code) { $0.fill = fill.sequence == fill.end ? nil : fill }
                state.filling.failure = nil
            }
            (state.filling.step, state.filling.outcome) = (nil, outcome)
        }
        bell.ring()
        tidyUp()
    }

    /// The log stands in the way of filling a rollup; it is not tried again by this process.
    func noteDamage(of rollup: KeptRollup, _ error: LogError) {
        report("the rollup \(rollup.declaration.name) cannot be filled, and answers nothing: \(error)")
        state.withLock { state in state.declared.change(rollup.code) { $0.failure = "\(error)" } }
        bell.ring()
    }

    /// What was counted for a rollup could not be saved; it is tried again after a while, on the thread that calls.
    func waitToFillAgain(_ rollup: KeptRollup, after error: any Error) {
        report("the rollup \(rollup.declaration.name) could not be filled, trying again: \(error)")
        state.withLock { $0.filling.failure = "\(error)" }
        bell.ring()
        _ = bell.wait(timeoutNanoseconds: 10 * Checkpointer.retryNanoseconds) {
            state.withLock { $0.filling.isStopped }
        }
    }

    /// False when nothing more is to be counted for rollups that lack something.
    func keepPace(_ pace: Pace) -> Bool { pace.keep(bell) { state.withLock { $0.filling.isStopped } } }

    /// Nothing more is filled.
    func stopFilling() {
        state.withLock { $0.filling.isStopped = true }
        bell.ring()
    }

    /// Waits until every rollup is whole that can be, or a while is over.
    /// - Returns: false when some are not.
    /// - Throws: `UnfilledError` when that cannot be saved.
    func waitUntilFilled(timeoutNanoseconds: Int64) throws(UnfilledError) -> Bool {
        let isDone = bell.wait(timeoutNanoseconds: timeoutNanoseconds) {
            state.withLock { state in
                state.hasGivenUp || state.filling.isStopped || state.filling.failure != nil
                    || state.lastFailure != nil
                    || state.pending == nil && state.declared.allSatisfy { $0.fill == nil || $0.failure != nil }
            }
        }
        if let reason = state.withLock({ $0.filling.failure ?? $0.lastFailure }) { throw UnfilledError(reason: reason) }
        return isDone
    }

    /// Retention: days that are older than the rollup's last ones, of which so many are kept; of months, those that end before
    /// so many days up to the first of the last one. A day in the future, which a
    /// gateway's clock may have made up, lets go of nothing.
    private func letGoOfOldDays() throws {
        var calendar = calendar
        let today = calendar.dayAndHour(ofMicroseconds: machine.wallClockMicroseconds()).day
        for var rollup in state.withLock({ $0.declared }) {
            guard let days = rollup.retentionDays,
                let last = try catalogue.lastDay(ofRollup: rollup.declaration.name)
            else { continue }
            let first = min(last, today).movedBy(days: 1 - days)
            let keptFrom = rollup.declaration.isMonthly ? first.firstOfMonth : first
            guard keptFrom > rollup.keptFrom ?? CalendarDay(daysSince1970: .min) else { continue }
            rollup.keptFrom = keptFrom
            try catalogue.letGo(Catalogue.Declared(rollup))
            state.withLock { state in state.declared.change(rollup.code) { $0.keptFrom = keptFrom } }
        }
    }
}

extension [KeptRollup] {
    /// These instead of others: what is kept of each, and what changes in the catalogue with a checkpoint.
    fileprivate func kept(
        insteadOf others: [KeptRollup], from checkpoint: UInt64
    ) -> (rollups: [KeptRollup], change: Catalogue.DeclarationChange) {
        var change = Catalogue.DeclarationChange()
        change.ended = others.filter { other in !contains { $0.code == other.code } }.map(Catalogue.Declared.init)
        let rollups = map { rollup in
            if let known = others.first(where: { $0.code == rollup.code }) { return known }
            var new = rollup
            new.fill = checkpoint > 0 ? KeptRollup.Fill(sequence: 0, end: checkpoint) : nil
            change.begun.append(Catalogue.Declared(new))
            return new
        }
        return (rollups, change)
    }

    /// These, each as it has become meanwhile.
    fileprivate func asTheyAre(in others: [KeptRollup]) -> [KeptRollup] {
        map { rollup in others.first { $0.code == rollup.code } ?? rollup }
    }

    fileprivate mutating func change(_ code: UInt32?, _ body: (inout KeptRollup) -> Void) {
        for place in indices where self[place].code == code { body(&self[place]) }
    }

    /// Chunks without those of days that these have let go.
    fileprivate func withoutOldDays(_ chunks: [Catalogue.Chunk]) -> [Catalogue.Chunk] {
        let first = reduce(into: [:]) { $0[$1.declaration.name] = $1.keptFrom }
        return chunks.filter { chunk in first[chunk.rollup].map { chunk.day >= $0 } ?? true }
    }
}

extension Catalogue.Declared {
    /// What the catalogue holds of a declared rollup.
    fileprivate init(_ rollup: KeptRollup) {
        guard let code = rollup.code else { preconditionFailure("\(rollup.declaration.name) was not declared") }
        self.init(code: code, name: rollup.declaration.name, fillEnd: rollup.fill?.end ?? 0)
        filledTo = rollup.fill?.sequence ?? 0
        keptFrom = rollup.keptFrom
    }
}

extension Catalogue.Chunk {
    fileprivate init(_ chunk: RollupChunk) {
        self.init(rollup: chunk.rollup.name, day: chunk.day, sequences: chunk.sequences, bytes: chunk.encoded())
    }
}
