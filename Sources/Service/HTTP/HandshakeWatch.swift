import Logging
import NIOCore
import NIOHTTPTypes

/// Tells of a client whose certificate is not trusted: no request of it comes that could be refused.
final class HandshakeWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart

    private let door: Door
    private let logger: Logger

    init(door: Door, logger: Logger) {
        self.door = door
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        door.noteHandshakeFailure(error, of: context.remoteAddress?.text ?? "unknown", asking: "HTTP", logger)
        context.fireErrorCaught(error)
    }
}
