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

    /// Enters a new identity.
    /// - Returns: bytes by which memory has grown.
    func insert(_ fingerprint: Fingerprint, sequence: UInt64) -> Int {
        let before = table?.byteCount ?? 0
        let table = self.table ?? IdentityTable(base: sequence - 1)
        self.table = table
        table.insert(fingerprint, sequence: sequence)
        return table.byteCount - before
    }

    /// Appends the sequences of the files whose tag equals the fingerprint's under `mask`.
    func findInFiles(_ fingerprint: Fingerprint, mask: UInt32 = .max, into found: inout [UInt64]) throws {
        for file in files { try file.find(fingerprint, mask: mask, into: &found) }
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
    func close(through: UInt64, directory: String, ledger: UInt64, fileSystem: any FileSystem) throws -> Int {
        guard let table else { return 0 }
        let path = directory + "/" + IdentityFile.name(day: day, through: through)
        try IdentityFile.write(
            to: path, day: day, ledger: ledger, base: table.base, from: files.isEmpty ? 1 : self.through + 1,
            through: through, fileSystem: fileSystem, partition: table.sortedEntries(ofPartition:))
        files.append(try IdentityFile(path: path, ledger: ledger, fileSystem: fileSystem))
        self.through = through
        self.table = nil
        if files.count >= IdentityDate.mergedFileCount { try mergeFiles(ledger: ledger, fileSystem: fileSystem) }
        return table.byteCount
    }

    private func mergeFiles(ledger: UInt64, fileSystem: any FileSystem) throws {
        let old = files
        let base = old.map(\.header.base).min()!
        guard through - base <= UInt64(UInt32.max) else { return }
        let path = old.last!.path
        try IdentityFile.write(
            to: path, day: day, ledger: ledger, base: base, from: old[0].header.from, through: through,
            fileSystem: fileSystem
        ) { partition in
            try old.flatMap { try $0.entries(ofPartition: partition) }
                .sorted { ($0.tag, $0.sequence) < ($1.tag, $1.sequence) }
        }
        files = [try IdentityFile(path: path, ledger: ledger, fileSystem: fileSystem)]
        for file in old.dropLast() { try fileSystem.remove(file.path) }
    }
}
