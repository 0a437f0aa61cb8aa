import Transactions

/// Where records that have a sequence can be read, to confirm a hit of the index.
public protocol RecordSource {
    /// A record that is still in memory; nil when it has to be read from the log.
    func recordInMemory(_ sequence: UInt64) -> Record?
    /// Records of the log, in the order of `sequences`, which are sorted and unique.
    func records(at sequences: [UInt64]) throws -> [Record]
}

/// Knows every identity of the ledger: which records are duplicates, which conflict, which are new. One thread owns it.
///
/// **Exact.** A table only says "perhaps" (42 bits of a keyed hash); every hit is confirmed against the record itself.
/// **Complete.** For each UTC date, the files of the date speak of the sequences up to the last one's `through`, without gaps,
/// and the table in memory of those after it.
public final class IdentityIndex {
    /// Bytes of all tables in memory.
    public private(set) var byteCount = 0
    /// Records that the last call of `judge` had to read back to compare them.
    public private(set) var readBackCount = 0

    private let key: IdentityKey
    private let directory: IdentityDirectory
    private var dates: [Int32: IdentityDate] = [:]
    private let fingerprints: UnsafeMutablePointer<Fingerprint>
    private let capacity: Int
    private let digests: ContentDigests

    /// An index without identities.
    /// - Parameters:
    ///   - key: the ledger's own.
    ///   - directory: where files of closed dates are; created when missing by whoever made the ledger.
    ///   - capacity: the most records that are judged in one call.
    ///   - digestCount: recent records whose duplicates are told without reading them back, at 8 bytes each.
    public init(
        key: IdentityKey, ledger: UInt64, directory: String, fileSystem: any FileSystem, capacity: Int, digestCount: Int
    ) {
        self.key = key
        self.directory = IdentityDirectory(path: directory, ledger: ledger, fileSystem: fileSystem)
        self.capacity = capacity
        digests = ContentDigests(key: key, capacity: digestCount)
        fingerprints = .allocate(capacity: capacity)
    }

    deinit { fingerprints.deallocate() }

    // MARK: Judging

