import Formats
import Ledger
import Synchronization
import Transactions

/// Where loaded records go: a ledger of this process, or a server.
protocol LoadSink: Sendable {
    /// Codes of names that have one; nil for each other.
    func knownCodes(for names: [Name]) async throws -> [UInt32?]
    /// Codes of names; new ones are given.
    func codes(for names: [Name]) async throws -> [UInt32]
    /// Tokens of accounts.
    func tokens(for accounts: AccountNumbers) async throws -> [UInt64]
    /// Makes tokens of accounts at once, from any thread; nil where a server makes them.
    var tokenKeys: TokenKeys? { get }
    /// Sends records; `rows` says where each came from.
    func send(_ records: [Record], rows: [Int]) async throws
    /// What was receipted so far; takes the exceptions away.
    func takeTotals() async -> LoadTotals
    /// The receipts since the last call, when they are kept.
    func takeReceipts() -> [StoredReceipt]
    /// Waits until all is receipted.
    func finish() async throws
}

/// Receipts on their way from the threads that bring them to the one that writes them down.
final class ReceiptQueue: Sendable {
    private let receipts = Mutex<[StoredReceipt]>([])

    func add(_ receipt: StoredReceipt) { receipts.withLock { $0.append(receipt) } }

    func take() -> [StoredReceipt] {
        receipts.withLock { receipts in
            defer { receipts = [] }
            return receipts
        }
    }
}

/// Counts of receipts, and what was not accepted by row.
struct LoadTotals: Sendable {
    var accepted = 0
    var duplicates = 0
    var exceptions: [RowReject] = []
    var conflicts = 0
    var rejected = 0

    mutating func add(_ exceptions: [(row: Int, fault: Fault)]) {
        for (row, fault) in exceptions {
            if fault.reason == .conflict { conflicts += 1 } else { rejected += 1 }
            self.exceptions.append(RowReject(row: row, fault: fault))
        }
    }
}

/// Loads into a ledger that this process holds.
final class LedgerSink: LoadSink, @unchecked Sendable {
    private let ledger: Ledger
    private let uploader: Uploader
    private let receipts: ReceiptQueue?

    init(_ ledger: Ledger, keepsReceipts: Bool) {
        self.ledger = ledger
        let receipts = keepsReceipts ? ReceiptQueue() : nil
        self.receipts = receipts
        uploader = Uploader(ledger) { [id = ledger.ledgerID] in receipts?.add(StoredReceipt(ledger: id, $0)) }
    }

    func knownCodes(for names: [Name]) -> [UInt32?] { ledger.knownCodes(for: names) }
    func codes(for names: [Name]) async throws -> [UInt32] { try await ledger.codes(for: names) }
    func tokens(for accounts: AccountNumbers) throws -> [UInt64] { try ledger.tokens(for: accounts) }
    var tokenKeys: TokenKeys? { ledger.tokenKeys }
    func send(_ records: [Record], rows: [Int]) throws { try uploader.send(records, labels: rows) }

    func takeTotals() -> LoadTotals {
        let totals = uploader.totals
        var result = LoadTotals(accepted: totals.accepted, duplicates: totals.duplicates)
        result.add(totals.exceptions.map { (row: $0.record, fault: $0.fault) })
        return result
    }

    func takeReceipts() -> [StoredReceipt] { receipts?.take() ?? [] }

    func finish() throws { _ = try uploader.finish() }
}
