import Columns
import Transactions

/// The way to judge nearly all records: many at a time.
extension IdentityIndex {
    /// Judges a group in one pass over the tables, when it can: each record whose fingerprint neither a file nor a table has is
    /// new and entered by the same look-up, the others are put off and confirmed together.
    ///
    /// **Why it is exact.** A record that is put off meets an entry with its own fingerprint, and so does every later record
    /// of its identity: none of these is entered before it is decided. As long as all that were put off turn out to be known,
    /// the sequences that the others got are theirs. When one turns out to be new, which takes a chance agreement of 42 bits,
    /// nothing was moved yet and the group is judged anew, carefully; entries that it made meanwhile are among those that point
    /// to another record or nowhere, which every look-up allows for.
    ///
    /// - Returns: false when the group has to be judged carefully; verdicts and records are as they were then.
    func judgeAtOnce(
        _ group: Range<Int>, _ runs: [Run], _ files: FileHits, of records: UnsafeMutableBufferPointer<Record>,
        firstSequence: UInt64, _ judgement: inout Judgement, verdicts: UnsafeMutableBufferPointer<Verdict>,
        source: some RecordSource
    ) throws -> Bool {
        guard files.failures.isEmpty else { return false }
        let base = UnsafePointer(records.baseAddress!)
        let entered = enterNew(
            runs, files, tableBase: firstSequence - 1, nextSequence: firstSequence + UInt64(judgement.acceptedCount),
            UnsafeBufferPointer(verdicts))
        let isDecided = try decide(
            entered, files, of: base, firstSequence: firstSequence, acceptedBefore: judgement.acceptedCount,
            verdicts: verdicts, source: source)
        guard isDecided else { return false }
        judgement.acceptedCount = closeUp(
            group, of: records, acceptedCount: judgement.acceptedCount, verdicts: UnsafeBufferPointer(verdicts))
        return true
    }

    /// A record of a group that met an entry with its fingerprint.
    struct PutOff: BitwiseCopyable {
        /// Where the record lies.
        var index: Int
        /// Of the first such entry.
        var sequence: UInt64
    }

    /// What one pass over a group leaves behind.
    private struct Entered {
        let accepted: UnsafeMutablePointer<Int32>
        let putOff: UnsafeMutablePointer<PutOff>
        let digests: ContentDigests
        let tableBase: UInt64
        /// What the first record that is entered gets.
        let firstSequence: UInt64
        /// Records of the group that were entered; `accepted` tells which.
        var count = 0
        /// Those that were put off; `putOff` tells which.
        var putOffCount = 0
        /// Of the hits in files, the next that was not passed.
        var nextFileHit = 0

        var nextSequence: UInt64 { firstSequence &+ UInt64(truncatingIfNeeded: count) }

        /// The record of the group that has a sequence, if it came before.
        func record(_ sequence: UInt64, before index: Int, of records: UnsafePointer<Record>) -> Record? {
            guard sequence - firstSequence < UInt64(count) else { return nil }
            let other = Int(accepted[Int(sequence - firstSequence)])
            return other < index ? records[other] : nil
        }

        @inline(__always)
        mutating func accept(_ index: Int) {
            accepted[count] = Int32(truncatingIfNeeded: index)
            count &+= 1
        }

        @inline(__always)
        mutating func putOff(_ index: Int, _ sequence: UInt64) {
            digests.prefetch(sequence)
            putOff[putOffCount] = PutOff(index: index, sequence: sequence)
            putOffCount &+= 1
        }

        /// Puts a record off when a file has its fingerprint. Asked for records in order.
        @inline(__always)
        mutating func putOff(_ index: Int, ifIn files: FileHits) -> Bool {
            while nextFileHit < files.found.count, files.found[nextFileHit].index <= index {
                let hit = files.found[nextFileHit]
                nextFileHit &+= 1
                if hit.index == index {
                    putOff(index, hit.sequence)
                    return true
                }
            }
            return false
        }
    }

    /// Enters the records of a group that nothing has yet, with sequences from `nextSequence` on.
    /// - Parameter tableBase: lies below what comes, also after this commit was refused.
    private func enterNew(
        _ runs: [Run], _ files: FileHits, tableBase: UInt64, nextSequence: UInt64,
        _ verdicts: UnsafeBufferPointer<Verdict>
    ) -> Entered {
        var entered = Entered(
            accepted: accepted, putOff: putOff, digests: digests, tableBase: tableBase, firstSequence: nextSequence)
        for run in runs {
            let rest = enterInFew(run, files, into: &entered, verdicts)
            if !rest.isEmpty, let table = run.date.table { enter(rest, files, in: table, into: &entered, verdicts) }
        }
        return entered
    }

    /// Enters records of a date as long as it has few identities.
    /// - Returns: the records that are left.
    private func enterInFew(
        _ run: Run, _ files: FileHits, into entered: inout Entered, _ verdicts: UnsafeBufferPointer<Verdict>
    ) -> Range<Int> {
        var index = run.range.lowerBound
        while index < run.range.upperBound, run.date.table?.hasPartitions != true {
            defer { index += 1 }
            guard verdicts[index] == .accepted, !entered.putOff(index, ifIn: files) else { continue }
            var met: UInt64?
            _ = run.date.table?.find(fingerprints[index]) { sequence in
                met = sequence
                return true
            }
            if let met {
                entered.putOff(index, met)
            } else {
                byteCount += run.date.insert(
                    fingerprints[index], sequence: entered.nextSequence, base: entered.tableBase)
                entered.accept(index)
            }
        }
        return index..<run.range.upperBound
    }

