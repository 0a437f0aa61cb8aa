import Foundation
import Ledger
import Service
import StreamProtocol
import Testing
import Transactions

@Suite struct SessionOverSocketTests {
    @Test func aWholeSession() async throws {
        try await withServer { server, engine in
            let peer = try RawPeer(port: server.port!)
            try await peer.send(helloFrame([.name("shop"), .code(7), .name("market")]))
            let welcome = try await peer.expect(.welcome)
            #expect(welcome.integer(24, UInt64.self) == engine.ledgerID)
            #expect((0..<3).map { welcome.integer(32 + 2 * $0, UInt16.self) } == [0x8000, 7, 0x8001])
            try await peer.send(batchFrame(1, [record(1), record(2, source: 0x8001)]))
            try await peer.send(batchFrame(2, [record(2), record(1), record(3, source: 9), record(0x100)]))
            let first = try await peer.expect(.receipt)
            #expect(first.header.number == 1)
            #expect(first.integer(0, UInt32.self) == 2)
            let second = try await peer.expect(.receipt)
            #expect(second.header.number == 2)
            #expect((0..<4).map { second.integer(4 * $0, UInt32.self) } == [2, 1, 0, 1])
            #expect(second.integer(16, UInt64.self) == 3)
            #expect(second.header.count == 1)
            #expect(Array(second.payload[64..<68]) == [2, 0, Reason.foreignSource.rawValue, Field.source.rawValue])
            try await peer.send(frames { $0.goodbye() })
            _ = try await peer.expect(.goodbye)
            try await peer.expectEnd()
            try await eventually { server.connectionCount == 0 }
        }
    }

