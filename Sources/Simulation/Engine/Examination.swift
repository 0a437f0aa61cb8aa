import Columns
import Ledger
import Rollups
import Storage
import Transactions

/// Holds a ledger at rest against what the world outside knows of it. An empty list of faults means: nothing receipted is
/// lost, nothing is there twice, nothing is there that nobody sent, no hole, no wrong answer.
struct Examination {
    private var faults: [String] = []
    private var records: [Record] = []
    private var sequenceByIdentity: [Identity: UInt64] = [:]
    /// The chain at each sequence that a receipt speaks of.
    private var chain: [UInt64: [UInt8]] = [:]

    /// What may exist only once (DESIGN: identity).
    private struct Identity: Hashable {
        let day: Int32
        let source: UInt16
        let kindAndEvent: UInt8
        let step: UInt8
        let id: RecordID

        init(_ record: Record) {
            (day, source, kindAndEvent) = (record.utcDay, record.source, record.kindAndEvent)
            (step, id) = (record.step, record.id)
        }
    }

    /// Reads everything that the files hold.
    /// - Returns: what is wrong, one line each.
    static func faults(
        in files: LedgerFiles, on fileSystem: any FileSystem, against knowledge: Knowledge
    ) -> [String] {
        var examination = Examination()
        do {
            try examination.readLog(files, fileSystem, headsAt: Set(knowledge.receipts.map(\.receipt.chain.sequence)))
            examination.checkOrigin(knowledge)
            examination.checkReceipts(knowledge)
            examination.checkAnswers(knowledge)
            try examination.checkNames(knowledge, files, fileSystem)
            var verification = Verification(files, fileSystem: fileSystem)
            examination.faults += try verification.run { _, _ in }.faults
        } catch {
            examination.faults.append("cannot be read: \(error)")
        }
        return examination.faults
    }

    private mutating func readLog(_ files: LedgerFiles, _ fileSystem: any FileSystem, headsAt: Set<UInt64>) throws {
        let (log, cut) = try LogRecovery.open(directory: files.log, fileSystem: fileSystem, mayWrite: false) { _ in 0 }
        if let cut { faults.append("the log still has an end to be cut: \(cut)") }
        let decoder = BlockDecoder()
        var hasher = ChainHasher()
        if headsAt.contains(0) { chain[0] = hasher.head.digest }
        try log.forEachBlock(from: 1) { segment, entry in
            if entry.firstSequence != UInt64(records.count) + 1 {
                faults.append("sequence \(entry.firstSequence) follows \(records.count)")
            }
            for record in try log.decode(entry, in: segment, with: decoder) {
                records.append(record)
                withUnsafePointer(to: record) { hasher.append(UnsafeBufferPointer(start: $0, count: 1)) }
                let sequence = UInt64(records.count)
                if headsAt.contains(sequence) { chain[sequence] = hasher.head.digest }
                if let earlier = sequenceByIdentity.updateValue(sequence, forKey: Identity(record)) {
                    faults.append("sequences \(earlier) and \(sequence) have one identity")
                }
            }
        }
    }

    private mutating func checkOrigin(_ knowledge: Knowledge) {
        let sent = Set(knowledge.sent.values.joined())
        for (place, record) in records.enumerated() where !sent.contains(record) {
            faults.append("sequence \(place + 1) was never sent")
        }
    }

    private mutating func checkReceipts(_ knowledge: Knowledge) {
        for (batch, receipt) in knowledge.receipts {
            let fault = check(receipt, of: knowledge.sent[batch] ?? [])
            if let fault { faults.append("batch \(batch): \(fault)") }
        }
    }

    /// What contradicts a receipt; nil when nothing does.
    private func check(_ receipt: Receipt, of batch: [Record]) -> String? {
        guard receipt.accepted + receipt.duplicates + receipt.exceptions.count == batch.count else {
            return "the receipt's counts do not add up to \(batch.count)"
        }
        guard let digest = chain[receipt.chain.sequence], digest == receipt.chain.digest else {
            return "the chain at sequence \(receipt.chain.sequence) is not the receipt's"
        }
        var accepted = 0
        let exceptions = Dictionary(uniqueKeysWithValues: receipt.exceptions.map { ($0.index, $0.fault) })
        for (index, record) in batch.enumerated() {
            let sequence = sequenceByIdentity[Identity(record)]
            switch exceptions[index]?.reason {
            case .conflict?:
                guard let sequence, records[Int(sequence) - 1] != record else {
                    return "record \(index) conflicts with nothing"
                }
            case .some: continue
            case nil:
                guard let sequence else { return "record \(index) was receipted and is lost" }
                guard records[Int(sequence) - 1] == record else { return "record \(index) has changed" }
                if sequence == receipt.firstSequence + UInt64(accepted), accepted < receipt.accepted { accepted += 1 }
            }
        }
        return accepted == receipt.accepted
            ? nil : "\(receipt.accepted) accepted from sequence \(receipt.firstSequence), found \(accepted)"
    }

    /// Every answer was that of the log up to a sequence, which lies behind all that was receipted before the question.
    private mutating func checkAnswers(_ knowledge: Knowledge) {
        for (attempts, asOf, before) in knowledge.answers {
            if asOf < before { faults.append("an answer as of \(asOf) left out what was receipted up to \(before)") }
            // What was counted and not receipted may be gone after a crash; the rest is checked by recount.
            guard asOf <= UInt64(records.count) else { continue }
            let expected = records.prefix(Int(asOf)).count { $0.isAttempt }
            if attempts != Int128(expected) {
                faults.append("an answer as of \(asOf) counted \(attempts) attempts instead of \(expected)")
            }
        }
    }

    private mutating func checkNames(_ knowledge: Knowledge, _ files: LedgerFiles, _ fileSystem: any FileSystem) throws
    {
        let reader = try LedgerReader(files, options: .simulated, fileSystem: fileSystem)
        let names = knowledge.codes.keys.sorted { ($0.space.rawValue, $0.text) < ($1.space.rawValue, $1.text) }
        for (name, code) in zip(names, reader.knownCodes(for: names)) where code != knowledge.codes[name] {
            faults.append("'\(name.text)' had code \(knowledge.codes[name]!), now \(code.map(String.init) ?? "none")")
        }
    }
}

extension Record {
    /// True when statistics count it as an attempt.
    fileprivate var isAttempt: Bool { !isTest && (event == .initiated || event == .authorised) }
}
