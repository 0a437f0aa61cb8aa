import Foundation
import Service
import SluiceClient
import StreamProtocol
import Synchronization
import Testing
import Transactions

/// Batches that go to disk while the server is away: none is lost, none is passed by a younger one, none stays for ever.
@Suite(.timeLimit(.minutes(1))) struct SpillTests {
    /// A directory that goes with it.
    private final class Place: Sendable {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-spill-\(UUID().uuidString)")
            .path

        deinit { try? FileManager.default.removeItem(atPath: path) }

        var files: [String] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            return names.filter { $0.hasSuffix(".spill") }.sorted().map { path + "/" + $0 }
        }

        var byteCount: Int { files.reduce(0) { $0 + (FileManager.default.contents(atPath: $1)?.count ?? 0) } }

        /// As a crash leaves it to the next process.
        func copy() throws -> Place {
            let copy = Place()
            try FileManager.default.copyItem(atPath: path, toPath: copy.path)
            return copy
        }
    }

    private static let window = 4

    private func configuration(
        _ place: Place, mostBytes: Int = 64 << 20, sources: [SourceRequest] = [.code(7)],
        flush: SpillConfiguration.Flush = .beforeSendReturns
    ) -> ClientConfiguration {
        var configuration = ClientConfiguration(sources: sources)
        configuration.firstBackoffMilliseconds = 5
        configuration.longestBackoffMilliseconds = 20
        configuration.windowBatches = Self.window
        configuration.spill = SpillConfiguration(directory: place.path, mostBytes: mostBytes, flush: flush)
        return configuration
    }

    /// Runs a server on the same port in each of its lives, with one engine.
    private final class Lives: Sendable {
        let engine = MemoryEngine()
        private let knownPort = Mutex(0)
        var port: Int { knownPort.withLock { $0 } }
        var address: ServerAddress { .tcp(host: "127.0.0.1", port: port) }

        func live(_ body: () async throws -> Void) async throws {
            try await withServer(
                engine: engine,
                configure: { $0.dieAtOnce(onPort: port) }
            ) { server, _ in
                knownPort.withLock { $0 = server.port! }
                try await body()
            }
        }
    }

    private func counts(_ leftovers: SpillLeftovers) -> [Int] {
        [leftovers.batchCount, leftovers.recordCount, leftovers.cutByteCount]
    }

    /// Sends batches of one record each, numbered on from `first`, until so many are sent.
    private func send(_ client: SluiceClient, _ numbers: ClosedRange<UInt64>) async throws {
        for number in numbers { try await client.send([record(number)]) }
    }

    @Test(arguments: [SpillConfiguration.Flush.beforeSendReturns, .bySystem], [false, true])
    func whatIsSentWhileTheServerIsAwayArrivesInOrder(flush: SpillConfiguration.Flush, compressing: Bool) async throws {
        let (place, lives, results) = (Place(), Lives(), Results())
        var client: SluiceClient?
        try await lives.live {
            var configuration = configuration(place, flush: flush)
            configuration.compressesBatches = compressing
            client = try await SluiceClient.connect(
                to: lives.address, configuration: configuration, onResult: results.add)
            try await send(client!, 1...10)
            try await client!.settle()
        }
        try await send(client!, 11...60)
        #expect(!place.files.isEmpty)
        #expect(results.all.count == 10)
        try await lives.live { try await eventually { results.all.count >= 30 } }
        try await send(client!, 61...90)
        try await lives.live {
            try await send(client!, 91...100)
            try await client!.finish()
        }
        #expect(lives.engine.order == (1...100).map { record($0) })
        #expect(results.all.map(\.number) == (1...100).map { UInt64($0) })
        #expect(results.all.allSatisfy { !$0.isLeftover })
        #expect(place.files.isEmpty)
    }

    @Test func severalTasksSpillAtOnce() async throws {
        let (place, lives, results) = (Place(), Lives(), Results())
        var client: SluiceClient?
        try await lives.live {
            client = try await SluiceClient.connect(
                to: lives.address, configuration: configuration(place), onResult: results.add)
        }
        try await withThrowingTaskGroup(of: Void.self) { [client = client!] group in
            for task in 0..<8 as Range<UInt64> {
                group.addTask { try await self.send(client, task << 32 + 1...task << 32 + 20) }
            }
            try await group.waitForAll()
        }
        try await lives.live { try await client!.finish() }
        #expect(results.all.map(\.number) == (1...160).map { UInt64($0) })
        for task in 0..<8 as Range<UInt64> {
            let own = lives.engine.order.filter { $0.id.low >> 32 == task }
            #expect(own == (1...20).map { record(task << 32 | $0) })
        }
        #expect(place.files.isEmpty)
    }

    /// The directory as it was while the client spilled is what a killed process leaves: all that `send` returned for.
    @Test func aKilledProcessLeavesAllThatWasSentToTheNextOne() async throws {
        let (place, lives) = (Place(), Lives())
        var first: SluiceClient?
        try await lives.live {
            first = try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
            try await send(first!, 1...3)
            try await first!.settle()
        }
        try await send(first!, 4...40)
        let (left, results) = (try place.copy(), Results())
        try await lives.live {
            let second = try await SluiceClient.connect(
                to: lives.address, configuration: configuration(left), onResult: results.add)
            #expect(counts(second.leftovers) == [37, 37, 0])
            try await send(second, 41...50)
            try await second.finish()
            #expect(left.files.isEmpty)
            await first!.close()
        }
        #expect(lives.engine.order.map(\.id.low) == (1...50).map { UInt64($0) })
        #expect(results.all.map(\.isLeftover) == (1...47).map { $0 <= 37 })
        #expect(results.all.map(\.number) == [UInt64](repeating: 0, count: 37) + (1...10).map { UInt64($0) })
    }

    /// Closed with batches in the window, not spilled yet: they are left in the spill.
    @Test func closingKeepsWhatHasNoAnswer() async throws {
        let (place, lives) = (Place(), Lives())
        try await lives.live {
            lives.engine.hold()
            let client = try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
            try await send(client, 1...3)
            await client.close()
        }
        lives.engine.release()
        let results = Results()
        try await lives.live {
            let client = try await SluiceClient.connect(
                to: lives.address, configuration: configuration(place), onResult: results.add)
            #expect(client.leftovers.batchCount == 3)
            try await client.finish()
        }
        #expect(results.receipts.reduce(0) { $0 + $1.accepted + $1.duplicates } == 3)
        #expect(lives.engine.order.map(\.id.low) == [1, 2, 3])
        #expect(place.files.isEmpty)
    }

    @Test func aFullSpillHoldsSendersBack() async throws {
        let (place, lives) = (Place(), Lives())
        let mostBytes = 2 << 20
        var client: SluiceClient?
        try await lives.live {
            client = try await SluiceClient.connect(
                to: lives.address, configuration: configuration(place, mostBytes: mostBytes))
        }
        let batch = 1024
        let sent = Atomic<Int>(0)
        let task = Task { [client = client!] in
            for start in stride(from: 1, through: 100 * batch, by: batch) {
                try await client.send((start..<start + batch).map { record(UInt64($0)) })
                sent.add(1, ordering: .relaxed)
            }
        }
        try await eventually { sent.load(ordering: .relaxed) >= 20 }
        var last = -1
        while sent.load(ordering: .relaxed) != last {
            last = sent.load(ordering: .relaxed)
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(last < 100 && place.byteCount <= mostBytes)
        try await lives.live {
            try await task.value
            try await client!.finish()
        }
        #expect(lives.engine.order.map(\.id.low) == (1...UInt64(100 * batch)).map { $0 })
        #expect(place.files.isEmpty)
    }

    // MARK: What lies there is looked at

    /// A spill with 20 batches in it, of a client that was killed.
    private func leftBehind(_ lives: Lives, mostBytes: Int = 64 << 20, recordsPerBatch: Int = 1) async throws -> Place {
        let place = Place()
        var client: SluiceClient?
        try await lives.live {
            client = try await SluiceClient.connect(
                to: lives.address, configuration: configuration(place, mostBytes: mostBytes))
        }
        for number in 0..<20 {
            let first = UInt64(1 + number * recordsPerBatch)
            try await client!.send((first..<first + UInt64(recordsPerBatch)).map { record($0) })
        }
        let copy = try place.copy()
        await client!.close()
        return copy
    }

    private func change(_ path: String, _ change: (inout Data) -> Void) throws {
        var bytes = try #require(FileManager.default.contents(atPath: path))
        change(&bytes)
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    @Test(arguments: [1, 31, 32, 33, 95]) func aLastBatchThatWasBeingWrittenIsCutOff(missing: Int) async throws {
        let lives = Lives()
        let place = try await leftBehind(lives)
        try change(place.files.last!) { $0.removeLast(missing) }
        try await lives.live {
            let client = try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
            #expect(counts(client.leftovers) == [19, 19, 96 - missing])
            try await client.finish()
        }
        #expect(lives.engine.order.map(\.id.low) == (1...19).map { UInt64($0) })
    }

    @Test func aFileThatWasBeingBegunIsRemoved() async throws {
        let lives = Lives()
        let place = try await leftBehind(lives)
        try Data("SLUISPIL".utf8).write(to: URL(fileURLWithPath: place.path + "/000000000099.spill"))
        try await lives.live {
            let client = try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
            #expect(counts(client.leftovers) == [20, 20, 8])
            try await client.finish()
        }
        #expect(place.files.isEmpty)
    }

    /// A flipped bit before the last batch is no torn write: it is told, and nothing is sent or changed.
    @Test func damageIsToldAndNothingIsPassedOver() async throws {
        let lives = Lives()
        let place = try await leftBehind(lives)
        let path = place.files[0]
        let whole = try #require(FileManager.default.contents(atPath: path))
        try await lives.live {
            for offset in [0, 20, 33, 40, 45, 60, 100, 40 + 96 * 7 + 50] {
                try change(path) { $0[offset] ^= 4 }
                let damaged = FileManager.default.contents(atPath: path)
                let error = await #expect(throws: ClientError.self, "byte \(offset)") {
                    try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
                }
                guard case .spill(.damaged(path, let start, _))? = error else {
                    Issue.record("\(error as Any)")
                    return
                }
                #expect(start <= offset && offset < start + 96)
                #expect(FileManager.default.contents(atPath: path) == damaged)
                try whole.write(to: URL(fileURLWithPath: path))
            }
            let client = try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
            try await client.finish()
        }
        #expect(lives.engine.order.map(\.id.low) == (1...20).map { UInt64($0) })
    }

    @Test func aTornFileBeforeTheLastIsDamage() async throws {
        let lives = Lives()
        let place = try await leftBehind(lives, mostBytes: 2 << 20, recordsPerBatch: 1024)
        #expect(place.files.count >= 2)
        try change(place.files[0]) { $0.removeLast(1) }
        try await lives.live {
            let error = await #expect(throws: ClientError.self) {
                try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
            }
            guard case .spill(.damaged)? = error else {
                Issue.record("\(error as Any)")
                return
            }
        }
    }

    @Test func whatIsForAnotherLedgerOrSourceIsNotSent() async throws {
        let lives = Lives()
        let place = try await leftBehind(lives)
        try await lives.live {
            let error = await #expect(throws: ClientError.self) {
                try await SluiceClient.connect(
                    to: lives.address, configuration: configuration(place, sources: [.code(8)]))
            }
            guard case .spill(.foreign)? = error else {
                Issue.record("\(error as Any)")
                return
            }
        }
        try await withServer(engine: MemoryEngine(ledgerID: 43)) { server, _ in
            let error = await #expect(throws: ClientError.self) {
                try await SluiceClient.connect(
                    to: .tcp(host: "127.0.0.1", port: server.port!), configuration: configuration(place))
            }
            guard case .spill(.foreign)? = error else {
                Issue.record("\(error as Any)")
                return
            }
        }
    }

    @Test func twoClientsDoNotShareADirectory() async throws {
        let (place, lives) = (Place(), Lives())
        try await lives.live {
            let first = try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
            await #expect(throws: ClientError.spill(.inUse(directory: place.path))) {
                try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
            }
            try await first.finish()
            let second = try await SluiceClient.connect(to: lives.address, configuration: configuration(place))
            try await second.finish()
        }
    }

    @Test func aSpillThatIsTooSmallIsAnError() async throws {
        await #expect(throws: ClientError.self) {
            try await SluiceClient.connect(
                to: .tcp(host: "127.0.0.1", port: 1), configuration: configuration(Place(), mostBytes: 1000))
        }
    }
}
