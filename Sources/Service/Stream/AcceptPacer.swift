import NIOCore

/// Takes new connections no faster than a rate, so that a flood of them leaves the event loop to those that are open.
///
/// What comes faster waits in the system's queue; when that is full too, the system has the clients try again.
final class AcceptPacer: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = any Channel

    private let mostPerInterval: Int
    private var takenCount = 0
    private var intervalEnd = NIODeadline.distantPast

    private static let interval = TimeAmount.milliseconds(10)

    /// - Parameter mostPerSecond: connections that are taken in a second.
    init(mostPerSecond: Int) { mostPerInterval = max(1, mostPerSecond / 100) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        takenCount += 1
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        let now = context.eventLoop.now
        if now >= intervalEnd {
            takenCount = 0
            intervalEnd = now + AcceptPacer.interval
        }
        if takenCount < mostPerInterval { return context.read() }
        context.eventLoop.assumeIsolated().scheduleTask(in: intervalEnd - now) { [self] in
            takenCount = 0
            intervalEnd = context.eventLoop.now + AcceptPacer.interval
            context.read()
        }
    }
}
