import Columns
import Transactions

/// Reads the file of a sealed segment from its first block to its last, each once, and checks of each block all that it says
/// of itself and of its place: every checksum, ledger, offset, sequence, and the checksum of the header before.
///
/// What links the records to each other and to other segments, the chain and the first block's `previousChecksum`, is left to
/// whoever visits. In memory are one window of the file, or its largest block, and one block's records.
public struct SegmentWalk {
    /// A block that is whole and in its place.
    public struct Block {
        /// Its header.
        public var header: BlockHeader
        /// What it declares.
        public var declarations: [Declaration]
        /// Its records, valid during the visit.
        public var records: UnsafeBufferPointer<Record>
    }

    let file: any StorageFile
    let ledger: UInt64
    /// The sequences that it has to hold, all of them.
    public let sequences: Range<UInt64>
    /// The path that errors name.
    public let path: String

    private static let windowByteCount = 1 << 20

    /// Visits every block in order.
    /// - Throws: `LogError` at the first block that is not whole or not in its place, and whatever `visit` throws.
    public func forEachBlock(with decoder: BlockDecoder, _ visit: (Block) throws -> Void) throws {
        let fileByteCount = try file.byteCount()
        var window = FileWindow(file: file, fileByteCount: fileByteCount, windowByteCount: SegmentWalk.windowByteCount)
        let buffer = UnsafeMutableBufferPointer<Record>.allocate(capacity: decoder.capacity)
        defer { buffer.deallocate() }
        var (offset, sequence) = (0, sequences.lowerBound)
        var checksum: UInt32?
        while offset < fileByteCount {
            var end = sequences.upperBound
            do {
                let header = try window.header(at: offset)
                try header.checkPlace(
                    ledger: ledger, offset: UInt64(offset), previousChecksum: checksum, firstSequence: sequence)
                end = header.nextSequence
                let records = UnsafeMutableBufferPointer(rebasing: buffer[..<header.recordCount])
                let declarations = try window.withBytes(of: offset..<offset + header.totalByteCount) { bytes in
                    try decoder.verify(header, bytes)
                    try decoder.decode(header, bytes, into: records)
                    return try decoder.declarations(header, bytes)
                }
                try visit(Block(header: header, declarations: declarations, records: UnsafeBufferPointer(records)))
                offset += header.totalByteCount
                sequence = header.nextSequence
                checksum = header.checksum
            } catch BlockError.unsupportedVersion(let version) {
                throw LogError.newerFormat(path: path, version: Int(version))
            } catch let error as BlockError {
                throw damage(at: offset, sequences: sequence..<max(sequence, end), "\(error)")
            }
        }
        guard sequence == sequences.upperBound else {
            throw damage(
                at: offset, sequences: min(sequence, sequences.upperBound)..<max(sequence, sequences.upperBound),
                "it ends with sequence \(sequence - 1) instead of \(sequences.upperBound - 1)")
        }
    }

    /// Damage of this file.
    public func damage(at offset: Int, sequences: Range<UInt64>, _ reason: String) -> LogError {
        .damaged(path: path, offset: offset, sequences: sequences, reason: reason)
    }
}
