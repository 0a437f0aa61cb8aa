import EventLoops
import NIOCore
import NIOPosix
import StreamProtocol
import Transactions

/// A gateway's end of a stream into a ledger.
///
/// Batches are pipelined: `send` returns as soon as the batch is on its way, and waits only while the credit window is
/// full. What became of each batch is told in the order of sending. When the connection is lost, the client connects again
/// and sends everything that has no answer once more, the same bytes: since a record is taken only once, each one ends in
/// the ledger exactly once.
///
/// What is on its way is in memory, up to the window. With a spill (`ClientConfiguration.spill`), what is sent while the
/// server is away and the window full goes to disk instead of waiting, and outlives the process.
///
///     let client = try await SluiceClient.connect(to: .tcp(host: "localhost", port: 7501),
///                                                 configuration: .init(sources: [.name("shop")])) { result in
///         totals.add(result)
///     }
///     try await client.send(records)
///     try await client.finish()
public final class SluiceClient: Sendable {
    /// What the server said at the first connection: limits, ledger, codes of the sources.
    public let welcome: Welcome
    /// The thread that serves the connection, for tasks that send much: with
    /// `withTaskExecutorPreference(client.executor)` sending takes no change of threads. What runs there must not block.
    public let executor: any TaskExecutor

    /// What an earlier client left in the spill; it is sent before anything else.
    public let leftovers: SpillLeftovers

    private let window: SendWindow
    private let spill: Spill?
    private let compressesBatches: Bool
    private let eventLoop: any EventLoop
    private let core: NIOLoopBound<ClientCore>

    private init(
        welcome: Welcome, window: SendWindow, spill: Spill?, compressesBatches: Bool, core: NIOLoopBound<ClientCore>
    ) {
        self.welcome = welcome
        self.spill = spill
        leftovers = spill?.leftovers ?? SpillLeftovers()
        self.compressesBatches = compressesBatches
        self.window = window
        self.core = core
        eventLoop = core.eventLoop
        executor = LoopExecutor(core.eventLoop)
    }

    deinit { eventLoop.execute { [core] in core.value.end(.closed) } }