    private func enter(
        _ range: Range<Int>, _ files: FileHits, in table: IdentityTable, into entered: inout Entered,
        _ verdicts: UnsafeBufferPointer<Verdict>
    ) {
        guard var slots = table.slots else { return }
        let fingerprints = fingerprints
        let hasFileHits = !files.found.isEmpty
        for index in range.lowerBound..<range.upperBound + IdentityIndex.lookAhead {
            if index < range.upperBound { slots.prefetch(fingerprints[index]) }
            let behind = index - IdentityIndex.lookAhead
            guard behind >= range.lowerBound, verdicts[behind] == .accepted else { continue }
            if hasFileHits, entered.putOff(behind, ifIn: files) { continue }
            if let met = slots.enter(fingerprints[behind], sequence: entered.nextSequence) {
                entered.putOff(behind, met)
            } else {
                entered.accept(behind)
            }
        }
        byteCount += table.adopt(slots)
    }

    /// Gives the records that were put off their verdicts: nearly all of them by a digest, the others by comparing.
    /// - Returns: false when one is new, or cannot be compared because of damage; the verdicts are as they were then.
    private func decide(
        _ entered: Entered, _ files: FileHits, of records: UnsafePointer<Record>, firstSequence: UInt64,
        acceptedBefore: Int, verdicts: UnsafeMutableBufferPointer<Verdict>, source: some RecordSource
    ) throws -> Bool {
        let putOff = UnsafeBufferPointer(start: putOff, count: entered.putOffCount)
        // What earlier groups of this commit were given has its digests already.
        let endOfDigests = firstSequence + UInt64(acceptedBefore)
        var undecided: [Int] = []
        for each in putOff {
            if each.sequence < endOfDigests {
                if digests.agrees(records + each.index, at: each.sequence) {
                    verdicts[each.index] = .duplicate
                    continue
                }
            } else if let other = entered.record(each.sequence, before: each.index, of: records),
                let verdict = records[each.index].verdict(against: other)
            {
                verdicts[each.index] = verdict
                continue
            }
            undecided.append(each.index)
        }
        if undecided.isEmpty { return true }
        let known = try compare(
            undecided, entered, files, of: records, firstSequence: firstSequence, acceptedBefore: acceptedBefore,
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
        _ undecided: [Int], _ entered: Entered, _ files: FileHits, of records: UnsafePointer<Record>,
        firstSequence: UInt64, acceptedBefore: Int, source: some RecordSource
    ) throws -> [Verdict]? {
        /// The record of this commit that has a sequence; a refused commit leaves entries that point nowhere.
        func recordOfCommit(_ sequence: UInt64, before index: Int) -> Record? {
            let place = Int(sequence - firstSequence)
            return place < acceptedBefore ? records[place] : entered.record(sequence, before: index, of: records)
        }
        var known = [Verdict](repeating: .accepted, count: undecided.count)
        var unread: [Unread] = []
        for (place, index) in undecided.enumerated() {
            func isKnown(_ sequence: UInt64) -> Bool {
                if sequence < firstSequence, digests.agrees(records + index, at: sequence) {
                    known[place] = .duplicate
                    return true
                }
                let other =
                    sequence >= firstSequence
                    ? recordOfCommit(sequence, before: index) : source.recordInMemory(sequence)
                if other == nil, sequence < firstSequence { unread.append(Unread(place: place, sequence: sequence)) }
                guard let other, let verdict = records[index].verdict(against: other) else { return false }
                known[place] = verdict
                return true
            }
            if files.sequences(ofRecord: index).contains(where: { isKnown($0.sequence) }) { continue }
            _ = date(records[index].utcDay).table?.find(fingerprints[index], isKnown)
        }
        unread.removeAll { known[$0.place] != .accepted }
        for columns in [ColumnSet.deciding, .all] {
            // Where a digest differs, nearly always a field does that is among the first.
            let wanted = unread.lazy.map(\.sequence).filter { columns == .all || self.digests.knows($0) }
            if wanted.isEmpty { continue }
            var confirmations = Confirmations()
            guard try read(Array(wanted), columns, into: &confirmations, from: source).isEmpty else { return nil }
            unread.removeAll { hit in
                if known[hit.place] != .accepted { return true }
                guard let other = confirmations.record(hit.sequence) else { return false }
                guard let verdict = records[undecided[hit.place]].verdict(against: other) else { return true }
                if columns == .all || verdict.isDecided { known[hit.place] = verdict }
                return known[hit.place] != .accepted
            }
        }
        return known.contains(.accepted) ? nil : known
    }

    /// A hit whose record has to be read, of the record at a place among the undecided.
    private struct Unread {
        var place: Int
        var sequence: UInt64
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

extension ColumnSet {
    /// What an identity is made of, and the first fields in which two records of one identity can differ.
    fileprivate static let deciding = ColumnSet.identities.union(ColumnSet(.amount))
}

extension Verdict {
    /// True when it does not depend on fields that are not among the deciding.
    fileprivate var isDecided: Bool { fault?.field == .time || fault?.field == .amount }
}
