import Columns
import Transactions

/// Where records that have a sequence can be read, to confirm a hit of the index.
public protocol RecordSource {
    /// A record that is still in memory; nil when it has to be read from the log.
    func recordInMemory(_ sequence: UInt64) -> Record?
    /// Records of the log, in the order of `sequences`, which are sorted and unique.
    func records(at sequences: [UInt64]) throws -> [Record]
    /// The same, where only the fields of `columns` are needed: the others may be anything.
    /// - Parameter passing: is shown what was read besides: records, and the sequence of the first.
    func records(
        at sequences: [UInt64], columns: ColumnSet, passing: (UnsafeBufferPointer<Record>, UInt64) -> Void
    ) throws -> [Record]
}

extension RecordSource {
    /// All fields, and nothing besides.
    public func records(
        at sequences: [UInt64], columns: ColumnSet, passing: (UnsafeBufferPointer<Record>, UInt64) -> Void
    ) throws -> [Record] { try records(at: sequences) }
}

/// Knows every identity of the ledger: which records are duplicates, which conflict, which are new. One thread owns it.
///
/// **Exact.** A table only says "perhaps" (42 bits of a keyed hash); every hit is confirmed against the record itself.
/// **Complete.** For each UTC date, the files of the date speak of the sequences up to the last one's `through`, without gaps,
/// and the table in memory of those after it.
/// **Restorable.** What the catalogue's last checkpoint says of the files stays true until the next one is saved: a file that
/// another replaces is only reported, by `takeReplacedFileNames`, and removed when no checkpoint names it any more.
public final class IdentityIndex {
    /// Bytes of all tables in memory.
    public internal(set) var byteCount = 0
    /// Records that the last call of `judge` had to read back to compare them.
    public internal(set) var readBackCount = 0

    let key: IdentityKey
    private let directory: IdentityDirectory
    private var dates: [Int32: IdentityDate] = [:]
    /// True once a date has had a file.
    private(set) var hasFiles = false
    /// False while one of the files may not be in its directory for good.
    public private(set) var hasDurableFiles = true
    private var replacedFileNames: [String] = []
    let fingerprints: UnsafeMutablePointer<Fingerprint>
    /// By place among the accepted records of the group at hand: where the record lies.
    let accepted: UnsafeMutablePointer<Int32>
    let putOff: UnsafeMutablePointer<PutOff>
    let capacity: Int
    let digests: ContentDigests

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
        accepted = .allocate(capacity: capacity)
        putOff = .allocate(capacity: capacity)
    }

    deinit {
        fingerprints.deallocate()
        accepted.deallocate()
        putOff.deallocate()
    }

    func date(_ day: Int32) -> IdentityDate {
        if let date = dates[day] { return date }
        let date = IdentityDate(day: day)
        dates[day] = date
        return date
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
        dates.values.flatMap { $0.files.map(directory.name) }.sorted()
    }

    /// Names of the files that others have replaced since the last call.
    public func takeReplacedFileNames() -> [String] {
        defer { replacedFileNames = [] }
        return replacedFileNames
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
        var closed: [IdentityDate] = []
        for (date, table) in inMemory where table.lastSequence <= durable {
            let isIdle = table.lastSequence < idleBefore && closed.count < mostIdle
            guard isIdle || byteCount > byteLimit || table.mustClose(at: durable) else { continue }
            (hasFiles, hasDurableFiles) = (true, false)
            byteCount -= try date.close(through: durable, directory: directory)
            closed.append(date)
        }
        try synchroniseFiles()
        for date in closed {
            // A merge that fails costs look-ups time, and is tried again when the date is closed again.
            guard let replaced = try? date.mergeFiles(directory), !replaced.isEmpty else { continue }
            hasDurableFiles = false
            replacedFileNames += replaced.map(directory.name)
        }
        try synchroniseFiles()
        return !closed.isEmpty
    }

    private func synchroniseFiles() throws {
        guard !hasDurableFiles else { return }
        try directory.fileSystem.synchroniseDirectory(directory.path)
        hasDurableFiles = true
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
        hasFiles = !files.isEmpty
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
        replacedFileNames = []
        (hasFiles, hasDurableFiles) = (false, true)
        byteCount = 0
    }

    /// Index files of the directory, also unfinished ones, that neither are this index's own nor named in `others`.
    public func leftoverFileNames(besides others: [String]) -> [String] {
        let kept = Set(fileNames + others)
        return ((try? directory.fileSystem.list(directory.path)) ?? []).filter { name in
            !kept.contains(name) && (name.hasSuffix(".index") || name.hasSuffix(".index.new"))
        }
    }

    /// Removes leftovers; one that cannot be removed takes room, and nothing else.
    public func removeFiles(named names: [String]) {
        for name in names { try? directory.fileSystem.remove(directory.path + "/" + name) }
    }

    /// Index files that have a descriptor now.
    var openFileCount: Int { directory.openFiles.count }
}

/// The first of 0..<count for which `isBefore` is false; it is true for all before and false for all after.
public func partitionPoint(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
    var lower = 0
    var upper = count
    while lower < upper {
        let middle = (lower + upper) / 2
        if isBefore(middle) { lower = middle + 1 } else { upper = middle }
    }
    return lower
}
