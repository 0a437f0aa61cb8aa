import Foundation
import Service
import SluiceClient
import StreamProtocol
import Testing
import Transactions

/// Connections that break in the middle of a window: every batch ends with a receipt, every record in the ledger once.
@Suite struct ReconnectTests {
    private func welcomeFrame(ledgerID: UInt64 = 42, window: Int = 8) -> [UInt8] {
        frames {
            Welcome(
                limits: SessionLimits(windowBatches: window), ledgerID: ledgerID, sourceCodes: [7], serverName: "raw"
            ).encode(to: &$0)
        }
    }

    private func receiptFrame(_ batch: UInt64, accepted: Int = 1) -> [UInt8] {
        frames {
            BatchReceipt(
                batch: batch,
                receipt: Receipt(accepted: accepted, duplicates: 0, exceptions: [], firstSequence: 1, chain: .origin)
            ).encode(to: &$0)
        }
    }

    private func welcomed(_ listener: RawListener, ledgerID: UInt64 = 42) async throws -> RawPeer {
        let peer = try await listener.accept()
        _ = try await peer.expect(.hello)
        try await peer.send(welcomeFrame(ledgerID: ledgerID))
        return peer
    }

    private func connect(_ listener: RawListener, _ results: Results) async throws -> (SluiceClient, RawPeer) {
        let address = ServerAddress.tcp(host: "127.0.0.1", port: listener.port)
        async let client = SluiceClient.connect(
            to: address, configuration: configuration(), onResult: results.add)
        let peer = try await welcomed(listener)
        return (try await client, peer)
    }

    /// A refusal asks for a goodbye. Where none can be written any more, the connection ends while the rest of what was read
    /// is still to be taken.
    @Test func aConnectionThatEndsInTheMiddleOfAReadLosesNothing() async throws {
        let listener = try RawListener()
        let results = Results()
        let address = ServerAddress.tcp(host: "127.0.0.1", port: listener.port)
        async let connecting = SluiceClient.connect(to: address, configuration: configuration()) { result in
            results.add(result)
            // Meanwhile all that follows comes, and the reset behind it.
            if result.number == 1 { usleep(300_000) }
        }
        var peer: RawPeer? = try await welcomed(listener)
        let client = try await connecting
        for number in 1...3 { try await client.send([record(UInt64(number))]) }
        for _ in 1...3 { _ = try await peer!.expect(.batch) }
        try await peer!.send(receiptFrame(1))
        try await eventually { results.all.count == 1 }
        let refusal = frames { RequestFailure(.diskFull, mayRetry: true, "full").encodeRefused(batch: 2, to: &$0) }
        try await peer!.send(refusal + receiptFrame(3))
        peer!.reset()
        peer = nil

        var again: RawPeer? = try await welcomed(listener)
        for number in 1...2 {
            _ = try await again!.expect(.batch)
            try await again!.send(receiptFrame(UInt64(number)))
        }
        async let finished: Void = client.finish()
        _ = try await again!.expect(.goodbye)
        try await again!.send(frames { $0.goodbye() })
        again = nil
        try await finished
        #expect(results.all.map(\.number) == [1, 2, 3])
    }

    @Test func aKilledServerLosesAndDoublesNothing() async throws {
        let engine = MemoryEngine()
        let results = Results()
        var port = 0
        var client: SluiceClient?
        for life in 0..<4 {
            try await withServer(
                engine: engine,
                configure: { $0.dieAtOnce(onPort: port) }
            ) { server, _ in
                port = server.port!
                if client == nil {
                    client = try await SluiceClient.connect(
                        to: .tcp(host: "127.0.0.1", port: port), configuration: configuration(), onResult: results.add)
                }
                engine.hold()
                let answered = results.all.count
                for batch in 0..<20 { try await client!.send([record(UInt64(life * 20 + batch + 1)), record(5000)]) }
                try await eventually { engine.heldCount >= 20 }
                // Some receipts get through, others are lost with the server.
                engine.release(7)
                try await eventually { results.all.count >= answered + 1 }
            }
            engine.release()
        }
        try await withServer(engine: engine, configure: { $0.doors[0].port = port }) { _, _ in
            try await client!.finish()
        }
        #expect(results.all.map(\.number) == (1...80).map { UInt64($0) })
        #expect(results.receipts.allSatisfy { $0.accepted + $0.duplicates == 2 })
        #expect(Set(engine.order).count == 81)
        #expect(engine.order.count == 81)
        #expect(results.all.contains { $0.wasResent })
    }

