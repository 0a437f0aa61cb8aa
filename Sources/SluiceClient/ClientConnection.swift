import NIOCore
import StreamProtocol

/// One connection of a client: carries bytes between the socket and the session. On its event loop only.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var session = ClientSession()
    private let core: ClientCore
    private var assembler = FrameAssembler()
    private var context: ChannelHandlerContext?
    private var lastReceived = NIODeadline.now()
    private var heartbeat: Scheduled<Void>?
    private var lossReason: String?
    private var isWelcome = false

    init(core: ClientCore) { self.core = core }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        var encoder = FrameEncoder()
        if let token = core.configuration.token { Credentials(token: Array(token.utf8)).encode(to: &encoder) }
        Hello(clientName: core.configuration.clientName, sources: core.configuration.sources).encode(to: &encoder)
        send(encoder)
        flush()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let chunk = unwrapInboundIn(data)
        lastReceived = .now()
        chunk.withUnsafeReadableBytes { bytes in
            var offset = 0
            do throws(ProtocolFault) {
                while let frame = try assembler.next(in: bytes, at: &offset) {
                    let event = try session.receive(frame)
                    if case .welcome(let welcome) = event {
                        isWelcome = true
                        startHeartbeat(welcome.limits)
                    }
                    try core.take(event, from: self)
                }
            } catch {
                core.end(.wrongAnswer(error))
                close("what it sent is wrong")
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { core.readCompleted() }

    func channelInactive(context: ChannelHandlerContext) {
        heartbeat?.cancel()
        self.context = nil
        core.connectionClosed(self, lossReason ?? howTheServerClosed)
    }

    private var howTheServerClosed: String {
        isWelcome || core.configuration.tls != nil
            ? "the server closed it" : "the server closed it without a word; perhaps TLS is spoken there"
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close(ClientTLS.reason(of: error)) }

    /// Writes a batch under the next number; only with credit.
    func send(_ slot: BatchSlot) {
        let header = slot.header(number: session.nextBatch())
        slot.frame.withUnsafeMutableReadableBytes { header.encode(into: $0) }
        slot.sendCount += 1
        context?.write(wrapOutboundOut(slot.frame), promise: nil)
    }

    func send(_ encoder: FrameEncoder) { send(encoder.bytes) }

    func send(_ frame: [UInt8]) {
        guard let context else { return }
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: frame)), promise: nil)
    }

    /// Says goodbye, once.
    func sayGoodbye() {
        guard session.sayGoodbye() else { return }
        var encoder = FrameEncoder()
        encoder.goodbye()
        send(encoder)
        flush()
    }

    func flush() { context?.flush() }

    func close(_ reason: String) {
        lossReason = reason
        context?.close(promise: nil)
    }

    /// A client that has nothing to say pings well before the server's idle time-out.
    private func startHeartbeat(_ limits: SessionLimits) {
        let interval = TimeAmount.milliseconds(max(1, Int64(limits.idleTimeoutMilliseconds) / 3))
        heartbeat = context?.eventLoop.assumeIsolated().scheduleTask(in: interval) { [weak self] in
            self?.beat()
            self?.startHeartbeat(limits)
        }
    }

    private func beat() {
        let silence = NIODeadline.now() - lastReceived
        guard silence < .milliseconds(core.configuration.silenceMilliseconds) else {
            return close("the server was silent for \(silence.nanoseconds / 1_000_000) ms")
        }
        guard session.phase == .open else { return }
        var encoder = FrameEncoder()
        encoder.ping(0)
        send(encoder)
        flush()
    }
}
