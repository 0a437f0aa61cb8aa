import Transactions

/// The way to judge that takes everything into account: dates whose identities are in files, dates with few, records of which
/// a chance hit of the table has to be told from a true one, and damage.
extension IdentityIndex {
    /// Judges a group one record after the other.
    /// - Parameter judgement: what came of earlier groups, and then of this one too.
    func judgeCarefully(
        _ group: Range<Int>, of records: UnsafeMutableBufferPointer<Record>, _ groupBatches: Range<Int>,
        of batches: [Range<Int>], firstSequence: UInt64, _ judgement: inout Judgement,
        verdicts: UnsafeMutableBufferPointer<Verdict>, source: some RecordSource
    ) throws {
        let base = records.baseAddress!
        var acceptedCount = judgement.acceptedCount
        let confirmations = try gatherConfirmations(
            UnsafeBufferPointer(records), group, firstSequence: firstSequence, verdicts: UnsafeBufferPointer(verdicts),
            source: source)
        for (index, error) in confirmations.failures {
            let batch = groupBatches.first { batches[$0].contains(index) }!
            judgement.unconfirmed[batch] = error
            for place in batches[batch] { verdicts[place] = .unconfirmed }
        }
        var date = IdentityDate(day: .min)
        for index in group where verdicts[index] == .accepted {
            let record = base[index]
            if record.utcDay != date.day { date = self.date(record.utcDay) }
            let fingerprint = fingerprints[index]
            var verdict = Verdict.accepted
            func confirm(_ other: Record) -> Bool {
                guard let found = record.verdict(against: other) else { return false }
                verdict = found
                return true
            }
            let isKnown = date.table?.find(fingerprint) { sequence in
                if sequence >= firstSequence {
                    // A refused commit leaves entries of sequences that were never given: they point nowhere.
                    let place = Int(sequence - firstSequence)
                    return place < acceptedCount && confirm(base[place])
                }
                if digests.agrees(base + index, at: sequence) {
                    verdict = .duplicate
                    return true
                }
                return confirmations.record(sequence, source).map(confirm) ?? false
            }
            if isKnown != true, !date.files.isEmpty {
                _ = confirmations.fileHits(ofRecord: index).contains { hit in
                    if digests.agrees(base + index, at: hit.sequence) {
                        verdict = .duplicate
                        return true
                    }
                    return confirmations.record(hit.sequence, source).map(confirm) ?? false
                }
            }
            verdicts[index] = verdict
            guard verdict == .accepted else { continue }
            byteCount += date.insert(fingerprint, sequence: firstSequence + UInt64(acceptedCount))
            // In place: an accepted record's new slot is its old one or lies before it.
            base[acceptedCount] = record
            acceptedCount += 1
        }
        judgement.acceptedCount = acceptedCount
    }

    /// Looks every record up once, ahead: fills the processor's caches, and finds which records of the log are needed, to read
    /// them together.
    private func gatherConfirmations(
        _ records: UnsafeBufferPointer<Record>, _ group: Range<Int>, firstSequence: UInt64,
        verdicts: UnsafeBufferPointer<Verdict>, source: some RecordSource
    ) throws -> Confirmations {
        var result = Confirmations()
        var wanted: [UInt64] = []
        var found: [UInt64] = []
        var date = IdentityDate(day: .min)
        for index in group.lowerBound..<group.upperBound + IdentityIndex.lookAhead {
            if index < group.upperBound {
                fingerprints[index] = Fingerprint(records[index], key: key)
                // Most batches lie on one date, so the prefetch goes to the date of the record before.
                date.table?.prefetch(fingerprints[index])
            }
            let behind = index - IdentityIndex.lookAhead
            guard behind >= group.lowerBound, verdicts[behind] == .accepted else { continue }
            if records[behind].utcDay != date.day { date = self.date(records[behind].utcDay) }
            _ = date.table?.find(fingerprints[behind]) { sequence in
                if sequence < firstSequence, source.recordInMemory(sequence) == nil,
                    !digests.agrees(records.baseAddress! + behind, at: sequence)
                {
                    wanted.append(sequence)
                }
                return false
            }
            if date.files.isEmpty { continue }
            found.removeAll(keepingCapacity: true)
            do {
                try date.findInFiles(fingerprints[behind], into: &found)
            } catch let error as StorageError where error.isOutOfDescriptors {
                throw error
            } catch {
                result.failures.append((behind, error))
                continue
            }
            for sequence in found {
                result.fileHits.append((behind, sequence))
                if source.recordInMemory(sequence) == nil, !digests.agrees(records.baseAddress! + behind, at: sequence)
                {
                    wanted.append(sequence)
                }
            }
        }
        if wanted.isEmpty { return result }
        let damaged = try read(wanted, into: &result, from: source)
        guard !damaged.isEmpty else { return result }
        let hits = result.fileHits
        for index in group where verdicts[index] == .accepted {
            func cannotBeCompared(with sequence: UInt64, in stretch: Range<UInt64>) -> Bool {
                stretch.contains(sequence) && !digests.agrees(records.baseAddress! + index, at: sequence)
            }
            let error = damaged.first { stretch in
                hits.contains { $0.index == index && cannotBeCompared(with: $0.sequence, in: stretch.sequences) }
                    || self.date(records[index].utcDay).table?.find(fingerprints[index]) {
                        cannotBeCompared(with: $0, in: stretch.sequences)
                    } == true
            }
            if let error { result.failures.append((index, error.error)) }
        }
        return result
    }

    /// Reads the records with the sequences that are wanted, each once, and leaves out those that are damaged.
    /// - Returns: the damage.
    func read(
        _ wanted: [UInt64], into confirmations: inout Confirmations, from source: some RecordSource
    ) throws -> [(sequences: Range<UInt64>, error: LogError)] {
        for sequence in wanted.sorted() where confirmations.sequences.last != sequence {
            confirmations.sequences.append(sequence)
        }
        defer { readBackCount += confirmations.sequences.count }
        var damaged: [(sequences: Range<UInt64>, error: LogError)] = []
        while true {
            do {
                confirmations.records = try source.records(at: confirmations.sequences)
                return damaged
            } catch let error as LogError {
                let count = confirmations.sequences.count
                guard let sequences = error.sequences else { throw error }
                confirmations.sequences.removeAll(where: sequences.contains)
                if confirmations.sequences.count == count { throw error }
                damaged.append((sequences, error))
            }
        }
    }

    static let lookAhead = 12

    /// The records of the log that the hits of a batch point to.
    struct Confirmations {
        var sequences: [UInt64] = []
        var records: [Record] = []
        /// Records that cannot be decided on, and why.
        var failures: [(index: Int, error: any Error)] = []
        /// Hits in files, by the index of the record.
        var fileHits: [(index: Int, sequence: UInt64)] = []

        func record(_ sequence: UInt64, _ source: some RecordSource) -> Record? {
            let position = partitionPoint(sequences.count) { sequences[$0] < sequence }
            if position < sequences.count, sequences[position] == sequence { return records[position] }
            return source.recordInMemory(sequence)
        }

        func fileHits(ofRecord index: Int) -> ArraySlice<(index: Int, sequence: UInt64)> {
            let start = partitionPoint(fileHits.count) { fileHits[$0].index < index }
            return fileHits[start...].prefix { $0.index == index }
        }
    }
}
