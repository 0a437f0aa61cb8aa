import Columns

/// What hopping from header to header through a segment found.
struct SegmentScan {
    /// What follows the last good block.
    enum Tail: Equatable {
        /// Nothing, or zeros that were written ahead: the log ends there.
        case clean
        /// Bytes that are no block, and no block of this ledger after them.
        case torn(reason: String)
        /// A block of a format or record version that this program does not know.
        case newer(version: Int)
    }

    /// The good blocks in order.
    var entries: [BlockEntry] = []
    /// What lies between good blocks and is none: the block behind it proves that there was one.
    var stretches: [DamagedStretch] = []
    /// Where the walk ended, and the sequence that the next block would have there.
    var end = 0
    var endSequence: UInt64
    var tail = Tail.clean
    /// True when the block after the last good one is whole and names another one as its predecessor: one of both is not what
    /// was written there.
    var isLastDoubtful = false
    /// Bytes of the file, without zeros that were written ahead.
    var fileByteCount: Int
    /// Why some of it could not be read at all.
    var readError: StorageError?
}

/// Reads a segment's headers; each must be whole, of this ledger, at its own offset, follow in sequence and name the
/// checksum of the header before. After what is no such block it goes on at the next one.
struct SegmentScanner {
    let file: any StorageFile
    let ledger: UInt64?
    let firstSequence: UInt64

    /// - Parameter previousChecksum: that of the last block of the segment before; nil when it is not known.
    func scan(previousChecksum: UInt32?) throws -> SegmentScan {
        var scan = SegmentScan(endSequence: firstSequence, fileByteCount: try file.byteCount())
        var window = SegmentWindow(file: file, fileByteCount: scan.fileByteCount)
        var place = BlockPlace(
            offset: 0, sequence: firstSequence, previousChecksum: previousChecksum, ledger: ledger)
        while place.offset < scan.fileByteCount {
            switch window.block(at: place) {
            case .success(let header): take(header, &scan, &place)
            case .failure(.unsupportedVersion(let version)):
                scan.tail = .newer(version: Int(version))
                return finished(scan, at: place, window)
            case .failure where !scan.entries.isEmpty && window.holdsZeros(from: place.offset):
                scan.fileByteCount = place.offset
            case .failure(let fault):
                if let header = window.provenBlock(at: place), let last = scan.entries.popLast() {
                    scan.stretches.append(
                        DamagedStretch(
                            last, in: file.path, reason: "the block behind it was written after another one"))
                    take(header, &scan, &place)
                    continue
                }
                let reason = window.readError.map { "\($0)" } ?? "\(fault)"
                guard let successor = window.nextBlock(after: place) else {
                    scan.tail = .torn(reason: reason)
                    if case .misplaced(.previousChecksum, _, _) = fault { scan.isLastDoubtful = true }
                    return finished(scan, at: place, window)
                }
                let next = Int(successor.preface.offset)
                scan.stretches.append(
                    DamagedStretch(
                        path: file.path, offset: place.offset, byteCount: next - place.offset,
                        sequences: place.sequence..<successor.preface.firstSequence, reason: reason))
                place.offset = next
                place.sequence = successor.preface.firstSequence
                place.previousChecksum = nil
            }
        }
        return finished(scan, at: place, window)
    }

    private func take(_ header: BlockHeader, _ scan: inout SegmentScan, _ place: inout BlockPlace) {
        scan.entries.append(BlockEntry(header))
        place.follow(header)
    }

    private func finished(_ scan: SegmentScan, at place: BlockPlace, _ window: SegmentWindow) -> SegmentScan {
        var scan = scan
        (scan.end, scan.endSequence) = (place.offset, place.sequence)
        scan.readError = window.readError
        return scan
    }
}

/// Where a block has to be, and what it has to say of its place.
struct BlockPlace {
    var offset: Int
    var sequence: UInt64
    var previousChecksum: UInt32?
    var ledger: UInt64?

    /// The place behind a block.
    mutating func follow(_ header: BlockHeader) {
        offset = Int(header.preface.offset) + header.totalByteCount
        sequence = header.nextSequence
        previousChecksum = header.checksum
        ledger = header.preface.ledger
    }
}

extension SegmentScan {
    /// What a sealed segment holds, which must be whole and reach up to the next one.
    /// - Throws: `LogError` of a later format.
    func listing(path: String, expectedEnd: UInt64) throws(LogError) -> SegmentListing {
        if case .newer(let version) = tail { throw .newerFormat(path: path, version: version) }
        var listing = SegmentListing(blocks: entries, damage: stretches)
        var (end, endSequence) = (end, endSequence)
        // Records that the next segment has too are not this one's.
        while let last = listing.blocks.last,
            last.endSequence > expectedEnd || isLastDoubtful && listing.blocks.count == entries.count
        {
            listing.blocks.removeLast()
            (end, endSequence) = (last.offset, last.firstSequence)
        }
        if case .clean = tail, endSequence == expectedEnd { return listing }
        var reason = "the segment does not end where the next one begins"
        if case .torn(let cause) = tail { reason = cause }
        listing.damage.append(
            DamagedStretch(
                path: path, offset: end, byteCount: fileByteCount - end,
                sequences: endSequence..<max(endSequence, expectedEnd), reason: reason))
        return listing
    }
}
