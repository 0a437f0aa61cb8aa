import Foundation
import Testing
import Transactions

@testable import StreamProtocol

/// The example at the end of `docs/protocol.md` is what the encoder writes, byte for byte.
@Suite struct DocumentedExampleTests {
    private struct Step {
        var title: String
        var frame: [UInt8]
    }

    private static let record: Record = {
        var record = Record(
            id: RecordID(reference: "INV-0001")!, timeMicroseconds: 1_767_225_600_000_000, amountMinorUnits: 150_000,
            currency: .vnd, source: 0x8000, channel: .qr)
        record.region = 79
        record.duration = PackedDuration(milliseconds: 420)!
        return record
    }()

    /// SHA-256(32 zero bytes, SHA-256(the record's 64 bytes)).
    private static let digest = "9c814f09230ab3834e970434a12a4845dcc058b3a3419c6b8d23f6b482051149"

    private static let steps: [Step] = [
        Step(
            title: "client: hello, source `shop` by name",
            frame: frames { Hello(clientName: "gate", sources: [.name("shop")]).encode(to: &$0) }),
        Step(
            title: "server: welcome, `shop` is 0x8000",
            frame: frames {
                Welcome(
                    limits: SessionLimits(), ledgerID: 0x1122_3344_5566_7788, sourceCodes: [0x8000],
                    serverName: "sluice"
                ).encode(to: &$0)
            }),
        Step(title: "client: batch 1, one record", frame: batchFrame(number: 1, records: [record])),
        Step(
            title: "server: receipt 1, one accepted, sequence 1",
            frame: frames {
                let receipt = Receipt(
                    accepted: 1, duplicates: 0, exceptions: [], firstSequence: 1,
                    chain: ChainHead(sequence: 1, digest: bytes(ofHexadecimal: digest)))
                BatchReceipt(batch: 1, receipt: receipt).encode(to: &$0)
            }),
        Step(title: "client: goodbye", frame: frames { $0.goodbye() }),
        Step(title: "server: goodbye", frame: frames { $0.goodbye() }),
    ]

    /// Sixteen bytes a line after their offset.
    private static func dump(_ bytes: [UInt8]) -> String {
        stride(from: 0, to: bytes.count, by: 16).map { start in
            let line = bytes[start..<min(start + 16, bytes.count)].map { hexadecimal([$0]) }
            return hexadecimal([UInt8(start)]) + "  " + line.joined(separator: " ")
        }.joined(separator: "\n")
    }

    private static func bytes(ofHexadecimal text: String) -> [UInt8] {
        let digits = Array(text)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
    }

    @Test func everyByteOfTheExampleIsWhatTheEncoderWrites() throws {
        let page = URL(filePath: #filePath).appending(path: "../../../docs/protocol.md").standardizedFileURL
        let text = try String(contentsOf: page, encoding: .utf8)
        let example = Self.steps.map { "\($0.title)\n\n```\n\(Self.dump($0.frame))\n```\n" }.joined(separator: "\n")
        #expect(text.hasSuffix(example), "the page must end with:\n\(example)")
    }

    /// The check value that the page gives so that a client's CRC can be tried alone.
    @Test func theDocumentedChecksumIsRight() {
        #expect(Array("123456789".utf8).withUnsafeBytes { checksum32C($0) } == 0xE306_9283)
    }
}
