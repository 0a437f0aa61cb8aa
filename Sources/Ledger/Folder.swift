import Locks
import RingBuffer
import Rollups
import Storage
import Synchronization
import Transactions

/// The thread that adds durable records to the rollups, and frees their slots.
///
/// Work comes in order through one queue, and the flusher puts a commit's records there before it lets the receipts go; so a
/// question asked after a receipt sees its records (invariant 5: every answer knows the sequence that it is true as of).
final class Folder: @unchecked Sendable {
    /// What memory knows of a rollup beyond the catalogue.
    struct View: Sendable {
        /// The catalogue's chunks are those of the log up to here.
        var checkpointSequence: UInt64
        /// The chunks since.
        var chunks: [RollupChunk]
        /// The last sequence that is counted in them.
        var sequence: UInt64
    }

    private enum Task {
        case fold(UnsafeBufferPointer<Record>, firstSequence: UInt64, ringEnd: UInt64)
        case look(@Sendable (Folder) -> Void)
        case declare([KeptRollup])
    }

    private struct Queue: @unchecked Sendable {
        var tasks: [Task] = []
        var isClosing = false
        /// The thread takes no more.
        var hasEnded = false
    }

    private static let patienceNanoseconds: Int64 = 2_000_000_000

    private let accumulator: RollupAccumulator
    /// Those that the accumulator counts besides the ones of every ledger.
    private var declared: [KeptRollup]
    private let cursor: Cursor
    private let ring: RingBuffer
    private let options: LedgerOptions
    private let checkpointer: Checkpointer
    private let machine: any Machine
    private let bell: Doorbell
    private let queue = Lock(Queue())
    private var lastCheckpointNanoseconds: Int64
    private let lastCounted: Atomic<UInt64>

    /// - Parameters:
    ///   - accumulator: has counted what the log holds beyond the checkpointer's last checkpoint.
    ///   - declared: the rollups that it counts besides those of every ledger.
    init(
        accumulator: RollupAccumulator, declared: [KeptRollup], cursor: Cursor, ring: RingBuffer,
        checkpointer: Checkpointer,
        options: LedgerOptions, machine: any Machine
    ) {
        self.machine = machine
        bell = machine.makeDoorbell()
        lastCheckpointNanoseconds = machine.monotonicNanoseconds()
        self.accumulator = accumulator
        self.declared = declared
        lastCounted = Atomic(accumulator.lastSequence)
        self.cursor = cursor
        self.ring = ring
        self.checkpointer = checkpointer
        self.options = options
    }

    /// The last sequence that was counted. Any thread.
    var countedSequence: UInt64 { lastCounted.load(ordering: .relaxed) }

    /// Takes records that are durable; the flusher calls it in order.
    func add(_ records: UnsafeBufferPointer<Record>, firstSequence: UInt64, ringEnd: UInt64) {
        queue.withLock { $0.tasks.append(.fold(records, firstSequence: firstSequence, ringEnd: ringEnd)) }
        bell.ring()
    }

    /// Counts these rollups besides those of every ledger from the next record on; the flusher calls it in order.
    func declare(_ rollups: [KeptRollup]) {
        queue.withLock { $0.tasks.append(.declare(rollups)) }
        bell.ring()
    }

    /// Returns when all that was handed over before the call is counted, and what was declared is saved or waits for the disk.
    /// Blocks.
    func catchUp() throws(Refusal) { try look { _ in } }

    /// What memory knows of a rollup on days of a range, after all that was receipted before the call; nil when the rollup is
    /// no longer counted. Blocks.
    /// - Throws: `Refusal` when the ledger is being closed, or cannot save statistics and may not count on.
    func view(of rollup: KeptRollup, days: ClosedRange<CalendarDay>) throws(Refusal) -> View? {
        let view = try look { folder -> Result<View?, Refusal> in
            guard folder.counts(rollup) else { return .success(nil) }
            guard let pending = folder.checkpointer.pendingChunks(rollup: rollup.declaration, days: days) else {
                return .failure(.closing)
            }
            return .success(
                View(
                    checkpointSequence: pending.checkpointSequence,
                    chunks: pending.chunks
                        + folder.accumulator.snapshot(rollup: rollup.declaration.name, days: days),
                    sequence: folder.accumulator.lastSequence))
        }
        return try view.get()
    }