    @Test func unansweredBatchesAreSentAgainWithTheSameBytesAndNewNumbers() async throws {
        let listener = try RawListener()
        let results = Results()
        let (client, first) = try await connect(listener, results)
        for id in 1...4 { try await client.send([record(UInt64(id))]) }
        var payloads: [[UInt8]] = []
        for _ in 1...4 { payloads.append(try await first.expect(.batch).payload) }
        try await first.send(receiptFrame(1))
        try await eventually { results.all.count == 1 }
        first.reset()
        let second = try await welcomed(listener)
        for number in 1...3 {
            let batch = try await second.expect(.batch)
            #expect(batch.header.number == UInt64(number))
            #expect(batch.payload == payloads[number])
            try await second.send(receiptFrame(UInt64(number)))
        }
        try await client.settle()
        #expect(results.all.map(\.number) == [1, 2, 3, 4])
        #expect(results.all.map(\.wasResent) == [false, true, true, true])
    }

    @Test func aStoppingServerIsLeftAndComeBackTo() async throws {
        let listener = try RawListener()
        let results = Results()
        let (client, first) = try await connect(listener, results)
        for id in 1...3 { try await client.send([record(UInt64(id))]) }
        for _ in 1...3 { _ = try await first.expect(.batch) }
        try await first.send(frames { $0.goodbye() })
        _ = try await first.expect(.goodbye)
        try await first.send(
            receiptFrame(1)
                + frames { RequestFailure(.closing, mayRetry: true, "closing").encodeRefused(batch: 2, to: &$0) })
        try await eventually { results.all.count == 1 }
        first.reset()
        let second = try await welcomed(listener)
        for number in 1...2 as ClosedRange<UInt64> {
            #expect(try await second.expect(.batch).payload[0] == UInt8(number + 1))
            try await second.send(receiptFrame(number))
        }
        try await client.settle()
        #expect(results.all.map(\.number) == [1, 2, 3])
    }

    @Test func requestsAreAskedAgain() async throws {
        let listener = try RawListener()
        let (client, first) = try await connect(listener, Results())
        async let codes = client.codes(for: [Name(.region, "79")])
        _ = try await first.expect(.names)
        first.reset()
        let second = try await welcomed(listener)
        let request = try await second.expect(.names)
        try await second.send(frames { CodesAnswer(number: request.header.number, codes: [79]).encode(to: &$0) })
        #expect(try await codes == [79])
    }

    @Test func anotherLedgerIsNotSentTo() async throws {
        let listener = try RawListener()
        let (client, first) = try await connect(listener, Results())
        try await client.send([record(1)])
        _ = try await first.expect(.batch)
        first.reset()
        let second = try await welcomed(listener, ledgerID: 43)
        await #expect(throws: ClientError.otherLedger) { try await client.finish() }
        try await second.expectEnd()
    }

    @Test func wrongAnswersEndTheClient() async throws {
        let cases: [(answer: [UInt8], code: ProtocolFault.Code)] = [
            (receiptFrame(2), .outOfOrder),
            (receiptFrame(1, accepted: 5), .malformedPayload),
            (frames { CodesAnswer(number: 8, codes: [1]).encode(to: &$0) }, .outOfOrder),
            (helloFrame(), .unexpectedFrame),
            (Array("HTTP/1.1 400 Bad Request\r\n\r\n....".utf8), .wrongMagic),
        ]
        for (answer, code) in cases {
            let listener = try RawListener()
            let (client, peer) = try await connect(listener, Results())
            try await client.send([record(1)])
            _ = try await peer.expect(.batch)
            try await peer.send(answer)
            let error = await #expect(throws: ClientError.self) { try await client.finish() }
            guard case .wrongAnswer(let fault)? = error else {
                Issue.record("\(error as Any)")
                return
            }
            #expect(fault.code == code)
        }
    }

    @Test func anErrorOfTheServerEndsTheClient() async throws {
        let listener = try RawListener()
        let (client, peer) = try await connect(listener, Results())
        try await client.send([record(1)])
        _ = try await peer.expect(.batch)
        let fault = ProtocolFault(.payloadChecksum, "damaged on the way")
        try await peer.send(frames { fault.encode(to: &$0) })
        await #expect(throws: ClientError.refused(fault)) { try await client.finish() }
    }

    @Test func aServerThatStaysAwayIsGivenUp() async throws {
        let results = Results()
        var listener: RawListener? = try RawListener()
        let address = ServerAddress.tcp(host: "127.0.0.1", port: listener!.port)
        var impatient = configuration()
        impatient.reconnectMilliseconds = 30
        async let connecting = SluiceClient.connect(
            to: address, configuration: impatient, onResult: results.add)
        let peer = try await welcomed(listener!)
        let client = try await connecting
        listener = nil
        peer.reset()
        let error = await #expect(throws: ClientError.self) {
            for id in 1... { try await client.send([record(UInt64(id))]) }
        }
        guard case .lost? = error else {
            Issue.record("\(error as Any)")
            return
        }
    }
}
