import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import StreamProtocol
import Transactions

/// What outlives a client's connections: the batches and requests without an answer, in order, and the attempts to come
/// back. On the client's event loop only.
final class ClientCore {
    let configuration: ClientConfiguration
    private let address: ServerAddress
    private let tls: NIOSSLContext?
    private let eventLoop: any EventLoop
    private let window: SendWindow
    private let spill: Spill?
    private let deliver: @Sendable (BatchResult) -> Void

    private var connection: ClientConnection?
    private var isOpen = false
    private var welcome: Welcome?
    private var whenWelcomed: EventLoopPromise<Welcome>?
    private var whenClosed: EventLoopPromise<Void>
    private var isFinishing = false
    private var ended: ClientError?

    private var unsent = CircularBuffer<BatchSlot>()
    private var unanswered = CircularBuffer<BatchSlot>()
    /// Batches that the server gave back, to be tried again later; older than every unanswered one.
    private var returned = CircularBuffer<BatchSlot>()
    private var released: [BatchSlot] = []
    /// Answered batches that lie in the spill.
    private var answeredKeys: [Int64] = []
    private var requests = CircularBuffer<ClientRequest>()
    private var lastRequest: UInt64 = 0
    private var lostAt: NIODeadline?
    private var backoffMilliseconds: Int64

    init(
        address: ServerAddress, configuration: ClientConfiguration, tls: NIOSSLContext?, window: SendWindow,
        spill: Spill?, eventLoop: any EventLoop, deliver: @escaping @Sendable (BatchResult) -> Void
    ) {
        self.spill = spill
        self.tls = tls
        self.address = address
        self.configuration = configuration
        self.window = window
        self.eventLoop = eventLoop
        self.deliver = deliver
        whenClosed = eventLoop.makePromise()
        backoffMilliseconds = configuration.firstBackoffMilliseconds
    }

    /// Succeeds when the client came to its end, in whatever way.
    var closed: EventLoopFuture<Void> { whenClosed.futureResult }

    // MARK: Connecting

    /// Makes the first connection.
    func open() -> EventLoopFuture<Welcome> {
        let promise = eventLoop.makePromise(of: Welcome.self)
        whenWelcomed = promise
        connect()
        return promise.futureResult
    }

