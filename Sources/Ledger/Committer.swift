import Columns
import RingBuffer
import Storage
import Transactions

/// The thread that decides. It alone owns the identity index, the chain, the sequences and the log's end.
///
/// One pass: take the batches that lie published in the ring, up to a block; secure space for the block; judge each record;
/// give sequences to the accepted ones; encode; wait until the commit before is durable; hand over to the flusher. Batches
/// grow under load by themselves, and no timer delays a lone record.
final class Committer: @unchecked Sendable {
    /// Accepted records of commits that may not be durable yet: duplicates of them are confirmed in the ring.
    private struct InFlight {
        var firstSequence: UInt64
        var records: UnsafeBufferPointer<Record>
        var ringStart: UInt64
        var endSequence: UInt64 { firstSequence + UInt64(records.count) }
    }

    private let ring: RingBuffer
    private let bell: Doorbell
    /// Slots from the oldest commit in flight on must not be overwritten.
    private let pin: Cursor
    private let flusher: Flusher
    private let names: NameRegistry
    private let log: Log
    private let index: IdentityIndex
    private let options: LedgerOptions
    private let machine: any Machine
    private let compactor: Compactor?
    private let assistant: Assistant
    private let inbox: CommitterInbox

    private var position: UInt64 = 0
    private var nextSequence: UInt64
    private var chain: ChainHasher
    private var placer: BlockPlacer
    private let encoders: [BlockEncoder]
    private var encoderTurn = 0
    private let cache = BlockCache()
    private let verdicts: UnsafeMutableBufferPointer<Verdict>
    private var inFlight: [InFlight] = []
    private var isClosing = false
    private var lastBlockIsProven = true
    private var nextMaintenance: UInt64
    private let identity: IdentityProgress

    /// The most records of a block.
    static let blockRecordCount = BlockHeader.largestRecordCount
    /// With less than this in the ring and a commit on its way, waiting makes the next block larger and delays nothing.
    private static let worthEncodingEarly = 8192
    /// While a commit of so many is flushed, hardly so many come that encoding them early would be worth it.
    private static let largestFlushedHere = 2048
    private static let idleNanoseconds: Int64 = 100_000_000
    private static let largestNamesPerCommit = 4096
    /// Idle dates that move to files in one pass, and at the end: each takes a flush while everything else waits.
    private static let idleDatesPerPass = 8
    private static let idleDatesAtTheEnd = 256

    init(
        ring: RingBuffer, bell: Doorbell, pin: Cursor, flusher: Flusher, names: NameRegistry, log: Log,
        index: IdentityIndex,
        identity: IdentityProgress, chain: ChainHasher, options: LedgerOptions,
        machine: any Machine, compactor: Compactor?, assistant: Assistant
    ) {
        self.assistant = assistant
        self.machine = machine
        self.compactor = compactor
        self.ring = ring
        self.bell = bell
        inbox = CommitterInbox(bell: bell)
        self.pin = pin
        self.flusher = flusher
        self.names = names
        self.log = log
        self.index = index
        self.options = options
        self.chain = chain
        nextSequence = log.endSequence
        nextMaintenance = nextSequence + options.identityCheckCount
        placer = BlockPlacer(log: log, options: options)
        let scratch = EncodingScratch(
            capacity: Committer.blockRecordCount, assistant: assistant,
            leastSharedRecordCount: options.sharedEncodingRecordCount)
        encoders = (0..<2).map { _ in BlockEncoder(scratch: scratch, rowsRecordCount: options.rowsRecordCount) }
        verdicts = .allocate(capacity: Committer.blockRecordCount)
        self.identity = identity
    }

    deinit { verdicts.deallocate() }

    // MARK: Requests of other threads

    /// Asks for codes; answered once they are durable.
    func request(_ request: CommitterInbox.NameRequest) { inbox.add(CommitterInbox.Content(names: [request])) }

    /// Runs `task` on the committer's thread between two passes.
    func perform(_ task: @escaping CommitterInbox.Task) { inbox.add(CommitterInbox.Content(tasks: [task])) }

    /// Lets go of the file of a segment that was replaced.
    /// - Parameter done: called when it has.
    func forgetBlocks(of segment: LogSegment, done: @escaping @Sendable () -> Void) {
        let file = segment.fileID
        perform { [self] _ in
            cache.forget(file)
            done()
        }
    }

    /// Takes what is in the ring, then ends.
    func close() { inbox.add(CommitterInbox.Content(isClosing: true)) }