    private func counts(_ rollup: KeptRollup) -> Bool {
        rollup.code == nil || declared.contains { $0.code == rollup.code }
    }

    func close() {
        queue.withLock { $0.isClosing = true }
        bell.ring()
    }

    private func look<Outcome: Sendable>(
        _ body: @escaping @Sendable (Folder) -> Outcome
    ) throws(Refusal) -> Outcome {
        let answer = Lock<Outcome?>(nil)
        let done = machine.makeDoorbell()
        let task = Task.look { folder in
            let result = body(folder)
            answer.withLock { $0 = result }
            done.ring()
        }
        let isTaken = queue.withLock { queue in
            if !queue.hasEnded { queue.tasks.append(task) }
            return !queue.hasEnded
        }
        guard isTaken else { throw .closing }
        bell.ring()
        // While statistics cannot be saved and memory is full of them, nothing is counted and nobody is answered.
        while !done.wait(timeoutNanoseconds: Folder.patienceNanoseconds, until: { answer.withLock { $0 != nil } }) {
            if let failure = checkpointer.failure {
                throw Refusal(.diskFull, "no answer until statistics can be saved again: \(failure)")
            }
        }
        return answer.withLock { $0! }
    }

    // MARK: The thread

    func run() {
        while true {
            _ = bell.wait(timeoutNanoseconds: 1_000_000_000) { queue.withLock { !$0.tasks.isEmpty || $0.isClosing } }
            let (tasks, hasEnded) = queue.withLock { queue in
                defer { queue.tasks = [] }
                queue.hasEnded = queue.isClosing && queue.tasks.isEmpty
                return (queue.tasks, queue.hasEnded)
            }
            if hasEnded { break }
            tasks.forEach(perform)
            checkpointWhenDue()
        }
        startCheckpoint()
        checkpointer.waitUntilIdle()
    }

    private func perform(_ task: Task) {
        switch task {
        case .fold(let records, let firstSequence, let ringEnd):
            accumulator.fold(records, firstSequence: firstSequence)
            lastCounted.store(accumulator.lastSequence, ordering: .relaxed)
            cursor.advance(to: ringEnd)
            ring.grantWaiting()
            waitForCheckpointer()
        case .look(let body): body(self)
        case .declare(let rollups): change(to: rollups)
        }
    }

    /// Rollups begin and end with a checkpoint, so that each is counted from one on and up to one.
    private func change(to rollups: [KeptRollup]) {
        guard rollups.map(\.code) != declared.map(\.code) else { return }
        startCheckpoint(declaring: rollups)
        accumulator.declare(RollupDeclaration.defaults + rollups.map(\.declaration))
        declared = rollups
    }

    /// Memory is bounded: when saving does not keep up, folding waits, the ring fills, and sockets are not read.
    private func waitForCheckpointer() {
        guard accumulator.shouldDrain(byteLimit: options.unsavedRollupByteCount) else { return }
        if checkpointer.isBusy { checkpointer.waitUntilIdle() }
        startCheckpoint()
    }

    private func checkpointWhenDue() {
        let elapsedNanoseconds = machine.monotonicNanoseconds() - lastCheckpointNanoseconds
        guard elapsedNanoseconds >= Int64(options.checkpointSeconds) * 1_000_000_000, !checkpointer.isBusy else {
            return
        }
        startCheckpoint()
    }

    private func startCheckpoint(declaring rollups: [KeptRollup]? = nil) {
        checkpointer.waitUntilIdle()
        lastCheckpointNanoseconds = machine.monotonicNanoseconds()
        checkpointer.start(accumulator.detach(), declaring: rollups)
    }
}
