import Benchmark
import StreamProtocol
import Transactions

// Batches of 1,024 records as they come from a socket, in chunks of 256 KiB: cut into frames, checked, and each record's own
// validity looked at, which is all that is done before they are copied into the ring.

func registerFrames() {
    Benchmark("frames: cut and check") { benchmark in
        let stream = FrameStream()
        benchmark.measure(records: stream.recordCount) {
            let frames = stream.readAll { _ in }
            precondition(frames == stream.frameCount)
        }
    }

    Benchmark("frames: cut, check, and validate records") { benchmark in
        let stream = FrameStream()
        let now = stream.lastTime
        benchmark.measure(records: stream.recordCount) {
            var exceptions = 0
            let frames = stream.readAll { frame in
                exceptions += Record.exceptions(in: frame.payload, nowMicroseconds: now, sources: .all).count
            }
            precondition(frames == stream.frameCount && exceptions == 0)
        }
    }
}

/// The bytes of a stream of batches.
private final class FrameStream {
    private static let chunkByteCount = 256 << 10
    let frameCount = 256
    let lastTime: Int64
    private let bytes: UnsafeMutableRawBufferPointer

    var recordCount: Int { frameCount * Sample.batchRecordCount }

    init() {
        let records = Sample.records(frameCount * Sample.batchRecordCount)
        defer { records.deallocate() }
        lastTime = records.reduce(0) { max($0, $1.timeMicroseconds) }
        let payloadByteCount = Sample.batchRecordCount * Record.byteCount
        let frameByteCount = FrameHeader.batch(
            number: 1, count: Sample.batchRecordCount, payloadChecksum: 0
        ).frameByteCount
        bytes = .allocate(byteCount: frameCount * frameByteCount, alignment: 64)
        for number in 0..<frameCount {
            let payload = UnsafeRawBufferPointer(
                start: records.baseAddress! + number * Sample.batchRecordCount, count: payloadByteCount)
            let header = FrameHeader.batch(
                number: UInt64(number) + 1, count: Sample.batchRecordCount, payloadChecksum: checksum32C(payload))
            let frame = UnsafeMutableRawBufferPointer(
                rebasing: bytes[number * frameByteCount..<(number + 1) * frameByteCount])
            header.encode(into: frame)
            UnsafeMutableRawBufferPointer(rebasing: frame[(frameByteCount - payloadByteCount)...]).copyMemory(
                from: payload)
        }
    }

    deinit { bytes.deallocate() }

    /// Hands every frame to `take`, and returns how many there were.
    func readAll(_ take: (Frame) -> Void) -> Int {
        var assembler = FrameAssembler()
        var count = 0
        for start in stride(from: 0, to: bytes.count, by: FrameStream.chunkByteCount) {
            let chunk = UnsafeRawBufferPointer(
                rebasing: bytes[start..<min(start + FrameStream.chunkByteCount, bytes.count)])
            var offset = 0
            while let frame = try! assembler.next(in: chunk, at: &offset) {
                take(frame)
                count += 1
            }
        }
        return count
    }
}
