import Columns
import Transactions

/// The way to judge that takes everything into account: records of which a chance hit has to be told from a true one, and
/// damage.
extension IdentityIndex {
    /// Judges a group one record after the other.
    /// - Parameter judgement: what came of earlier groups, and then of this one too.
    func judgeCarefully(
        _ group: Range<Int>, _ runs: [Run], _ files: FileHits, of records: UnsafeMutableBufferPointer<Record>,
        _ groupBatches: Range<Int>, of batches: [Range<Int>], firstSequence: UInt64, _ judgement: inout Judgement,
        verdicts: UnsafeMutableBufferPointer<Verdict>, source: some RecordSource
    ) throws {
        let base = records.baseAddress!
        var acceptedCount = judgement.acceptedCount
        let confirmations = try gatherConfirmations(
            runs, files, of: base, firstSequence: firstSequence, verdicts: UnsafeBufferPointer(verdicts),
            source: source)
        for (index, error) in confirmations.failures {
            let batch = groupBatches.first { batches[$0].contains(index) }!
            judgement.unconfirmed[batch] = error
            for place in batches[batch] { verdicts[place] = .unconfirmed }
        }
        for run in runs {
            for index in run.range where verdicts[index] == .accepted {
                let record = base[index]
                var verdict = Verdict.accepted
                func confirm(_ other: Record?) -> Bool {
                    guard let other, let found = record.verdict(against: other) else { return false }
                    verdict = found
                    return true
                }
                func isKnown(_ sequence: UInt64) -> Bool {
                    if sequence >= firstSequence {
                        // A refused commit leaves entries of sequences that were never given: they point nowhere.
                        let place = Int(sequence - firstSequence)
                        return place < acceptedCount && confirm(base[place])
                    }
                    if digests.agrees(base + index, at: sequence) {
                        verdict = .duplicate
                        return true
                    }
                    return confirm(confirmations.record(sequence) ?? source.recordInMemory(sequence))
                }
                let isKnown =
                    run.date.table?.find(fingerprints[index], isKnown) == true
                    || files.sequences(ofRecord: index).contains { isKnown($0.sequence) }
                verdicts[index] = verdict
                if isKnown { continue }
                byteCount += run.date.insert(
                    fingerprints[index], sequence: firstSequence + UInt64(acceptedCount), base: firstSequence - 1)
                // In place: an accepted record's new slot is its old one or lies before it.
                base[acceptedCount] = record
                acceptedCount += 1
            }
        }
        judgement.acceptedCount = acceptedCount
    }

    /// Finds which records of the log are needed, to read them together.
    private func gatherConfirmations(
        _ runs: [Run], _ files: FileHits, of records: UnsafePointer<Record>, firstSequence: UInt64,
        verdicts: UnsafeBufferPointer<Verdict>, source: some RecordSource
    ) throws -> Confirmations {
        var result = Confirmations()
        result.failures = files.failures
        /// Those that a record has to be compared with.
        func candidates(_ index: Int, _ date: IdentityDate) -> [UInt64] {
            var sequences = files.sequences(ofRecord: index).map(\.sequence)
            _ = date.table?.find(fingerprints[index]) { sequence in
                sequences.append(sequence)
                return false
            }
            return sequences.filter { sequence in
                sequence < firstSequence && source.recordInMemory(sequence) == nil
                    && !digests.agrees(records + index, at: sequence)
            }
        }
        func forEachRecord(_ body: (Int, IdentityDate) -> Void) {
            for run in runs { for index in run.range where verdicts[index] == .accepted { body(index, run.date) } }
        }
        var wanted: [UInt64] = []
        forEachRecord { wanted += candidates($0, $1) }
        if wanted.isEmpty { return result }
        let damaged = try read(wanted, into: &result, from: source)
        guard !damaged.isEmpty else { return result }
        forEachRecord { index, date in
            let sequences = candidates(index, date)
            if let error = damaged.first(where: { sequences.contains(where: $0.sequences.contains) }) {
                result.failures.append((index, error.error))
            }
        }
        return result
    }

    /// Reads the records with the sequences that are wanted, each once, and leaves out those that are damaged. What is read
    /// besides leaves its digests: duplicates of it are told without reading.
    /// - Returns: the damage.
    func read(
        _ wanted: [UInt64], _ columns: ColumnSet = .all, into confirmations: inout Confirmations,
        from source: some RecordSource
    ) throws -> [(sequences: Range<UInt64>, error: LogError)] {
        confirmations.sequences = wanted.sorted()
        var last: UInt64 = 0
        confirmations.sequences.removeAll { sequence in
            defer { last = sequence }
            return sequence == last
        }
        defer { readBackCount += confirmations.sequences.count }
        var damaged: [(sequences: Range<UInt64>, error: LogError)] = []
        while true {
            do {
                confirmations.records = try source.records(at: confirmations.sequences, columns: columns) {
                    digests.append($0, firstSequence: $1)
                }
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

        func record(_ sequence: UInt64) -> Record? {
            let position = partitionPoint(sequences.count) { sequences[$0] < sequence }
            return position < sequences.count && sequences[position] == sequence ? records[position] : nil
        }
    }
}
