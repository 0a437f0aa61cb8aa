import NIOCore
import NIOHTTPTypes

/// Closes a connection whose request does not come whole in time, however busily it trickles: the head within one span of time
/// from the connection's begin or the last answer, the body within another from the head. Whoever holds connections open byte
/// by byte holds each no longer than that.
///
/// A timer that has to end earlier than what is expected now is left alone, and looks again when it is over: to cancel one
/// takes as long as there are connections, and each request would do so twice.
final class RequestDeadline: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart

    private let head: TimeAmount
    private let body: TimeAmount
    /// When what is expected must have come; nil: nothing is.
    private var deadline: NIODeadline?
    private var timer: (end: NIODeadline, task: Scheduled<Void>)?

    init(head: TimeAmount, body: TimeAmount) {
        self.head = head
        self.body = body
    }

    func handlerAdded(context: ChannelHandlerContext) { expect(within: head, context) }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: expect(within: body, context)
        case .body: break
        case .end: deadline = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { expect(within: head, context) }
        context.write(data, promise: promise)
    }

    private func expect(within span: TimeAmount, _ context: ChannelHandlerContext) {
        let end = context.eventLoop.now + span
        deadline = end
        if let timer, timer.end <= end { return }
        timer?.task.cancel()
        wait(until: end, context)
    }

    private func wait(until end: NIODeadline, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: end) { [self] in
            timer = nil
            guard let deadline else { return }
            if bound.value.eventLoop.now < deadline {
                wait(until: deadline, bound.value)
            } else {
                bound.value.close(promise: nil)
            }
        }
        timer = (end, task)
    }

    private func stop() {
        timer?.task.cancel()
        (timer, deadline) = (nil, nil)
    }
}
