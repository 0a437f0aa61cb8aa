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

    /// Decides for each record whether it is new, and moves the new ones together at the start of the buffer.
    ///
    /// - Parameters:
    ///   - records: in order of arrival; afterwards the accepted ones lie at the start, in order, and the rest is undefined.
    ///   - firstSequence: what the first accepted record gets.
    ///   - verdicts: one for each record; those that are not `.accepted` at the call are left as they are, the others decided.
    /// - Returns: the number of accepted records.
    /// - Complexity: linear, plus one read of the log for all hits together.
    public func judge(
        _ records: UnsafeMutableBufferPointer<Record>, firstSequence: UInt64,
        verdicts: UnsafeMutableBufferPointer<Verdict>, source: some RecordSource
    ) throws -> Int {
        precondition(records.count <= capacity && verdicts.count == records.count)
        readBackCount = 0
        var acceptedCount = 0
        for start in stride(from: 0, to: records.count, by: IdentityIndex.groupCount) {
            let group = start..<min(start + IdentityIndex.groupCount, records.count)
            try judge(
                group, of: records, firstSequence: firstSequence, acceptedCount: &acceptedCount, verdicts: verdicts,
                source: source)
        }
        return acceptedCount
    }

    /// So few records at a time that what was looked up ahead is still in the processor's near caches when it is decided on.
    private static let groupCount = 2048

    /// - Parameter acceptedCount: records accepted in earlier groups, and then in this one too.
    private func judge(
        _ group: Range<Int>, of records: UnsafeMutableBufferPointer<Record>, firstSequence: UInt64,
        acceptedCount: inout Int, verdicts: UnsafeMutableBufferPointer<Verdict>, source: some RecordSource
    ) throws {
        let base = records.baseAddress!
        let acceptedBefore = acceptedCount
        let confirmations = try gatherConfirmations(
            UnsafeBufferPointer(records), group, firstSequence: firstSequence, verdicts: UnsafeBufferPointer(verdicts),
            source: source)
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
            try date.findInFiles(fingerprints[behind], into: &found)
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
        result.records = try source.records(at: result.sequences)
        readBackCount += result.sequences.count
        return result
    }

    private static let lookAhead = 12

    /// The records of the log that the hits of a batch point to.
    private struct Confirmations {
        var sequences: [UInt64] = []
        var records: [Record] = []
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
    /// - Returns: false when a file is missing, damaged or does not follow the one before: the index must be made anew.
    public func adoptFiles(named names: [String], durable: UInt64) -> Bool {
        var files: [IdentityFile] = []
        for name in names {
            guard let file = try? directory.file(named: name), file.header.through <= durable else { return false }
            files.append(file)
        }
        return files.sorted { $0.header.from < $1.header.from }.allSatisfy { date($0.header.day).adopt($0) }
    }

    /// Forgets everything, to begin anew from the log.
    public func reset(removingFiles: Bool) throws {
        dates = [:]
        byteCount = 0
        guard removingFiles else { return }
        let fileSystem = directory.fileSystem
        for name in try fileSystem.list(directory.path) { try fileSystem.remove(directory.path + "/" + name) }
    }

    /// Index files that have a descriptor now.
    var openFileCount: Int { directory.openFiles.count }

    /// Checks the entries of every file.
    public func verifyFiles() throws {
        for date in dates.values { for file in date.files { try file.verify() } }
    }
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
