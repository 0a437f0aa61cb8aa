import Ledger
import Synchronization
import Transactions

/// What the world outside of a ledger knows of it, in order: what was sent, what came back. Entries are only added, so that
/// what was known at an earlier moment is a prefix.
public final class Journal: Sendable {
    /// One thing that happened.
    enum Entry: Sendable {
        case sent(batch: UInt64, records: [Record])
        case receipted(batch: UInt64, Receipt)
        case named([Name], codes: [UInt32])
        /// A total that the ledger answered, and the last sequence that was receipted before it was asked.
        case answered(attempts: Int128, asOf: UInt64, receiptedBefore: UInt64)
    }

    private let entries: Mutex<[Entry]>

    /// A journal without entries.
    public init() { entries = Mutex([]) }

    /// What another journal knew when it had `count` entries, to go on from there.
    init(_ other: Journal, upTo count: Int) {
        let known = Array(other.entries.withLock { $0.prefix(count) })
        entries = Mutex(known)
    }

    /// Number of entries so far.
    public var count: Int { entries.withLock { $0.count } }

    func note(_ entry: Entry) { entries.withLock { $0.append(entry) } }

    /// All that is known so far.
    var knowledge: Knowledge {
        var knowledge = Knowledge()
        for entry in entries.withLock({ $0 }) {
            switch entry {
            case .sent(let batch, let records): knowledge.sent[batch] = records
            case .receipted(let batch, let receipt): knowledge.receipts.append((batch, receipt))
            case .named(let names, let codes): for (name, code) in zip(names, codes) { knowledge.codes[name] = code }
            case .answered(let attempts, let asOf, let before): knowledge.answers.append((attempts, asOf, before))
            }
        }
        return knowledge
    }
}

/// What the world outside knows of a ledger at one moment.
struct Knowledge {
    var sent: [UInt64: [Record]] = [:]
    var receipts: [(batch: UInt64, receipt: Receipt)] = []
    var codes: [Name: UInt32] = [:]
    var answers: [(attempts: Int128, asOf: UInt64, receiptedBefore: UInt64)] = []

    /// Batches without a receipt, in the order in which they were sent first.
    var unanswered: [UInt64] { Set(sent.keys).subtracting(receipts.map(\.batch)).sorted() }
}