    /// What came of judging.
    public struct Judgement {
        /// Records that are new.
        public var acceptedCount = 0
        /// Batches that were left aside, by their place among the batches, and what could not be read that they have to be
        /// compared with.
        public var unconfirmed: [Int: any Error] = [:]
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
            try judge(
                start..<batches[next - 1].upperBound, of: records, first..<next, of: batches,
                firstSequence: firstSequence, &judgement, verdicts: verdicts, source: source)
        }
        return judgement
    }

    /// So few records at a time that what was looked up ahead is still in the processor's near caches when it is decided on.
    private static let groupCount = 2048

    /// - Parameter judgement: what came of earlier groups, and then of this one too.
    private func judge(
        _ group: Range<Int>, of records: UnsafeMutableBufferPointer<Record>, _ groupBatches: Range<Int>,
        of batches: [Range<Int>], firstSequence: UInt64, _ judgement: inout Judgement,
        verdicts: UnsafeMutableBufferPointer<Verdict>, source: some RecordSource
    ) throws {
        let base = records.baseAddress!
        var acceptedCount = judgement.acceptedCount
        let acceptedBefore = acceptedCount
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
                guard other.hasSameIdentity(as: record) else { return false }
                verdict = record.firstDifference(from: other).map { Verdict(Fault($0, .conflict)) } ?? .duplicate
                return true
            }
            let isKnown = date.table?.find(fingerprint) { sequence in
                if sequence >= firstSequence {
                    // A refused commit leaves entries of sequences that were never given: they point nowhere.
                    let place = Int(sequence - firstSequence)
                    return place < acceptedCount && confirm(base[place])
                }
                if digests.agrees(record, at: sequence) {
                    verdict = .duplicate
                    return true
                }
                return confirmations.record(sequence, source).map(confirm) ?? false
            }
            if isKnown != true, !date.files.isEmpty {
                _ = confirmations.fileHits(ofRecord: index).contains { hit in
                    if digests.agrees(record, at: hit.sequence) {
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
        digests.append(
            UnsafeBufferPointer(rebasing: UnsafeBufferPointer(records)[acceptedBefore..<acceptedCount]),
            firstSequence: firstSequence + UInt64(acceptedBefore))
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
                    !digests.agrees(records[behind], at: sequence)
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
                if source.recordInMemory(sequence) == nil, !digests.agrees(records[behind], at: sequence) {
                    wanted.append(sequence)
                }
            }
        }
        if wanted.isEmpty { return result }
        wanted.sort()
        for sequence in wanted where result.sequences.last != sequence { result.sequences.append(sequence) }
        let damaged = try read(&result, from: source)
        readBackCount += result.sequences.count
        guard !damaged.isEmpty else { return result }
        let hits = result.fileHits
        for index in group where verdicts[index] == .accepted {
            func cannotBeCompared(with sequence: UInt64, in stretch: Range<UInt64>) -> Bool {
                stretch.contains(sequence) && !digests.agrees(records[index], at: sequence)
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

    /// Reads the records of `confirmations` and leaves out those that are damaged.
    /// - Returns: the damage.
    private func read(
        _ confirmations: inout Confirmations, from source: some RecordSource
    ) throws -> [(sequences: Range<UInt64>, error: LogError)] {
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

    private static let lookAhead = 12

    /// The records of the log that the hits of a batch point to.
    private struct Confirmations {
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

    private func date(_ day: Int32) -> IdentityDate {
        if let date = dates[day] { return date }
        let date = IdentityDate(day: day)
        dates[day] = date
        return date
    }

    // MARK: Recovery

    /// Enters records that the log has already, without judging them. Those that the date's files speak of are passed over.
    public func restore(_ records: UnsafeBufferPointer<Record>, firstSequence: UInt64) {
        var date = IdentityDate(day: .min)
        for (offset, record) in records.enumerated() {
            if record.utcDay != date.day { date = self.date(record.utcDay) }
            let sequence = firstSequence + UInt64(offset)
            guard sequence > date.through else { continue }
            byteCount += date.insert(Fingerprint(record, key: key), sequence: sequence)
        }
        digests.append(records, firstSequence: firstSequence)
    }

    // MARK: Look-up by id

    /// Sequences of records that may have this id, of all dates, in order; the caller compares the records.
    public func candidates(for id: RecordID) throws -> [UInt64] {
        let fingerprint = IDFingerprint(id, key: key)
        var found: [UInt64] = []
        for date in dates.values { try date.find(fingerprint, into: &found) }
        return found.sorted()
    }

    // MARK: Files of closed dates

    /// The sequence from which on the log has to be read to restore what only memory holds; `end` when there is nothing.
    public func firstSequenceOnlyInMemory(end: UInt64) -> UInt64 {
        dates.values.reduce(end) { min($0, $1.table.map { $0.base + 1 } ?? end) }
    }

    /// Names of all files, for the catalogue.
    public var fileNames: [String] {
        dates.values.flatMap { $0.files.map { String($0.path.dropFirst(directory.path.utf8.count + 1)) } }.sorted()
    }

    /// Moves the tables of dates to files: those that nothing was entered into since `idleBefore`, but no more than
    /// `mostIdle` of them, since each costs a flush; then those idle longest until the tables take at most `byteLimit` bytes;
    /// and those that reach back so far that they will soon be full. Only tables whose last sequence is durable can go.
    /// - Returns: true when a file was written.
    public func closeDates(
        idleBefore: UInt64, mostIdle: Int = .max, durable: UInt64, byteLimit: Int
    ) throws -> Bool {
        let inMemory = dates.values.compactMap { date in date.table.map { (date, $0) } }
            .sorted { $0.1.lastSequence < $1.1.lastSequence }
        var written = 0
        for (date, table) in inMemory where table.lastSequence <= durable {
            let isIdle = table.lastSequence < idleBefore && written < mostIdle
            guard isIdle || byteCount > byteLimit || table.mustClose(at: durable) else { continue }
            byteCount -= try date.close(through: durable, directory: directory)
            written += 1
        }
        if written > 0 { try directory.fileSystem.synchroniseDirectory(directory.path) }
        return written > 0
    }

    /// Takes over the files of earlier runs.
    ///
    /// - Parameters:
    ///   - names: the files that the catalogue knows; others are not looked at.
    ///   - durable: the log's end; a file that speaks of later sequences is of a future that did not happen.
    /// - Throws: what is wrong when a file is missing, damaged, another one, or does not follow the one before: the index must
    ///   be made anew.
    public func adoptFiles(named names: [String], durable: UInt64) throws(IndexError) {
        var files: [IdentityFile] = []
        for name in names { files.append(try file(named: name, durable: durable)) }
        files.sort { $0.header.from < $1.header.from }
        for file in files { try date(file.header.day).adopt(file) }
    }

    private func file(named name: String, durable: UInt64) throws(IndexError) -> IdentityFile {
        do {
            let file = try directory.file(named: name)
            try file.checkName(durable: durable)
            return file
        } catch {
            throw error as? IndexError ?? IndexError(directory.path + "/" + name, "\(error)")
        }
    }

    /// The last sequence that a file of a directory speaks of, as far as they can be read; 0: none.
    public static func lastSequence(ofFilesIn directory: String, ledger: UInt64, fileSystem: any FileSystem) -> UInt64 {
        let directory = IdentityDirectory(path: directory, ledger: ledger, fileSystem: fileSystem)
        return ((try? fileSystem.list(directory.path)) ?? []).reduce(0) { last, name in
            max(last, (try? directory.file(named: name))?.header.through ?? 0)
        }
    }

    /// What is wrong with files, with each of them; they are not taken over.
    public func faults(ofFilesNamed names: [String], durable: UInt64) -> [IndexError] {
        names.compactMap { name in
            do {
                try file(named: name, durable: durable).verify()
                return nil
            } catch {
                return error as? IndexError ?? IndexError(directory.path + "/" + name, "\(error)")
            }
        }
    }

    /// Forgets everything, to begin anew from the log.
    public func reset() {
        dates = [:]
        byteCount = 0
    }

    /// Removes the files of the directory that are not this index's own.
    public func removeOtherFiles() throws(StorageError) {
        let own = Set(fileNames)
        for name in try directory.fileSystem.list(directory.path) where !own.contains(name) {
            try directory.fileSystem.remove(directory.path + "/" + name)
        }
    }

    /// Index files that have a descriptor now.
    var openFileCount: Int { directory.openFiles.count }
}

/// The first of 0..<count for which `isBefore` is false; it is true for all before and false for all after.
func partitionPoint(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
    var lower = 0
    var upper = count
    while lower < upper {
        let middle = (lower + upper) / 2
        if isBefore(middle) { lower = middle + 1 } else { upper = middle }
    }
    return lower
}
