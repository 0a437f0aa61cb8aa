import Service
import StreamProtocol
import Testing
import Transactions

/// A client whose records have to be read back from the log makes way for those whose records are new.
@Suite struct SlowLaneTests {
    @Test func oneBatchIsUnderWayAtATimeAndAllAreAnswered() async throws {
        try await withServer(configure: { $0.courtesyMilliseconds = 60_000 }) { server, engine in
            engine.readBack(source: 8)
            let slow = try await openPeer(server, sources: [.code(8)])
            let ordinary = try await openPeer(server)
            try await ordinary.send(batchFrame(1, [record(1)]))
            _ = try await ordinary.expect(.receipt)
            try await slow.send(batchFrame(1, [record(2, source: 8)]))
            _ = try await slow.expect(.receipt)
            engine.hold()
            for number in 2...6 as ClosedRange<UInt64> {
                try await slow.send(batchFrame(number, [record(number + 1, source: 8)]))
            }
            try await eventually { engine.heldCount == 1 }
            // The others' batches go in meanwhile, as many as they like.
            for number in 2...9 as ClosedRange<UInt64> {
                try await ordinary.send(batchFrame(number, [record(100 + number)]))
            }
            try await eventually { engine.heldCount == 9 }
            #expect(engine.heldCount == 9, "one batch of the slow client and eight of the others")
            engine.release()
            for _ in 2...6 { _ = try await slow.expect(.receipt) }
            for _ in 2...9 { _ = try await ordinary.expect(.receipt) }
        }
    }

    @Test func aloneNothingIsHeldBack() async throws {
        try await withServer(configure: { $0.courtesyMilliseconds = 0 }) { server, engine in
            engine.readBack(source: 8)
            let slow = try await openPeer(server, sources: [.code(8)])
            try await slow.send(batchFrame(1, [record(2, source: 8)]))
            _ = try await slow.expect(.receipt)
            engine.hold()
            for number in 2...6 as ClosedRange<UInt64> {
                try await slow.send(batchFrame(number, [record(number + 1, source: 8)]))
            }
            try await eventually { engine.heldCount == 5 }
            #expect(engine.heldCount == 5, "all batches of a client that is alone")
            engine.release()
            for _ in 2...6 { _ = try await slow.expect(.receipt) }
        }
    }
}
