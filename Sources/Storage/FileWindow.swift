import Columns

/// A piece of a segment's file in memory, moved along by who takes no damage: it fails where the disk does. `SegmentWindow`
/// reads around what is hurt.
struct FileWindow {
    let file: any StorageFile
    let fileByteCount: Int
    /// So much is read at a time; more where a block needs it.
    let windowByteCount: Int
    private var start = 0
    private var bytes: [UInt8] = []

    private static let largestHeaderByteCount = 64 << 10

    init(file: any StorageFile, fileByteCount: Int, windowByteCount: Int = 256 << 10) {
        self.file = file
        self.fileByteCount = fileByteCount
        self.windowByteCount = windowByteCount
    }

    private mutating func load(_ offset: Int, atLeast count: Int) throws {
        let wanted = min(count, fileByteCount - offset)
        if offset >= start, offset + wanted <= start + bytes.count { return }
        bytes = try file.bytes(at: offset, count: max(wanted, windowByteCount))
        start = offset
    }

    /// The header of the block at `offset`, which lies within the file.
    mutating func header(at offset: Int) throws -> BlockHeader {
        try load(offset, atLeast: BlockHeader.fixedByteCount)
        do {
            return try withBytes(from: offset) { try BlockHeader(parsing: $0) }
        } catch BlockError.truncated where start + bytes.count < fileByteCount {
            try load(offset, atLeast: FileWindow.largestHeaderByteCount)
            return try withBytes(from: offset) { try BlockHeader(parsing: $0) }
        }
    }

    /// The bytes of a block, as long as `body` runs; fewer where the file ends.
    mutating func withBytes<Result>(
        of block: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try load(block.lowerBound, atLeast: block.count)
        return try withBytes(from: block.lowerBound) {
            try body(UnsafeRawBufferPointer(rebasing: $0.prefix(block.count)))
        }
    }

    private func withBytes<Result>(
        from offset: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[(offset - start)...])) }
    }
}
