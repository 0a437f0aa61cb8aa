import Columns
import Transactions

/// Opens a log after whatever happened to it.
///
/// The last segment is walked from its first header to its end. What is found there, and what is done:
///
/// | after the last good block | proof that it was durable | done |
/// |---|---|---|
/// | the end of the file; the block's own bytes are good | any or none | kept; written and flushed anew |
/// | the end of the file; the block's own bytes are wrong | none | cut, kept aside, reported |
/// | the end of the file; the block's own bytes are wrong | the catalogue reaches into it | damage: refused |
/// | the end of the file; its own bytes are wrong, and those of the block before it | the last block | damage: refused |
/// | bytes that are no block, no later block of this ledger | none | cut, kept aside, reported |
/// | bytes that are no block; the last good header's own block is wrong | these bytes | damage: refused |
/// | bytes that are no block, no later block of this ledger | the catalogue reaches beyond | damage: refused |
/// | bytes that are no block, then a later block of this ledger | that block | damage: refused |
/// | a block of a later format | | refused |
///
/// Zeros to the end of the file are as the end of the file: they are written ahead, behind a durable block and flushed before
/// the next block is written over them. They go at the start.
///
/// A reader passes over what lies before a later block of this ledger, and names it to whoever needs it.
///
/// "Written and flushed anew": what a killed process wrote may be in the page cache alone, or, after a failed flush, be clean
/// there and absent on disk. The last block is written once more and flushed before anything is answered from it.
public enum LogRecovery {
    /// What was cut off the end.
    public struct Cut: Hashable, Sendable, CustomStringConvertible {
        /// The segment.
        public var path: String
        /// Where it was cut.
        public var offset: Int
        /// How much.
        public var byteCount: Int
        /// Where it is kept.
        public var keptAt: String
        /// Why it was no block.
        public var reason: String

        /// One line for the log.
        public var description: String {
            "cut \(byteCount) bytes of an unfinished commit at offset \(offset) of \(path) (\(reason)); kept in \(keptAt)"
        }
    }

    /// Makes the first segment of a new ledger.
    public static func create(
        directory: String, settings: LedgerSettings, fileSystem: any FileSystem, nowMicroseconds: Int64
    ) throws -> Log {
        try fileSystem.createDirectory(directory)
        let log = Log(
            directory: directory, settings: settings, fileSystem: fileSystem, segments: [], endSequence: 1,
            lastChecksum: 0,
            lastEnd: 0)
        let preface = BlockPreface(
            firstSequence: 1, commitTimeMicroseconds: nowMicroseconds, ledger: settings.ledger, offset: 0)
        let encoder = BlockEncoder(capacity: 1)
        try log.startSegment(
            with: encoder.encode(
                UnsafeBufferPointer(start: nil, count: 0), preface: preface, declarations: settings.declarations))
        return log
    }

    /// Declares other settings: they begin a new segment.
    ///
    /// A segment without records is replaced, with the names that it declared; the name of a segment's file is its first
    /// sequence, so there cannot be two.
    public static func declare(
        _ settings: LedgerSettings, after log: Log, chainLinkCount: UInt64, chainDigest: [UInt8], nowMicroseconds: Int64
    ) throws {
        let decoder = BlockDecoder(capacity: 1)
        let (last, _, lastChecksum) = log.tail
        let blocks = try log.blocks(of: last)
        var declarations = settings.declarations
        var previousChecksum = lastChecksum
        if let first = blocks.first, last.firstSequence == log.endSequence {
            previousChecksum = try log.read(first, in: last).header.preface.previousChecksum
            for entry in blocks {
                declarations += try log.declarations(of: entry, in: last, with: decoder).filter {
                    if case .name = $0 { true } else { false }
                }
            }
        }
        let preface = BlockPreface(
            firstSequence: log.endSequence, commitTimeMicroseconds: nowMicroseconds, ledger: settings.ledger, offset: 0,
            previousChecksum: previousChecksum, chainLinkCount: chainLinkCount, chainDigest: chainDigest)
        let encoder = BlockEncoder(capacity: 1)
        try log.startSegment(
            with: encoder.encode(
                UnsafeBufferPointer(start: nil, count: 0), preface: preface, declarations: declarations))
    }