    private func connect() {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.milliseconds(configuration.connectMilliseconds))
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 * 1024))
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { [core = NIOLoopBound(self, eventLoop: eventLoop)] channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = ClientConnection(core: core.value)
                    core.value.connection = connection
                    try core.value.addTLS(to: channel)
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
        let attempt =
            switch address {
            case .tcp(let host, let port):
                bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1).connect(host: host, port: port)
            case .unixSocket(let path): bootstrap.connect(unixDomainSocketPath: path)
            }
        attempt.assumeIsolated().whenFailure { [self] error in
            connection = nil
            connectionLost(reason(of: error))
        }
    }

    private func addTLS(to channel: any NIOCore.Channel) throws {
        guard let tls, case .tcp(let host, _) = address else { return }
        // A name is sent along and must be the certificate's; an address cannot be sent and is compared alone.
        let name = configuration.tls?.serverName ?? host
        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
        try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : name))
    }

    func connectionClosed(_ closed: ClientConnection, _ reason: String) {
        guard connection === closed else { return }
        connection = nil
        connectionLost(reason)
    }

    private func connectionLost(_ reason: String) {
        isOpen = false
        takeBackWhatIsUnanswered()
        releaseSlots()
        if ended != nil || isFinishing { return complete(.closed) }
        if welcome == nil { return end(.cannotConnect(address: address, reason: reason)) }
        let now = NIODeadline.now()
        // The second time in a row: a server that is away, and not only a connection that broke.
        if lostAt != nil, window.setReachable(false) { beginSpilling() }
        let lostAt = self.lostAt ?? now
        self.lostAt = lostAt
        guard spill != nil || now - lostAt < .milliseconds(configuration.reconnectMilliseconds) else {
            return end(.lost(address: address, reason: reason))
        }
        // Drawn from all of the pause, so that the clients of a server that was away do not come back all at once.
        let pause = Int64.random(in: 0...backoffMilliseconds)
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(pause)) { [self] in
            if ended == nil { connect() }
        }
        backoffMilliseconds = min(2 * backoffMilliseconds, configuration.longestBackoffMilliseconds)
    }

    /// The server answers: the next loss is a new one.
    private func hasGotOn() {
        lostAt = nil
        backoffMilliseconds = configuration.firstBackoffMilliseconds
    }

    /// Everything that was sent and not answered comes before what was not sent, in the order of its first sending.
    private func takeBackWhatIsUnanswered() {
        unsent = CircularBuffer(Array(returned) + Array(unanswered) + Array(unsent))
        unanswered.removeAll(keepingCapacity: true)
        returned.removeAll()
        for request in requests { request.reset() }
    }

    // MARK: What the server says

    /// What one read brought may end the connection on its way: a goodbye that cannot be written closes it at once, and all
    /// without an answer is taken back. Frames behind that count no more; their batches come again, and are duplicates then.
    func take(_ event: ClientSession.Event, from connection: ClientConnection) throws(ProtocolFault) {
        guard ended == nil, self.connection === connection else { return }
        switch event {
        case .welcome(let welcome): take(welcome)
        case .receipt(let receipt): try take(receipt)
        case .refused(_, let failure): refuse(failure)
        case .codes(let answer): try answered(answer.number, .codes(answer.codes))
        case .tokens(let answer): try answered(answer.number, .tokens(answer.tokens))
        case .answer(let part):
            if let bytes = try request(part.number).take(part) { try answered(part.number, .bytes(bytes)) }
        case .failed(let number, let failure): try finish(number, .failure(.failed(failure)))
        case .serverCloses, .finished: connection.sayGoodbye()
        case .fault(let fault): take(fault, from: connection)
        case .alive, .ignore: break
        }
    }

    /// Everything of one read was taken: makes room for senders, sends what may be sent.
    func readCompleted() {
        releaseSlots()
        transmit()
    }

    private func take(_ welcome: Welcome) {
        if let first = self.welcome {
            guard first.ledgerID == welcome.ledgerID, first.sourceCodes == welcome.sourceCodes else {
                return end(.otherLedger)
            }
        } else {
            window.limit(to: welcome.limits.windowBatches)
        }
        self.welcome = welcome
        isOpen = true
        if unsent.isEmpty && requests.isEmpty { hasGotOn() }
        _ = window.setReachable(true)
        whenWelcomed?.succeed(welcome)
        whenWelcomed = nil
    }

    private func take(_ answer: BatchReceipt) throws(ProtocolFault) {
        let slot = unanswered.removeFirst()
        let receipt = answer.receipt
        let total = receipt.accepted + receipt.duplicates + receipt.exceptions.count
        guard total == slot.recordCount else {
            throw ProtocolFault(
                .malformedPayload, "the receipt counts \(total) records, the batch had \(slot.recordCount)")
        }
        hasGotOn()
        settle(slot, .success(receipt))
    }

    private func refuse(_ failure: RequestFailure) {
        let slot = unanswered.removeFirst()
        if failure.mayRetry {
            returned.append(slot)
            connection?.sayGoodbye()
        } else {
            settle(slot, .failure(failure))
        }
    }

    private func settle(_ slot: BatchSlot, _ outcome: Result<Receipt, RequestFailure>) {
        released.append(slot)
        let isLeftover = slot.number == 0
        deliver(
            BatchResult(
                number: slot.number, recordCount: slot.recordCount, wasResent: isLeftover || slot.sendCount > 1,
                isLeftover: isLeftover, outcome: outcome))
        // One that was refused stays in the spill, for the next client.
        if let key = slot.spillKey, case .success = outcome { answeredKeys.append(key) }
        slot.spillKey = nil
    }

    private func take(_ fault: ProtocolFault, from connection: ClientConnection) {
        if fault.code.isTransient {
            connection.close(fault.description)
        } else {
            end(.refused(fault))
        }
    }

    // MARK: Sending

    /// Sends batches and requests as far as credit goes, in one flush.
    func transmit() {
        unsent.append(contentsOf: window.takeOutbox())
        guard let connection, isOpen, ended == nil else { return }
        while connection.session.hasCredit, let slot = unsent.popFirst() {
            connection.send(slot)
            unanswered.append(slot)
        }
        let openRequests = welcome?.limits.openRequests ?? 0
        for request in requests.prefix(openRequests) where !request.isSent && connection.session.phase == .open {
            request.isSent = true
            connection.send(request.frame)
        }
        connection.flush()
    }

    /// Sends a request; `encode` is given its number.
    func request(
        _ encode: (UInt64, inout FrameEncoder) -> Void,
        _ completion: @escaping @Sendable (Result<ClientRequest.Reply, ClientError>) -> Void
    ) {
        if let ended { return completion(.failure(ended)) }
        lastRequest += 1
        var encoder = FrameEncoder()
        encode(lastRequest, &encoder)
        requests.append(ClientRequest(number: lastRequest, frame: encoder.bytes, completion: completion))
        transmit()
    }

    private func request(_ number: UInt64) throws(ProtocolFault) -> ClientRequest {
        guard let request = requests.first(where: { $0.number == number && $0.isSent }) else {
            throw ProtocolFault(.outOfOrder, "an answer to request \(number) came, which is not open")
        }
        return request
    }

    private func answered(_ number: UInt64, _ reply: ClientRequest.Reply) throws(ProtocolFault) {
        hasGotOn()
        try finish(number, .success(reply))
    }

    private func finish(
        _ number: UInt64, _ result: Result<ClientRequest.Reply, ClientError>
    ) throws(ProtocolFault) {
        let request = try request(number)
        requests.removeAll { $0 === request }
        request.complete(result)
    }

    /// Copies what the window holds into the spill, when senders wait for that. When the client is being closed, the rest
    /// of the window is kept there whoever waits.
    func beginSpilling(isClosing: Bool = false) {
        guard ended == nil else { return }
        while true {
            unsent.append(contentsOf: window.takeOutbox())
            let held = [returned, unanswered, unsent].joined().filter { $0.spillKey == nil }
            switch window.beginSpilling(held.map { SpillEntry($0, isCopy: true) }, isClosing: isClosing) {
            case .begun: return held.forEach { $0.spillKey = Int64($0.number) }
            case .notWanted: return
            case .moreWasSubmitted: continue
            }
        }
    }

    private func releaseSlots() {
        if let spill, !answeredKeys.isEmpty {
            spill.note(answered: answeredKeys)
            answeredKeys.removeAll(keepingCapacity: true)
            NIOThreadPool.singleton.submit { [window] _ in spill.removeAnswered(window) }
        }
        guard !released.isEmpty else { return }
        window.release(released)
        released.removeAll(keepingCapacity: true)
    }

    // MARK: The end

    /// Says goodbye; everything that was sent has its answer.
    func finish() {
        isFinishing = true
        if let connection, isOpen { connection.sayGoodbye() } else { complete(.closed) }
    }

    /// Nothing goes on after `error`.
    func end(_ error: ClientError) {
        guard ended == nil else { return }
        complete(error)
        connection?.close("\(error)")
    }

    private func complete(_ error: ClientError) {
        let error = ended ?? error
        ended = error
        window.end(error)
        whenWelcomed?.fail(error)
        whenWelcomed = nil
        for request in requests { request.complete(.failure(error)) }
        requests.removeAll()
        whenClosed.succeed(())
    }
}

/// Why a connection could not be made; of the addresses of a name the last one's reason, in the system's words.
private func reason(of error: any Error) -> String {
    guard let failure = (error as? NIOConnectionError)?.connectionErrors.last?.error else { return "\(error)" }
    return (failure as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(failure)"
}
