import Columns
import Locks
import Transactions

/// The log: all blocks in order of sequence, in segments. One thread appends; any thread reads what is durable.
public final class Log: Sendable {
    /// The directory of the segments.
    public let directory: String
    /// What the ledger was made with.
    public let settings: LedgerSettings
    let fileSystem: any FileSystem

    private struct State {
        var segments: [LogSegment]
        /// The sequence after the last durable record's.
        var endSequence: UInt64
        /// Checksum and end of the last block.
        var lastChecksum: UInt32
        var lastEnd: Int
        /// Segments, besides the last, whose block lists are in memory, the one used last at the end.
        var listed: [UInt64] = []
    }

    private let state: Lock<State>

    /// Lists of blocks are kept for so many segments; a list of the smallest blocks takes about 60 MB.
    private static let listedSegmentCount = 16

    init(
        directory: String, settings: LedgerSettings, fileSystem: any FileSystem, segments: [LogSegment],
        endSequence: UInt64,
        lastChecksum: UInt32, lastEnd: Int
    ) {
        self.directory = directory
        self.settings = settings
        self.fileSystem = fileSystem
        state = Lock(
            State(segments: segments, endSequence: endSequence, lastChecksum: lastChecksum, lastEnd: lastEnd))
    }

    /// The sequence after the last durable record's.
    public var endSequence: UInt64 { state.withLock { $0.endSequence } }
    /// Segments in order.
    public var segments: [LogSegment] { state.withLock { $0.segments } }

    /// The end of the last block: where the next one begins and what it repeats.
    public var tail: (segment: LogSegment, offset: Int, checksum: UInt32) {
        state.withLock { ($0.segments.last!, $0.lastEnd, $0.lastChecksum) }
    }

    /// Bytes of all segments.
    public func byteCount() throws -> Int { try segments.reduce(0) { try $0 + $1.file.byteCount() } }

    // MARK: Appending

    /// Writes a block at its place; not durable yet.
    public func write(_ block: EncodedBlock, to segment: LogSegment) throws(StorageError) {
        try segment.file.write(block.bytes, at: Int(block.header.preface.offset))
    }

    /// Lets readers see a block that was written, and is durable when it has records.
    public func publish(_ header: BlockHeader, in segment: LogSegment) {
        segment.append(BlockEntry(header))
        state.withLock { state in
            state.endSequence = header.nextSequence
            state.lastChecksum = header.checksum
            state.lastEnd = Int(header.preface.offset) + header.totalByteCount
        }
    }

    /// Begins a new segment after the last block, which must be durable. The file appears under its name only when its first
    /// block is on disk.
    @discardableResult
    public func startSegment(with firstBlock: EncodedBlock) throws -> LogSegment {
        let firstSequence = firstBlock.header.preface.firstSequence
        let path = directory + "/" + LogSegment.fileName(firstSequence: firstSequence)
        let file = try fileSystem.open(path + ".new", .replace)
        try file.write(firstBlock.bytes, at: 0)
        try file.synchronise()
        try fileSystem.rename(path + ".new", to: path)
        try fileSystem.synchroniseDirectory(directory)
        let segment = LogSegment(
            firstSequence: firstSequence, path: path, file: try fileSystem.open(path, .write), directory: [])
        state.withLock { $0.segments.append(segment) }
        publish(firstBlock.header, in: segment)
        return segment
    }

    // MARK: Reading

    /// Reads records by their sequences, each block once.
    /// - Parameter sequences: sorted and unique, all durable.
    public func records(at sequences: [UInt64], cache: BlockCache) throws -> [Record] {
        var records: [Record] = []
        records.reserveCapacity(sequences.count)
        var position = 0
        while position < sequences.count {
            let (segment, entry) = try block(with: sequences[position])
            let ofBlock = sequences[position...].prefix { $0 < entry.endSequence }
            records += try cache.records(
                of: entry, rows: ofBlock.map { Int($0 - entry.firstSequence) }, in: segment, log: self)
            position += ofBlock.count
        }
        return records
    }

    /// Visits blocks in order, from the one with sequence `first` on.
    /// - Parameter isWanted: looks at an entry before the block is read.
    public func forEachBlock(
        from first: UInt64, where isWanted: (BlockEntry) -> Bool = { _ in true },
        _ visit: (LogSegment, BlockEntry) throws -> Void
    ) throws {
        let segments = segments
        for (position, segment) in segments.enumerated() {
            if position + 1 < segments.count, segments[position + 1].firstSequence <= first, first > 0 { continue }
            for entry in try blocks(of: segment) where entry.endSequence >= first && isWanted(entry) {
                try visit(segment, entry)
            }
        }
    }