    /// Connects and opens a session. A client that is let go of is closed: end with `finish`.
    /// - Parameters:
    ///   - group: whose event loop serves the connection.
    ///   - onResult: is told what became of each batch, in order, on the event loop; it must not block.
    public static func connect(
        to address: ServerAddress, configuration: ClientConfiguration = ClientConfiguration(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        onResult: @escaping @Sendable (BatchResult) -> Void = { _ in }
    ) async throws(ClientError) -> SluiceClient {
        guard configuration.sources.count <= Wire.mostItems else {
            throw .invalidArgument("\(configuration.sources.count) sources, expected at most \(Wire.mostItems)")
        }
        let eventLoop = group.next()
        let window = SendWindow(capacity: configuration.windowBatches, spillLimit: configuration.spill?.mostBytes)
        let spill = try await openSpill(configuration)
        let tls = try configuration.tls.map { tls throws(ClientError) in try tls.context() }
        do {
            let (core, welcome) = try await eventLoop.flatSubmit {
                let core = ClientCore(
                    address: address, configuration: configuration, tls: tls, window: window, spill: spill,
                    eventLoop: eventLoop, deliver: onResult)
                let bound = NIOLoopBound(core, eventLoop: eventLoop)
                return core.open().map { (bound, $0) }
            }.get()
            if let spill { try await begin(spill, for: welcome, window, core) }
            return SluiceClient(
                welcome: welcome, window: window, spill: spill, compressesBatches: configuration.compressesBatches,
                core: core)
        } catch {
            spill?.release()
            throw error as? ClientError ?? .cannotConnect(address: address, reason: "\(error)")
        }
    }

    /// Sends a batch that `fill` writes in place: `recordCount` records of 64 bytes each, aligned to 8 bytes.
    ///
    /// Waits while the credit window is full, before it calls `fill`; with a spill, while that is full too, or being emptied.
    /// Costs a checksum of the bytes, no copy and, once the window was filled, no allocation; compression, where it is
    /// configured, comes on top.
    public func send(
        recordCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) async throws(ClientError) {
        guard (1...welcome.limits.recordsPerBatch).contains(recordCount) else {
            throw .invalidArgument(
                "a batch of \(recordCount) records, expected 1 to \(welcome.limits.recordsPerBatch)")
        }
        let slot = try await window.acquire { eventLoop.execute { [core] in core.value.beginSpilling() } }
        slot.fill(recordCount: recordCount, compressing: compressesBatches, fill)
        switch window.submit(slot) {
        case .window(let mustTell): if mustTell { eventLoop.execute { [core] in core.value.transmit() } }
        case .spill: try await writeSpill(slot)
        }
    }

    /// Sends a batch of whole records; the bytes are copied before it returns.
    public func sendBatch(_ records: UnsafeRawBufferPointer) async throws(ClientError) {
        guard records.count % Record.byteCount == 0 else {
            throw .invalidArgument("\(records.count) bytes are no multiple of \(Record.byteCount)")
        }
        try await send(recordCount: records.count / Record.byteCount) { $0.copyMemory(from: records) }
    }

    /// Sends any number of records, in as many batches as they need.
    public func send(_ records: [Record]) async throws(ClientError) {
        let most = welcome.limits.recordsPerBatch
        for start in stride(from: 0, to: records.count, by: most) {
            let batch = records[start..<min(start + most, records.count)]
            try await send(recordCount: batch.count) { slot in
                batch.withUnsafeBytes { slot.copyMemory(from: $0) }
            }
        }
    }

    /// The codes of `names`, durable in the ledger; new names are given codes.
    public func codes(for names: [Name]) async throws(ClientError) -> [UInt32] {
        var codes: [UInt32] = []
        for chunk in try chunks(names) {
            let reply = try await reply { NamesRequest(number: $0, names: chunk).encode(to: &$1) }
            guard case .codes(let some) = reply, some.count == chunk.count else { throw mismatch }
            codes += some
        }
        return codes
    }

    /// The tokens of `accounts`, each for a record of its date; the server does not keep them. A token may be remembered for
    /// records of the same UTC date.
    public func tokens(for accounts: AccountNumbers) async throws(ClientError) -> [UInt64] {
        let longest = Wire.longestAccountByteCount
        guard accounts.indices.allSatisfy({ accounts.withBytes(at: $0) { (1...longest).contains($0.count) } }) else {
            throw .invalidArgument("an account has 1 to \(longest) bytes")
        }
        var tokens: [UInt64] = []
        for start in stride(from: 0, to: accounts.count, by: DatedAccountsRequest.accountsThatFit) {
            let end = min(start + DatedAccountsRequest.accountsThatFit, accounts.count)
            var chunk = AccountNumbers()
            for position in start..<end {
                accounts.withBytes(at: position) { chunk.append($0, on: accounts.day(at: position)) }
            }
            let reply = try await reply { [chunk] number, encoder in
                DatedAccountsRequest(number: number, accounts: chunk).encode(to: &encoder)
            }
            guard case .tokens(let some) = reply, some.count == chunk.count else { throw mismatch }
            tokens += some
        }
        return tokens
    }

    /// Asks a question that is opaque to the protocol; only a ledger's local socket answers.
    public func query(_ bytes: [UInt8]) async throws(ClientError) -> [UInt8] {
        guard bytes.count <= Wire.mostOpaqueBytes else {
            throw .invalidArgument("a query of \(bytes.count) bytes, expected at most \(Wire.mostOpaqueBytes)")
        }
        guard case .bytes(let answer) = try await reply({ Query(number: $0, bytes: bytes).encode(to: &$1) }) else {
            throw mismatch
        }
        return answer
    }

    /// Returns when every batch that was sent has its answer. The client can go on.
    public func settle() async throws(ClientError) { try await window.settle() }

    /// Waits for every answer, says goodbye and closes.
    public func finish() async throws(ClientError) {
        try await settle()
        await closed { $0.finish() }
        await releaseSpill()
    }

    /// Closes at once; what has no answer may or may not be in the ledger. With a spill it is left there.
    public func close() async {
        if let spill {
            try? await eventLoop.submit { [core] in core.value.beginSpilling(isClosing: true) }.get()
            try? await Self.onThread { [window] () throws(SpillFault) in spill.write(from: window) }
        }
        await closed { $0.end(.closed) }
        await releaseSpill()
    }

    /// Writes the slot's batch, and whatever else waits for it, into the spill.
    private func writeSpill(_ slot: BatchSlot) async throws(ClientError) {
        let (spill, window) = (spill!, window)
        try await Self.onThread { () throws(SpillFault) in spill.write(from: window) }
        let fault = slot.spillFault
        slot.spillFault = nil
        window.giveBack(slot)
        if let fault { throw .spill(fault) }
    }

    private func releaseSpill() async {
        guard let spill else { return }
        try? await Self.onThread { [window] () throws(SpillFault) in
            spill.removeAnswered(window)
            spill.release()
        }
    }

    private func closed(_ act: @escaping @Sendable (ClientCore) -> Void) async {
        try? await eventLoop.flatSubmit { [core] in
            act(core.value)
            return core.value.closed
        }.get()
    }

    private func reply(
        _ encode: @escaping @Sendable (UInt64, inout FrameEncoder) -> Void
    ) async throws(ClientError) -> ClientRequest.Reply {
        let result: Result<ClientRequest.Reply, ClientError> = await withCheckedContinuation { continuation in
            eventLoop.execute { [core] in core.value.request(encode) { continuation.resume(returning: $0) } }
        }
        return try result.get()
    }

    /// `names` in groups that fit a request.
    private func chunks(_ names: [Name]) throws(ClientError) -> [[Name]] {
        var chunks: [[Name]] = []
        var room = 0
        for name in names {
            let byteCount = NamesRequest.payloadByteCount([name])
            guard byteCount > 2, byteCount <= 2 + NameSpace.largestNameByteCount else {
                throw .invalidArgument("a name has 1 to \(NameSpace.largestNameByteCount) bytes")
            }
            if room < byteCount || chunks[chunks.count - 1].count == Wire.mostItems {
                chunks.append([])
                room = Wire.largestPayloadByteCount - 8
            }
            chunks[chunks.count - 1].append(name)
            room -= byteCount
        }
        return chunks
    }

    private var mismatch: ClientError {
        .wrongAnswer(ProtocolFault(.malformedPayload, "the answer does not fit the request"))
    }
}

extension BatchSlot {
    /// Lays out the frame: room for the header, which is written when its number is known, then the records.
    fileprivate func fill(
        recordCount: Int, compressing: Bool, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        self.recordCount = recordCount
        let recordsByteCount = recordCount * Record.byteCount
        frame.clear()
        frame.writeWithUnsafeMutableBytes(minimumWritableBytes: Wire.headerByteCount + recordsByteCount) { room in
            let payload = UnsafeMutableRawBufferPointer(
                rebasing: room[Wire.headerByteCount..<Wire.headerByteCount + recordsByteCount])
            fill(payload)
            payloadByteCount = compressing ? compress(payload) : recordsByteCount
            payloadChecksum = checksum32C(UnsafeRawBufferPointer(rebasing: payload[..<payloadByteCount]))
            return Wire.headerByteCount + payloadByteCount
        }
    }

    /// Puts the compressed payload in the place of the records, where it is smaller.
    /// - Returns: bytes of the payload then.
    private func compress(_ records: UnsafeMutableRawBufferPointer) -> Int {
        if compressed.isEmpty {
            compressed = [UInt8](repeating: 0, count: Wire.mostRecordsPerBatch * Record.byteCount)
        }
        return compressed.withUnsafeMutableBytes { room in
            guard let byteCount = CompressedBatch.write(UnsafeRawBufferPointer(records), to: room) else {
                return records.count
            }
            records.copyMemory(from: UnsafeRawBufferPointer(rebasing: room[..<byteCount]))
            return byteCount
        }
    }
}
