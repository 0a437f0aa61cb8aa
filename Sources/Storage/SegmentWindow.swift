import Columns

/// A piece of a segment in memory, moved along. What the disk does not give back is as zeros, which are no block.
struct SegmentWindow {
    private let file: any StorageFile
    private let fileByteCount: Int
    private var start = 0
    private var bytes: [UInt8] = []
    /// Why a part could not be read.
    private(set) var readError: StorageError?

    private static let byteCount = 256 << 10
    /// What is read for a header behind a block that is longer than `longBlockByteCount`: the next one will be, too.
    private static let hopByteCount = 4096
    private static let longBlockByteCount = 64 << 10
    private static let largestHeaderByteCount = 64 << 10
    /// A disk refuses single sectors; what lies around them is read all the same.
    private static let sectorByteCount = 4096

    init(file: any StorageFile, fileByteCount: Int) {
        self.file = file
        self.fileByteCount = fileByteCount
    }

    /// The block that has to be at a place, or what is wrong there.
    mutating func block(at place: BlockPlace) -> Result<BlockHeader, BlockError> {
        Result { () throws(BlockError) in
            let header = try header(at: place.offset)
            try header.checkPlace(
                ledger: place.ledger ?? header.preface.ledger, offset: UInt64(place.offset),
                previousChecksum: place.previousChecksum, firstSequence: place.sequence)
            let end = place.offset + header.totalByteCount
            guard end <= fileByteCount else { throw .truncated(needed: end, available: fileByteCount) }
            return header
        }
    }

    /// The block at a place that names another one as its predecessor, when the block behind it names it in turn: then it is
    /// the predecessor that is not what was written.
    mutating func provenBlock(at place: BlockPlace) -> BlockHeader? {
        var here = place
        here.previousChecksum = nil
        guard place.previousChecksum != nil, case .success(let header) = block(at: here) else { return nil }
        here.follow(header)
        guard case .success = block(at: here) else { return nil }
        return header
    }

    /// The header of the next block of this ledger at its own place: it was written only after what lay before it was durable.
    /// The block may be cut short.
    mutating func nextBlock(after place: BlockPlace) -> BlockHeader? {
        var candidate = place.offset + 8
        while let position = nextMagic(from: candidate) {
            if let header = try? header(at: position), place.ledger == nil || header.preface.ledger == place.ledger,
                header.preface.offset == UInt64(position), header.preface.firstSequence >= place.sequence
            {
                return header
            }
            candidate = position + 8
        }
        return nil
    }

    /// True when zeros are all that is left from a place on, and all of it could be read.
    mutating func holdsZeros(from offset: Int) -> Bool {
        var position = offset
        while position < fileByteCount {
            load(position, atLeast: 1)
            guard bytes[(position - start)...].allSatisfy({ $0 == 0 }) else { return false }
            position = start + bytes.count
        }
        return readError == nil
    }

    private mutating func header(at offset: Int) throws(BlockError) -> BlockHeader {
        load(offset, atLeast: BlockHeader.largestByteCount)
        do throws(BlockError) {
            return try loadedHeader(at: offset)
        } catch {
            guard case .truncated = error, start + bytes.count < fileByteCount else { throw error }
            load(offset, atLeast: SegmentWindow.largestHeaderByteCount)
            return try loadedHeader(at: offset)
        }
    }

    private func loadedHeader(at offset: Int) throws(BlockError) -> BlockHeader {
        let parsed = bytes.withUnsafeBytes { bytes in
            Result { () throws(BlockError) in
                try BlockHeader(parsing: UnsafeRawBufferPointer(rebasing: bytes[(offset - start)...]))
            }
        }
        return try parsed.get()
    }

    /// The next multiple of 8 at which a block's magic stands.
    private mutating func nextMagic(from offset: Int) -> Int? {
        var position = (offset + 7) & ~7
        while position + 8 <= fileByteCount {
            load(position, atLeast: 8)
            let found = bytes.withUnsafeBytes { bytes -> Int? in
                var at = position - start
                while at + 8 <= bytes.count {
                    if bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self) == BlockHeader.magic { return at }
                    at += 8
                }
                position = start + at
                return nil
            }
            if let found { return start + found }
        }
        return nil
    }

    private mutating func load(_ offset: Int, atLeast count: Int) {
        let wanted = min(count, fileByteCount - offset)
        if offset >= start, offset + wanted <= start + bytes.count { return }
        let isHop = offset - (start + bytes.count) > SegmentWindow.longBlockByteCount
        let usual = isHop ? SegmentWindow.hopByteCount : SegmentWindow.byteCount
        let byteCount = min(max(wanted, usual), fileByteCount - offset)
        start = offset
        do throws(StorageError) {
            bytes = try file.bytes(at: offset, count: byteCount)
        } catch {
            bytes = []
        }
        if bytes.count < byteCount { loadSectors(byteCount) }
    }

    private mutating func loadSectors(_ byteCount: Int) {
        bytes = [UInt8](repeating: 0, count: byteCount)
        var position = 0
        while position < byteCount {
            let end = min(
                (start + position) / SegmentWindow.sectorByteCount * SegmentWindow.sectorByteCount
                    + SegmentWindow.sectorByteCount - start, byteCount)
            do throws(StorageError) {
                let sector = try file.bytes(at: start + position, count: end - position)
                bytes.replaceSubrange(position..<position + sector.count, with: sector)
            } catch {
                readError = error
            }
            position = end
        }
    }
}