    /// The bytes of a block with its header, which must be the one that the list of blocks knows.
    public func read(_ entry: BlockEntry, in segment: LogSegment) throws -> (header: BlockHeader, bytes: [UInt8]) {
        let bytes = try segment.file.bytes(at: entry.offset, count: entry.byteCount)
        return (try bytes.withUnsafeBytes { try header(of: entry, in: segment, $0) }, bytes)
    }

    /// The header of a block's bytes.
    func header(
        of entry: BlockEntry, in segment: LogSegment, _ bytes: UnsafeRawBufferPointer
    ) throws(LogError) -> BlockHeader {
        do {
            let header = try BlockHeader(parsing: bytes)
            if header.checksum == entry.checksum, bytes.count == entry.byteCount { return header }
        } catch {
            throw LogError.damaged(entry, in: segment, error)
        }
        throw LogError.damaged(
            path: segment.path, offset: entry.offset, sequences: entry.firstSequence..<entry.endSequence,
            reason: "the block has changed")
    }

    /// The durable blocks of a segment, in order.
    public func blocks(of segment: LogSegment) throws -> [BlockEntry] {
        noteUse(of: segment)
        return try segment.blocks { try self.scan(segment) }
    }

    private func block(with sequence: UInt64) throws -> (LogSegment, BlockEntry) {
        let segments = segments
        let position = partitionPoint(segments.count) { segments[$0].firstSequence <= sequence } - 1
        guard position >= 0 else {
            throw LogError.missing(directory: directory, sequences: sequence..<segments[0].firstSequence)
        }
        let segment = segments[position]
        let known = try segment.knownBlock(with: sequence) ?? LogSegment.block(with: sequence, in: blocks(of: segment))
        guard let entry = known else {
            throw LogError.missing(directory: directory, sequences: sequence..<sequence + 1)
        }
        return (segment, entry)
    }

    /// Lists the blocks of a sealed segment: it must be whole and reach up to the next one.
    private func scan(_ segment: LogSegment) throws -> [BlockEntry] {
        let segments = segments
        let position = segments.firstIndex { $0 === segment }!
        let scanner = SegmentScanner(file: segment.file, ledger: settings.ledger, firstSequence: segment.firstSequence)
        let scan = try scanner.scan(previousChecksum: nil)
        let end = scan.entries.last?.endSequence ?? segment.firstSequence
        let expectedEnd = position + 1 < segments.count ? segments[position + 1].firstSequence : endSequence
        if end == expectedEnd, scan.tail == .clean { return scan.entries }
        throw LogRecovery.error(for: scan, path: segment.path, end: end, expectedEnd: expectedEnd)
    }

    private func noteUse(of segment: LogSegment) {
        let forgotten = state.withLock { state -> [LogSegment] in
            guard segment !== state.segments.last else { return [] }
            state.listed.removeAll { $0 == segment.firstSequence }
            state.listed.append(segment.firstSequence)
            guard state.listed.count > Log.listedSegmentCount else { return [] }
            let oldest = state.listed.removeFirst()
            return state.segments.dropLast().filter { $0.firstSequence == oldest }
        }
        forgotten.forEach { $0.forgetDirectory() }
    }
}

extension Log {
    /// Reads, checks and decodes a block.
    public func decode(_ entry: BlockEntry, in segment: LogSegment, with decoder: BlockDecoder) throws -> [Record] {
        let (header, bytes) = try read(entry, in: segment)
        do {
            return try bytes.withUnsafeBytes { bytes in
                try [Record](unsafeUninitializedCapacity: entry.recordCount) { buffer, count in
                    try decoder.decode(
                        header, bytes, into: UnsafeMutableBufferPointer(rebasing: buffer[..<entry.recordCount]))
                    count = entry.recordCount
                }
            }
        } catch let error as BlockError {
            throw LogError.damaged(entry, in: segment, error)
        }
    }

    /// The names and settings that a block declares.
    public func declarations(
        of entry: BlockEntry, in segment: LogSegment, with decoder: BlockDecoder
    ) throws -> [Declaration] {
        let (header, bytes) = try read(entry, in: segment)
        do {
            return try bytes.withUnsafeBytes { try decoder.declarations(header, $0) }
        } catch let error as BlockError {
            throw LogError.damaged(entry, in: segment, error)
        }
    }
}