    /// Opens the log of a ledger and brings its end in order.
    ///
    /// - Parameters:
    ///   - proven: the last sequence that something else (the catalogue's checkpoint) knows to be durable; 0: nothing does.
    ///     Asked once the settings are known.
    ///   - mayWrite: false for a reader, which changes nothing: what would be cut is passed over.
    /// - Returns: the log, and what was cut.
    public static func open(
        directory: String, fileSystem: any FileSystem, mayWrite: Bool, proven: (LedgerSettings) throws -> UInt64
    ) throws -> (log: Log, cut: Cut?) {
        if mayWrite {
            for name in try fileSystem.list(directory) where name.hasSuffix(".new") {
                try fileSystem.remove(directory + "/" + name)
            }
        }
        var segments = try sealedSegments(in: directory, fileSystem: fileSystem)
        let ending = segments.removeLast()
        let (lastStart, path) = (ending.firstSequence, ending.path)
        let file = try fileSystem.open(path, mayWrite ? .write : .read)
        var scan = try SegmentScanner(file: file, ledger: nil, firstSequence: lastStart).scan(previousChecksum: nil)
        if mayWrite, let error = scan.readError { throw error }
        // What cannot be read is not known to be unfinished.
        if case .torn = scan.tail, scan.readError != nil { throw error(for: scan, path: path) }
        if let damage = scan.stretches.first, mayWrite || damage.offset == 0 { throw damage.error }
        guard let first = scan.entries.first else { throw error(for: scan, path: path) }
        let settings = try settings(in: first, file: file, path: path)
        let cut = try settleEnd(of: &scan, path: path, file: file, proven: try proven(settings))
        guard let last = scan.entries.last else { throw error(for: scan, path: path) }
        if mayWrite {
            if let cut {
                let rest = try file.bytes(at: cut.offset, count: cut.byteCount)
                let aside = try fileSystem.open(cut.keptAt, .replace)
                try aside.write(rest, at: 0)
                try aside.synchronise()
                try fileSystem.synchroniseDirectory(directory)
            }
            let end = last.offset + last.byteCount
            if try file.byteCount() > end { try file.truncate(to: end) }
            try file.write(try file.bytes(at: last.offset, count: last.byteCount), at: last.offset)
            try file.synchronise()
            // An earlier process may have been killed before it flushed the name of this segment.
            try fileSystem.synchroniseDirectory(directory)
        }
        segments.append(
            LogSegment(
                firstSequence: lastStart, path: path, file: file, directory: scan.entries, damage: scan.stretches))
        let log = Log(
            directory: directory, settings: settings, fileSystem: fileSystem, segments: segments,
            endSequence: last.endSequence, lastChecksum: last.checksum, lastEnd: last.offset + last.byteCount)
        return (log, cut)
    }

    /// Opens a log of which as much as possible is to be looked at, whatever is wrong with it; not to serve anything from.
    /// - Throws: `LogError` when there is none, or when no segment says whose it is.
    public static func survey(directory: String, fileSystem: any FileSystem) throws -> Log {
        let segments = try sealedSegments(in: directory, fileSystem: fileSystem)
        var settings: LedgerSettings?
        var failure: (any Error)?
        for segment in segments.reversed() where settings == nil {
            do { settings = try firstSettings(of: segment) } catch { failure = failure ?? error }
        }
        guard let settings else { throw failure! }
        let last = segments.last!
        let scan = try SegmentScanner(file: last.file, ledger: settings.ledger, firstSequence: last.firstSequence)
            .scan(previousChecksum: nil)
        return Log(
            directory: directory, settings: settings, fileSystem: fileSystem, segments: segments,
            endSequence: scan.endSequence, lastChecksum: 0, lastEnd: scan.end)
    }

    /// Opens a log that another process appends to: what lies before a sequence, which that process has told to be durable, and
    /// nothing behind it. Nothing is looked at there, as it may be half written just now.
    /// - Throws: `LogError` when the log does not reach so far.
    public static func openServed(
        directory: String, before end: UInt64, fileSystem: any FileSystem
    ) throws -> Log {
        var segments = try sealedSegments(in: directory, fileSystem: fileSystem)
        let last = segments.removeLast()
        let settings = try firstSettings(of: last)
        let scan = try SegmentScanner(file: last.file, ledger: settings.ledger, firstSequence: last.firstSequence)
            .scan(previousChecksum: nil)
        let blocks = scan.entries.filter { $0.endSequence <= end }
        let found = blocks.last?.endSequence ?? last.firstSequence
        guard found >= end else { throw error(for: scan, path: last.path) }
        segments.append(
            LogSegment(
                firstSequence: last.firstSequence, path: last.path, file: last.file, directory: blocks,
                damage: scan.stretches.filter { $0.sequences.lowerBound < end }))
        return Log(
            directory: directory, settings: settings, fileSystem: fileSystem, segments: segments, endSequence: end,
            lastChecksum: blocks.last?.checksum ?? 0, lastEnd: blocks.last.map { $0.offset + $0.byteCount } ?? 0)
    }

