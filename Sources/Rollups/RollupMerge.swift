import Transactions

extension RollupChunk {
    /// Adds up chunks of the same rollup and day, given in the order of their sequences.
    ///
    /// There may be gaps between the ranges: a checkpoint leaves no chunk for a day on which it counted nothing.
    /// Chunks are merged two by two, so k of them with n cells in all take n log k steps.
    /// - Throws: `notMergeable` when there are none, when they differ in rollup or day, or when ranges of
    ///   sequences overlap.
    public static func merge(_ chunks: [RollupChunk]) throws(RollupError) -> RollupChunk {
        guard var first = chunks.first else { throw .notMergeable("there are none") }
        for next in chunks.dropFirst() {
            guard next.rollup == first.rollup, next.day == first.day else {
                throw .notMergeable("\(first.rollup.name) of \(first.day) and \(next.rollup.name) of \(next.day)")
            }
            guard next.sequences.lowerBound > first.sequences.upperBound else {
                throw .notMergeable("sequence \(next.sequences.lowerBound) is in more than one")
            }
            first = next
        }
        var round = chunks
        while round.count > 1 {
            round = stride(from: 0, to: round.count, by: 2).map { place in
                place + 1 < round.count ? round[place].merged(with: round[place + 1]) : round[place]
            }
        }
        return round[0]
    }

    /// Adds up chunks of one rollup on several days to one that says that it is of this one's day.
    /// - Throws: `notMergeable` when they are of different rollups.
    public func summed(with other: RollupChunk) throws(RollupError) -> RollupChunk {
        guard rollup == other.rollup else { throw .notMergeable("\(rollup.name) and \(other.rollup.name)") }
        return merged(with: other)
    }

    /// The same cells as those of another day.
    func moved(to day: CalendarDay) -> RollupChunk {
        RollupChunk(rollup: rollup, day: day, sequences: sequences, keys: keys, columns: columns)
    }

    func merged(with other: RollupChunk) -> RollupChunk {
        let pairs = matchingRows(other)
        var keys: [UInt128] = []
        keys.reserveCapacity(pairs.count)
        for (mine, theirs) in pairs { keys.append(mine >= 0 ? self.keys[mine] : other.keys[theirs]) }
        var columns: [[UInt64]] = []
        for measure in rollup.measures {
            let first = columns.count
            columns += measure.form.merged(
                Array(self.columns[first..<first + measure.columnCount]),
                Array(other.columns[first..<first + measure.columnCount]), pairs)
        }
        return RollupChunk(
            rollup: rollup, day: day,
            sequences: min(
                sequences.lowerBound, other.sequences.lowerBound)...max(
                    sequences.upperBound, other.sequences.upperBound),
            keys: keys, columns: columns)
    }

    /// The rows of both chunks in the order of keys, those with the same key together; -1 where a chunk has none.
    private func matchingRows(_ other: RollupChunk) -> [(mine: Int, theirs: Int)] {
        var pairs: [(mine: Int, theirs: Int)] = []
        pairs.reserveCapacity(max(count, other.count))
        var (mine, theirs) = (0, 0)
        while mine < count || theirs < other.count {
            if theirs == other.count || (mine < count && keys[mine] < other.keys[theirs]) {
                pairs.append((mine, -1))
                mine += 1
            } else if mine == count || other.keys[theirs] < keys[mine] {
                pairs.append((-1, theirs))
                theirs += 1
            } else {
                pairs.append((mine, theirs))
                mine += 1
                theirs += 1
            }
        }
        return pairs
    }
}

extension Measure.Form {
    /// The columns of one measure after a merge of two chunks.
    fileprivate func merged(
        _ mine: [[UInt64]], _ theirs: [[UInt64]], _ pairs: [(mine: Int, theirs: Int)]
    ) -> [[UInt64]] {
        switch self {
        case .count: [merged(mine[0], theirs[0], pairs, 0, &+)]
        case .smallest: [merged(mine[0], theirs[0], pairs, .max, min)]
        case .largest: [merged(mine[0], theirs[0], pairs, .max) { $0 &+ 1 > $1 &+ 1 ? $0 : $1 }]
        case .sum: mergedSums(mine, theirs, pairs)
        case .collected: preconditionFailure("no rollup holds what is collected")
        }
    }

    @inline(__always)
    private func merged(
        _ mine: [UInt64], _ theirs: [UInt64], _ pairs: [(mine: Int, theirs: Int)], _ none: UInt64,
        _ combine: (UInt64, UInt64) -> UInt64
    ) -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: pairs.count) { column, count in
            for pair in pairs {
                column[count] = combine(
                    pair.mine < 0 ? none : mine[pair.mine], pair.theirs < 0 ? none : theirs[pair.theirs])
                count += 1
            }
        }
    }

    private func mergedSums(
        _ mine: [[UInt64]], _ theirs: [[UInt64]], _ pairs: [(mine: Int, theirs: Int)]
    ) -> [[UInt64]] {
        var (low, high): ([UInt64], [UInt64]) = ([], [])
        low.reserveCapacity(pairs.count)
        high.reserveCapacity(pairs.count)
        for pair in pairs {
            let (a, b) = (pair.mine, pair.theirs)
            let (sum, carries) = (a < 0 ? 0 : mine[0][a]).addingReportingOverflow(b < 0 ? 0 : theirs[0][b])
            low.append(sum)
            high.append((a < 0 ? 0 : mine[1][a]) &+ (b < 0 ? 0 : theirs[1][b]) &+ (carries ? 1 : 0))
        }
        return [low, high]
    }
}
