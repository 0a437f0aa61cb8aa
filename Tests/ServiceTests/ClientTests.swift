import Foundation
import Ledger
import Service
import SluiceClient
import StreamProtocol
import Synchronization
import Testing
import Transactions

/// Gathers a client's results.
final class Results: Sendable {
    private let results = Mutex<[BatchResult]>([])

    var all: [BatchResult] { results.withLock { $0 } }
    var receipts: [Receipt] { all.compactMap { try? $0.outcome.get() } }
    var acceptedCount: Int { receipts.reduce(0) { $0 + $1.accepted } }
    var duplicateCount: Int { receipts.reduce(0) { $0 + $1.duplicates } }

    func add(_ result: BatchResult) { results.withLock { $0.append(result) } }
}

func configuration(_ sources: [SourceRequest] = [.code(7)]) -> ClientConfiguration {
    var configuration = ClientConfiguration(sources: sources)
    configuration.firstBackoffMilliseconds = 5
    configuration.longestBackoffMilliseconds = 20
    return configuration
}

@Suite struct ClientTests {
    private func connect(
        _ server: StreamServer, _ results: Results = Results(), _ change: (inout ClientConfiguration) -> Void = { _ in }
    ) async throws -> SluiceClient {
        var configuration = configuration()
        change(&configuration)
        return try await SluiceClient.connect(
            to: .tcp(host: "127.0.0.1", port: server.port!), configuration: configuration, onResult: results.add)
    }

    @Test func streamsMoreThanTheWindowInOrder() async throws {
        try await withServer(configure: { $0.limits.windowBatches = 4 }) { server, engine in
            let results = Results()
            let client = try await connect(server, results)
            #expect(client.welcome.ledgerID == engine.ledgerID)
            let records = (1...40_000).map { record(UInt64($0)) }
            try await client.send(records)
            try await client.finish()
            #expect(engine.order == records)
            #expect(results.all.map(\.number) == (1...40).map { UInt64($0) })
            #expect(results.acceptedCount == 40_000)
            #expect(results.all.allSatisfy { !$0.wasResent })
            #expect(engine.submitted.count == 40)
        }
    }

    @Test func compressedBatchesArriveAsTheirRecords() async throws {
        try await withServer { server, engine in
            let results = Results()
            let client = try await connect(server, results) { $0.compressesBatches = true }
            let records = (1...5000).map { record(UInt64($0)) }
            try await client.send(records)
            try await client.send([record(5001)])
            try await client.finish()
            #expect(engine.order == records + [record(5001)])
            #expect(results.acceptedCount == 5001)
        }
    }

