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
    struct Pending {
        var rollups: DrainedRollups
        var names: [Catalogue.NamedCode]
        var declared: [KeptRollup]
        var declarations: Catalogue.DeclarationChange
        var checkpoint: Catalogue.Checkpoint
        /// Files of the identity index that this checkpoint lets go.
        var obsoleteFiles: [String]
    }

    struct State {
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

    let catalogue: Catalogue
    private let upkeep: CatalogueUpkeep
    private let names: NameRegistry
    private let identity: IdentityProgress
    let report: @Sendable (String) -> Void
    let bell: Doorbell
    let state: Lock<State>

    static let retryNanoseconds: Int64 = 1_000_000_000

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
        self.catalogue = catalogue
        upkeep = CatalogueUpkeep(catalogue: catalogue, calendar: calendar, machine: machine)
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
                tidyUp()
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

    private func tidyUp() {
        do {
            for rollup in declaredNow {
                guard let keptFrom = try upkeep.letGoOfOldDays(of: rollup) else { continue }
                state.withLock { state in state.declared.change(rollup.code) { $0.keptFrom = keptFrom } }
            }
            try upkeep.mergeChunks(besides: declaredNow)
            try upkeep.sumMonths(besides: declaredNow) { isBusy }
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

    /// What the catalogue keeps besides the rollups of every ledger, without the checkpoint that is on its way.
    private var declaredNow: [KeptRollup] { state.withLock { $0.declared } }

    private func save(_ pending: Pending) throws {
        let chunks = pending.rollups.chunks().map(Catalogue.Chunk.init)
        let declared = pending.declared.asTheyAre(in: declaredNow)
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
}
