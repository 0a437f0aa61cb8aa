import Rollups
import Storage
import Transactions

/// The thread that counts the log for rollups that were declared when there were records already, one at a time, while the
/// ledger takes records in.
///
/// It hands over what it has counted in steps, in order; each is saved whole or not at all, so after a stop it goes on behind
/// the last one. What it cannot read stays in its way: a rollup that lacks something never answers.
final class RollupFiller: @unchecked Sendable {
    private let log: Log
    private let calendar: BusinessCalendar
    private let checkpointer: Checkpointer
    private let flusher: Flusher
    private let options: LedgerOptions
    private let machine: any Machine

    init(
        log: Log, calendar: BusinessCalendar, checkpointer: Checkpointer, flusher: Flusher, options: LedgerOptions,
        machine: any Machine
    ) {
        self.log = log
        self.calendar = calendar
        self.checkpointer = checkpointer
        self.flusher = flusher
        self.options = options
        self.machine = machine
    }

    /// Makes `run` return soon; the step that it is at is given up.
    func close() { checkpointer.stopFilling() }

    // MARK: The thread

    func run() {
        while let rollup = checkpointer.nextToFill() {
            do {
                try fill(rollup)
            } catch is Stopped {
                // The ledger is being closed, or somebody has dropped the rollup.
            } catch let error as LogError where error.isDamage {
                checkpointer.noteDamage(of: rollup, error)
            } catch {
                checkpointer.waitToFillAgain(rollup, after: error)
            }
        }
    }

    private struct Stopped: Error {}

    private func fill(_ rollup: KeptRollup) throws {
        guard let fill = rollup.fill else { return }
        let step = Step(
            RollupAccumulator([rollup.declaration], calendar: calendar, firstSequence: fill.sequence + 1),
            end: fill.end)
        let pace = Pace(on: machine, besides: flusher)
        let save: @Sendable () throws -> Void = { [checkpointer] in
            let chunks = step.accumulator.drain()
            guard try checkpointer.fill(rollup, with: chunks, upTo: step.accumulator.lastSequence) else {
                throw Stopped()
            }
        }
        let pipeline = BlockPipeline(log, on: machine, threadCount: 1)
        let stage: BlockPipeline.Stage = { [checkpointer, options] block in
            if let failure = block.failure { throw failure }
            step.count(block)
            if step.accumulator.recordCount >= options.fillStepRecordCount
                || step.accumulator.shouldDrain(byteLimit: options.unsavedRollupByteCount / 4)
            {
                try save()
            }
            guard checkpointer.keepPace(pace) else { throw Stopped() }
        }
        try log.forEachListOfBlocks(
            from: fill.sequence + 1, before: fill.end + 1, where: { $0.recordCount > 0 }, damage: { throw $0.error }
        ) { try pipeline.run(over: $0, from: fill.sequence + 1, through: [stage]) }
        precondition(step.accumulator.lastSequence == fill.end, "the log has a gap before sequence \(fill.end)")
        try save()
    }

    /// Used by one thread at a time, as its stage is.
    private final class Step: @unchecked Sendable {
        let accumulator: RollupAccumulator
        private let end: UInt64

        init(_ accumulator: RollupAccumulator, end: UInt64) { (self.accumulator, self.end) = (accumulator, end) }

        /// Counts the records of a block that are still missing.
        func count(_ block: DecodedBlock) {
            let first = accumulator.lastSequence + 1
            let records = block.entry.sequences.clamped(to: first..<end + 1)
            guard !records.isEmpty else { return }
            let start = Int(records.lowerBound - block.entry.firstSequence)
            accumulator.fold(
                UnsafeBufferPointer(rebasing: block.records[start..<start + records.count]),
                firstSequence: records.lowerBound)
        }
    }
}
