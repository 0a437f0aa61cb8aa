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
        /// What was found damaged so far.
        var damage: [DamagedStretch] = []
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
        for stretch in segments.compactMap(\.knownDamage).joined() { note(stretch) }
        if let missing = missingStart(segments) { note(missing) }
    }

    /// The sequence after the last durable record's.
    public var endSequence: UInt64 { state.withLock { $0.endSequence } }
    /// Segments in order.
    public var segments: [LogSegment] { state.withLock { $0.segments } }

    /// The end of the last block: where the next one begins and what it repeats.
    public var tail: (segment: LogSegment, offset: Int, checksum: UInt32) {
        state.withLock { ($0.segments.last!, $0.lastEnd, $0.lastChecksum) }
    }

    /// The segment that follows; nil for the last one. Found by sequence: the segment may have been replaced meanwhile.
    public func successor(of segment: LogSegment) -> LogSegment? {
        let segments = segments
        let position = partitionPoint(segments.count) { segments[$0].firstSequence <= segment.firstSequence }
        return position < segments.count ? segments[position] : nil
    }

    /// Bytes of all segments, without what was written ahead.
    public func byteCount() throws -> Int {
        let (sealed, lastEnd) = state.withLock { ($0.segments.dropLast(), $0.lastEnd) }
        return try sealed.reduce(lastEnd) { try $0 + $1.file.byteCount() }
    }

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
    /// - Throws: a `StorageError` when the block could not be written, and nothing has changed; an `UncertainSegment` when
    ///   it is not known whether the segment stands, so that nothing may be appended any more.
    @discardableResult
    public func startSegment(with firstBlock: EncodedBlock) throws -> LogSegment {
        let firstSequence = firstBlock.header.preface.firstSequence
        let path = directory + "/" + LogSegment.fileName(firstSequence: firstSequence)
        let file = try fileSystem.open(path + ".new", .replace)
        try file.write(firstBlock.bytes, at: 0)
        let segment: LogSegment
        do throws(StorageError) {
            try file.synchronise()
            try fileSystem.rename(path + ".new", to: path)
            try fileSystem.synchroniseDirectory(directory)
            segment = LogSegment(
                firstSequence: firstSequence, path: path, file: try fileSystem.open(path, .write), directory: [])
        } catch {
            throw UncertainSegment(reason: error)
        }
        state.withLock { $0.segments.append(segment) }
        publish(firstBlock.header, in: segment)
        return segment
    }

    // MARK: Replacing

    /// Puts a finished draft, which holds the same records and declarations, in the place of a sealed segment. A crash leaves
    /// the one or the other. Whoever holds `segment` goes on reading its file, which no name leads to any more.
    ///
    /// - Throws: a `StorageError`; the log goes on with the old file or with the new one, both of which are whole.
    @discardableResult
    public func replace(_ segment: LogSegment, by draft: SegmentDraft) throws -> LogSegment {
        // The segments that follow must not be lost while this one ends differently from what they repeat.
        try fileSystem.synchroniseDirectory(directory)
        try fileSystem.rename(draft.path, to: segment.path)
        let replacement = LogSegment(
            firstSequence: segment.firstSequence, path: segment.path, edition: segment.edition + 1,
            file: try fileSystem.open(segment.path, .read), directory: nil)
        state.withLock { state in
            let position = state.segments.firstIndex { $0 === segment }
            precondition(
                position.map { $0 + 1 < state.segments.count } == true, "only a sealed segment of this log is replaced")
            state.segments[position!] = replacement
            state.listed.removeAll { $0 == segment.firstSequence }
        }
        try fileSystem.synchroniseDirectory(directory)
        return replacement
    }

    // MARK: Reading

    /// Reads records by their sequences, each block once.
    /// - Parameters:
    ///   - sequences: sorted and unique, all durable.
    ///   - columns: those of ids and perhaps others; fields outside may be anything.
    ///   - passing: is shown all records of a block that was decoded whole, and the first one's sequence.
    public func records(
        at sequences: [UInt64], columns: ColumnSet = .all, cache: BlockCache,
        passing: (UnsafeBufferPointer<Record>, UInt64) -> Void = { _, _ in }
    ) throws -> [Record] {
        var records: [Record] = []
        var position = 0
        while position < sequences.count {
            let (segment, entry) = try block(with: sequences[position])
            let ofBlock = sequences[position...].prefix { $0 < entry.endSequence }
            let found = try cache.records(
                of: entry, rows: ofBlock.map { Int($0 - entry.firstSequence) }, columns: columns, in: segment,
                log: self, passing: passing)
            if found.count == sequences.count { return found }
            records += found
            position += ofBlock.count
        }
        return records
    }

    /// Visits blocks in order, from the one with sequence `first` on, and those without records that stand there.
    /// - Parameters:
    ///   - end: segments that begin there or later are not looked at.
    ///   - isWanted: looks at an entry before the block is read.
    ///   - pass: told of what cannot be read and holds, or may declare something from, `first` or later; throws unless it can be
    ///     passed over.
    public func forEachBlock(
        from first: UInt64, before end: UInt64 = .max, where isWanted: (BlockEntry) -> Bool = { _ in true },
        damage pass: (DamagedStretch) throws -> Void = { throw $0.error },
        _ visit: (LogSegment, BlockEntry) throws -> Void
    ) throws {
        let segments = segments
        if let missing = missingStart(segments), missing.sequences.upperBound > first { try pass(missing) }
        for (position, segment) in segments.enumerated() where segment.firstSequence < end {
            if position + 1 < segments.count, segments[position + 1].firstSequence < first { continue }
            let listing = try listing(of: segment)
            var damage = listing.damage.filter { $0.sequences.upperBound >= first }[...]
            for entry in listing.blocks where entry.endSequence >= first {
                while let next = damage.first, next.offset < entry.offset { try pass(damage.removeFirst()) }
                if isWanted(entry) { try visit(segment, entry) }
            }
            try damage.forEach(pass)
        }
    }

    /// The log begins with sequence 1.
    func missingStart(_ segments: [LogSegment]) -> DamagedStretch? {
        guard let first = segments.first, first.firstSequence > 1 else { return nil }
        return DamagedStretch(
            path: directory, offset: 0, byteCount: 0, sequences: 1..<first.firstSequence,
            reason: "no segment holds them")
    }

    /// The bytes of a block with its header, which must be the one that the list of blocks knows.
    public func read(_ entry: BlockEntry, in segment: LogSegment) throws -> (header: BlockHeader, bytes: [UInt8]) {
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try segment.file.bytes(at: entry.offset, count: entry.byteCount)
        } catch {
            throw damaged(entry, in: segment, "\(error)")
        }
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
            throw damaged(entry, in: segment, "\(error)")
        }
        throw damaged(entry, in: segment, "the block has changed")
    }

    /// The durable blocks of a segment, in order; what cannot be read is an error.
    public func blocks(of segment: LogSegment) throws -> [BlockEntry] {
        let listing = try listing(of: segment)
        if let damage = listing.damage.first { throw damage.error }
        return listing.blocks
    }

    /// The durable blocks of a segment and what cannot be read between them.
    public func listing(of segment: LogSegment) throws -> SegmentListing {
        noteUse(of: segment)
        return try segment.listing {
            let listing = try self.scan(segment)
            listing.damage.forEach(note)
            return listing
        }
    }

    private func block(with sequence: UInt64) throws -> (LogSegment, BlockEntry) {
        let segments = segments
        let position = partitionPoint(segments.count) { segments[$0].firstSequence <= sequence } - 1
        guard position >= 0 else {
            throw LogError.missing(directory: directory, sequences: sequence..<segments[0].firstSequence)
        }
        let segment = segments[position]
        if let known = segment.knownBlock(with: sequence), let entry = known { return (segment, entry) }
        let listing = try listing(of: segment)
        if let entry = LogSegment.block(with: sequence, in: listing.blocks) { return (segment, entry) }
        if let damage = listing.damage.first(where: { $0.sequences.contains(sequence) }) { throw damage.error }
        throw LogError.missing(directory: directory, sequences: sequence..<sequence + 1)
    }

    /// Lists the blocks of a sealed segment: it must be whole and reach up to the next one.
    private func scan(_ segment: LogSegment) throws -> SegmentListing {
        let expectedEnd = successor(of: segment)?.firstSequence ?? endSequence
        let scanner = SegmentScanner(file: segment.file, ledger: settings.ledger, firstSequence: segment.firstSequence)
        do {
            return try scanner.scan(previousChecksum: nil).listing(path: segment.path, expectedEnd: expectedEnd)
        } catch let error as StorageError {
            let whole = DamagedStretch(
                path: segment.path, offset: 0, byteCount: 0, sequences: segment.firstSequence..<expectedEnd,
                reason: "\(error)")
            return SegmentListing(blocks: [], damage: [whole])
        }
    }

    // MARK: Damage

    /// What was found damaged since the log was opened.
    public var knownDamage: [DamagedStretch] { state.withLock { $0.damage } }

    func note(_ stretch: DamagedStretch) {
        state.withLock { state in
            let isKnown = state.damage.contains { $0.path == stretch.path && $0.offset == stretch.offset }
            if !isKnown { state.damage.append(stretch) }
        }
    }

    /// The error of a block that cannot be read; it is known from now on.
    func damaged(_ entry: BlockEntry, in segment: LogSegment, _ reason: String) -> LogError {
        let stretch = DamagedStretch(entry, in: segment.path, reason: reason)
        note(stretch)
        return stretch.error
    }

    /// Looks at the first block of every sealed segment, whose name says what it has to be, and lists the segments where it is
    /// not that. One read for each: no proof that the rest is whole.
    public func checkStarts() throws {
        for segment in segments.dropLast() {
            if let byteCount = try? segment.file.byteCount() {
                var window = SegmentWindow(file: segment.file, fileByteCount: byteCount)
                let place = BlockPlace(
                    offset: 0, sequence: segment.firstSequence, previousChecksum: nil, ledger: settings.ledger)
                if case .success = window.block(at: place) { continue }
            }
            _ = try listing(of: segment)
        }
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

/// A segment may or may not stand on the disk.
public struct UncertainSegment: Error, Hashable, Sendable, CustomStringConvertible {
    /// What failed.
    public var reason: StorageError

    /// Nothing may be written any more for that reason.
    public init(reason: StorageError) { self.reason = reason }

    /// What failed, and where.
    public var description: String { "\(reason), while a segment of the log was begun" }
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
            throw damaged(entry, in: segment, "\(error)")
        }
    }

    /// Reads, checks and decodes a block: what it declares, and its records to the first places of `records`.
    /// - Precondition: `records` has room for all of them.
    public func decode(
        _ entry: BlockEntry, in segment: LogSegment, with decoder: BlockDecoder,
        into records: UnsafeMutableBufferPointer<Record>
    ) throws -> [Declaration] {
        let (header, bytes) = try read(entry, in: segment)
        do {
            return try bytes.withUnsafeBytes { bytes in
                let declarations = try decoder.declarations(header, bytes)
                try decoder.decode(header, bytes, into: records)
                return declarations
            }
        } catch let error as BlockError {
            throw damaged(entry, in: segment, "\(error)")
        }
    }

    /// A block's header, which must be the one that the list of blocks knows; nothing else of it is read.
    public func header(of entry: BlockEntry, in segment: LogSegment) throws -> BlockHeader {
        do {
            let bytes = try segment.file.bytes(
                at: entry.offset, count: min(BlockHeader.largestByteCount, entry.byteCount))
            let header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
            if header.checksum == entry.checksum { return header }
        } catch let error where error is BlockError || error is StorageError {
            throw damaged(entry, in: segment, "\(error)")
        }
        throw damaged(entry, in: segment, "the block has changed")
    }

    /// Reads, checks and decodes only the ids and times of a block's records, to the first places of `records`.
    /// - Precondition: `records` has room for all of them.
    public func ids(
        of entry: BlockEntry, in segment: LogSegment, with decoder: BlockDecoder,
        into records: UnsafeMutableBufferPointer<Record>
    ) throws {
        let (header, bytes) = try read(entry, in: segment)
        do {
            try bytes.withUnsafeBytes { try decoder.decode(header, $0, columns: .ids, into: records) }
        } catch let error as BlockError {
            throw damaged(entry, in: segment, "\(error)")
        }
    }

    /// Reads, checks and decodes fields of a block's records side by side; of the file only the bytes that hold them are read.
    /// - Parameter buffer: takes these bytes; it grows to the block's size and can be used again.
    public func columns(
        _ wanted: ColumnSet, of entry: BlockEntry, in segment: LogSegment, with decoder: BlockDecoder,
        buffer: inout [UInt8]
    ) throws -> BlockColumns {
        if buffer.count < entry.byteCount { buffer = [UInt8](repeating: 0, count: entry.byteCount) }
        do {
            return try buffer.withUnsafeMutableBytes { buffer in
                let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<entry.byteCount])
                func read(_ range: Range<Int>) throws {
                    let part = UnsafeMutableRawBufferPointer(rebasing: bytes[range])
                    let count = try segment.file.read(into: part, at: entry.offset + range.lowerBound)
                    guard count == part.count else {
                        throw BlockError.truncated(needed: entry.byteCount, available: range.lowerBound + count)
                    }
                }
                try read(0..<min(BlockHeader.largestByteCount, entry.byteCount))
                let header = try header(of: entry, in: segment, UnsafeRawBufferPointer(bytes))
                for range in header.byteRanges(of: wanted) { try read(range) }
                return try decoder.columns(wanted, of: header, UnsafeRawBufferPointer(bytes))
            }
        } catch let error where error is BlockError || error is StorageError {
            throw damaged(entry, in: segment, "\(error)")
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
            throw damaged(entry, in: segment, "\(error)")
        }
    }
}
