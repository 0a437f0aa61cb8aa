import Ledger
import NIOCore
import StreamProtocol
import Testing
import Transactions

@testable import Service

/// A client whose records are in the ledger already makes way for those whose records are new.
@Suite struct SlowLaneTests {
    @Test func oneBatchIsUnderWayAtATimeAndAllAreAnswered() async throws {
        try await withServer(configure: { $0.slowLane = SlowLane(courtesyMilliseconds: 60_000) }) { server, engine in
            engine.readBack(source: 8)
            let slow = try await openPeer(server, sources: [.code(8)])
            let ordinary = try await openPeer(server)
            try await ordinary.send(batchFrame(1, [record(1)]))
            _ = try await ordinary.expect(.receipt)
            try await slow.send(batchFrame(1, [record(2, source: 8)]))
            _ = try await slow.expect(.receipt)
            try await expectOneAtATime(slow, ordinary, engine, from: 2)
        }
    }

    /// Duplicates need no flush, so whoever sends a day again would always have a whole window in front of the others.
    @Test func aDayThatIsSentAgainMakesWay() async throws {
        try await withServer(configure: { $0.slowLane = SlowLane(courtesyMilliseconds: 60_000) }) { server, engine in
            let day = (1000..<1300 as Range<UInt64>).map { record($0, source: 8) }
            let replaying = try await openPeer(server, sources: [.code(8)])
            let ordinary = try await openPeer(server)
            for number in 1...3 as ClosedRange<UInt64> {
                try await replaying.send(batchFrame(number, day))
                _ = try await replaying.expect(.receipt)
                try await ordinary.send(batchFrame(number, [record(number)]))
                _ = try await ordinary.expect(.receipt)
            }
            try await expectOneAtATime(replaying, ordinary, engine, from: 4)
        }
    }

    private func expectOneAtATime(
        _ slow: RawPeer, _ ordinary: RawPeer, _ engine: MemoryEngine, from first: UInt64
    ) async throws {
        engine.hold()
        for number in first..<first + 5 {
            try await slow.send(batchFrame(number, [record(number + 1, source: 8)]))
        }
        try await eventually { engine.heldCount == 1 }
        // The others' batches go in meanwhile, as many as they like.
        for number in first..<first + 8 {
            try await ordinary.send(batchFrame(number, [record(100 + number)]))
        }
        try await eventually { engine.heldCount == 9 }
        #expect(engine.heldCount == 9, "one batch of the slow client and eight of the others")
        engine.release()
        for _ in 0..<5 { _ = try await slow.expect(.receipt) }
        for _ in 0..<8 { _ = try await ordinary.expect(.receipt) }
    }

    @Test func nobodyMakesWayForOneWhoHasLeft() async throws {
        try await withServer(configure: { $0.slowLane = SlowLane(courtesyMilliseconds: 60_000) }) { server, engine in
            let ordinary = try await openPeer(server)
            try await ordinary.send(batchFrame(1, [record(1)]))
            _ = try await ordinary.expect(.receipt)
            try await ordinary.send(frames { $0.goodbye() })
            _ = try await ordinary.expect(.goodbye)
            try await ordinary.expectEnd()
            try await eventually { server.connectionCount == 0 }
            try await expectAllAtOnce(server, engine)
        }
    }

    @Test func nobodyMakesWayForItself() async throws {
        try await withServer(configure: { $0.slowLane = SlowLane(courtesyMilliseconds: 60_000) }) { server, engine in
            try await expectAllAtOnce(server, engine, afterNew: true)
        }
    }

    /// However much a crowd has sent again, who comes after it is not held back for longer than one may be.
    @Test func nobodyRestsForLongWhateverOthersHaveSent() throws {
        final class Sender {}
        let (crowd, other) = (Sender(), Sender())
        let lane = SlowLane(courtesyMilliseconds: 60_000)
        func answer(accepted: Int, duplicates: Int, readBackCount: Int = 0) -> BatchAnswer {
            let chain = ChainHead(sequence: 1, digest: [UInt8](repeating: 5, count: 32))
            let receipt = Receipt(
                accepted: accepted, duplicates: duplicates, exceptions: [], firstSequence: 1, chain: chain)
            return BatchAnswer(batch: 1, result: .success(receipt), readBackCount: readBackCount)
        }
        #expect(lane.rest(of: other, after: [answer(accepted: 1, duplicates: 0)]) == nil)
        for _ in 0..<1000 {
            let replayed = answer(accepted: 0, duplicates: 100_000, readBackCount: 100_000)
            let rest = try #require(lane.rest(of: crowd, after: [replayed]))
            #expect(rest <= .now() + .seconds(20))
        }
        #expect(lane.restCount == 1000)
        #expect(lane.rest(of: other, after: [answer(accepted: 1, duplicates: 300)]) == nil, "it is alone with them")
    }

    @Test func aloneNothingIsHeldBack() async throws {
        try await withServer(configure: { $0.slowLane = SlowLane(courtesyMilliseconds: 0) }) { server, engine in
            try await expectAllAtOnce(server, engine)
        }
    }

    private func expectAllAtOnce(_ server: StreamServer, _ engine: MemoryEngine, afterNew: Bool = false) async throws {
        let slow = try await openPeer(server, sources: [.code(8)])
        var first: UInt64 = 1
        if afterNew {
            try await slow.send(batchFrame(first, [record(1, source: 8)]))
            _ = try await slow.expect(.receipt)
            first += 1
        }
        engine.readBack(source: 8)
        try await slow.send(batchFrame(first, [record(2, source: 8)]))
        _ = try await slow.expect(.receipt)
        engine.hold()
        for number in first + 1...first + 5 as ClosedRange<UInt64> {
            try await slow.send(batchFrame(number, [record(number + 1, source: 8)]))
        }
        try await eventually { engine.heldCount == 5 }
        #expect(engine.heldCount == 5, "all batches of a client for which nobody waits")
        engine.release()
        for _ in 1...5 { _ = try await slow.expect(.receipt) }
    }
}
