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
        var checkpoint: Catalogue.Checkpoint
    }

    private struct State {
        var pending: Pending?
        var checkpointSequence: UInt64
        /// The ledger is being closed: a failure is the last one.
        var isEnding = false
        var hasGivenUp = false
        var lastFailure: String?
        var isClosing = false
    }

    private let catalogue: Catalogue
    private let names: NameRegistry
    private let identity: IdentityProgress
    private let report: @Sendable (String) -> Void
    private let bell: Doorbell
    private let state: Lock<State>

    private static let mergedChunkCount = 8
    private static let retryNanoseconds: Int64 = 1_000_000_000

    /// - Parameters:
    ///   - catalogue: used by this thread alone from now on.
    ///   - identity: what a checkpoint may say of the identity index.
    ///   - report: told about failures.
    init(
        catalogue: Catalogue, names: NameRegistry, checkpointSequence: UInt64,
        identity: IdentityProgress, machine: any Machine, report: @escaping @Sendable (String) -> Void
    ) {
        bell = machine.makeDoorbell()
        self.catalogue = catalogue
        self.names = names
        self.identity = identity
        self.report = report
        state = Lock(State(checkpointSequence: checkpointSequence))
    }

    var isBusy: Bool { state.withLock { $0.pending != nil } }
    /// Why statistics cannot be saved; nil while they can.
    var failure: String? { state.withLock { $0.lastFailure } }
    /// The catalogue reaches up to here.
    var checkpointSequence: UInt64 { state.withLock { $0.checkpointSequence } }

    func waitUntilIdle() { _ = bell.wait { !isBusy } }

    /// Takes what the folder has counted since the last checkpoint. The folder calls it when nothing is pending.
    func start(_ rollups: DrainedRollups) {
        state.withLock { state in
            precondition(state.pending == nil, "one checkpoint at a time")
            if state.hasGivenUp { return }
            let checkpoint = identity.checkpoint(sequence: rollups.sequences?.upperBound ?? state.checkpointSequence)
            state.pending = Pending(rollups: rollups, names: names.takeUnsaved(), checkpoint: checkpoint)
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
            _ = bell.wait { state.withLock { $0.pending != nil || $0.isClosing } }
            guard let pending = state.withLock({ $0.pending }) else { return }
            do {
                try save(pending)
            } catch {
                retryOrGiveUp(after: error)
                continue
            }
            state.withLock { state in
                state.checkpointSequence = pending.checkpoint.sequence
                state.pending = nil
                state.lastFailure = nil
            }
            bell.ring()
            do {
                try mergeChunks()
                try sumMonths()
            } catch { report("chunks of statistics could not be merged: \(error)") }
        }
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
        let chunks = pending.rollups.chunks().map { chunk in
            Catalogue.Chunk(
                rollup: chunk.rollup.name, day: chunk.day, sequences: chunk.sequences, bytes: chunk.encoded())
        }
        try catalogue.add(chunks, names: pending.names, checkpoint: pending.checkpoint)
    }

    /// Many small chunks of a day make its questions slow: from a number on they become one.
    private func mergeChunks() throws {
        for (rollup, day) in try catalogue.placesWithChunks(atLeast: Checkpointer.mergedChunkCount) {
            let stored = try catalogue.chunks(rollup: rollup, days: day...day)
            let merged = try RollupChunk.merge(stored.map { try $0.decoded(of: catalogue.path) })
            try catalogue.replace(
                stored.map(\.sequences),
                by: Catalogue.Chunk(rollup: rollup, day: day, sequences: merged.sequences, bytes: merged.encoded()))
        }
    }

    /// A year of days is many chunks: those of each month that is over are added up besides. The next checkpoint goes first.
    private func sumMonths() throws {
        for rollup in RollupDeclaration.defaults {
            for month in try catalogue.monthsWithoutSum(ofRollup: rollup.name) {
                if isBusy { return }
                if let sum = try catalogue.sum(of: month) { try catalogue.setSum(of: month, bytes: sum.encoded()) }
            }
        }
    }
}
