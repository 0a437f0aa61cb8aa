import Storage
import Transactions

/// What `compact` did.
public struct CompactionReport: Sendable {
    /// Sealed segments.
    public var segments = 0
    /// Those that were rewritten.
    public var rewritten = 0
    /// Bytes of the whole log before.
    public var bytesBefore = 0
    /// Bytes of the whole log after.
    public var bytesAfter = 0
    /// What kept a segment as it was, each with its place; empty when all went well.
    public var faults: [String] = []
}

extension LedgerFiles {
    /// Rewrites the sealed segments of small blocks of a ledger at rest into full ones. The last segment stays as it is.
    ///
    /// - Parameter progress: told the records looked at so far and in all, after each block.
    /// - Returns: the report; damage is in it, and segments that have it stay as they are.
    /// - Throws: `LedgerError` when there is no ledger or a daemon holds it, `LogError` when the log cannot be opened, and
    ///   `StorageError` when the disk is full.
    public func compact(
        options: LedgerOptions = LedgerOptions(), fileSystem: any FileSystem = DiskFileSystem(),
        progress: (UInt64, UInt64) -> Void = { _, _ in }
    ) throws -> CompactionReport {
        guard try exist(in: fileSystem) else { throw LedgerError.notFound(directory: directory) }
        guard let lock = try fileSystem.lock(lock, exclusively: true) else {
            throw LedgerError.inUse(directory: directory)
        }
        defer { lock.release() }
        // The log's end is the next start's to bring in order: nothing is written there.
        let (log, _) = try LogRecovery.open(directory: log, fileSystem: fileSystem, mayWrite: false) { _ in 0 }
        let compaction = SegmentCompaction(log: log, blockRecordCount: options.compactedBlockRecordCount)
        var report = CompactionReport()
        report.bytesBefore = try log.byteCount()
        // By place: a list of the segments would keep each old file on the disk until the end.
        for place in log.segments.indices.dropLast() {
            let segment = log.segments[place]
            report.segments += 1
            do {
                let outcome = try compaction.compact(segment) { progress($0 - 1, log.endSequence - 1) }
                if case .rewritten = outcome { report.rewritten += 1 }
            } catch let error as StorageError where error.isDiskFull {
                throw error
            } catch {
                report.faults.append("\(segment.path) is not compacted: \(error)")
            }
        }
        report.bytesAfter = try log.byteCount()
        return report
    }
}
