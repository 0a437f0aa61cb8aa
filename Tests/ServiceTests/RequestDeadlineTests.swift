import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import Service

/// How long a connection may take for a request, on a clock that the test moves.
@Suite struct RequestDeadlineTests {
    private let loop = EmbeddedEventLoop()
    private let channel: EmbeddedChannel

    init() throws {
        channel = EmbeddedChannel(handler: RequestDeadline(head: .seconds(60), body: .seconds(300)), loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    private func pass(_ seconds: Int64) { loop.advanceTime(by: .seconds(seconds)) }

    private func receive(_ part: HTTPRequestPart) throws { try channel.writeInbound(part) }

    private func answer() throws {
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    private let head = HTTPRequestPart.head(
        HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/v1/transactions"))

    @Test func aHeadThatDoesNotComeEndsTheConnection() {
        pass(59)
        #expect(channel.isActive)
        pass(1)
        #expect(!channel.isActive)
    }

    @Test func aBodyThatTricklesEndsTheConnection() throws {
        pass(50)
        try receive(head)
        for _ in 0..<29 {
            pass(10)
            try receive(.body(ByteBuffer(string: "x")))
        }
        #expect(channel.isActive, "a body has longer than a head")
        pass(10)
        #expect(!channel.isActive)
    }

    @Test func eachAnswerGivesTheNextHeadItsTime() throws {
        for _ in 0..<20 {
            pass(40)
            try receive(head)
            pass(7)
            try receive(.end(nil))
            // An answer may take as long as it likes.
            pass(1000)
            #expect(channel.isActive)
            try answer()
        }
        pass(59)
        #expect(channel.isActive)
        pass(1)
        #expect(!channel.isActive)
    }

    /// A timer that was set for what is over by now looks again.
    @Test func manyShortRequestsHaveNoLessTimeThanOne() throws {
        for _ in 0..<1000 {
            try receive(head)
            try receive(.end(nil))
            try answer()
            pass(1)
        }
        #expect(channel.isActive)
        pass(58)
        #expect(channel.isActive)
        pass(1)
        #expect(!channel.isActive)
    }
}
