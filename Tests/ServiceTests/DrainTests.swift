import Foundation
import Service
import ServiceLifecycle
import SluiceClient
import StreamProtocol
import Synchronization
import Testing
import Transactions

@Suite struct DrainTests {
    @Test func stoppingLetsReceiptsOut() async throws {
        try await withServer(configure: { $0.drainMilliseconds = 10_000 }) { server, engine in
            engine.hold()
            let peer = try await openPeer(server)
            let port = server.port!
            try await peer.send(batchFrame(1, [record(1)]))
            try await eventually { engine.heldCount == 1 }
            async let stopped: Void = server.stop()
            _ = try await peer.expect(.goodbye)
            // What was under way when the goodbye came is still taken.
            try await peer.send(batchFrame(2, [record(2)]) + frames { $0.goodbye() })
            try await eventually { engine.heldCount == 2 }
            #expect(throws: (any Error).self) { _ = try RawPeer(port: port) }
            engine.release()
            #expect(try await peer.expect(.receipt).header.number == 1)
            #expect(try await peer.expect(.receipt).header.number == 2)
            try await peer.expectEnd()
            await stopped
            #expect(server.connectionCount == 0)
        }
    }

    @Test func stoppingDoesNotWaitForeverForAClient() async throws {
        try await withServer(configure: { $0.drainMilliseconds = 50 }) { server, engine in
            engine.hold()
            let peer = try await openPeer(server)
            try await peer.send(batchFrame(1, [record(1)]))
            try await eventually { engine.heldCount == 1 }
            await server.stop()
            #expect(server.connectionCount == 0)
            _ = try await peer.expect(.goodbye)
            try await peer.expectEnd()
            // An answer for a connection that is gone goes nowhere.
            engine.release()
        }
    }

    /// The event loops are gone then, and NIO complains of who asks them.
    @Test func whatIsAnsweredAfterTheEndGoesNowhere() async throws {
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let isAsked = Mutex(false)
        @Sendable func answerLate(_ query: [UInt8]) async -> [UInt8] {
            isAsked.withLock { $0 = true }
            for await _ in gate {}
            return query
        }
        let said = try await standardError {
            try await withServer(
                local: true, configure: { $0.drainMilliseconds = 50 }, query: { await answerLate($0) }
            ) { server, engine in
                engine.hold()
                let peer = try await openPeer(server)
                try await peer.send(batchFrame(1, [record(1)]))
                var configuration = ClientConfiguration()
                configuration.reconnectMilliseconds = 0
                let local = try await SluiceClient.connect(
                    to: .unixSocket(path: try #require(server.unixSocketPath)), configuration: configuration)
                async let answer = try? local.query([1])
                try await eventually { engine.heldCount == 1 && isAsked.withLock { $0 } }
                await server.stop()
                engine.release()
                opener.finish()
                #expect(await answer == nil)
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        #expect(!said.contains("EventLoop"), "\(said)")
    }

    @Test func runsAsAServiceAndLeavesNoSocketBehind() async throws {
        let path = temporarySocketPath()
        let server = StreamServer(
            engine: MemoryEngine(), configuration: ServiceConfiguration(unixSocketPath: path), logger: quiet
        ) { $0 }
        let group = ServiceGroup(services: [server], logger: quiet)
        async let run: Void = group.run()
        try await eventually { FileManager.default.fileExists(atPath: path) }
        let client = try await SluiceClient.connect(to: .unixSocket(path: path))
        try await client.finish()
        await group.triggerGracefulShutdown()
        try await run
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func anAddressInUseIsNamed() async throws {
        try await withServer { server, _ in
            let port = server.port!
            let second = StreamServer(
                engine: MemoryEngine(),
                configuration: ServiceConfiguration(doors: [Door(host: "127.0.0.1", port: port)]), logger: quiet
            ) { $0 }
            let error = await #expect(throws: ListenError.self) { try await second.run() }
            #expect(error?.place == "127.0.0.1:\(port)")
        }
    }
}
