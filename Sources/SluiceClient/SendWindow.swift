import NIOCore
import Synchronization

/// The slots of a client: what bounds its memory and holds its senders back.
///
/// Without a spill, a batch whose sending returned is in the window until it is answered. With one, it goes through one of
/// two doors, and never past an older one:
///
/// - Usually it takes a slot of the window.
/// - While *spilling*, it goes into the spill. Spilling begins when a sender finds the window full and the server away: what
///   the window holds is copied into the spill first. It ends when everything in the spill is in the window, too, or
///   answered. In between, slots that are given back go to what lies in the spill, in its order, and senders wait as soon
///   as the server is there again: so the spill comes to an end, however fast they are.
final class SendWindow: Sendable {
    private typealias Grant = Result<BatchSlot, ClientError>

    /// What came of the wish to begin spilling.
    enum Beginning {
        case begun
        case notWanted
        /// The outbox is to be taken first.
        case moreWasSubmitted
    }

    /// Where a batch went that was handed over.
    enum Door {
        /// Into the window; the event loop must be told, or knows.
        case window(mustTell: Bool)
        /// It is to be written into the spill before its sending returns.
        case spill
    }

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

        /// About how many bytes the spill may hold; nil without one.
        var spillLimit: Int?
        var spillByteCount = 0
        var isReachable = true
        var isSpilling = false
        var spareSlots: [BatchSlot] = []
        var sparesInUse = 0
        /// Handed over to the spill: not taken yet, and being written.
        var spilling: [SpillEntry] = []
        var writingCount = 0
        /// Batches of the spill that are not in the window.
        var backlog = 0
        var drainer: CheckedContinuation<BatchSlot?, Never>?

        /// As many senders fill slots for the spill at a time.
        static let mostSpares = 4

        var isSpillQuiet: Bool { backlog == 0 && spilling.isEmpty && writingCount == 0 && sparesInUse == 0 }
        var isSettled: Bool { free.count == slotCount && isSpillQuiet }
        var hasSpillRoom: Bool {
            spillLimit.map { spillByteCount + (sparesInUse + 1) * SpillEntryHeader.largestEntryByteCount <= $0 }
                ?? false
        }
        /// A sender waits for what only the spill can give.
        var wantsSpill: Bool { spillLimit != nil && !isReachable && !isSpilling && !senders.isEmpty }

        mutating func takeFreeSlot() -> BatchSlot? {
            if let slot = free.popLast() { return slot }
            guard slotCount < capacity else { return nil }
            slotCount += 1
            return BatchSlot()
        }

        mutating func grant() -> Grant? {
            if let end { return .failure(end) }
            guard isSpilling else { return takeFreeSlot().map { .success($0) } }
            guard !isReachable, sparesInUse < State.mostSpares, hasSpillRoom else { return nil }
            sparesInUse += 1
            return .success(spareSlots.popLast() ?? BatchSlot(isSpare: true))
        }

        /// Whoever waits and need not any more. To be called after every change, and resumed outside of the lock.
        mutating func takeReady() -> Ready {
            var ready = Ready()
            if isSpilling && isSpillQuiet && senders.isEmpty { isSpilling = false }
            if let waiting = drainer, end != nil { (drainer, ready.drain) = (nil, (waiting, nil)) }
            if let waiting = drainer, let slot = slotForSpilled() { (drainer, ready.drain) = (nil, (waiting, slot)) }
            // What was spilled is through, or a sender is let in to spill.
            if isSpilling && isSpillQuiet && (isReachable || !hasSpillRoom) { isSpilling = false }
            while !senders.isEmpty, let grant = grant() { ready.grants.append((senders.removeFirst(), grant)) }
            if isSettled { ready.settlers = takeSettlers() }
            return ready
        }

        mutating func slotForSpilled() -> BatchSlot? {
            isReachable && backlog > 0 ? takeFreeSlot() : nil
        }

