import Access
import Ledger
import Logging
import NIOCore
import Presentation
import StreamProtocol
import Transactions

/// What all connections share.
struct ServiceContext: Sendable {
    var engine: any IngestEngine
    var query: QueryHandler
    var configuration: ServiceConfiguration
    var registry: ConnectionRegistry
    var buffers: ReceiveBuffers
    var tokenDesk: TokenDesk
    var slowLane: SlowLane
    var logger: Logger
}

/// One connection: carries bytes between its socket, its session and the ledger. Everything here is on its event loop.
///
/// It stops reading while the ring has no room for the batch that it submitted last, while names or tokens that the client
/// asked for are being looked up, while it makes way for others (`SlowLane`), while the client does not take its answers, and
/// after a fault; the client then meets TCP's own back-pressure.
final class StreamHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Never
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// How a connection came in.
    enum Entrance {
        /// Over the ledger's own socket: it may ask queries, and everything else.
        case local
        /// Over the network.
        case door(Door)

        var isLocal: Bool { if case .local = self { true } else { false } }
        var certificate: ServerCertificate? { if case .door(let door) = self { door.certificate } else { nil } }
    }

    let shared: ServiceContext
    let entrance: Entrance
    /// Who it is; nil until it showed credentials or said hello.
    var client: Client?
    var session: ServerSession
    var logger: Logger
    let mailbox: ConnectionMailbox
    private var assembler = FrameAssembler()
    private(set) var context: ChannelHandlerContext?
    private var registration: UInt64?
    private var isTurnedAway = false

    var answers = FrameEncoder()
    var sources = SourceSet([UInt16]())
    private var isWaitingForRing = false
    private var isWaitingForLookUp = false
    /// The client sends old records: it has one batch under way at a time, and rests in between.
    private var isSlow = false
    private var isResting = false
    private var isWritable = true
    private var wantsRead = false
    private var heldChunk: ByteBuffer?
    private(set) var fault: ProtocolFault?
    private var isClosing = false
    private var lastSignOfLife = NIODeadline.now()
    private var idleCheck: Scheduled<Void>?

    init(shared: ServiceContext, _ entrance: Entrance, eventLoop: any EventLoop) {
        self.shared = shared
        self.entrance = entrance
        session = ServerSession(limits: shared.configuration.limits)
        logger = shared.logger
        mailbox = ConnectionMailbox(eventLoop: eventLoop)
    }

    // MARK: Beginning and end

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        mailbox.open(for: self)
        logger[metadataKey: "peer"] = .string(peer)
        switch shared.registry.enter(context.channel, self, isLocal: entrance.isLocal) {
        case .admitted(let identifier):
            registration = identifier
            logger[metadataKey: "connection"] = .stringConvertible(identifier)
            logger.debug("connection opened")
            scheduleIdleCheck(in: idleTimeout)
        case .full:
            let most = shared.configuration.mostConnections
            turnAway(ProtocolFault(.tooManyConnections, "\(most) connections are open, which is all that may be"))
        case .outOfDescriptors:
            turnAway(
                ProtocolFault(
                    .tooManyConnections, "the connections that are open leave no descriptor that the ledger could spare"
                ))
        case .draining: turnAway(ProtocolFault(.closing, "the server is stopping"))
        case .unheard: context.close(promise: nil)
        }
    }

    /// Where it comes from, for people.
    var peer: String { entrance.isLocal ? "local" : context?.remoteAddress?.text ?? "unknown" }

    private func turnAway(_ fault: ProtocolFault) {
        isTurnedAway = true
        fail(fault)
    }

    func channelInactive(context: ChannelHandlerContext) {
        idleCheck?.cancel()
        mailbox.close()
        session.close()
        shared.slowLane.forget(self)
        client?.leaveConnection()
        client = nil
        self.context = nil
        heldChunk = nil
        if isTurnedAway { shared.registry.leaveUnadmitted() }
        guard let registration else { return }
        shared.registry.leave(registration)
        logger.debug("connection closed", metadata: ["unanswered": .stringConvertible(session.openBatches)])
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        noteHandshakeFailure(error)
        logger.debug("connection failed", metadata: ["reason": .string("\(error)")])
        context.close(promise: nil)
    }

    /// The service stops: says goodbye, and closes when the client has said so too and has its answers.
    func drain() {
        guard context != nil, fault == nil else { return }
        switch session.phase {
        case .awaitingHello, .opening: fail(ProtocolFault(.closing, "the server is stopping"))
        case .open, .finishing:
            if session.sayGoodbye() { answers.goodbye() }
            flushAnswers()
        case .closed: break
        }
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard fault == nil, !isClosing else { return }
        process(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) { flushAnswers() }

    /// Auto-read asks for the next bytes; held back while they could not be worked on.
    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { wantsRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        resumeReading()
    }

    private var isWaiting: Bool {
        isWaitingForRing || isWaitingForLookUp || isResting || isSlow && session.openBatches > 0
    }
    private var mayRead: Bool { !isWaiting && isWritable && (heldChunk == nil) }

    private func resumeReading() {
        guard !isWaiting, isWritable else { return }
        lastSignOfLife = .now()
        if let chunk = heldChunk.take() {
            process(chunk)
            flushAnswers()
        }
        guard mayRead, wantsRead, let context else { return }
        wantsRead = false
        context.read()
    }

    /// Works off every whole frame of `chunk`; keeps what follows a batch that the ring has no room for yet.
    private func process(_ chunk: ByteBuffer) {
        var chunk = chunk
        var offset = 0
        chunk.withUnsafeReadableBytes { bytes in
            do throws(ProtocolFault) {
                while !isWaiting, !isClosing, let frame = try assembler.next(in: bytes, at: &offset) {
                    lastSignOfLife = .now()
                    perform(try session.receive(frame), frame)
                }
            } catch {
                fail(error)
            }
        }
        assembler.releaseSpareMemory()
        guard isWaiting, offset < chunk.readableBytes, fault == nil else { return shared.buffers.giveBack(chunk) }
        chunk.moveReaderIndex(forwardBy: offset)
        heldChunk = chunk
    }

    private func perform(_ action: ServerSession.Action, _ frame: Frame) {
        switch action {
        case .submit(let batch):
            let admission = shared.engine.submit(frame.payload, batch: batch, sources: sources, owner: mailbox)
            isWaitingForRing = admission == .waiting
            if let limiter = client?.limiter, let end = limiter.enter(frame.header.count) {
                rest(until: .now() + .nanoseconds(Int64((end - .now) / .nanoseconds(1))))
            }
        case .identify(let credentials): identify(credentials)
        case .open(let hello): open(hello)
        case .names(let request):
            isWaitingForLookUp = true
            answer(request)
        case .accounts(let request):
            isWaitingForLookUp = true
            answer(request)
        case .datedAccounts(let request):
            isWaitingForLookUp = true
            answer(request)
        case .query(let query): answer(query)
        case .pong(let number): answers.pong(number)
        case .finish, .ignore: break
        case .abandon(let fault):
            logger.info("client found a fault", metadata: ["fault": .string(harmless("\(fault)"))])
            close()
        }
    }

    // MARK: Writing

    /// What the ledger's threads left in the mailbox.
    func take(answers: [BatchAnswer], admitted: Bool) {
        for answer in answers { encode(answer) }
        session.answeredBatches(answers.count)
        if admitted { isWaitingForRing = false }
        if !answers.isEmpty { lastSignOfLife = .now() }
        let wasSlow = isSlow
        makeWay(after: answers)
        flushAnswers()
        if admitted || wasSlow { resumeReading() }
    }

    private func makeWay(after answers: [BatchAnswer]) {
        guard !answers.isEmpty else { return }
        let rest = shared.slowLane.rest(of: self, after: answers)
        isSlow = rest != nil
        if let rest { self.rest(until: rest) }
    }

    /// Reads nothing until then.
    private func rest(until end: NIODeadline) {
        guard !isResting, let context else { return }
        isResting = true
        context.eventLoop.assumeIsolated().scheduleTask(deadline: end) { [weak self] in
            self?.isResting = false
            self?.resumeReading()
        }
    }

    /// Names or tokens were found and are encoded.
    func finishLookUp() {
        session.answeredRequest()
        isWaitingForLookUp = false
        flushAnswers()
        resumeReading()
    }

    private func encode(_ answer: BatchAnswer) {
        switch answer.result {
        case .success(let receipt): BatchReceipt(batch: answer.batch, receipt: receipt).encode(to: &answers)
        case .failure(let refusal):
            RequestFailure(refusal).encodeRefused(batch: answer.batch, to: &answers)
        }
    }

    /// Sends what was encoded, in one write, and ends the connection when everything is said.
    func flushAnswers() {
        guard let context, !isClosing else { return }
        if let fault, session.openBatches == 0 { return close(afterSending: fault) }
        let isFinished = session.isFinished
        if isFinished, session.sayGoodbye() { answers.goodbye() }
        if !answers.bytes.isEmpty {
            context.writeAndFlush(
                wrapOutboundOut(takeAnswers(context)), promise: isFinished ? closePromise(context) : nil)
        } else if isFinished {
            context.close(promise: nil)
        }
        if isFinished {
            isClosing = true
            scheduleClose(in: idleTimeout)
        }
    }

    private func takeAnswers(_ context: ChannelHandlerContext) -> ByteBuffer {
        defer { answers.removeAll() }
        return context.channel.allocator.buffer(bytes: answers.bytes)
    }

    private func closePromise(_ context: ChannelHandlerContext) -> EventLoopPromise<Void> {
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.context?.close(promise: nil) }
        return promise
    }

    // MARK: Faults

    /// Reads nothing more, lets the receipts of what was taken go out, says what was wrong, and closes.
    func fail(_ fault: ProtocolFault) {
        guard self.fault == nil, !isClosing else { return }
        self.fault = fault
        heldChunk = nil
        logger.info("connection refused", metadata: ["fault": .string(harmless("\(fault)"))])
        flushAnswers()
    }

    /// Sends the fault and closes this direction; what still comes is read and dropped for a while, since closing a socket
    /// with unread bytes would take the error frame back from the client.
    private func close(afterSending fault: ProtocolFault) {
        guard let context else { return }
        isClosing = true
        fault.encode(to: &answers)
        session.close()
        context.writeAndFlush(wrapOutboundOut(takeAnswers(context)), promise: nil)
        context.close(mode: .output, promise: nil)
        scheduleClose(in: .milliseconds(shared.configuration.lingerMilliseconds))
        isWaitingForRing = false
        isWaitingForLookUp = false
        isResting = false
        isSlow = false
        isWritable = true
        resumeReading()
    }

    private func scheduleClose(in delay: TimeAmount) {
        idleCheck?.cancel()
        idleCheck = context?.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in self?.close() }
    }

    private func close() {
        isClosing = true
        context?.close(promise: nil)
    }

    // MARK: Silence

    private var idleTimeout: TimeAmount { .milliseconds(Int64(session.limits.idleTimeoutMilliseconds)) }

    private func scheduleIdleCheck(in delay: TimeAmount) {
        idleCheck = context?.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in self?.checkSilence() }
    }

    /// A connection is silent when no frame comes although the server owes it nothing, waits for the rest of a frame, or
    /// cannot get rid of its answers.
    private func checkSilence() {
        guard fault == nil, !isClosing else { return }
        let owesAnswers = session.openBatches + session.openRequests > 0
        if isWaiting || isWritable && owesAnswers && !assembler.holdsPartialFrame { lastSignOfLife = .now() }
        let left = lastSignOfLife + idleTimeout - .now()
        guard left <= .nanoseconds(0) else { return scheduleIdleCheck(in: left) }
        let milliseconds = session.limits.idleTimeoutMilliseconds
        var fault = ProtocolFault(
            .idle,
            assembler.holdsPartialFrame
                ? "\(assembler.partialFrameText) of a frame came, and no more for \(milliseconds) ms"
                : "no frame came for \(milliseconds) ms")
        fault.streamOffset = assembler.streamOffset
        fail(fault)
    }
}
