import NIOCore
import StreamProtocol
import Synchronization
import Transactions

/// A batch that was handed over and has no answer yet, as the frame that is written and, if need be, written again.
///
/// It has one user at a time, so it needs no lock: the sender fills it, the event loop sends it, and gives it back.
final class BatchSlot: @unchecked Sendable {
    var frame = ByteBuffer()
    var recordCount = 0
    /// Bytes of the payload; fewer than those of the records when it is compressed.
    var payloadByteCount = 0
    var payloadChecksum: UInt32 = 0
    var number: UInt64 = 0
    var sendCount = 0
    /// Room to compress in; empty until it is needed.
    var compressed: [UInt8] = []

    /// The header of the frame, under the number that the batch has on its connection.
    func header(number: UInt64) -> FrameHeader {
        if payloadByteCount == recordCount * Record.byteCount {
            return .batch(number: number, count: recordCount, payloadChecksum: payloadChecksum)
        }
        return .compressedBatch(
            number: number, count: recordCount, payloadByteCount: payloadByteCount, payloadChecksum: payloadChecksum)
    }
}

/// The slots of a client: what bounds its memory and holds its senders back.
final class SendWindow: Sendable {
    private typealias Grant = Result<BatchSlot, ClientError>

    private struct State {
        var free: [BatchSlot] = []
        var slotCount = 0
        var capacity: Int
        var lastNumber: UInt64 = 0
        var outbox: [BatchSlot] = []
        var isScheduled = false
        var end: ClientError?
        var senders = CircularBuffer<CheckedContinuation<Grant, Never>>()
        var settlers: [CheckedContinuation<ClientError?, Never>] = []

        var isSettled: Bool { free.count == slotCount }

        mutating func takeFreeSlot() -> BatchSlot? {
            if let slot = free.popLast() { return slot }
            guard slotCount < capacity else { return nil }
            slotCount += 1
            return BatchSlot()
        }

        mutating func grant() -> Grant? {
            if let end { return .failure(end) }
            return takeFreeSlot().map { .success($0) }
        }

        mutating func takeSettlers() -> [CheckedContinuation<ClientError?, Never>] {
            defer { settlers = [] }
            return settlers
        }
    }

    private let state: Mutex<State>

    init(capacity: Int) { state = Mutex(State(capacity: capacity)) }

    /// The server's window, when smaller than the configured one.
    func limit(to capacity: Int) { state.withLock { $0.capacity = min($0.capacity, capacity) } }

    /// A free slot, as soon as there is one.
    func acquire() async throws(ClientError) -> BatchSlot {
        if let grant = state.withLock({ $0.grant() }) { return try grant.get() }
        let grant = await withCheckedContinuation { continuation in
            let atOnce = state.withLock { state in
                let grant = state.grant()
                if grant == nil { state.senders.append(continuation) }
                return grant
            }
            if let atOnce { continuation.resume(returning: atOnce) }
        }
        return try grant.get()
    }

    /// Hands a filled slot over; true when the event loop must be told.
    func submit(_ slot: BatchSlot) -> Bool {
        state.withLock { state in
            state.lastNumber += 1
            slot.number = state.lastNumber
            slot.sendCount = 0
            state.outbox.append(slot)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
    }

    /// Everything that was submitted since the last time, in order.
    func takeOutbox() -> [BatchSlot] {
        state.withLock { state in
            state.isScheduled = false
            defer { state.outbox = [] }
            return state.outbox
        }
    }

    /// Gives slots back, to waiting senders first.
    func release(_ slots: [BatchSlot]) {
        var grants: [(CheckedContinuation<Grant, Never>, BatchSlot)] = []
        let settlers = state.withLock { state in
            for slot in slots {
                if let sender = state.senders.popFirst() {
                    grants.append((sender, slot))
                } else {
                    state.free.append(slot)
                }
            }
            return state.isSettled ? state.takeSettlers() : []
        }
        for (sender, slot) in grants { sender.resume(returning: .success(slot)) }
        for settler in settlers { settler.resume(returning: nil) }
    }

    /// Returns when every batch has its answer.
    func settle() async throws(ClientError) {
        let end = await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.end == nil && !state.isSettled { state.settlers.append(continuation) }
                return state.end != nil || state.isSettled
            }
            if isOver { continuation.resume(returning: state.withLock { $0.isSettled ? nil : $0.end }) }
        }
        if let end { throw end }
    }

    /// Nothing is sent any more: everyone who waits, or comes later, gets `error`.
    func end(_ error: ClientError) {
        let (senders, settlers) = state.withLock { state in
            if state.end == nil { state.end = error }
            defer { state.senders.removeAll() }
            return (Array(state.senders), state.takeSettlers())
        }
        for sender in senders { sender.resume(returning: .failure(error)) }
        for settler in settlers { settler.resume(returning: error) }
    }
}