    @Test func batchesAreFilledInPlace() async throws {
        try await withServer { server, engine in
            let client = try await connect(server)
            for batch in 0..<50 as Range<UInt64> {
                try await client.send(recordCount: 3) { room in
                    let records = room.bindMemory(to: Record.self)
                    for index in 0..<3 { records[index] = record(batch * 3 + UInt64(index) + 1) }
                }
            }
            let more = [record(1000), record(1001)]
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 128, alignment: 8)
            defer { bytes.deallocate() }
            more.withUnsafeBytes { bytes.copyMemory(from: $0) }
            try await client.sendBatch(UnsafeRawBufferPointer(bytes))
            try await client.settle()
            #expect(engine.order == (1...150).map { record($0) } + more)
            try await client.finish()
        }
    }

    @Test func manyTasksShareAClient() async throws {
        try await withServer(configure: { $0.limits.windowBatches = 3 }) { server, engine in
            let results = Results()
            let client = try await connect(server, results)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<4 as Range<UInt64> {
                    group.addTask {
                        for batch in 0..<25 as Range<UInt64> {
                            try await client.send((1...10).map { record(task << 32 | batch << 8 | $0) })
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await client.finish()
            #expect(engine.order.count == 1000)
            #expect(results.all.count == 100)
        }
    }

    @Test func codesTokensAndQueries() async throws {
        let long = [UInt8](repeating: 9, count: 300_000)
        try await withServer(local: true, query: { $0 == [0] ? long : $0 + $0 }) { server, engine in
            let overTCP = try await connect(server)
            let names = (0..<3000).map { Name(.payee, "payee \($0 % 2500) " + String(repeating: "-", count: 60)) }
            let codes = try await overTCP.codes(for: names)
            #expect(codes.count == 3000 && codes[2500] == codes[0] && Set(codes).count == 2500)
            let accounts = (1...2000).reduce(into: AccountNumbers()) { accounts, number in
                let text = String(repeating: "9", count: 60) + "\(number)"
                accounts.append(Array(text.utf8), on: CalendarDay(daysSince1970: Int32(number)))
            }
            let tokens = try await overTCP.tokens(for: accounts)
            #expect(tokens == engine.tokens(for: accounts))
            let failure = await #expect(throws: ClientError.self) { try await overTCP.query([1]) }
            guard case .failed(let why)? = failure else {
                Issue.record("\(failure as Any)")
                return
            }
            #expect(why.cause == .notAllowed)
            try await overTCP.finish()

            let path = try #require(server.unixSocketPath)
            let local = try await SluiceClient.connect(to: .unixSocket(path: path))
            async let answers = (local.query([0]), local.query([1, 2]))
            let (first, second) = try await answers
            #expect(first == long)
            #expect(second == [1, 2, 1, 2])
            try await local.finish()
        }
    }

    @Test func failedQueriesSayWhy() async throws {
        struct Misunderstood: Error, CustomStringConvertible { var description = "no such measure" }
        try await withServer(local: true, query: { _ in throw Misunderstood() }) { server, _ in
            let local = try await SluiceClient.connect(to: .unixSocket(path: server.unixSocketPath!))
            let error = await #expect(throws: ClientError.self) { try await local.query([1]) }
            #expect(error == .failed(RequestFailure(.queryFailed, mayRetry: false, "no such measure")))
        }
    }

    @Test func refusedBatchesAreReported() async throws {
        try await withServer { server, engine in
            let results = Results()
            let client = try await connect(server, results)
            engine.refuse(Refusal(.failed, "broken"))
            try await client.send([record(1)])
            try await client.settle()
            engine.refuse(nil)
            try await client.send([record(1)])
            try await client.finish()
            #expect(results.all.count == 2)
            #expect(throws: RequestFailure.self) { try results.all[0].outcome.get() }
            #expect(results.acceptedCount == 1)
        }
    }

    @Test func whatIsRefusedForNowIsSentAgainInOrder() async throws {
        try await withServer { server, engine in
            let results = Results()
            let client = try await connect(server, results)
            engine.refuse(Refusal(.diskFull, "full"))
            for number in 1...3 { try await client.send([record(UInt64(number))]) }
            try await eventually { engine.submitted.count >= 9 }
            engine.refuse(nil)
            try await client.finish()
            #expect(engine.order == (1...3).map { record($0) })
            #expect(results.all.map(\.number) == [1, 2, 3])
            #expect(results.all.allSatisfy { $0.wasResent })
        }
    }

    @Test func pingsKeepAnIdleClientConnected() async throws {
        try await withServer(configure: { $0.limits.idleTimeoutMilliseconds = 300 }) { server, engine in
            let client = try await connect(server) { $0.reconnectMilliseconds = 0 }
            try await Task.sleep(for: .milliseconds(700))
            try await client.send([record(1)])
            try await client.finish()
            #expect(engine.order.count == 1)
        }
    }

    @Test func noServerIsAClearError() async throws {
        let port = try RawListener().port
        let address = ServerAddress.tcp(host: "127.0.0.1", port: port)
        let error = await #expect(throws: ClientError.self) { try await SluiceClient.connect(to: address) }
        guard case .cannotConnect(address, _)? = error else {
            Issue.record("\(error as Any)")
            return
        }
    }

    @Test func aClosedClientSendsNothing() async throws {
        try await withServer { server, _ in
            let client = try await connect(server)
            try await client.finish()
            await #expect(throws: ClientError.closed) { try await client.send([record(1)]) }
            await #expect(throws: ClientError.closed) { try await client.codes(for: [Name(.payee, "x")]) }
            await client.close()
        }
    }

    @Test func argumentsBeyondTheProtocolAreErrors() async throws {
        try await withServer { server, _ in
            let client = try await connect(server)
            await #expect(throws: ClientError.self) { try await client.send(recordCount: 0) { _ in } }
            await #expect(throws: ClientError.self) { try await client.send(recordCount: 1025) { _ in } }
            await #expect(throws: ClientError.self) { try await client.codes(for: [Name(.payee, "")]) }
            let nothing = [[UInt8]()].reduce(into: AccountNumbers()) { $0.append($1, on: .first) }
            await #expect(throws: ClientError.self) { try await client.tokens(for: nothing) }
            try await client.finish()
        }
    }
}
