import Ledger
import Service
import StreamProtocol
import Testing
import Transactions

/// What is wrong with a stream is told with its place; what came before keeps its receipts.
@Suite struct BadInputTests {
    enum Damage: CaseIterable {
        case magic, version, headerChecksum, payloadChecksum, length, count, kind, batchOutOfOrder, secondHello
        case answerFromClient

        var code: ProtocolFault.Code {
            switch self {
            case .magic: .wrongMagic
            case .version: .unsupportedVersion
            case .headerChecksum: .headerChecksum
            case .payloadChecksum: .payloadChecksum
            case .length, .count: .wrongShape
            case .kind: .unknownKind
            case .batchOutOfOrder: .outOfOrder
            case .secondHello, .answerFromClient: .unexpectedFrame
            }
        }

        var frame: [UInt8] {
            var frame = batchFrame(2, [record(2)])
            switch self {
            case .magic: frame[0] = 0x47
            case .version: frame[4] = 9
            case .headerChecksum: frame[16] = 3
            case .payloadChecksum: frame[70] ^= 4
            case .length: return resealed(frame, offset: 8, value: 1 << 30)
            case .count: return resealed(frame, offset: 24, value: 2)
            case .kind: return resealed(frame, offset: 4, value: 0x4001_6301)
            case .batchOutOfOrder: return batchFrame(3, [record(2)])
            case .secondHello: return helloFrame()
            case .answerFromClient: return frames { $0.pong(1) }
            }
            return frame
        }

        private func resealed(_ frame: [UInt8], offset: Int, value: UInt32) -> [UInt8] {
            var frame = frame
            frame.withUnsafeMutableBytes { bytes in
                bytes.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
                let checksum = checksum32C(UnsafeRawBufferPointer(rebasing: bytes[0..<28]))
                bytes.storeBytes(of: checksum, toByteOffset: 28, as: UInt32.self)
            }
            return frame
        }
    }

    @Test(arguments: Damage.allCases)
    func faultsAreToldAfterTheReceiptsBeforeThem(damage: Damage) async throws {
        try await withServer { server, engine in
            engine.hold()
            let peer = try await openPeer(server)
            let first = batchFrame(1, [record(1)])
            // What follows the fault is dropped, and does not cost the client the error frame.
            let rest = [UInt8](repeating: 0xAA, count: 300_000)
            try await peer.send(first + damage.frame + rest)
            try await eventually { engine.heldCount == 1 }
            engine.release()
            #expect(try await peer.expect(.receipt).header.number == 1)
            let error = try await peer.expect(.error)
            #expect(error.errorCode == damage.code)
            #expect(error.integer(8, UInt64.self) == UInt64(helloFrame().count + first.count))
            #expect(!error.text.isEmpty)
            try await peer.expectEnd()
            #expect(engine.submitted == [1])
        }
    }

    @Test func aBatchBeforeTheHelloIsAFault() async throws {
        try await withServer { server, engine in
            let peer = try RawPeer(port: server.port!)
            try await peer.send(batchFrame(1, [record(1)]))
            #expect(try await peer.expect(.error).errorCode == .unexpectedFrame)
            try await peer.expectEnd()
            #expect(engine.submitted.isEmpty)
        }
    }

    @Test func anotherProtocolIsToldApart() async throws {
        try await withServer { server, _ in
            let peer = try RawPeer(port: server.port!)
            try await peer.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
            let error = try await peer.expect(.error)
            #expect(error.errorCode == .wrongMagic)
            #expect(error.text.contains("47455420"))
        }
    }

    @Test func sourcesThatCannotBeHadAreRefused() async throws {
        try await withServer { server, engine in
            engine.refuseNames(Refusal(.namesExhausted, "no more sources"))
            let byName = try RawPeer(port: server.port!)
            try await byName.send(helloFrame([.name("shop")]))
            let error = try await byName.expect(.error)
            #expect(error.errorCode == .refusedSource)
            #expect(error.text == "no more sources")
            let byCode = try RawPeer(port: server.port!)
            try await byCode.send(helloFrame([.code(0x8000)]))
            #expect(try await byCode.expect(.error).errorCode == .refusedSource)
        }
    }

    @Test func moreBatchesThanTheWindowAreAFault() async throws {
        try await withServer(configure: { $0.limits.windowBatches = 2 }) { server, engine in
            engine.hold()
            let peer = try await openPeer(server)
            for number in 1...3 as ClosedRange<UInt64> { try await peer.send(batchFrame(number, [record(number)])) }
            try await eventually { engine.heldCount == 2 }
            engine.release()
            _ = try await peer.expect(.receipt)
            _ = try await peer.expect(.receipt)
            let error = try await peer.expect(.error)
            #expect(error.errorCode == .windowExceeded)
            #expect(error.header.number == 3)
        }
    }

    @Test func halfAFrameAndSilenceEndsTheConnection() async throws {
        try await withServer(configure: { $0.limits.idleTimeoutMilliseconds = 60 }) { server, _ in
            let peer = try RawPeer(port: server.port!)
            try await peer.send(helloFrame() + batchFrame(1, [record(1)])[..<40])
            _ = try await peer.expect(.welcome)
            let error = try await peer.expect(.error)
            #expect(error.errorCode == .idle)
            #expect(error.text.hasPrefix("40 of 96 bytes of a frame came"))
            #expect(error.integer(8, UInt64.self) == UInt64(helloFrame().count))
            try await peer.expectEnd()
        }
    }

    @Test func silenceEndsTheConnectionUnlessTheServerOwesAnAnswer() async throws {
        try await withServer(configure: { $0.limits.idleTimeoutMilliseconds = 60 }) { server, engine in
            let mute = try RawPeer(port: server.port!)
            engine.hold()
            let waiting = try RawPeer(port: server.port!)
            try await waiting.send(helloFrame() + batchFrame(1, [record(1)]))
            _ = try await waiting.expect(.welcome)
            #expect(try await mute.expect(.error).errorCode == .idle)
            try await Task.sleep(for: .milliseconds(150))
            engine.release()
            _ = try await waiting.expect(.receipt)
            #expect(try await waiting.expect(.error).errorCode == .idle)
        }
    }

    @Test func connectionsBeyondTheLimitAreToldSo() async throws {
        try await withServer(configure: { $0.mostConnections = 2 }) { server, _ in
            let first = try await openPeer(server)
            let second = try await openPeer(server)
            let third = try RawPeer(port: server.port!)
            #expect(try await third.expect(.error).errorCode == .tooManyConnections)
            try await third.expectEnd()
            try await first.send(frames { $0.goodbye() })
            _ = try await first.expect(.goodbye)
            try await eventually { server.connectionCount == 1 }
            _ = try await openPeer(server)
            try await second.send(frames { $0.ping(1) })
            _ = try await second.expect(.pong)
        }
    }
}
