import Transactions

/// Adds the amounts, durations and moments of records to the collections of their groups: what a `ColumnCounter` does besides,
/// where percentiles, deviations or peaks are asked.
struct SampleCounter {
    private let finder: GroupFinder
    private let amountOffset: Int?
    private let durationOffset: Int?
    private let secondOffset: Int?
    /// By number of the contribution: whether its amount and duration settle, and whether it is an attempt.
    private let settles: [Bool]
    private let isAttempt: [Bool]

    /// Nil where the question asks none of these.
    init?(_ finder: GroupFinder) {
        self.finder = finder
        let collections = finder.collections
        amountOffset = collections.offset(of: .amounts)
        durationOffset = collections.offset(of: .durations)
        secondOffset = collections.offset(of: .seconds)
        guard amountOffset != nil || durationOffset != nil || secondOffset != nil else { return nil }
        let contributions = ContributionTable.shared.distinct
        settles = contributions.map(\.settles)
        isAttempt = contributions.map { $0.counts.contains(.attempts) }
    }

    /// True when the moments of records are needed.
    var needsTimes: Bool { secondOffset != nil }

    /// Adds a block's records, whose cells are found.
    /// - Parameters:
    ///   - times: the column, where it is needed.
    ///   - rows: where the column has the block's records.
    func count(_ block: RecordBlock, times: UnsafePointer<UInt64>?, rows: UnsafePointer<Int32>) {
        let collections = finder.collections
        let (distributions, seconds) = (collections.distributions, collections.seconds)
        for row in 0..<block.count {
            let contribution = Int(block.contributions[row])
            let (settles, isAttempt) = (settles[contribution], isAttempt[contribution])
            guard settles || isAttempt else { continue }
            guard let group = finder.group(of: block.cells[row].unsafelyUnwrapped, day: block.day) else { continue }
            if settles, let amountOffset {
                distributions.add(UInt64(bitPattern: block.amounts[row]), to: group + amountOffset)
            }
            if settles, let durationOffset, block.durations[row] >= 0 {
                distributions.add(UInt64(bitPattern: block.durations[row]), to: group + durationOffset)
            }
            if isAttempt, let secondOffset, let times {
                let microseconds = Int64(bitPattern: times[Int(rows[row])] ^ 1 << 63)
                seconds.add(1, at: floorDivision(microseconds, 1_000_000), to: group + secondOffset)
            }
        }
    }
}