        mutating func takeSettlers() -> [CheckedContinuation<ClientError?, Never>] {
            defer { settlers = [] }
            return settlers
        }
    }

    private struct Ready {
        var grants: [(CheckedContinuation<Grant, Never>, Grant)] = []
        var drain: (CheckedContinuation<BatchSlot?, Never>, BatchSlot?)?
        var settlers: [CheckedContinuation<ClientError?, Never>] = []

        func resume() {
            for (sender, grant) in grants { sender.resume(returning: grant) }
            if let (drainer, slot) = drain { drainer.resume(returning: slot) }
            for settler in settlers { settler.resume(returning: nil) }
        }
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - spillLimit: about how many bytes the spill may hold; nil without one.
    init(capacity: Int, spillLimit: Int? = nil) {
        state = Mutex(State(capacity: capacity, spillLimit: spillLimit))
    }

    private func change(_ body: (inout sending State) -> Void) {
        let ready = state.withLock { state in
            body(&state)
            return state.takeReady()
        }
        ready.resume()
    }

    /// The server's window, when smaller than the configured one.
    func limit(to capacity: Int) { state.withLock { $0.capacity = min($0.capacity, capacity) } }

    // MARK: Senders

    /// A slot to be filled, as soon as there is one.
    /// - Parameter whenStuck: is called when only the spill can give one: spilling is to begin.
    func acquire(whenStuck: () -> Void) async throws(ClientError) -> BatchSlot {
        if let grant = state.withLock({ $0.senders.isEmpty ? $0.grant() : nil }) { return try grant.get() }
        let grant = await withCheckedContinuation { continuation in
            let (atOnce, isStuck) = state.withLock { state in
                let grant = state.senders.isEmpty ? state.grant() : nil
                if grant == nil { state.senders.append(continuation) }
                return (grant, state.wantsSpill)
            }
            if let atOnce { continuation.resume(returning: atOnce) }
            if isStuck { whenStuck() }
        }
        return try grant.get()
    }

    /// Hands a filled slot over.
    func submit(_ slot: BatchSlot) -> Door {
        state.withLock { state in
            state.lastNumber += 1
            slot.number = state.lastNumber
            slot.sendCount = 0
            guard !state.isSpilling else {
                state.spilling.append(SpillEntry(slot, isCopy: false))
                return .spill
            }
            state.outbox.append(slot)
            defer { state.isScheduled = true }
            return .window(mustTell: !state.isScheduled)
        }
    }

    /// The slot's batch was written into the spill, or could not be.
    func giveBack(_ slot: BatchSlot) {
        change { state in
            if slot.isSpare {
                state.sparesInUse -= 1
                state.spareSlots.append(slot)
            } else {
                state.free.append(slot)
            }
        }
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

    // MARK: The event loop

    /// Everything that was submitted since the last time, in order.
    func takeOutbox() -> [BatchSlot] {
        state.withLock { state in
            state.isScheduled = false
            defer { state.outbox = [] }
            return state.outbox
        }
    }

    /// Gives slots back, to whoever waits first.
    func release(_ slots: [BatchSlot]) { change { $0.free += slots } }

    /// The server is there, or is not.
    /// - Returns: whether spilling is to begin.
    func setReachable(_ isReachable: Bool) -> Bool {
        change { $0.isReachable = isReachable }
        return state.withLock { $0.wantsSpill }
    }

    /// Begins spilling, when that is still wanted, with copies of all that is in the window and not in the spill yet.
    /// - Parameter isClosing: the rest of the window is to be kept, whoever waits.
    func beginSpilling(_ copies: [SpillEntry], isClosing: Bool) -> Beginning {
        var beginning = Beginning.notWanted
        change { state in
            guard state.outbox.isEmpty else {
                beginning = .moreWasSubmitted
                return
            }
            let byteCount = (copies.count + 1) * SpillEntryHeader.largestEntryByteCount
            guard isClosing || state.wantsSpill && state.spillByteCount + byteCount <= state.spillLimit! else { return }
            beginning = .begun
            state.isSpilling = true
            state.spilling += copies
        }
        return beginning
    }

    /// Nothing is sent any more: everyone who waits, or comes later, gets `error`.
    func end(_ error: ClientError) {
        let settlers = state.withLock { state in
            if state.end == nil { state.end = error }
            return state.takeSettlers()
        }
        for settler in settlers { settler.resume(returning: error) }
        change { _ in }
    }

    // MARK: The spill

    /// What is to be written, in order; `spilled` says when it was.
    func takeSpilling() -> [SpillEntry] {
        state.withLock { state in
            defer { state.spilling = [] }
            state.writingCount += state.spilling.count
            return state.spilling
        }
    }

    /// As many entries were taken and dealt with; `backlog` of them are now in the spill alone.
    func spilled(_ count: Int, backlog: Int, byteCount: Int) {
        change { state in
            state.writingCount -= count
            state.backlog += backlog
            state.spillByteCount = byteCount
        }
    }

    /// So many batches of an earlier client are in the spill.
    func takeUp(_ leftovers: Int, byteCount: Int) {
        change { state in
            state.isSpilling = leftovers > 0
            state.backlog = leftovers
            state.spillByteCount = byteCount
        }
    }

    /// The spill holds so many bytes now.
    func spillHolds(_ byteCount: Int) { change { $0.spillByteCount = byteCount } }

    /// A slot for the next batch of the spill, when there is one and the server takes it; nil when the client ended.
    func slotForSpilled() async -> BatchSlot? {
        await withCheckedContinuation { continuation in
            change { state in
                state.drainer = continuation
            }
        }
    }

    /// Hands a batch of the spill over to the event loop, which must be told when this is true.
    func submitSpilled(_ slot: BatchSlot) -> Bool {
        var mustTell = false
        change { state in
            state.backlog -= 1
            state.outbox.append(slot)
            mustTell = !state.isScheduled
            state.isScheduled = true
        }
        return mustTell
    }
}
