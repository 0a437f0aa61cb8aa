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
    /// Batches that a closing server gave back; older than every unanswered one.
    private var returned = CircularBuffer<BatchSlot>()
    private var released: [BatchSlot] = []
    private var requests = CircularBuffer<ClientRequest>()
    private var lastRequest: UInt64 = 0
    private var lostAt: NIODeadline?
    private var backoffMilliseconds: Int64

    init(
        address: ServerAddress, configuration: ClientConfiguration, tls: NIOSSLContext?, window: SendWindow,
        eventLoop: any EventLoop, deliver: @escaping @Sendable (BatchResult) -> Void
    ) {
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
        let lostAt = self.lostAt ?? now
        self.lostAt = lostAt
        guard now - lostAt < .milliseconds(configuration.reconnectMilliseconds) else {
            return end(.lost(address: address, reason: reason))
        }
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(backoffMilliseconds)) { [self] in
            if ended == nil { connect() }
        }
        backoffMilliseconds = min(2 * backoffMilliseconds, configuration.longestBackoffMilliseconds)
    }

    /// Everything that was sent and not answered comes before what was not sent, in the order of its first sending.
    private func takeBackWhatIsUnanswered() {
        unsent = CircularBuffer(Array(returned) + Array(unanswered) + Array(unsent))
        unanswered.removeAll(keepingCapacity: true)
        returned.removeAll()
        for request in requests { request.reset() }
    }

    // MARK: What the server says

    func take(_ event: ClientSession.Event, from connection: ClientConnection) throws(ProtocolFault) {
        guard ended == nil else { return }
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
        lostAt = nil
        backoffMilliseconds = configuration.firstBackoffMilliseconds
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
        settle(slot, .success(receipt))
    }

    private func refuse(_ failure: RequestFailure) {
        let slot = unanswered.removeFirst()
        if failure.cause == .closing {
            returned.append(slot)
            connection?.sayGoodbye()
        } else {
            settle(slot, .failure(failure))
        }
    }

    private func settle(_ slot: BatchSlot, _ outcome: Result<Receipt, RequestFailure>) {
        released.append(slot)
        deliver(
            BatchResult(
                number: slot.number, recordCount: slot.recordCount, wasResent: slot.sendCount > 1, outcome: outcome))
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
        try finish(number, .success(reply))
    }

    private func finish(
        _ number: UInt64, _ result: Result<ClientRequest.Reply, ClientError>
    ) throws(ProtocolFault) {
        let request = try request(number)
        requests.removeAll { $0 === request }
        request.complete(result)
    }

    private func releaseSlots() {
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
