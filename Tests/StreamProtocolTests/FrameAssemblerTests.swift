import Chance
import Testing
import Transactions

@testable import StreamProtocol

@Suite struct FrameAssemblerTests {
    private let stream: [UInt8] =
        oneOfEach.keys.sorted { $0.rawValue < $1.rawValue }.flatMap { oneOfEach[$0]! }
        + batchFrame(number: 2, records: (0..<1024).map { sampleRecord($0) })

    /// The kinds and payloads that come out when `stream` is cut into chunks of the sizes that `nextSize` gives.
    private func frames(shift: Int, nextSize: () -> Int) throws -> [[UInt8]] {
        var assembler = FrameAssembler()
        var result: [[UInt8]] = []
        var position = 0
        while position < stream.count {
            let count = min(nextSize(), stream.count - position)
            let chunk = [UInt8](repeating: 0, count: shift) + stream[position..<position + count]
            try chunk.withUnsafeBytes { bytes in
                let bytes = UnsafeRawBufferPointer(rebasing: bytes[shift...])
                var offset = 0
                while let frame = try assembler.next(in: bytes, at: &offset) {
                    if frame.header.kind == .batch { #expect(Int(bitPattern: frame.payload.baseAddress) % 8 == 0) }
                    result.append([frame.header.kind.rawValue] + frame.payload)
                }
                #expect(offset == bytes.count)
            }
            position += count
        }
        let (isPartial, streamOffset) = (assembler.holdsPartialFrame, assembler.streamOffset)
        #expect(!isPartial)
        #expect(streamOffset == UInt64(stream.count))
        return result
    }

    @Test func framesDoNotDependOnHowTheStreamIsCut() throws {
        let whole = try frames(shift: 0) { stream.count }
        #expect(whole.count == FrameKind.allCases.count + 1)
        for size in [1, 7, 31, 32, 33, 64, 1000] {
            #expect(try frames(shift: 0) { size } == whole)
        }
        var random = SeededGenerator(seed: 3)
        for shift in 0..<8 {
            #expect(try frames(shift: shift) { Int.random(in: 1...20_000, using: &random) } == whole)
        }
    }

    @Test func framesAreServedOneAtATime() throws {
        var assembler = FrameAssembler()
        let bytes = oneOfEach[.ping]! + oneOfEach[.goodbye]!
        try bytes.withUnsafeBytes { chunk in
            var offset = 0
            let first = try assembler.next(in: chunk, at: &offset)?.header.kind
            #expect(first == .ping)
            #expect(offset == 32)
            let second = try assembler.next(in: chunk, at: &offset)?.header.kind
            #expect(second == .goodbye)
            let third = try assembler.next(in: chunk, at: &offset)?.header.kind
            #expect(third == nil)
        }
    }

    @Test func faultsTellWhereInTheStreamTheyAre() throws {
        var damaged = oneOfEach[.ping]! + oneOfEach[.batch]!
        damaged[32 + 100] ^= 1
        let found = fault { try forEachFrame(damaged) { _ in } }
        #expect(found?.code == .payloadChecksum)
        #expect(found?.streamOffset == 32)
        #expect(found?.number == 1)
        #expect(found?.kind == FrameKind.batch.rawValue)
    }

    @Test func partialFramesSayHowMuchIsThere() throws {
        var assembler = FrameAssembler()
        for (range, text) in [(0..<20, "20 of at least 32 bytes"), (20..<50, "50 of 160 bytes")] {
            try oneOfEach[.batch]![range].withUnsafeBytes { chunk in
                var offset = 0
                let isWhole = try assembler.next(in: chunk, at: &offset) != nil
                #expect(!isWhole)
            }
            let found = assembler.partialFrameText
            #expect(found == text)
        }
    }
}
