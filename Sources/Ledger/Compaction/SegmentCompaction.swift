import Columns
import Storage
import Transactions

/// Decides which segments are worth rewriting, and does it.
struct SegmentCompaction {
    let log: Log
    /// Records of a full block.
    let blockRecordCount: Int

    /// What became of a segment.
    enum Outcome {
        /// It is smaller by so many bytes.
        case rewritten(savedByteCount: Int)
        /// Its blocks are full enough, or were made so before.
        case leftAsItIs
    }

    /// So many times the fewest blocks that could hold its records make a segment worth rewriting. What was rewritten has
    /// fewer, and is known by its first block besides.
    private static let worthwhileBlockRatio = 4

    /// Rewrites a segment unless it is the last one, or has few blocks, or was rewritten before.
    func compact(_ segment: LogSegment, pace: (UInt64) throws -> Void) throws -> Outcome {
        guard let next = log.successor(of: segment), try isWorthRewriting(segment, next) else { return .leftAsItIs }
        let rewrite = SegmentRewrite(log: log, segment: segment, next: next, blockRecordCount: blockRecordCount)
        return try rewrite.run(pace: pace).map { .rewritten(savedByteCount: $0) } ?? .leftAsItIs
    }

    private func isWorthRewriting(_ segment: LogSegment, _ next: LogSegment) throws -> Bool {
        let recordCount = Int(next.firstSequence - segment.firstSequence)
        let fewest = (recordCount + blockRecordCount - 1) / blockRecordCount
        guard try log.hasMoreBlocks(than: fewest * SegmentCompaction.worthwhileBlockRatio, in: segment) else {
            return false
        }
        return FormerEnd.checksum(in: try log.firstBlock(of: segment).declarations) == nil
    }
}
