import Rollups
import Storage
import Transactions

/// Between the filler, which counts the log for declared rollups, and the checkpointer, which saves what was counted: one
/// step at a time, handed over, saved, and answered.
struct Filling {
    /// What was counted of the log for a rollup.
    struct Step {
        var rollup: KeptRollup
        var chunks: [RollupChunk]
    }

    /// What is to be saved.
    private(set) var step: Step?
    /// Whether it was; false: its rollup is gone.
    private(set) var outcome: Result<Bool, any Error>?
    /// Why the last step could not be saved, while that is so.
    private(set) var failure: String?
    /// Nothing more is filled.
    private(set) var isStopped = false

    /// False when nothing more is filled.
    mutating func hand(_ step: Step) -> Bool {
        precondition(self.step == nil && outcome == nil, "one step at a time")
        if !isStopped { self.step = step }
        return !isStopped
    }

    mutating func answer(_ outcome: Result<Bool, any Error>) {
        (step, self.outcome) = (nil, outcome)
        if case .success = outcome { failure = nil }
    }

    mutating func takeOutcome() -> Result<Bool, any Error>? {
        defer { outcome = nil }
        return outcome
    }

    /// What could not be saved is not to be saved any more.
    mutating func forgetFailure() { failure = nil }

    mutating func fail(_ error: any Error) { failure = "\(error)" }

    mutating func stop() { isStopped = true }
}

extension Checkpointer {
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
        guard state.withLock({ $0.filling.hand(Filling.Step(rollup: rollup, chunks: chunks)) }) else { return false }
        bell.ring()
        _ = bell.wait { state.withLock { $0.filling.outcome != nil } }
        guard let outcome = state.withLock({ $0.filling.takeOutcome() }) else {
            preconditionFailure("an outcome that the filler alone takes is gone")
        }
        return try outcome.get()
    }

    /// Saves a step; called by the checkpointer's thread.
    func save(_ step: Filling.Step) {
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
            }
            state.filling.answer(outcome)
        }
        bell.ring()
    }

    /// The log stands in the way of filling a rollup; it is not tried again by this process.
    func noteDamage(of rollup: KeptRollup, _ error: LogError) {
        report("the rollup \(rollup.declaration.name) cannot be filled, and answers nothing: \(error)")
        state.withLock { state in
            state.declared.change(rollup.code) { $0.failure = "\(error)" }
            state.filling.forgetFailure()
        }
        bell.ring()
    }

    /// What was counted for a rollup could not be saved; it is tried again after a while, on the thread that calls.
    func waitToFillAgain(_ rollup: KeptRollup, after error: any Error) {
        report("the rollup \(rollup.declaration.name) could not be filled, trying again: \(error)")
        state.withLock { $0.filling.fail(error) }
        bell.ring()
        _ = bell.wait(timeoutNanoseconds: 10 * Checkpointer.retryNanoseconds) {
            state.withLock { $0.filling.isStopped }
        }
    }

    /// False when nothing more is to be counted for rollups that lack something.
    func keepPace(_ pace: Pace) -> Bool { pace.keep(bell) { state.withLock { $0.filling.isStopped } } }

    /// Nothing more is filled.
    func stopFilling() {
        state.withLock { $0.filling.stop() }
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
}
