import StreamProtocol
import Testing
import Transactions

/// What is wrong with a stream is told with its place, and does not trouble another client.
@Suite struct BadFrameTests {
    enum Damage: CaseIterable {
        case magic, version, headerChecksum, payloadChecksum, length, count, recordVersion, outOfOrder, unknownKind

        /// The error's code by `docs/protocol.md`.
        var code: Int {
            switch self {
            case .magic: 1
            case .version: 2
            case .headerChecksum: 3
            case .payloadChecksum: 4
            case .unknownKind: 5
            case .length, .count, .recordVersion: 6
            case .outOfOrder: 9
            }
        }

        /// Batch 2, made wrong.
        var frame: [UInt8] {
            var bytes = batchFrame(2, [payment(2), payment(3)])
            switch self {
            case .magic: bytes[0] = 0x47
            case .version: bytes[4] = 2
            case .headerChecksum: bytes[28] ^= 1
            case .payloadChecksum: bytes[100] ^= 1
            case .length: bytes[8...11] = [0xFF, 0xFF, 0xFF, 0x7F]
            case .count: bytes[24] = 3
            case .recordVersion: bytes[6] = 2
            case .outOfOrder: return batchFrame(4, [payment(2)])
            case .unknownKind: bytes[5] = 99
            }
            return [.headerChecksum, .magic].contains(self) ? bytes : sealed(bytes)
        }
    }

    @Test func aDamagedFrameEndsItsOwnConnectionOnly() async throws {
        try await Workshop.open { workshop in
            try await workshop.withDaemon { daemon in
                let good = try await StreamPeer.open(daemon)
                for (index, damage) in Damage.allCases.enumerated() {
                    let bad = try await StreamPeer.open(daemon)
                    let before = try await bad.exchange(1, [payment(1)])
                    #expect(before.counts == (index == 0 ? LoadCounts(1) : LoadCounts(0, 1)))
                    let place = bad.sentByteCount
                    try await bad.send(damage.frame + [UInt8](repeating: 0xAA, count: 100_000))
                    let error = try await bad.expect(.error)
                    #expect(error.code == damage.code, "\(damage): \(error.text)")
                    #expect(error.place == place, "\(damage)")
                    #expect(!error.text.isEmpty)
                    #expect(try await bad.receive() == nil)
                    let receipt = try await good.exchange(UInt64(index + 1), [payment(100 + index)])
                    #expect(receipt.counts == LoadCounts(1))
                }
                try await good.finish()
            }
            let status = try await workshop.run("status", "--data", workshop.data, "--json").object()
            #expect(status["records"] as? Int == 1 + Damage.allCases.count)
        }
    }

    @Test func halfAFrameAndSilenceEndsTheConnection() async throws {
        try await Workshop.open { workshop in
            try await workshop.withDaemon(["--idle-seconds", "1"]) { daemon in
                let silent = try await StreamPeer.open(daemon)
                let place = silent.sentByteCount
                try await silent.send(Array(batchFrame(1, [payment(1)])[..<50]))
                let busy = try await StreamPeer.open(daemon)
                var number: UInt64 = 0
                var error: StreamPeer.Answer?
                while error == nil, number < 1000 {
                    number += 1
                    #expect(try await busy.exchange(number, [payment(Int(number))]).counts == LoadCounts(1))
                    try await Task.sleep(for: .milliseconds(20))
                    error = try silent.poll()
                }
                #expect(error?.kind == .error)
                #expect(error?.code == 12)
                #expect(error?.place == place)
                #expect(error?.text.contains("50 of 96 bytes") == true)
                try await busy.finish()
            }
        }
    }

    /// A faulty record is rejected by itself: its batch's other records are taken.
    @Test func faultyRecordsAreRejectedOneByOne() async throws {
        try await Workshop.open { workshop in
            try await workshop.withDaemon { daemon in
                let peer = try await StreamPeer.open(daemon)
                var records = (1...8).map { payment($0) }
                records[1] = payment(2, source: 2)
                records[2].flags |= 0b0000_0100
                records[3].timeMicroseconds = 4_102_444_800_000_000
                records[4].amountMinorUnits = -1
                records[5].currency = Currency(rawValue: 1)
                records[6].kindAndEvent = 0x1F
                let receipt = try await peer.exchange(1, records)
                #expect(receipt.counts == LoadCounts(2, 0, 0, 6))
                // Index, reason and field by the page's table.
                #expect(
                    receipt.exceptions == [[1, 7, 8], [2, 5, 16], [3, 6, 1], [4, 3, 2], [5, 4, 11], [6, 4, 12]])
                #expect(try await peer.exchange(2, [payment(1), payment(8)]).counts == LoadCounts(0, 2))
                try await peer.finish()
            }
        }
    }
}
