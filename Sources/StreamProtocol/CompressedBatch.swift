import CLZ4
import Transactions

/// The payload of a compressed batch:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | n, bytes of the LZ4 block |
/// | 4 | 4 | zero |
/// | 8 | n | LZ4 block of the records' bytes by place, *count* x 64 bytes when expanded |
///
/// By place: the first byte of every record, then the second byte of every record, and so on. Neighbouring records resemble
/// each other more than the fields of one do, so this takes a fifth off what the records in a row would take.
///
/// How much an expanded batch takes is known from the header, and is never more than the largest batch, whatever the block
/// says. Source of the format: LZ4 Block Format Description, lz4.org.
public enum CompressedBatch {
    private static let headByteCount = 8

    /// Writes the payload of a compressed batch.
    /// - Parameter room: where to; as many bytes as `records` has are enough.
    /// - Returns: bytes of the payload, a multiple of 8; nil when the records do not get smaller.
    public static func write(_ records: UnsafeRawBufferPointer, to room: UnsafeMutableRawBufferPointer) -> Int? {
        precondition(room.count >= records.count && records.count >= Record.byteCount)
        let block = UnsafeMutableRawBufferPointer(rebasing: room[headByteCount..<records.count])
        let written = withUnsafeTemporaryAllocation(byteCount: records.count, alignment: 64) { byPlace in
            let count = records.count / Record.byteCount
            for place in 0..<Record.byteCount {
                for row in 0..<count { byPlace[place &* count &+ row] = records[row &* Record.byteCount &+ place] }
            }
            return LZ4_compress_default(
                byPlace.baseAddress?.assumingMemoryBound(to: CChar.self),
                block.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(byPlace.count), Int32(block.count))
        }
        let byteCount = (headByteCount + Int(written) + 7) / 8 * 8
        guard written > 0, byteCount < records.count else { return nil }
        room.storeBytes(of: UInt32(written).littleEndian, as: UInt32.self)
        room.storeBytes(of: 0, toByteOffset: 4, as: UInt32.self)
        for padding in headByteCount + Int(written)..<byteCount { room[padding] = 0 }
        return byteCount
    }

    /// Fills `records` from a payload; it must yield exactly as many bytes.
    static func expand(
        _ payload: UnsafeRawBufferPointer, into records: UnsafeMutableRawBufferPointer
    ) throws(ProtocolFault) {
        var reader = PayloadReader(payload)
        let byteCount = Int(try reader.integer(UInt32.self, "length of the LZ4 block"))
        try reader.zeros(4, "reserved bytes")
        let block = try reader.bytes(byteCount, "LZ4 block")
        try reader.end()
        let found = withUnsafeTemporaryAllocation(byteCount: records.count, alignment: 64) { byPlace in
            let found = LZ4_decompress_safe(
                block.baseAddress?.assumingMemoryBound(to: CChar.self),
                byPlace.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(block.count), Int32(byPlace.count))
            guard Int(found) == byPlace.count else { return found }
            let count = records.count / Record.byteCount
            for row in 0..<count {
                for place in 0..<Record.byteCount {
                    records[row &* Record.byteCount &+ place] = byPlace[place &* count &+ row]
                }
            }
            return found
        }
        guard Int(found) == records.count else {
            throw ProtocolFault(
                .malformedPayload,
                "the LZ4 block \(found < 0 ? "cannot be expanded" : "yields \(found) bytes"), expected \(records.count) bytes"
            )
        }
    }
}
