import Foundation
import Service
import ServiceLifecycle
import SluiceClient
import StreamProtocol
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
                engine: MemoryEngine(), configuration: ServiceConfiguration(tcp: ("127.0.0.1", port)), logger: quiet
            ) { $0 }
            let error = await #expect(throws: ListenError.self) { try await second.run() }
            #expect(error?.place == "127.0.0.1:\(port)")
        }
    }
}
