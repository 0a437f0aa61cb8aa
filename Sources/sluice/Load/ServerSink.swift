import Formats
import Ledger
import SluiceClient
import StreamProtocol
import Synchronization
import Transactions

/// Loads over a connection to a server.
///
/// A connection says at its start which sources it sends for; when records of another source come, everything so far is
/// finished and a new connection takes its place.
final class ServerSink: LoadSink, @unchecked Sendable {
    private struct State {
        var totals = LoadTotals()
        var rows: [UInt64: ArraySlice<Int>] = [:]
        var refusal: RequestFailure?
    }

    private let address: ServerAddress
    private let configuration: ClientConfiguration
    private let receipts: ReceiptQueue?
    private let state = Mutex(State())
    private var client: SluiceClient
    private var sources: [SourceRequest] = []
    private var nameOfSource: [UInt16: String] = [:]
    private var bound = SourceSet([])
    private var boundCodes: Set<UInt16> = []
    private var nextBatch: UInt64 = 1

    /// - Parameter configuration: how to connect; its sources are those of the records.
    init(_ address: ServerAddress, _ configuration: ClientConfiguration, keepsReceipts: Bool) async throws {
        self.address = address
        var configuration = configuration
        configuration.clientName = "sluice load"
        self.configuration = configuration
        receipts = keepsReceipts ? ReceiptQueue() : nil
        client = try await SluiceClient.connect(to: address, configuration: configuration)
    }

    func knownCodes(for names: [Name]) -> [UInt32?] { names.map { _ in nil } }

    func codes(for names: [Name]) async throws -> [UInt32] {
        let codes = try await client.codes(for: names)
        for (name, code) in zip(names, codes) where name.space == .source { nameOfSource[UInt16(code)] = name.text }
        return codes
    }

    func tokens(for accounts: AccountNumbers) async throws -> [UInt64] {
        try await client.tokens(for: accounts)
    }

    var tokenKeys: TokenKeys? { nil }

    func send(_ records: [Record], rows: [Int]) async throws {
        try await bindSources(of: records)
        let most = client.welcome.limits.recordsPerBatch
        for start in stride(from: 0, to: records.count, by: most) {
            let range = start..<min(start + most, records.count)
            state.withLock { $0.rows[nextBatch] = rows[range] }
            nextBatch += 1
            try await client.send(Array(records[range]))
            if let refusal = state.withLock({ $0.refusal }) { throw refusal }
        }
    }

    private func bindSources(of records: [Record]) async throws {
        var new: Set<UInt16> = []
        for record in records where !bound.contains(record.source) { new.insert(record.source) }
        guard !new.isEmpty else { return }
        try await client.finish()
        boundCodes.formUnion(new)
        bound = SourceSet(boundCodes)
        sources += new.sorted().map { code in nameOfSource[code].map(SourceRequest.name) ?? .code(code) }
        nextBatch = 1
        var configuration = configuration
        configuration.sources = sources
        client = try await SluiceClient.connect(to: address, configuration: configuration) {
            [weak self, ledger = client.welcome.ledgerID] in
            self?.take($0, ledger: ledger)
        }
    }

    private func take(_ result: BatchResult, ledger: UInt64) {
        state.withLock { state in
            let rows = state.rows.removeValue(forKey: result.number) ?? []
            switch result.outcome {
            case .failure(let failure): state.refusal = failure
            case .success(let receipt):
                receipts?.add(StoredReceipt(ledger: ledger, receipt))
                state.totals.accepted += receipt.accepted
                state.totals.duplicates += receipt.duplicates
                state.totals.add(receipt.exceptions.map { (row: rows[rows.startIndex + $0.index], fault: $0.fault) })
            }
        }
    }

    func takeTotals() -> LoadTotals { state.withLock { $0.totals } }

    func takeReceipts() -> [StoredReceipt] { receipts?.take() ?? [] }

    func finish() async throws {
        try await client.finish()
        if let refusal = state.withLock({ $0.refusal }) { throw refusal }
    }
}
