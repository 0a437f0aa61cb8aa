import Columns

/// What hopping from header to header through a segment found.
struct SegmentScan {
    /// What follows the last good block.
    enum Tail: Equatable {
        /// Nothing: the file ends there.
        case clean
        /// Bytes that are no block, and no block of this ledger after them.
        case torn(reason: String)
        /// Bytes that are no block, before a block of this ledger that proves that there was one.
        case damaged(reason: String, successorOffset: Int, successorSequence: UInt64)
        /// A block of a format or record version that this program does not know.
        case newer(version: Int)
    }

    /// The good blocks from the start, with their headers' checksums in a chain.
    var entries: [BlockEntry]
    /// Where the last good block ends.
    var end: Int
    var tail: Tail
    /// Bytes of the file.
    var fileByteCount: Int
}

/// Reads a segment's headers; each must be whole, of this ledger, at its own offset, follow in sequence and name the
/// checksum of the header before.
struct SegmentScanner {
    let file: any StorageFile
    let ledger: UInt64?
    let firstSequence: UInt64

    /// - Parameter previousChecksum: that of the last block of the segment before; nil when it is not known.
    func scan(previousChecksum: UInt32?) throws -> SegmentScan {
        let fileByteCount = try file.byteCount()
        var entries: [BlockEntry] = []
        var window = FileWindow(file: file, fileByteCount: fileByteCount)
        var offset = 0
        var expectedSequence = firstSequence
        var expectedChecksum = previousChecksum
        var ledger = self.ledger
        while offset < fileByteCount {
            var reason: String
            do {
                let header = try window.header(at: offset)
                try header.checkPlace(
                    ledger: ledger ?? header.preface.ledger, offset: UInt64(offset), previousChecksum: expectedChecksum,
                    firstSequence: expectedSequence)
                if offset + header.totalByteCount <= fileByteCount {
                    entries.append(BlockEntry(header))
                    ledger = header.preface.ledger
                    offset += header.totalByteCount
                    expectedSequence = header.nextSequence
                    expectedChecksum = header.checksum
                    continue
                }
                reason = "the block is cut short"
            } catch BlockError.unsupportedVersion(let version) {
                return SegmentScan(
                    entries: entries, end: offset, tail: .newer(version: Int(version)), fileByteCount: fileByteCount)
            } catch let error as BlockError {
                reason = "\(error)"
            }
            let tail = try tail(
                after: offset, reason: reason, window: &window, ledger: ledger, sequence: expectedSequence)
            return SegmentScan(entries: entries, end: offset, tail: tail, fileByteCount: fileByteCount)
        }
        return SegmentScan(entries: entries, end: offset, tail: .clean, fileByteCount: fileByteCount)
    }

    /// A later block of this ledger at its own place was written only after what lay before it was durable.
    private func tail(
        after offset: Int, reason: String, window: inout FileWindow, ledger: UInt64?, sequence: UInt64
    ) throws -> SegmentScan.Tail {
        var candidate = offset + 8
        while let position = try window.nextMagic(from: candidate) {
            if let header = try? window.header(at: position), ledger == nil || header.preface.ledger == ledger,
                header.preface.offset == UInt64(position), header.preface.firstSequence >= sequence
            {
                return .damaged(
                    reason: reason, successorOffset: position, successorSequence: header.preface.firstSequence)
            }
            candidate = position + 8
        }
        return .torn(reason: reason)
    }
}