    // MARK: The thread

    func run() {
        while true {
            let hasWork = bell.wait(timeoutNanoseconds: lastBlockIsProven ? nil : Committer.idleNanoseconds) {
                ring.batch(at: position) != nil || !inbox.isEmpty || isHoldingUpClaims
                    || (isClosing && !hasUnfinishedClaims)
            }
            forgetDurable(before: position)
            if !hasWork {
                writeMark()
                continue
            }
            let asked = inbox.take()
            isClosing = isClosing || asked.isClosing
            asked.tasks.forEach { $0(.success(index)) }
            waitForFullerBlock()
            let take = takeBatches()
            if take.batches.isEmpty && asked.names.isEmpty {
                if take.end > position { release(upTo: take.end) }
                // A batch that came in time is in the ring; any later one is refused there.
                if isClosing && ring.close(at: position) { break }
                continue
            }
            commit(take, names: asked.names)
            maintainIndex()
        }
        inbox.end()
        finish()
    }

    /// Claims wait for slots that only this thread still keeps.
    private var isHoldingUpClaims: Bool { ring.waitingClaimCount > 0 && pin.position < position && !flusher.isBusy }

    private var hasUnfinishedClaims: Bool { ring.usedSlotCount(from: position) > 0 || ring.waitingClaimCount > 0 }

    private func waitForFullerBlock() {
        _ = bell.wait { !flusher.isBusy || ring.usedSlotCount(from: position) >= Committer.worthEncodingEarly }
    }

    private struct Take {
        var batches: [(batch: Batch, offset: Int, count: Int)] = []
        var count = 0
        var start: UInt64
        var end: UInt64
    }

    /// Whole batches that lie behind each other in the ring, up to a block's records.
    private func takeBatches() -> Take {
        var take = Take(start: position, end: position)
        while let next = ring.batch(at: take.end) {
            if next.tag == 0 {
                if !take.batches.isEmpty { break }
                take.end += UInt64(next.count)
                take.start = take.end
                continue
            }
            let wraps = ring.slotsBeforeWrap(from: take.end) == ring.capacity
            if !take.batches.isEmpty, wraps || take.count + next.count > Committer.blockRecordCount { break }
            take.batches.append((Batch.take(tag: next.tag), take.count, next.count))
            take.count += next.count
            take.end += UInt64(next.count)
        }
        return take
    }

    // MARK: A commit

    private func commit(_ take: Take, names requested: [CommitterInbox.NameRequest]) {
        var commit = emptyCommit(ringEnd: take.end)
        do {
            // Before anything can fail: whoever asked for codes is answered with the commit.
            let nameAnswers = assignCodes(requested)
            commit.names = nameAnswers.new
            commit.nameAnswers = nameAnswers.answers
            if let failure = flusher.failure { throw failure }
            try secureSpace(recordCount: take.count, names: commit.names)
            let judgement = try judge(take, &commit)
            // The block's header carries the link before its own records.
            let chaining = chain.appending(commit.records, by: assistant, from: options.sharedEncodingRecordCount)
            if commit.records.count > 0 || !commit.names.isEmpty { commit.block = encode(commit, chain: chain) }
            chain = chaining.finish()
            answer(take, judgement, &commit)
        } catch {
            refuse(take, &commit, Committer.refusal(for: error))
        }
        position = take.end
        waitForFlusher()
        if commit.records.count <= Committer.largestFlushedHere {
            flusher.flushHere(commit)
        } else {
            flusher.hand(commit)
        }
    }

    private func emptyCommit(ringEnd: UInt64) -> Commit {
        Commit(
            records: UnsafeBufferPointer(start: nil, count: 0), firstSequence: nextSequence, ringEnd: ringEnd,
            startNanoseconds: machine.monotonicNanoseconds())
    }

    private func assignCodes(
        _ requested: [CommitterInbox.NameRequest]
    ) -> (answers: [Commit.NameAnswer], new: [Catalogue.NamedCode]) {
        var answers: [Commit.NameAnswer] = []
        var new: [Catalogue.NamedCode] = []
        for request in requested {
            if new.count + request.names.count > Committer.largestNamesPerCommit, !new.isEmpty {
                self.request(request)
                continue
            }
            do throws(Refusal) {
                let given = try names.assign(request.names)
                answers.append(Commit.NameAnswer(codes: given.codes, reply: request.reply))
                new.append(contentsOf: given.new)
            } catch {
                request.reply(.failure(error))
            }
        }
        return (answers, new)
    }

