import Transactions

/// Cuts a stream of bytes into frames.
///
/// A frame that lies whole in a chunk is served from there without a copy; one that a chunk's end cuts is gathered in a
/// buffer of the assembler's own, which never holds more than one frame and never grows beyond the largest one: its length
/// is known, checked and bounded before any of its payload is kept. A batch that does not begin at a multiple of 8 bytes in
/// memory goes through that buffer too, so that records are always aligned. A compressed batch is expanded into a second
/// buffer, of a size that its header says and that is bounded like any batch's.
public struct FrameAssembler: ~Copyable {
    private var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var expanded = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var heldByteCount = 0
    private var heldHeader: FrameHeader?

    /// How many bytes came before the frame that comes next.
    public private(set) var streamOffset: UInt64 = 0

    /// Starts at the first byte of a connection.
    public init() {}

    deinit {
        storage.deallocate()
        expanded.deallocate()
    }

    /// True while a frame has begun and is not whole.
    public var holdsPartialFrame: Bool { heldByteCount > 0 }

    /// What came so far of a frame that is not whole, for error texts.
    public var partialFrameText: String {
        let expected = heldHeader.map { "\($0.frameByteCount)" } ?? "at least \(Wire.headerByteCount)"
        return "\(heldByteCount) of \(expected) bytes"
    }

    /// The next whole frame of `chunk` from `offset` on, or nil when the rest of the chunk was kept as part of a frame.
    ///
    /// The frame is valid until the next call and as long as `chunk` is. After a fault the stream is of no more use.
    public mutating func next(
        in chunk: UnsafeRawBufferPointer, at offset: inout Int
    ) throws(ProtocolFault) -> Frame? {
        do throws(ProtocolFault) {
            if heldByteCount == 0, let frame = try nextInPlace(chunk, &offset) { return frame }
            return try nextGathered(chunk, &offset)
        } catch {
            var fault = error
            fault.streamOffset = streamOffset
            throw fault
        }
    }

    private mutating func nextInPlace(
        _ chunk: UnsafeRawBufferPointer, _ offset: inout Int
    ) throws(ProtocolFault) -> Frame? {
        let rest = UnsafeRawBufferPointer(rebasing: chunk[offset...])
        guard rest.count >= Wire.headerByteCount else { return nil }
        let header = try FrameHeader(decoding: rest)
        guard rest.count >= header.frameByteCount else { return nil }
        guard header.kind != .batch || Int(bitPattern: rest.baseAddress) & 7 == 0 else { return nil }
        offset += header.frameByteCount
        return try deliver(header, from: rest)
    }

    private mutating func nextGathered(
        _ chunk: UnsafeRawBufferPointer, _ offset: inout Int
    ) throws(ProtocolFault) -> Frame? {
        if heldHeader == nil {
            guard gather(Wire.headerByteCount, chunk, &offset) else { return nil }
            heldHeader = try FrameHeader(decoding: UnsafeRawBufferPointer(storage))
        }
        guard let header = heldHeader, gather(header.frameByteCount, chunk, &offset) else { return nil }
        heldByteCount = 0
        heldHeader = nil
        return try deliver(header, from: UnsafeRawBufferPointer(storage))
    }

    /// Takes bytes until `byteCount` are held; false when the chunk ended before.
    private mutating func gather(_ byteCount: Int, _ chunk: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
        let taken = min(byteCount - heldByteCount, chunk.count - offset)
        guard taken > 0 else { return heldByteCount == byteCount }
        reserve(byteCount)
        UnsafeMutableRawBufferPointer(rebasing: storage[heldByteCount...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk[offset..<offset + taken]))
        heldByteCount += taken
        offset += taken
        return heldByteCount == byteCount
    }

    private mutating func reserve(_ byteCount: Int) {
        guard storage.count < byteCount else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<heldByteCount]))
        storage.deallocate()
        storage = larger
    }

    /// Lets go of memory that no part of a frame needs. Invalidates the frame that was given last.
    public mutating func releaseSpareMemory() {
        expanded.deallocate()
        expanded = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        guard heldByteCount == 0, storage.count > 0 else { return }
        storage.deallocate()
        storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    private mutating func deliver(
        _ header: FrameHeader, from bytes: UnsafeRawBufferPointer
    ) throws(ProtocolFault) -> Frame {
        let payload = UnsafeRawBufferPointer(rebasing: bytes[Wire.headerByteCount..<header.frameByteCount])
        var frame = Frame(header: header, payload: payload, streamOffset: streamOffset)
        let found = checksum32C(payload)
        guard found == header.payloadChecksum else {
            throw ProtocolFault(
                .payloadChecksum,
                "the payload has CRC-32C \(hexadecimal32(found)) and the header states "
                    + hexadecimal32(header.payloadChecksum)
            ).at(frame)
        }
        if header.kind == .compressedBatch {
            do throws(ProtocolFault) { frame.payload = try expand(frame) } catch { throw error.at(frame) }
        }
        streamOffset += UInt64(header.frameByteCount)
        return frame
    }

    private mutating func expand(_ frame: Frame) throws(ProtocolFault) -> UnsafeRawBufferPointer {
        if expanded.count == 0 {
            expanded = .allocate(byteCount: Wire.mostRecordsPerBatch * Record.byteCount, alignment: 64)
        }
        let records = UnsafeMutableRawBufferPointer(rebasing: expanded[..<(frame.header.count * Record.byteCount)])
        try CompressedBatch.expand(frame.payload, into: records)
        return UnsafeRawBufferPointer(records)
    }
}
