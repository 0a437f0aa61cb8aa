import CPlatform
import NIOCore
import NIOEmbedded
import StreamProtocol
import Testing
import Transactions

@testable import Service

/// Many connections: what each one holds, and what becomes of those that there is no room for.
@Suite struct CrowdTests {
    private var allocatedByteCount: Int { Int(sluice_allocated_bytes()) }

    /// A connection that has sent a lot, and now is silent, must not keep what it was read into.
    @Test func aSilentConnectionHoldsLittle() async throws {
        try await withServer { server, engine in
            let records = (0..<1024).map { record(UInt64($0) + 1) }
            let before = allocatedByteCount
            var peers: [RawPeer] = []
            for _ in 0..<100 {
                let peer = try await openPeer(server)
                for number in 1...4 as ClosedRange<UInt64> { try await peer.send(batchFrame(number, records)) }
                for _ in 0..<4 { _ = try await peer.expect(.receipt) }
                peers.append(peer)
            }
            let each = (allocatedByteCount - before) / peers.count
            #expect(engine.submitted.count == 400)
            #expect(each < 40_000, "\(each) bytes a connection, the test's own end included")
        }
    }

    /// Those that are told that there is no room keep a descriptor while they may read it: only so many of them.
    @Test func aFloodBeyondTheLimitTakesFewDescriptors() async throws {
        try await withServer(configure: {
            $0.mostConnections = 1
            $0.lingerMilliseconds = 60_000
        }) { server, _ in
            let first = try await openPeer(server)
            var told = 0
            var ended = 0
            var flood: [RawPeer] = []
            for _ in 0..<200 { flood.append(try RawPeer(port: server.port!)) }
            for peer in flood {
                if let answer = try await peer.receive() {
                    #expect(answer.errorCode == .tooManyConnections)
                    told += 1
                } else {
                    ended += 1
                }
            }
            #expect(told >= 1 && told <= 64 && ended == 200 - told, "\(told) were told, \(ended) closed")
            try await first.send(frames { $0.ping(1) })
            _ = try await first.expect(.pong)
        }
    }

    @Test func descriptorsAreKeptFreeForTheLedger() {
        #expect(Descriptors(limit: 1024).largest(isLocal: false) == 1024 - Descriptors.reserve)
        #expect(Descriptors(limit: 64).largest(isLocal: false) == 32)
        #expect(Descriptors(limit: 64).largest(isLocal: true) == 48)
    }

    /// Counts what reaches the socket: each read takes one connection.
    private final class ReadCounter: ChannelOutboundHandler {
        typealias OutboundIn = Never
        var count = 0

        func read(context: ChannelHandlerContext) { count += 1 }
    }

    @Test func connectionsAreTakenNoFasterThanTheRate() throws {
        let loop = EmbeddedEventLoop()
        let counter = ReadCounter()
        let channel = EmbeddedChannel(handlers: [counter, AcceptPacer(mostPerSecond: 500)], loop: loop)
        func flood(_ count: Int) throws {
            for _ in 0..<count {
                let before = counter.count
                channel.read()
                guard counter.count > before else { return }
                try channel.writeInbound(EmbeddedChannel(loop: loop) as any NIOCore.Channel)
            }
        }
        counter.count = 0
        try flood(100)
        #expect(counter.count == 5, "so many in ten milliseconds")
        loop.advanceTime(by: .milliseconds(9))
        #expect(counter.count == 5)
        loop.advanceTime(by: .milliseconds(1))
        #expect(counter.count == 6, "the read that was held back")
        loop.advanceTime(by: .milliseconds(20))
        try flood(3)
        #expect(counter.count == 9, "a slow one is never held back")
    }
}
