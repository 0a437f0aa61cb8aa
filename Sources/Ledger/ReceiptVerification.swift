import Columns
import Storage
import Transactions

/// Proves from stored receipts that a log still holds what was receipted, by the chain from its origin and nothing else: whoever
/// changes, drops or inserts a record cannot make the chain come out the same, even when every checksum and every link that the
/// log itself carries is made anew. No derived file is looked at.
public struct ReceiptVerification {
    private let files: LedgerFiles
    private let fileSystem: any FileSystem

    /// A verification of the ledger in `files`.
    public init(_ files: LedgerFiles, fileSystem: any FileSystem = DiskFileSystem()) {
        self.files = files
        self.fileSystem = fileSystem
    }

    /// Reads the log once, up to the last sequence that a receipt speaks of.
    ///
    /// - Parameter progress: told the records read so far and in all, after each block.
    /// - Returns: for each receipt what was found instead; nil where it holds.
    /// - Throws: `LedgerError` when there is no ledger or a daemon holds it; `LogError` when none of the log can be read.
    public func faults(
        of receipts: [StoredReceipt], progress: (UInt64, UInt64) -> Void = { _, _ in }
    ) throws -> [String?] {
        guard try files.exist(in: fileSystem) else { throw LedgerError.notFound(directory: files.directory) }
        guard let lock = try fileSystem.lock(files.lock, exclusively: false) else {
            throw LedgerError.inUse(directory: files.directory)
        }
        defer { lock.release() }
        let log = try openLog()
        let found = try heads(of: log, at: Set(receipts.map(\.chainSequence)).sorted(), progress: progress)
        let held = receipts.filter { found.digests[$0.chainSequence] == $0.proof?.chain.digest }.map(\.chainSequence)
            .sorted()
        return receipts.map { fault(of: $0, log, found, held: held) }
    }

    private func openLog() throws -> Log {
        do {
            return try LogRecovery.open(directory: files.log, fileSystem: fileSystem, mayWrite: false) { _ in 0 }.log
        } catch let error as LogError where error.isDamage {
            return try LogRecovery.survey(directory: files.log, fileSystem: fileSystem)
        }
    }

    private struct Heads {
        var digests: [UInt64: [UInt8]] = [:]
        /// What the chain cannot be followed across.
        var damage: LogError?
        var end: UInt64 = 0
    }

    /// Ends the walk before the end of the log.
    private struct AllFound: Error {}

    /// The chain at each of some ascending sequences, as far as the log can be read.
    private func heads(of log: Log, at sequences: [UInt64], progress: (UInt64, UInt64) -> Void) throws -> Heads {
        var heads = Heads()
        heads.digests[0] = ChainHead.origin.digest
        var wanted = sequences.drop { $0 == 0 }
        let total = min(wanted.last ?? 0, log.endSequence - 1)
        var hasher = ChainHasher()
        let decoder = BlockDecoder()
        do {
            try log.forEachBlock(
                from: 1, where: { $0.recordCount > 0 },
                damage: { stretch in if !stretch.sequences.isEmpty { throw stretch.error } }
            ) { segment, entry in
                guard !wanted.isEmpty else { throw AllFound() }
                let records = try log.decode(entry, in: segment, with: decoder)
                records.withUnsafeBufferPointer { records in
                    var rest = records[...]
                    while let next = wanted.first, next < entry.endSequence {
                        let piece = rest.prefix(Int(next - hasher.sequence))
                        hasher.append(UnsafeBufferPointer(rebasing: piece))
                        rest = rest.dropFirst(piece.count)
                        heads.digests[next] = hasher.head.digest
                        wanted.removeFirst()
                    }
                    hasher.append(UnsafeBufferPointer(rebasing: rest))
                }
                heads.end = hasher.sequence
                progress(min(hasher.sequence, total), total)
            }
        } catch is AllFound {
        } catch let error as LogError where error.isDamage {
            heads.damage = error
        }
        heads.end = hasher.sequence
        return heads
    }

    private func fault(of receipt: StoredReceipt, _ log: Log, _ heads: Heads, held: [UInt64]) -> String? {
        guard let proof = receipt.proof else { return "it holds no chain" }
        guard proof.ledger == log.settings.ledger else {
            return "it is a receipt of ledger \(receipt.ledger), this is \(String(log.settings.ledger, radix: 16))"
        }
        let sequence = proof.chain.sequence
        guard let digest = heads.digests[sequence] else {
            if let damage = heads.damage { return "the chain cannot be followed to sequence \(sequence): \(damage)" }
            return "it speaks of sequence \(sequence), and the log ends with \(heads.end)"
        }
        if digest == proof.chain.digest { return nil }
        let last = held.last { $0 < sequence } ?? 0
        return "the chain at sequence \(sequence) is \(hexadecimal(digest)), not \(receipt.chainDigest): "
            + "a record was changed, dropped or inserted between sequences \(last + 1) and \(sequence)"
    }
}