    private static func firstSettings(of segment: LogSegment) throws -> LedgerSettings {
        var window = SegmentWindow(file: segment.file, fileByteCount: try segment.file.byteCount())
        let place = BlockPlace(offset: 0, sequence: segment.firstSequence, previousChecksum: nil, ledger: nil)
        switch window.block(at: place) {
        case .success(let header):
            return try self.settings(in: BlockEntry(header), file: segment.file, path: segment.path)
        case .failure(.unsupportedVersion(let version)):
            throw LogError.newerFormat(path: segment.path, version: Int(version))
        case .failure(let error):
            throw LogError.damaged(path: segment.path, offset: 0, sequences: 0..<0, reason: "\(error)")
        }
    }

    /// All segments that there are, opened for reading and not looked at.
    private static func sealedSegments(in directory: String, fileSystem: any FileSystem) throws -> [LogSegment] {
        let starts = try fileSystem.list(directory).compactMap(LogSegment.firstSequence(fileName:))
        guard !starts.isEmpty else { throw LogError.noLedger(path: directory, reason: "it holds no segment") }
        return try starts.map { start in
            let path = directory + "/" + LogSegment.fileName(firstSequence: start)
            return LogSegment(
                firstSequence: start, path: path, file: try fileSystem.open(path, .read), directory: nil)
        }
    }

    /// Decides by the table above; leaves the blocks that count in `scan`.
    private static func settleEnd(
        of scan: inout SegmentScan, path: String, file: any StorageFile, proven: UInt64
    ) throws -> Cut? {
        var cutReason: String?
        switch scan.tail {
        case .newer: throw error(for: scan, path: path)
        case .torn(let reason): cutReason = reason
        case .clean:
            if let last = scan.entries.last, let reason = try fault(in: last, file: file) {
                scan.entries.removeLast()
                (scan.end, scan.endSequence) = (last.offset, last.firstSequence)
                cutReason = reason
            }
        }
        // Nothing is written behind a block before it is durable, so what is to be cut proves the block before it.
        if cutReason != nil, let last = scan.entries.last, let reason = try fault(in: last, file: file) {
            throw LogError.damaged(
                path: path, offset: last.offset, sequences: last.firstSequence..<last.endSequence, reason: reason)
        }
        let end = scan.endSequence
        if end <= proven {
            throw LogError.damaged(
                path: path, offset: scan.end, sequences: end..<max(proven, proven &+ 1),
                reason: cutReason ?? "the file is cut short")
        }
        guard let cutReason else { return nil }
        return Cut(
            path: path, offset: scan.end, byteCount: scan.fileByteCount - scan.end, keptAt: "\(path).cut-\(scan.end)",
            reason: cutReason)
    }

    private static func fault(in entry: BlockEntry, file: any StorageFile) throws -> String? {
        let bytes = try file.bytes(at: entry.offset, count: entry.byteCount)
        return bytes.withUnsafeBytes { bytes in
            do throws(BlockError) {
                try BlockDecoder(capacity: 1).verify(try BlockHeader(parsing: bytes), bytes)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    private static func settings(in entry: BlockEntry, file: any StorageFile, path: String) throws -> LedgerSettings {
        let bytes = try file.bytes(at: entry.offset, count: entry.byteCount)
        do {
            let declarations = try bytes.withUnsafeBytes {
                try BlockDecoder(capacity: 1).declarations(try BlockHeader(parsing: $0), $0)
            }
            if let settings = LedgerSettings(declarations) { return settings }
        } catch let error as BlockError {
            throw LogError.damaged(path: path, offset: entry.offset, sequences: 0..<0, reason: "\(error)")
        }
        throw LogError.noLedger(path: path, reason: "its first block declares no settings")
    }

    /// Why a segment has no end to go on from.
    private static func error(for scan: SegmentScan, path: String) -> LogError {
        var reason = "the file is cut short"
        switch scan.tail {
        case .newer(let version): return .newerFormat(path: path, version: version)
        case .torn(let cause): reason = cause
        case .clean: break
        }
        return .damaged(
            path: path, offset: scan.end, sequences: scan.endSequence..<scan.endSequence, reason: reason)
    }
}
