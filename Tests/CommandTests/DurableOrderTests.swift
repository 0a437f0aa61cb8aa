import Foundation
import Testing
import Transactions

/// No byte of a receipt leaves before an `fdatasync` returned that covers the block with its records, as the kernel sees it.
@Suite(.timeLimit(.minutes(2))) struct DurableOrderTests {
    /// A batch, who sent it, and its receipt.
    private struct Exchange {
        var port: Int
        var number: UInt64
        var records: [Record]
        var receipt: StreamPeer.Answer
    }

    /// Each flush is held up for 30 ms, so that much is in flight.
    private static let options = [
        "-s", "1000000", "-xx", "-yy", "-e", "trace=pwrite64,fdatasync,write,writev,sendto,sendmsg",
        "-e", "inject=fdatasync:delay_enter=30000",
    ]

    @Test func receiptsWaitForTheirFlush() async throws {
        try await Workshop.open { workshop in
            let path = workshop.path + "/trace"
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            var exchanges: [Exchange] = []
            let name = "Phố Hiến"
            try await workshop.withDaemon(wrappedBy: try Strace.wrapper(Self.options + ["-o", path])) { daemon in
                let first = try await StreamPeer.open(daemon)
                let second = try await StreamPeer.open(daemon)
                // A lone record.
                exchanges += try await exchange([(first, 1, [payment(1)])])
                // Batches in a row.
                exchanges += try await exchange((0..<8).map { (first, 2 + UInt64($0), payments(from: 2 + 100 * $0)) })
                // The same records on two connections, several times, while the first are in flight.
                let twice = (0..<4).flatMap { round in
                    [(first, 10 + UInt64(round)), (second, 1 + UInt64(round))].map {
                        ($0.0, $0.1, payments(from: 1001))
                    }
                }
                exchanges += try await exchange(twice)
                try await first.send(namesFrame(name))
                #expect(try await first.expect(.codes).count == 1)
                try await first.finish()
                try await second.finish()
            }
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let trace = SystemCallTrace(text)
            #expect(try violations(trace, exchanges, name) == [])
            #expect(exchanges.contains { $0.receipt.counts.accepted == 0 && $0.receipt.counts.duplicates == 100 })
            #expect(trace.flushCount >= 4)
            // The same trace without its flushes: the check itself must see that.
            let blind = SystemCallTrace(text.replacing("fdatasync", with: "fdatacrash"))
            #expect(try violations(blind, exchanges, name).count > exchanges.count)
        }
    }

    private func payments(from first: Int) -> [Record] { (first..<first + 100).map { payment($0) } }

    /// Sends all batches before it reads a receipt.
    private func exchange(_ batches: [(StreamPeer, UInt64, [Record])]) async throws -> [Exchange] {
        for (peer, number, records) in batches { try await peer.send(batchFrame(number, records)) }
        var exchanges: [Exchange] = []
        for (peer, number, records) in batches {
            let receipt = try await peer.expect(.receipt)
            #expect(receipt.number == number)
            exchanges.append(Exchange(port: peer.localPort, number: number, records: records, receipt: receipt))
        }
        return exchanges
    }

    private func namesFrame(_ name: String) -> [UInt8] {
        var payload: [UInt8] = [5, UInt8(name.utf8.count)] + Array(name.utf8)
        payload += [UInt8](repeating: 0, count: (8 - payload.count % 8) % 8)
        return frame(kind: 6, number: 1, count: 1, payload: payload)
    }

    /// What left too early, in words.
    private func violations(_ trace: SystemCallTrace, _ exchanges: [Exchange], _ name: String) throws -> [String] {
        // The sequence of each record, from the receipt that accepted it.
        var sequences: [RecordID: UInt64] = [:]
        for exchange in exchanges where exchange.receipt.counts.accepted > 0 {
            try #require(exchange.receipt.counts.accepted == exchange.records.count)
            for (index, record) in exchange.records.enumerated() {
                sequences[record.id] = exchange.receipt.integer(16, UInt64.self) + UInt64(index)
            }
        }
        var found: [String] = []
        for exchange in exchanges {
            let sent = try #require(
                trace.sent.first { $0.kind == 4 && $0.port == exchange.port && $0.number == exchange.number },
                "receipt \(exchange.number) is not in the trace")
            #expect(sent.payload == exchange.receipt.payload)
            let needed = try #require(exchange.records.compactMap { sequences[$0.id] }.max())
            if sent.durableSequence < max(needed, exchange.receipt.integer(24, UInt64.self)) {
                found.append("receipt \(exchange.number) needs \(needed), durable was \(sent.durableSequence)")
            }
        }
        let codes = try #require(trace.sent.first { $0.kind == 7 })
        let declared = trace.blocks.firstIndex { $0.firstRange(of: Array(name.utf8)) != nil }
        if try #require(declared) >= codes.flushedBlocks { found.append("a code left before its name was durable") }
        return found
    }
}