    @Test(arguments: [1, 13, 64, 1000])
    func piecesOfAnySizeMakeTheSameSession(size: Int) async throws {
        try await withServer { server, engine in
            let peer = try RawPeer(port: server.port!)
            let bytes =
                (1...3).flatMap { batch in batchFrame(batch, (0..<20).map { record(batch * 100 + $0) }) }
                + frames { $0.goodbye() }
            try await peer.send(helloFrame())
            _ = try await peer.expect(.welcome)
            for start in stride(from: 0, to: bytes.count, by: size) {
                try await peer.send(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            for _ in 0..<3 { #expect(try await peer.expect(.receipt).integer(0, UInt32.self) == 20) }
            _ = try await peer.expect(.goodbye)
            #expect(engine.order.count == 60)
        }
    }

    @Test func goodbyeWaitsForReceipts() async throws {
        try await withServer { server, engine in
            engine.hold()
            let peer = try await openPeer(server)
            try await peer.send(batchFrame(1, [record(1)]) + batchFrame(2, [record(2)]) + frames { $0.goodbye() })
            try await eventually { engine.heldCount == 2 }
            engine.release()
            #expect(try await peer.expect(.receipt).header.number == 1)
            #expect(try await peer.expect(.receipt).header.number == 2)
            _ = try await peer.expect(.goodbye)
            try await peer.expectEnd()
        }
    }

    @Test func refusedBatchesAreToldAndTheSessionGoesOn() async throws {
        try await withServer { server, engine in
            let peer = try await openPeer(server)
            engine.refuse(Refusal(.diskFull, "no space for another block"))
            try await peer.send(batchFrame(1, [record(1)]))
            let refused = try await peer.expect(.refused)
            #expect(refused.header.number == 1)
            #expect(refused.header.flags == FrameHeader.mayRetryFlag)
            #expect(refused.integer(0, UInt16.self) == 1)
            #expect(refused.text == "no space for another block")
            engine.refuse(nil)
            try await peer.send(batchFrame(2, [record(1)]))
            #expect(try await peer.expect(.receipt).integer(0, UInt32.self) == 1)
        }
    }

    @Test func namesAndAccountsAreAnswered() async throws {
        try await withServer { server, engine in
            let peer = try await openPeer(server)
            let names = [Name(.payee, "Chợ Bến Thành"), Name(.region, "79"), Name(.payee, "Chợ Bến Thành")]
            try await peer.send(frames { NamesRequest(number: 11, names: names).encode(to: &$0) })
            let codes = try await peer.expect(.codes)
            #expect(codes.header.number == 11)
            #expect((0..<3).map { codes.integer(4 * $0, UInt32.self) } == [0x8000_0000, 0x8001, 0x8000_0000])
            let accounts: [[UInt8]] = [Array("970436001".utf8), [0]]
            try await peer.send(frames { AccountsRequest(number: 12, accounts: accounts).encode(to: &$0) })
            let tokens = try await peer.expect(.tokens)
            #expect((0..<2).map { tokens.integer(8 * $0, UInt64.self) } == accounts.map(engine.token))
            var dated = AccountNumbers()
            for account in accounts { dated.append(account, on: CalendarDay(daysSince1970: 20_000)) }
            try await peer.send(frames { DatedAccountsRequest(number: 15, accounts: dated).encode(to: &$0) })
            let ofDates = try await peer.expect(.tokens)
            #expect(ofDates.header.number == 15 && ofDates.payload == tokens.payload)
            engine.refuseNames(Refusal(.namesExhausted, "no more regions"))
            try await peer.send(frames { NamesRequest(number: 13, names: names).encode(to: &$0) })
            let failed = try await peer.expect(.failed)
            #expect(failed.header.number == 13)
            #expect(failed.text == "no more regions")
            try await peer.send(frames { $0.ping(14) })
            #expect(try await peer.expect(.pong).header.number == 14)
        }
    }

    @Test func queriesAreForTheLocalSocketOnly() async throws {
        try await withServer { server, _ in
            let peer = try await openPeer(server)
            try await peer.send(frames { Query(number: 3, bytes: [1]).encode(to: &$0) })
            let failed = try await peer.expect(.failed)
            #expect(failed.integer(0, UInt16.self) == RequestFailure.Cause.notAllowed.rawValue)
            try await peer.send(frames { $0.ping(1) })
            _ = try await peer.expect(.pong)
        }
    }

    @Test func aFullRingStopsReadingAndKeepsTheOrder() async throws {
        try await withServer { server, engine in
            let peer = try await openPeer(server)
            engine.becomeFull()
            let batches = (1...8).flatMap { batchFrame($0, [record($0)]) }
            try await peer.send(batches + frames { $0.goodbye() })
            for count in 1...8 {
                try await eventually { engine.submitted.count >= count }
                try await Task.sleep(for: .milliseconds(3))
                #expect(engine.submitted == (1...UInt64(count)).map { $0 })
                engine.admitWaiting(thenFull: count < 8)
            }
            for number in 1...8 { #expect(try await peer.expect(.receipt).header.number == number) }
            _ = try await peer.expect(.goodbye)
            #expect(engine.order.map(\.id.low) == Array(1...8))
        }
    }

    @Test func aClientThatTakesNoAnswersIsHeldBack() async throws {
        try await withServer(configure: { $0.receiveByteCount = 16 * 1024 }) { server, _ in
            let peer = try await openPeer(server)
            let pings = frames { encoder in for number in 0..<256 { encoder.ping(UInt64(number)) } }
            var sentByteCount = 0
            var stalls = 0
            while stalls < 100, sentByteCount < 64 << 20 {
                let count = peer.sendWhatFits(Array(pings[(sentByteCount % pings.count)...]))
                sentByteCount += count
                stalls = count == 0 ? stalls + 1 : 0
                if count == 0 { try await Task.sleep(for: .milliseconds(1)) }
            }
            #expect(sentByteCount < 64 << 20)
            for number in 0..<sentByteCount / 32 {
                #expect(try await peer.expect(.pong).header.number == UInt64(number % 256))
            }
        }
    }
}
