/// Goes through the blocks of a log at its owner's pace, forwards or backwards.
///
/// The segments are those that there were when it was made: one that is replaced meanwhile is read to its end all the same.
public struct LogCursor {
    private let log: Log
    private let sequences: Range<UInt64>
    private let isDescending: Bool
    private let pass: (DamagedStretch) throws -> Void
    /// In the order in which they are still to be visited, the next one last.
    private var segments: [LogSegment]
    private var segment: LogSegment?
    /// What no segment holds.
    private var missing: DamagedStretch?
    private var blocks: ArraySlice<BlockEntry> = []

    /// - Parameters:
    ///   - sequences: blocks with none of these are passed over.
    ///   - pass: told, once the segment is reached, of what cannot be read and may hold one of them; throws unless it can be
    ///     passed over.
    public init(
        _ log: Log, sequences: Range<UInt64>, isDescending: Bool = false,
        damage pass: @escaping (DamagedStretch) throws -> Void = { throw $0.error }
    ) {
        (self.log, self.sequences, self.isDescending, self.pass) = (log, sequences, isDescending, pass)
        let all = log.segments
        missing = log.missingStart(all).flatMap { $0.sequences.overlaps(sequences) ? $0 : nil }
        let first = partitionPoint(all.count) { all[$0].firstSequence <= sequences.lowerBound }
        let end = partitionPoint(all.count) { all[$0].firstSequence < sequences.upperBound }
        let wanted = sequences.isEmpty ? [] : all[max(0, first - 1)..<max(end, max(0, first - 1))]
        segments = isDescending ? Array(wanted) : wanted.reversed()
    }

    /// The next block with a record that is wanted; nil when there is none.
    public mutating func next() throws -> (segment: LogSegment, entry: BlockEntry)? {
        if let stretch = missing {
            missing = nil
            try pass(stretch)
        }
        while true {
            if let entry = isDescending ? blocks.popLast() : blocks.popFirst() {
                return (segment!, entry)
            }
            guard let following = segments.popLast() else { return nil }
            segment = following
            let listing = try log.listing(of: following)
            for stretch in listing.damage where stretch.sequences.overlaps(sequences) { try pass(stretch) }
            let (lower, upper) = (sequences.lowerBound, sequences.upperBound)
            blocks =
                listing.blocks.filter {
                    $0.recordCount > 0 && $0.endSequence > lower && $0.firstSequence < upper
                }[...]
        }
    }
}
