import Chance
import Testing
import Transactions

@testable import StreamProtocol

@Suite struct CompressedBatchTests {
    @Test(arguments: [2, 3, 40, 1024])
    func isDeliveredAsTheRecordsThatItHolds(count: Int) throws {
        let records = (0..<UInt64(count)).map { sampleRecord($0 + 1) }
        let bytes = compressedBatchFrame(number: 1, records: records)
        #expect(bytes.count < Wire.headerByteCount + count * Record.byteCount)
        for frames in 1...3 {
            var found: [Record] = []
            try forEachFrame([[UInt8]](repeating: bytes, count: frames).flatMap(\.self)) { frame in
                #expect(frame.header.count == count)
                #expect(Int(bitPattern: frame.payload.baseAddress) % 8 == 0)
                found += Array(frame.payload.bindMemory(to: Record.self))
            }
            #expect(found == [[Record]](repeating: records, count: frames).flatMap(\.self))
        }
    }

    /// As `docs/protocol.md` has it: an LZ4 block of nothing but literals, their bytes by place.
    @Test func aBlockByHandIsUnderstood() throws {
        let records = [sampleRecord(1), sampleRecord(0x1234_5678_9ABC_DEF0)]
        let rows = records.withUnsafeBytes { Array($0) }
        let byPlace = (0..<Record.byteCount).flatMap { place in [rows[place], rows[Record.byteCount + place]] }
        let block: [UInt8] = [0xF0, UInt8(byPlace.count - 15)] + byPlace
        let payload: [UInt8] = [UInt8(block.count), 0, 0, 0, 0, 0, 0, 0] + block + [0, 0, 0, 0, 0, 0]
        var found = [Record](repeating: sampleRecord(9), count: 2)
        try payload.withUnsafeBytes { payload in
            try found.withUnsafeMutableBytes { try CompressedBatch.expand(payload, into: $0) }
        }
        #expect(found == records)
    }

    @Test func whatDoesNotGetSmallerIsLeftAsItIs() {
        var chance = SeededGenerator(seed: 1)
        let noise = (0..<1024 * Record.byteCount).map { _ in UInt8.random(in: 0...255, using: &chance) }
        var room = noise
        #expect(
            noise.withUnsafeBytes { noise in room.withUnsafeMutableBytes { CompressedBatch.write(noise, to: $0) } }
                == nil)
    }

    /// A block that expands to more than the header says is found before it takes any memory beyond a batch's.
    @Test func aBlockThatYieldsMoreIsAFault() throws {
        var bytes = compressedBatchFrame(number: 1, records: (1...1024).map { sampleRecord($0) })
        withUnsafeBytes(of: UInt32(1)) { bytes.replaceSubrange(24..<28, with: $0) }
        let found = fault { try forEachFrame(resealed(bytes)) { _ in } }
        #expect(found?.code == .malformedPayload)
        #expect(found?.kind == FrameKind.compressedBatch.rawValue)
        #expect(found?.text.contains("expected 64 bytes") == true)
    }
}
