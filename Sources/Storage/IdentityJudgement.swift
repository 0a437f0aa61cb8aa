import Transactions

extension IdentityIndex {
    /// What came of judging.
    public struct Judgement {
        /// Records that are new.
        public var acceptedCount = 0
        /// Batches that were left aside, by their place among the batches, and what could not be read that they have to be
        /// compared with.
        public var unconfirmed: [Int: any Error] = [:]

        /// Of nothing.
        public init() {}
    }

    /// Decides for each record whether it is new, and moves the new ones together at the start of the buffer.
    ///
    /// - Parameters:
    ///   - records: in order of arrival; afterwards the accepted ones lie at the start, in order, and the rest is undefined.
    ///   - batches: the places of the batches among the records, in order and without gaps. When a record of a batch cannot be
    ///     decided on, because of damage, the whole batch is `.unconfirmed` and nothing of it is entered; the others go on.
    ///   - firstSequence: what the first accepted record gets.
    ///   - verdicts: one for each record; those that are not `.accepted` at the call are left as they are, the others decided.
    /// - Complexity: linear, plus one read of the log for all hits together.
    public func judge(
        _ records: UnsafeMutableBufferPointer<Record>, batches: [Range<Int>], firstSequence: UInt64,
        verdicts: UnsafeMutableBufferPointer<Verdict>, source: some RecordSource
    ) throws -> Judgement {
        precondition(records.count <= capacity && verdicts.count == records.count)
        readBackCount = 0
        var judgement = Judgement()
        var next = 0
        while next < batches.count {
            let first = next
            let start = batches[first].lowerBound
            repeat {
                next += 1
            } while next < batches.count
                && batches[next].upperBound - start <= IdentityIndex.groupCount
            let group = start..<batches[next - 1].upperBound
            let acceptedBefore = judgement.acceptedCount
            let runs = takeFingerprints(group, of: records.baseAddress!, UnsafeBufferPointer(verdicts))
            let files = try lookIntoFiles(runs, UnsafeBufferPointer(verdicts))
            let isDecided = try judgeAtOnce(
                group, runs, files, of: records, firstSequence: firstSequence, &judgement, verdicts: verdicts,
                source: source)
            if !isDecided {
                try judgeCarefully(
                    group, runs, files, of: records, first..<next, of: batches, firstSequence: firstSequence,
                    &judgement,
                    verdicts: verdicts, source: source)
            }
            let accepted = UnsafeBufferPointer(records)[acceptedBefore..<judgement.acceptedCount]
            digests.append(
                UnsafeBufferPointer(rebasing: accepted), firstSequence: firstSequence + UInt64(acceptedBefore))
        }
        return judgement
    }

    /// So few records at a time that what was looked up ahead is still in the processor's near caches when it is decided on.
    private static let groupCount = 2048

    /// Records behind each other on one date, and those between them that were rejected already.
    struct Run {
        var range: Range<Int>
        let date: IdentityDate
    }

    private func takeFingerprints(
        _ group: Range<Int>, of records: UnsafePointer<Record>, _ verdicts: UnsafeBufferPointer<Verdict>
    ) -> [Run] {
        let (fingerprints, key) = (fingerprints, key)
        var runs: [Run] = []
        var index = group.lowerBound
        while index < group.upperBound {
            guard verdicts[index] == .accepted else {
                index += 1
                continue
            }
            let start = index
            let date = date(records[start].utcDay)
            let times = date.times
            repeat {
                fingerprints[index] = Fingerprint(records[index], key: key)
                index += 1
            } while index < group.upperBound
                && (times.contains(records[index].timeMicroseconds) || verdicts[index] != .accepted)
            runs.append(Run(range: start..<index, date: date))
        }
        return runs
    }

    /// Everything that the files of the records' dates have with their fingerprints.
    private func lookIntoFiles(_ runs: [Run], _ verdicts: UnsafeBufferPointer<Verdict>) throws -> FileHits {
        var hits = FileHits()
        guard hasFiles else { return hits }
        for run in runs where !run.date.files.isEmpty {
            let start = hits.found.count
            for file in run.date.files { try file.find(fingerprints, of: run.range, into: &hits) }
            if run.date.files.count > 1 { hits.found[start...].sort { $0.index < $1.index } }
        }
        hits.failures.removeAll { verdicts[$0.index] != .accepted }
        return hits
    }
}

extension Record {
    static let microsecondsPerDay: Int64 = 86_400_000_000

    /// What this record is when the ledger has `other`; nil when they have different identities.
    func verdict(against other: Record) -> Verdict? {
        guard other.hasSameIdentity(as: self) else { return nil }
        return firstDifference(from: other).map { Verdict(Fault($0, .conflict)) } ?? .duplicate
    }
}