    private func secureSpace(recordCount: Int, names: [Catalogue.NamedCode]) throws {
        let bound = BlockEncoder.largestByteCount(
            recordCount: recordCount, declarationsByteCount: names.reduce(0) { $0 + $1.declaration.byteCount })
        if placer.needsSegment(for: bound, firstSequence: nextSequence) {
            waitForFlusher()
            if let failure = flusher.failure { throw failure }
            do {
                try placer.startSegment(
                    with: encoders[encoderTurn], firstSequence: nextSequence,
                    commitTime: machine.wallClockMicroseconds(), chain: chain)
            } catch let error as UncertainSegment {
                throw flusher.fail(error)
            }
            compactor?.wake()
        }
        try placer.secure(bound)
    }

    /// Decides on every record of the take and gives sequences to the accepted ones.
    private func judge(_ take: Take, _ commit: inout Commit) throws -> IdentityIndex.Judgement {
        guard take.count > 0 else { return IdentityIndex.Judgement() }
        let records = UnsafeMutableBufferPointer(
            start: ring.slot(at: take.start).assumingMemoryBound(to: Record.self), count: take.count)
        let verdicts = UnsafeMutableBufferPointer(rebasing: self.verdicts[..<take.count])
        rejectUnknownCodes(records, verdicts)
        for batch in take.batches where batch.batch.isPlaceholder {
            verdicts[batch.offset] = Verdict(Fault(.id, .missing))
        }
        let judgement = try index.judge(
            records, batches: take.batches.map { $0.offset..<$0.offset + $0.count }, firstSequence: nextSequence,
            verdicts: verdicts, source: self)
        let acceptedCount = judgement.acceptedCount
        commit.records = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(records)[..<acceptedCount])
        inFlight.append(InFlight(firstSequence: nextSequence, records: commit.records, ringStart: take.start))
        nextSequence += UInt64(acceptedCount)
        return judgement
    }

    private func rejectUnknownCodes(
        _ records: UnsafeMutableBufferPointer<Record>, _ verdicts: UnsafeMutableBufferPointer<Verdict>
    ) {
        let bounds = names.bounds()
        for (index, record) in records.enumerated() {
            verdicts[index] = bounds.fault(of: record).map { Verdict($0) } ?? .accepted
        }
    }

    /// Says what became of each batch, and where the chain stands.
    private func answer(_ take: Take, _ judgement: IdentityIndex.Judgement, _ commit: inout Commit) {
        guard take.count > 0 else { return }
        let head = chain.head
        let verdicts = UnsafeBufferPointer(rebasing: self.verdicts[..<take.count])
        var sequence = commit.firstSequence
        let readBack = shares(of: index.readBackCount, take, verdicts)
        commit.chain = head
        commit.answers = take.batches.enumerated().map { place, entry in
            let (batch, offset, count) = entry
            let result: Result<Receipt, Refusal>
            if let error = judgement.unconfirmed[place] {
                result = .failure(
                    Refusal(
                        .damaged, "records of this batch have to be compared with what cannot be read: \(error)"))
            } else {
                let own = UnsafeBufferPointer(rebasing: verdicts[offset..<offset + count])
                let receipt = batch.receipt(own, firstSequence: sequence, chain: head)
                sequence += UInt64(receipt.accepted)
                result = .success(receipt)
            }
            return (
                batch.owner, BatchAnswer(batch: batch.number, result: result, readBackCount: readBack[place])
            )
        }
    }

    /// Lays what was read back to the batches whose records were there before, or may have been: only they can be meant.
    private func shares(of readBackCount: Int, _ take: Take, _ verdicts: UnsafeBufferPointer<Verdict>) -> [Int] {
        guard readBackCount > 0 else { return [Int](repeating: 0, count: take.batches.count) }
        let known = take.batches.map { _, offset, count in
            verdicts[offset..<offset + count].count {
                $0 == .duplicate || $0 == .unconfirmed || $0.fault?.reason == .conflict
            }
        }
        let total = max(1, known.reduce(0, +))
        return known.map { readBackCount * $0 / total }
    }

    private func encode(_ commit: Commit, chain: ChainHasher) -> Commit.Block {
        encoderTurn = 1 - encoderTurn
        let encoder = encoders[encoderTurn]
        let preface = placer.preface(
            firstSequence: commit.firstSequence, commitTime: machine.wallClockMicroseconds(),
            chain: chain)
        let encoded = encoder.encode(commit.records, preface: preface, declarations: commit.names.map(\.declaration))
        placer.place(encoded.header)
        lastBlockIsProven = false
        return Commit.Block(encoded: encoded, segment: placer.segment, zeros: placer.takeZeros())
    }

    private static func refusal(for error: any Error) -> Refusal {
        switch error {
        case let refusal as Refusal: return refusal
        case let error as StorageError where error.isDiskFull || error.isOutOfDescriptors:
            return Refusal(.diskFull, "no space for another block (\(error)); nothing of this batch was taken")
        default: return Refusal(.failed, "\(error)")
        }
    }

    private func refuse(_ take: Take, _ commit: inout Commit, _ refusal: Refusal) {
        commit.records = UnsafeBufferPointer(start: nil, count: 0)
        commit.block = nil
        commit.nameAnswers.forEach { $0.reply(.failure(refusal)) }
        commit.nameAnswers = []
        names.withdraw(commit.names)
        commit.names = []
        commit.answers = take.batches.map {
            ($0.batch.owner, BatchAnswer(batch: $0.batch.number, result: .failure(refusal)))
        }
    }

    // MARK: The end of the log, when there is nothing to do

    /// Proves the last block durable: a mark is written only after the block's flush.
    private func writeMark() {
        guard flusher.failure == nil else {
            lastBlockIsProven = true
            return
        }
        waitForFlusher()
        var commit = emptyCommit(ringEnd: position)
        do {
            let bound = BlockEncoder.largestByteCount(recordCount: 0, declarationsByteCount: 0)
            guard !placer.needsSegment(for: bound, firstSequence: nextSequence) else { return lastBlockIsProven = true }
            try placer.secure(bound)
            commit.block = encode(commit, chain: chain)
            flusher.hand(commit)
        } catch {
            // Without space there is no mark; recovery then flushes the last block anew.
        }
        lastBlockIsProven = true
    }

    private func finish() {
        if !lastBlockIsProven { writeMark() }
        waitForFlusher()
        guard flusher.failure == nil else { return }
        try? placer.trim()
        _ = try? index.closeDates(
            idleBefore: .max, mostIdle: Committer.idleDatesAtTheEnd, durable: nextSequence - 1, byteLimit: .max)
        identity.update(index, end: nextSequence)
    }

    // MARK: Upkeep

    private func waitForFlusher() { _ = bell.wait { !flusher.isBusy } }

    private func release(upTo end: UInt64) {
        position = end
        waitForFlusher()
        flusher.hand(emptyCommit(ringEnd: end))
    }

    /// What is durable is read from the log from now on, so its slots may go once the folder is past them too.
    private func forgetDurable(before start: UInt64) {
        // After a failure nothing is confirmed any more.
        let durable = flusher.failure == nil ? flusher.durableSequence : .max - 1
        inFlight.removeAll { $0.endSequence <= durable + 1 }
        pin.advance(to: inFlight.first?.ringStart ?? start)
        ring.grantWaiting()
    }

    private func maintainIndex() {
        guard nextSequence >= nextMaintenance else { return }
        nextMaintenance = nextSequence + options.identityCheckCount
        let idleBefore = nextSequence > options.identityIdleCount ? nextSequence - options.identityIdleCount : 0
        // A failure here costs memory or a longer recovery, not correctness: the table stays, and is tried again.
        _ = try? index.closeDates(
            idleBefore: idleBefore, mostIdle: Committer.idleDatesPerPass, durable: flusher.durableSequence,
            byteLimit: options.identityByteCount)
        identity.update(index, end: nextSequence)
    }
}

extension Committer: RecordSource {
    func recordInMemory(_ sequence: UInt64) -> Record? {
        guard let first = inFlight.first, sequence >= first.firstSequence else { return nil }
        for commit in inFlight where sequence < commit.endSequence {
            return commit.records[Int(sequence - commit.firstSequence)]
        }
        return nil
    }

    func records(at sequences: [UInt64]) throws -> [Record] { try log.records(at: sequences, cache: cache) }

    func records(
        at sequences: [UInt64], columns: ColumnSet, passing: (UnsafeBufferPointer<Record>, UInt64) -> Void
    ) throws -> [Record] { try log.records(at: sequences, columns: columns, cache: cache, passing: passing) }
}
