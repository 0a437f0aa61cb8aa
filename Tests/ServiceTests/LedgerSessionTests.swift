import Foundation
import Ledger
import Service
import SluiceClient
import StreamProtocol
import Testing
import Transactions

/// A new ledger in a directory of its own.
private func makeLedger() throws -> Ledger {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-\(UUID().uuidString)").path
    let files = LedgerFiles(directory: directory)
    try files.create(timeZone: "UTC", cutoverMinutes: 0)
    return try Ledger(files)
}

/// Client, service and ledger together: what the double in the other tests stands for.
@Suite struct LedgerSessionTests {
    @Test func aStreamEndsInTheLedgerOnce() async throws {
        let ledger = try makeLedger()
        defer { try? FileManager.default.removeItem(atPath: ledger.files.directory) }
        let server = StreamServer(
            engine: ledger, configuration: ServiceConfiguration(doors: [Door(host: "127.0.0.1", port: 0)]),
            logger: quiet
        ) { $0 }
        try await server.start()
        let results = Results()
        let client = try await SluiceClient.connect(
            to: .tcp(host: "127.0.0.1", port: server.port!), configuration: configuration([.name("shop")]),
            onResult: results.add)
        let source = client.welcome.sourceCodes[0]
        #expect(client.welcome.ledgerID == ledger.ledgerID && source == 0x8000)
        let records = (1...5000).map { record(UInt64($0), source: source) }
        try await client.send(records)
        try await client.send(records)
        try await client.send([record(5001, source: 7)])
        try await client.settle()
        #expect(results.acceptedCount == 5000)
        #expect(results.duplicateCount == 5000)
        let last = try #require(results.receipts.last)
        #expect(last.exceptions == [Exception(index: 0, fault: Fault(.source, .foreignSource))])
        #expect(results.receipts.prefix(5).map(\.firstSequence) == [1, 1025, 2049, 3073, 4097])
        let names = [Name(.payee, "a"), Name(.region, "b"), Name(.payee, "a")]
        #expect(try await client.codes(for: names) == [0x8000_0000, 0x8000, 0x8000_0000])
        let accounts = [[49, 50], [49, 50], [51]].reduce(into: AccountNumbers()) {
            $0.append($1, on: CalendarDay(daysSince1970: 20_000))
        }
        let tokens = try await client.tokens(for: accounts)
        #expect(tokens[0] == tokens[1] && tokens[0] != tokens[2])
        try await client.finish()
        await server.stop()
        ledger.close()
        #expect(try Ledger(ledger.files).status().records == 5000)
    }
}
