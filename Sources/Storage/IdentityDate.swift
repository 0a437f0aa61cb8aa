import Transactions

/// The identities of one UTC date: files up to the sequence `through`, a table in memory after it.
final class IdentityDate {
    let day: Int32
    private(set) var table: IdentityTable?
    private(set) var files: [IdentityFile] = []
    /// Everything up to here is in the files.
    private(set) var through: UInt64 = 0

    /// Few late records must not rewrite a date, but many small files make each look-up slow: from so many on they are merged.
    private static let mergedFileCount = 5

    init(day: Int32) { self.day = day }

    /// Microseconds since 1970-01-01 UTC.
    var times: Range<Int64> {
        let start = Int64(day) * Record.microsecondsPerDay
        return start..<start + Record.microsecondsPerDay
    }

    /// Enters a new identity.
    /// - Parameter base: lies below all sequences that may be entered later.
    /// - Returns: bytes by which memory has grown.
    func insert(_ fingerprint: Fingerprint, sequence: UInt64, base: UInt64) -> Int {
        let before = table?.byteCount ?? 0
        let table = self.table ?? IdentityTable(base: base)
        self.table = table
        table.insert(fingerprint, sequence: sequence)
        return table.byteCount - before
    }

    /// Appends the sequences that may be of an id.
    func find(_ id: IDFingerprint, into found: inout [UInt64]) throws {
        func append(_ entries: [IdentityTable.Entry]) {
            found.append(contentsOf: entries.lazy.filter { id.mayBelong($0.tag) }.map(\.sequence))
        }
        if let table { append(table.entries(ofPartition: Int(id.partition))) }
        for file in files { append(try file.entries(ofPartition: Int(id.partition))) }
    }

    /// Takes over a file of an earlier run, which must follow the ones before: an identity that is in none would be taken twice.
    func adopt(_ file: IdentityFile) throws(IndexError) {
        guard file.header.from == through + 1 else {
            throw IndexError(
                file.path, "it begins with sequence \(file.header.from), expected \(through + 1) for its date")
        }
        files.append(file)
        through = file.header.through
    }

    /// Moves the table to a file that speaks of everything up to `through`.
    /// - Returns: bytes that memory has shrunk by.
    func close(through: UInt64, directory: IdentityDirectory) throws -> Int {
        guard let table else { return 0 }
        files.append(
            try directory.write(
                day: day, base: table.base, from: files.isEmpty ? 1 : self.through + 1, through: through,
                partition: table.sortedPartitions()))
        self.through = through
        self.table = nil
        return table.byteCount
    }

    /// Puts one file in the place of the date's files when they are many.
    /// - Returns: the files that it replaces, which are left where they are: the catalogue may name them.
    func mergeFiles(_ directory: IdentityDirectory) throws -> [IdentityFile] {
        let old = files
        guard old.count >= IdentityDate.mergedFileCount, let base = old.map(\.header.base).min(),
            through - base <= UInt64(UInt32.max)
        else { return [] }
        let merged = try directory.write(day: day, base: base, from: old[0].header.from, through: through) {
            partition in try old.flatMap { try $0.entries(ofPartition: partition) }.sorted(by: <)
        }
        files = [merged]
        return old
    }
}

/// Where a ledger's index files are, and which of them are open.
struct IdentityDirectory {
    let path: String
    let ledger: UInt64
    let fileSystem: any FileSystem
    let openFiles = OpenIdentityFiles()

    /// The file of that name.
    func file(named name: String) throws -> IdentityFile {
        try IdentityFile(path: path + "/" + name, ledger: ledger, fileSystem: fileSystem, openFiles: openFiles)
    }

    /// The name of one of the files.
    func name(of file: IdentityFile) -> String { String(file.path.dropFirst(path.utf8.count + 1)) }

    func write(
        day: Int32, base: UInt64, from: UInt64, through: UInt64, partition: (Int) throws -> [IdentityTable.Entry]
    ) throws -> IdentityFile {
        let name = IdentityFile.name(day: day, from: from, through: through)
        try IdentityFile.write(
            to: path + "/" + name, day: day, ledger: ledger, base: base, from: from, through: through,
            fileSystem: fileSystem, partition: partition)
        return try file(named: name)
    }
}
