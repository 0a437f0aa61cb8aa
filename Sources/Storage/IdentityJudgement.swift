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
            let isDecided = try judgeAtOnce(
                group, of: records, firstSequence: firstSequence, &judgement, verdicts: verdicts, source: source)
            if !isDecided {
                try judgeCarefully(
                    group, of: records, first..<next, of: batches, firstSequence: firstSequence, &judgement,
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

    /// Judges a group in one pass over the tables, when it can: each record whose fingerprint a table does not have is new and
    /// entered by the same look-up, the others are put off and confirmed together.
    ///
    /// **Why it is exact.** A record that is put off meets an entry with its own fingerprint, and so does every later record
    /// of its identity: none of these is entered before it is decided. As long as all that were put off turn out to be known,
    /// the sequences that the others got are theirs. When one turns out to be new, which takes a chance agreement of 42 bits,
    /// nothing was moved yet and the group is judged anew, carefully; entries that it made meanwhile are among those that point
    /// to another record or nowhere, which every look-up allows for.
    ///
    /// - Returns: false when the group has to be judged carefully; verdicts and records are as they were then.
    private func judgeAtOnce(
        _ group: Range<Int>, of records: UnsafeMutableBufferPointer<Record>, firstSequence: UInt64,
        _ judgement: inout Judgement, verdicts: UnsafeMutableBufferPointer<Verdict>, source: some RecordSource
    ) throws -> Bool {
        let base = UnsafePointer(records.baseAddress!)
        let nextSequence = firstSequence + UInt64(judgement.acceptedCount)
        guard
            let entered = enterNew(group, of: base, nextSequence: nextSequence, verdicts: UnsafeBufferPointer(verdicts))
        else { return false }
        let isDecided = try decide(
            entered, of: base, firstSequence: firstSequence, acceptedBefore: judgement.acceptedCount,
            verdicts: verdicts, source: source)
        guard isDecided else { return false }
        judgement.acceptedCount = closeUp(
            group, of: records, acceptedCount: judgement.acceptedCount, verdicts: UnsafeBufferPointer(verdicts))
        return true
    }

    /// What one pass over a group left behind.
    private struct Entered {
        /// Records of the group that were entered; `accepted` tells which.
        var count = 0
        /// Those that were put off; `putOff` tells which.
        var putOffCount = 0
    }

    /// A record of a group that met an entry with its fingerprint.
    struct PutOff: BitwiseCopyable {
        /// Where the record lies.
        var index: Int
        /// Of the first such entry.
        var sequence: UInt64
    }

    /// Enters the records of a group that no table has yet, with sequences from `nextSequence` on.
    /// - Returns: nil when a record's date has files, or so few identities that it has no partitions.
    private func enterNew(
        _ group: Range<Int>, of records: UnsafePointer<Record>, nextSequence: UInt64,
        verdicts: UnsafeBufferPointer<Verdict>
    ) -> Entered? {
        let (fingerprints, accepted, putOff, key, digests) = (fingerprints, accepted, putOff, key, digests)
        var entered = Entered()
        guard var run = run(on: records[group.lowerBound]) else { return nil }
        for index in group.lowerBound..<group.upperBound + IdentityIndex.lookAhead {
            if index < group.upperBound {
                let fingerprint = Fingerprint(records[index], key: key)
                fingerprints[index] = fingerprint
                run.slots.prefetch(fingerprint)
            }
            let behind = index - IdentityIndex.lookAhead
            guard behind >= group.lowerBound, verdicts[behind] == .accepted else { continue }
            if !run.times.contains(records[behind].timeMicroseconds) {
                byteCount += run.finish()
                guard let next = self.run(on: records[behind]) else { return nil }
                run = next
            }
            let sequence = nextSequence &+ UInt64(entered.count)
            if let met = run.slots.enter(fingerprints[behind], sequence: sequence) {
                digests.prefetch(met)
                putOff[entered.putOffCount] = PutOff(index: behind, sequence: met)
                entered.putOffCount &+= 1
            } else {
                accepted[entered.count] = Int32(truncatingIfNeeded: behind)
                entered.count &+= 1
            }
        }
        byteCount += run.finish()
        return entered
    }

    private func run(on record: Record) -> IdentityRun? {
        let date = date(record.utcDay)
        return date.files.isEmpty ? IdentityRun(on: date) : nil
    }

    /// Gives the records that were put off their verdicts: nearly all of them by a digest, the others by comparing.
    /// - Returns: false when one is new, or cannot be compared because of damage; the verdicts are as they were then.
    private func decide(
        _ entered: Entered, of records: UnsafePointer<Record>, firstSequence: UInt64, acceptedBefore: Int,
        verdicts: UnsafeMutableBufferPointer<Verdict>, source: some RecordSource
    ) throws -> Bool {
        let putOff = UnsafeBufferPointer(start: putOff, count: entered.putOffCount)
        // What earlier groups of this commit were given has its digests already.
        let endOfDigests = firstSequence + UInt64(acceptedBefore)
        var undecided: [Int] = []
        for each in putOff {
            if each.sequence < endOfDigests, digests.agrees(records + each.index, at: each.sequence) {
                verdicts[each.index] = .duplicate
            } else {
                undecided.append(each.index)
            }
        }
        if undecided.isEmpty { return true }
        let known = try compare(
            undecided, entered, of: records, firstSequence: firstSequence, acceptedBefore: acceptedBefore,
            source: source)
        guard let known else {
            for each in putOff { verdicts[each.index] = .accepted }
            return false
        }
        for (index, verdict) in zip(undecided, known) { verdicts[index] = verdict }
        return true
    }

    /// Compares records with those that have their fingerprints.
    /// - Returns: what each of them is; nil when one is new, or cannot be compared because of damage.
    private func compare(
        _ undecided: [Int], _ entered: Entered, of records: UnsafePointer<Record>, firstSequence: UInt64,
        acceptedBefore: Int, source: some RecordSource
    ) throws -> [Verdict]? {
        /// The record of this commit that has a sequence; a refused commit leaves entries that point nowhere.
        func recordOfCommit(_ sequence: UInt64, before index: Int) -> Record? {
            let place = Int(sequence - firstSequence)
            if place < acceptedBefore { return records[place] }
            guard place - acceptedBefore < entered.count else { return nil }
            let other = Int(accepted[place - acceptedBefore])
            return other < index ? records[other] : nil
        }
        var confirmations = Confirmations()
        var wanted: [UInt64] = []
        var known = [Verdict](repeating: .accepted, count: undecided.count)
        func compare(_ place: Int, _ otherRecord: (UInt64) -> Record?) {
            let index = undecided[place]
            _ = date(records[index].utcDay).table?.find(fingerprints[index]) { sequence in
                if sequence < firstSequence, digests.agrees(records + index, at: sequence) {
                    known[place] = .duplicate
                    return true
                }
                let other =
                    sequence >= firstSequence ? recordOfCommit(sequence, before: index) : otherRecord(sequence)
                guard let other, let verdict = records[index].verdict(against: other) else { return false }
                known[place] = verdict
                return true
            }
        }
        for place in undecided.indices {
            compare(place) { sequence in
                let other = source.recordInMemory(sequence)
                if other == nil { wanted.append(sequence) }
                return other
            }
        }
        guard known.contains(.accepted) else { return known }
        guard try read(wanted, into: &confirmations, from: source).isEmpty else { return nil }
        for place in undecided.indices where known[place] == .accepted {
            compare(place) { confirmations.record($0, source) }
        }
        return known.contains(.accepted) ? nil : known
    }

    /// Moves the accepted records of a group to the end of those before it.
    /// - Returns: how many there are then.
    private func closeUp(
        _ group: Range<Int>, of records: UnsafeMutableBufferPointer<Record>, acceptedCount: Int,
        verdicts: UnsafeBufferPointer<Verdict>
    ) -> Int {
        let base = records.baseAddress!
        var end = acceptedCount
        var index = group.lowerBound
        while index < group.upperBound {
            guard verdicts[index] == .accepted else {
                index += 1
                continue
            }
            let start = index
            while index < group.upperBound, verdicts[index] == .accepted { index += 1 }
            if end != start { (base + end).update(from: base + start, count: index - start) }
            end += index - start
        }
        return end
    }
}

/// Records behind each other on one date, whose table has its partitions.
private struct IdentityRun {
    let times: Range<Int64>
    var slots: IdentitySlots
    private let table: IdentityTable

    /// Nil when the date has so few identities in memory that there are no partitions.
    init?(on date: IdentityDate) {
        guard let table = date.table, let slots = table.slots else { return nil }
        (times, self.slots, self.table) = (date.times, slots, table)
    }

    /// The table takes note of what was entered; the run is not used any more.
    /// - Returns: bytes by which memory has grown.
    func finish() -> Int { table.adopt(slots) }
}

extension Record {
    static let microsecondsPerDay: Int64 = 86_400_000_000

    /// What this record is when the ledger has `other`; nil when they have different identities.
    func verdict(against other: Record) -> Verdict? {
        guard other.hasSameIdentity(as: self) else { return nil }
        return firstDifference(from: other).map { Verdict(Fault($0, .conflict)) } ?? .duplicate
    }
}
