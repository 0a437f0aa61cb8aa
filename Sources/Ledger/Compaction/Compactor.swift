import Locks
import RingBuffer
import Storage
import Transactions

/// The thread that rewrites sealed segments of small blocks into full ones, one at a time, while the ledger takes records in.
///
/// What it cannot rewrite stays as it is and is told once; a full disk is tried again later.
final class Compactor: @unchecked Sendable {
    private struct State {
        var mayFindWork = true
        var isClosing = false
    }

    private let log: Log
    private let compaction: SegmentCompaction
    private let pacing: Pace
    private let report: @Sendable (String) -> Void
    private let bell: Doorbell
    private let state = Lock(State())
    /// Of the thread alone: segments that need no further look, by their first sequences.
    private var examined: Set<UInt64> = []
    private var hasReportedFullDisk = false

    private static let retryNanoseconds: Int64 = 60_000_000_000

    /// - Parameters:
    ///   - flusher: knows whether a commit is on its way, and whether the ledger may still write.
    ///   - report: told, once for each segment, why it could not be rewritten.
    init(
        log: Log, flusher: Flusher, options: LedgerOptions, machine: any Machine,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.log = log
        compaction = SegmentCompaction(log: log, blockRecordCount: options.compactedBlockRecordCount)
        pacing = Pace(on: machine, besides: flusher)
        self.report = report
        bell = machine.makeDoorbell()
    }

    /// Looks for work: a segment was sealed.
    func wake() {
        state.withLock { $0.mayFindWork = true }
        bell.ring()
    }

    /// Makes `run` return soon; what is half done is given up.
    func close() {
        state.withLock { $0.isClosing = true }
        bell.ring()
    }

    private var isClosing: Bool { state.withLock { $0.isClosing } }

    // MARK: The thread

    /// Told a segment whose file was replaced, so that whoever keeps that file open lets go; it calls what it gets when it has.
    typealias OnReplace = (LogSegment, @escaping @Sendable () -> Void) -> Void

    /// Until `close`.
    func run(onReplace: OnReplace) {
        var waitsForSpace = false
        while true {
            let wait = waitsForSpace ? Compactor.retryNanoseconds : nil
            _ = bell.wait(timeoutNanoseconds: wait) { state.withLock { $0.mayFindWork || $0.isClosing } }
            if isClosing { return }
            state.withLock { $0.mayFindWork = false }
            waitsForSpace = !compactAll(onReplace)
        }
    }

    /// - Returns: false when there was no space for all of it.
    private func compactAll(_ onReplace: OnReplace) -> Bool {
        while let segment = nextSegment {
            do {
                pacing.begin()
                try pace()
                let outcome = try compaction.compact(segment) { _ in try pace() }
                if case .rewritten = outcome { outlive(segment, onReplace) }
                examined.insert(segment.firstSequence)
                hasReportedFullDisk = false
            } catch CompactionError.stopped {
                return true
            } catch let error as StorageError where error.isDiskFull {
                if !hasReportedFullDisk { report("no space to compact \(segment.path), trying again later: \(error)") }
                hasReportedFullDisk = true
                return false
            } catch {
                report("\(segment.path) is not compacted: \(error)")
                examined.insert(segment.firstSequence)
            }
        }
        return true
    }

    /// The first sealed segment that needs a look. No list of all of them is kept: each would stay on the disk with it.
    private var nextSegment: LogSegment? { log.segments.dropLast().first { !examined.contains($0.firstSequence) } }

    /// Keeps the old file open until the others have let go of it. Whoever does so last has the system clear hundreds of
    /// megabytes away, a tenth of a second in which no receipt may have to wait.
    private func outlive(_ segment: LogSegment, _ onReplace: OnReplace) {
        let isLetGo = Lock(false)
        onReplace(segment) { [bell] in
            isLetGo.withLock { $0 = true }
            bell.ring()
        }
        withExtendedLifetime(segment) { _ = bell.wait { isLetGo.withLock(\.self) } }
    }

    private func pace() throws {
        guard pacing.keep(bell, until: { isClosing }) else { throw CompactionError.stopped }
    }
}
