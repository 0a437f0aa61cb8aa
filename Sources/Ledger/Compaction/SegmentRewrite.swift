import Columns
import Storage
import Transactions

/// Writes a sealed segment anew, in full blocks, and puts it in the old one's place.
///
/// Everything that is read is checked on the way: the old file block by block, then that the next segment follows it, then
/// the new file as it is read back, whose content must be the same. Only then does it get the segment's name. So damage is
/// never copied, and a crash at any step leaves the old file or the new one.
struct SegmentRewrite {
    let log: Log
    let segment: LogSegment
    let next: LogSegment
    /// Records of a full block.
    let blockRecordCount: Int

    /// - Parameter pace: called after each block with the sequence that follows it; waits as long as others need the machine,
    ///   or throws to give up.
    /// - Returns: the bytes that were saved; nil when the new file would not be smaller, and the old one stays.
    /// - Throws: `LogError` when what was read is damaged, `StorageError`, and what `pace` throws.
    func run(pace: (UInt64) throws -> Void) throws -> Int? {
        let first = try log.firstBlock(of: segment).header
        let following = try log.firstBlock(of: next).header
        let chain = try ChainHasher(from: first, in: segment, upTo: segment.firstSequence, of: log)
        let old = log.walk(segment)
        let draft = try SegmentDraft(
            of: segment, sequences: old.sequences, previousChecksum: first.preface.previousChecksum, in: log)
        do {
            let merger = BlockMerger(
                into: draft, firstSequence: segment.firstSequence, endChecksum: following.preface.previousChecksum,
                chain: chain, blockRecordCount: blockRecordCount)
            let decoder = BlockDecoder()
            let content = try SegmentContent(reading: old, after: chain, with: decoder) { block in
                try merger.add(block)
                try pace(block.header.nextSequence)
            }
            try merger.finish()
            try content.check(isFollowedBy: following, in: next)
            let savedByteCount = try log.byteCount(of: segment) - draft.byteCount
            guard savedByteCount > 0 else {
                draft.discard()
                return nil
            }
            try draft.synchronise()
            let written = try SegmentContent(reading: draft.walk, after: chain, with: decoder) {
                try pace($0.header.nextSequence)
            }
            guard written == content else { throw CompactionError.readBackDiffers(path: draft.path) }
            try log.replace(segment, by: draft)
            return savedByteCount
        } catch {
            draft.discard()
            throw error
        }
    }
}

/// Why a segment was not compacted though nothing of it is damaged.
enum CompactionError: Error, CustomStringConvertible {
    /// What was written is not what was read back.
    case readBackDiffers(path: String)
    /// It was asked to end.
    case stopped

    var description: String {
        switch self {
        case .readBackDiffers(let path): "\(path) does not hold what was written to it"
        case .stopped: "compaction was stopped"
        }
    }
}
