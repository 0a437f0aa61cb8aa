import Locks
import RingBuffer
import Storage
import Transactions

/// The thread that makes commits durable, one at a time, and lets their receipts go.
///
/// Invariants 1 and 3: a commit's answers leave only after its own `fdatasync` returned, and commits are flushed in order, so
/// that all that was given before is durable too. The committer hands over the next commit only when this one is through, so
/// a block on disk proves that the one before was flushed. After a failure nothing more is written or receipted.
final class Flusher: Sendable {
    private struct State {
        var commit: Commit?
        var isBusy = false
        var isClosing = false
        var failure: Refusal?
        var durableSequence: UInt64
        var chain: ChainHead
        var flow = LedgerFigures.Flow()
    }

    private let log: Log
    private let names: NameRegistry
    private let folder: Folder
    /// Rung when a commit is handed over and when one is through.
    private let bell: Doorbell
    private let committerBell: Doorbell
    private let machine: any Machine
    private let state: Lock<State>
    private let onFailure: @Sendable (Refusal) -> Void

    init(
        log: Log, chain: ChainHead, names: NameRegistry, folder: Folder, committerBell: Doorbell, machine: any Machine,
        onFailure: @escaping @Sendable (Refusal) -> Void
    ) {
        self.log = log
        self.names = names
        self.folder = folder
        self.committerBell = committerBell
        self.onFailure = onFailure
        self.machine = machine
        bell = machine.makeDoorbell()
        state = Lock(State(durableSequence: log.endSequence - 1, chain: chain))
    }

    /// True while a commit is on its way.
    var isBusy: Bool { state.withLock { $0.isBusy } }
    /// Every sequence up to here is on disk.
    var durableSequence: UInt64 { state.withLock { $0.durableSequence } }
    /// The chain up to the last sequence that is on disk.
    var chain: ChainHead { state.withLock { $0.chain } }
    /// What went through since the start.
    var flow: LedgerFigures.Flow { state.withLock { $0.flow } }
    /// Why nothing more may be written.
    var failure: Refusal? { state.withLock { $0.failure } }

    /// Takes the next commit. The committer calls it when nothing is on its way.
    func hand(_ commit: Commit) {
        begin { $0.commit = commit }
        bell.ring()
    }

    /// Flushes the next commit on the calling thread, the committer's: a small one is through before another thread would be
    /// awake, and nothing worth judging comes meanwhile.
    func flushHere(_ commit: Commit) {
        begin { _ in }
        flush(commit)
        state.withLock { $0.isBusy = false }
    }

    private func begin(_ change: (inout State) -> Void) {
        state.withLock { state in
            precondition(!state.isBusy, "a block is written only after the one before was flushed")
            change(&state)
            state.isBusy = true
        }
    }

    func close() {
        state.withLock { $0.isClosing = true }
        bell.ring()
    }

    /// The thread's body.
    func run() {
        while true {
            _ = bell.wait { state.withLock { $0.commit != nil || $0.isClosing } }
            guard let commit = state.withLock({ $0.commit }) else { return }
            flush(commit)
            state.withLock { state in
                state.commit = nil
                state.isBusy = false
            }
            committerBell.ring()
        }
    }

    private func flush(_ commit: Commit) {
        if let refusal = failure ?? write(commit.block) {
            refuse(commit, refusal)
        } else {
            let seconds = secondsSince(commit.startNanoseconds)
            state.withLock { state in
                state.durableSequence = max(state.durableSequence, commit.endSequence - 1)
                if let chain = commit.chain { state.chain = chain }
                guard !commit.answers.isEmpty else { return }
                for (_, answer) in commit.answers { state.flow.add(answer) }
                state.flow.commitRecords.add(Double(commit.records.count))
                state.flow.commitSeconds.add(seconds)
            }
            names.publish(commit.names)
            if commit.names.contains(where: \.isRollupStatement) { folder.declare(names.declaredRollups) }
            folder.add(commit.records, firstSequence: commit.firstSequence, ringEnd: commit.ringEnd)
            commit.nameAnswers.forEach { $0.reply(.success($0.codes)) }
            Flusher.deliver(commit.answers)
            if let block = commit.block, let zeros = block.zeros { writeZeros(zeros, to: block.segment) }
        }
    }

    /// Fills the log ahead. Flushed before the next block is written: what lies behind a block that was not durable is that
    /// block's own, or zeros.
    private func writeZeros(_ range: Range<Int>, to segment: LogSegment) {
        do throws(StorageError) {
            do throws(StorageError) {
                try segment.writeZeros(range)
            } catch  where error.isDiskFull {
                // The next block does without them, or is refused.
            }
            try segment.synchronise()
        } catch {
            fail(error)
        }
    }

    /// Writes and flushes, a mark like any other block: what comes behind it must never be on the disk without it. Nil when
    /// that went well; else nothing may be written any more.
    private func write(_ block: Commit.Block?) -> Refusal? {
        guard let block else { return nil }
        do {
            try log.write(block.encoded, to: block.segment)
            let start = machine.monotonicNanoseconds()
            try block.segment.synchronise()
            let seconds = secondsSince(start)
            state.withLock { state in
                state.flow.writtenBytes += UInt64(block.encoded.bytes.count)
                state.flow.flushSeconds.add(seconds)
            }
            log.publish(block.encoded.header, in: block.segment)
            return nil
        } catch {
            return fail(error)
        }
    }

    private func secondsSince(_ nanoseconds: Int64) -> Double {
        Double(machine.monotonicNanoseconds() - nanoseconds) / 1e9
    }

    /// Nothing more may be written, since what is on the disk is not known.
    @discardableResult
    func fail(_ error: any Error) -> Refusal {
        let refusal = Refusal(.failed, "the ledger stopped writing: \(error)")
        state.withLock { $0.failure = refusal }
        onFailure(refusal)
        return refusal
    }

    private func refuse(_ commit: Commit, _ refusal: Refusal) {
        folder.add(
            UnsafeBufferPointer(start: nil, count: 0), firstSequence: commit.firstSequence, ringEnd: commit.ringEnd)
        commit.nameAnswers.forEach { $0.reply(.failure(refusal)) }
        state.withLock { $0.flow.refusedBatches += UInt64(commit.answers.count) }
        Flusher.deliver(
            commit.answers.map { ($0.owner, BatchAnswer(batch: $0.answer.batch, result: .failure(refusal))) })
    }

    /// One call for each owner, its answers in order.
    private static func deliver(_ answers: [(owner: any BatchOwner, answer: BatchAnswer)]) {
        var owners: [any BatchOwner] = []
        var answersOfOwner: [[BatchAnswer]] = []
        var places: [ObjectIdentifier: Int] = [:]
        var place = 0
        for (owner, answer) in answers {
            // Batches of one owner mostly lie behind each other.
            if owners.isEmpty || owners[place] !== owner {
                place = places[ObjectIdentifier(owner), default: owners.count]
                if place == owners.count {
                    places[ObjectIdentifier(owner)] = place
                    owners.append(owner)
                    answersOfOwner.append([])
                }
            }
            answersOfOwner[place].append(answer)
        }
        for (owner, answers) in zip(owners, answersOfOwner) { owner.ledgerDidAnswer(answers) }
    }
}
