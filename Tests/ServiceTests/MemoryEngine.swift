import Dispatch
import Ledger
import Service
import Synchronization
import Transactions

/// A ledger in memory that can be told to hold its answers back, to be full, or to refuse.
///
/// Records are taken once each; answers come on a thread of its own, in order.
final class MemoryEngine: IngestEngine {
    private struct Submission {
        var owner: any BatchOwner
        var answer: BatchAnswer
    }

    private struct State {
        var records: Set<Record> = []
        var order: [Record] = []
        var submitted: [UInt64] = []
        var isHolding = false
        var isFull = false
        var refusal: Refusal?
        var held: [Submission] = []
        var waiting: [any BatchOwner] = []
        var names: [Name: UInt32] = [:]
        var nameRefusal: Refusal?
        var readBackSource: UInt16?
    }

    private let state = Mutex(State())
    private let answers = DispatchQueue(label: "answers")
    let ledgerID: UInt64

    init(ledgerID: UInt64 = 42) { self.ledgerID = ledgerID }

    /// Accepted records in the order of their sequences.
    var order: [Record] { state.withLock { $0.order } }
    /// The numbers of the batches that were submitted.
    var submitted: [UInt64] { state.withLock { $0.submitted } }
    var heldCount: Int { state.withLock { $0.held.count } }

    /// Keeps answers back until `release`.
    func hold() { state.withLock { $0.isHolding = true } }

    /// Lets the oldest `count` answers out, or all that are held and will come.
    func release(_ count: Int? = nil) {
        let out = state.withLock { state in
            let out = Array(state.held.prefix(count ?? .max))
            state.held.removeFirst(out.count)
            if count == nil { state.isHolding = false }
            return out
        }
        send(out)
    }

    /// From now on batches are taken but must wait.
    func becomeFull() { state.withLock { $0.isFull = true } }

    /// Admits what waits, and with `thenFull` lets the next batch wait again.
    func admitWaiting(thenFull: Bool) {
        let waiting = state.withLock { state in
            state.isFull = thenFull
            defer { state.waiting = [] }
            return state.waiting
        }
        for owner in waiting { answers.async { owner.ledgerDidAdmitWaitingBatch() } }
    }

    /// From now on the records of a source are told to have been read back from the log.
    func readBack(source: UInt16) { state.withLock { $0.readBackSource = source } }

    func refuse(_ refusal: Refusal?) { state.withLock { $0.refusal = refusal } }
    func refuseNames(_ refusal: Refusal?) { state.withLock { $0.nameRefusal = refusal } }

    func submit(
        _ records: UnsafeRawBufferPointer, batch: UInt64, sources: SourceSet, owner: any BatchOwner
    ) -> Admission {
        let batchRecords = Array(records.bindMemory(to: Record.self))
        let (out, isFull) = state.withLock { state in
            state.submitted.append(batch)
            let result = Self.take(batchRecords, sources, &state)
            let readBackCount = batchRecords.count { $0.source == state.readBackSource } * 1000
            state.held.append(
                Submission(
                    owner: owner, answer: BatchAnswer(batch: batch, result: result, readBackCount: readBackCount)))
            if state.isFull { state.waiting.append(owner) }
            guard !state.isHolding else { return ([Submission](), state.isFull) }
            defer { state.held = [] }
            return (state.held, state.isFull)
        }
        send(out)
        return isFull ? .waiting : .taken
    }

    func codes(for names: [Name]) async throws(Refusal) -> [UInt32] {
        let result: Result<[UInt32], Refusal> = state.withLock { state in
            if let refusal = state.nameRefusal { return .failure(refusal) }
            return .success(
                names.map { name in
                    let code = state.names[name] ?? name.space.firstGivenCode + UInt32(state.names.count)
                    state.names[name] = code
                    return code
                })
        }
        return try result.get()
    }

    /// Those of one date are those of another.
    func tokens(for accounts: AccountNumbers) -> [UInt64] {
        accounts.indices.map { accounts.withBytes(at: $0) { token(of: Array($0)) } }
    }

    func token(of account: [UInt8]) -> UInt64 {
        account.reduce(14_695_981) { ($0 &* 1_099_511 ^ UInt64($1)) & 0xFFFF_FFFF_FFFF }
    }

    private static func take(
        _ records: [Record], _ sources: SourceSet, _ state: inout State
    ) -> Result<Receipt, Refusal> {
        if let refusal = state.refusal { return .failure(refusal) }
        var accepted = 0
        var exceptions: [Exception] = []
        let first = UInt64(state.order.count) + 1
        for (index, record) in records.enumerated() {
            if !sources.contains(record.source) {
                exceptions.append(Exception(index: index, fault: Fault(.source, .foreignSource)))
            } else if let fault = record.fault(nowMicroseconds: .max / 2) {
                exceptions.append(Exception(index: index, fault: fault))
            } else if state.records.insert(record).inserted {
                accepted += 1
                state.order.append(record)
            }
        }
        return .success(
            Receipt(
                accepted: accepted, duplicates: records.count - accepted - exceptions.count, exceptions: exceptions,
                firstSequence: accepted > 0 ? first : 0,
                chain: ChainHead(sequence: UInt64(state.order.count), digest: [UInt8](repeating: 5, count: 32))))
    }

    private func send(_ submissions: [Submission]) {
        answers.async { for each in submissions { each.owner.ledgerDidAnswer([each.answer]) } }
    }
}
