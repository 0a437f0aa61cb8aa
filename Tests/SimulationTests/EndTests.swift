import Chance
import Ledger
import RingBuffer
import Rollups
import Storage
import Synchronization
import Testing
import Transactions

@testable import Simulation

/// The end of a ledger in the middle of everything. A simulated machine notices a thread that nobody will ever wake, and
/// stops the process with its name.
@Suite struct EndTests {
    private let files = LedgerFiles(directory: "/ledger")

    private func open(on disk: SimulatedDisk, _ machine: SimulatedMachine) throws -> Ledger {
        if try !files.exist(in: disk) {
            var chance = SeededGenerator(seed: 1)
            try files.create(
                timeZone: "UTC", cutoverMinutes: 0, fileSystem: disk, machine: machine, chance: &chance)
        }
        var options = LedgerOptions()
        options.ringSlotCount = 2048
        options.digestCount = 1
        return try Ledger(files, options: options, fileSystem: disk, machine: machine)
    }

    private func attempts(_ ledger: Ledger) throws -> Int128? {
        try ledger.answer(Question(measures: [.attempts])).rows.first?.values.first.flatMap(\.self)
    }

    @Test func whatRacesWithTheEndIsAnswered() throws {
        for seed in UInt64(1)...12 { try closeInTheMiddle(seed: seed) }
    }

    private func closeInTheMiddle(seed: UInt64) throws {
        let machine = SimulatedMachine(seed: seed, startMicroseconds: SimulatedRun.startMicroseconds)
        let disk = SimulatedDisk()
        disk.attach(to: machine)
        let ledger = try open(on: disk, machine)
        let crew = SimulatedCrew(machine)
        crew.add("finder") { while (try? ledger.find(RecordID(low: 1, high: 1))) != nil {} }
        crew.add("asker") { while case .success = Result(catching: { try attempts(ledger) }) {} }
        let journal = Journal()
        for number in 0..<2 {
            let client = SimulatedClient(ledger, journal: journal, machine: machine)
            crew.add("namer \(number)") {
                for name in 0... where !client.requestCodes(for: [Name(.region, "\(number) \(name)")]) { return }
            }
        }
        let senders = (0..<2).map { _ in SimulatedClient(ledger, journal: journal, machine: machine) }
        for (number, sender) in senders.enumerated() {
            crew.add("sender \(number)") {
                var workload = Workload(
                    seed: UInt64(number), startMicroseconds: SimulatedRun.startMicroseconds, largestBatch: 400)
                while sender.refusals.isEmpty {
                    if case .send(_, let records) = workload.next() { sender.send(UInt64(number), records) }
                }
                sender.waitForAnswers()
            }
        }
        for _ in 0..<seed * 12 { machine.meet() }
        ledger.close()
        crew.waitForAll()
        #expect(senders.allSatisfy { $0.openCount == 0 }, "seed \(seed)")
    }

    /// The log has it all; the next start counts it.
    @Test func theEndDoesNotWaitForStatisticsThatCannotBeSaved() throws {
        let machine = SimulatedMachine(seed: 1, startMicroseconds: SimulatedRun.startMicroseconds)
        let disk = SimulatedDisk()
        disk.attach(to: machine)
        let ledger = try open(on: disk, machine)
        let client = SimulatedClient(ledger, journal: Journal(), machine: machine)
        var workload = Workload(
            seed: 1, startMicroseconds: SimulatedRun.startMicroseconds, largestBatch: 100)
        for batch in 0..<20 {
            if case .send(_, let records) = workload.next() { client.send(UInt64(batch), records) }
        }
        client.waitForAnswers()
        let counted = try attempts(ledger)
        let failureCount = Mutex(0)
        disk.setFaults { operation in
            // A disk that stays full; but the test is to end where the ledger does not.
            guard operation.path.contains("catalogue"), operation.kind == .write else { return nil }
            return failureCount.withLock { count in
                count += 1
                return count < 1000 ? .error(errno: DiskErrorNumber.full) : nil
            }
        }
        machine.sleep(nanoseconds: 15_000_000_000)
        ledger.close()
        #expect(failureCount.withLock { $0 > 0 && $0 < 1000 })
        disk.setFaults(nil)
        let again = try open(on: disk, machine)
        #expect(try attempts(again) == counted)
        again.close()
    }
}

/// Threads of a simulated machine that are waited for together.
private final class SimulatedCrew: Sendable {
    private let machine: SimulatedMachine
    private let running = Atomic<Int>(0)
    private let bell: Doorbell

    init(_ machine: SimulatedMachine) {
        self.machine = machine
        bell = Doorbell(control: machine)
    }

    func add(_ name: String, _ body: @escaping @Sendable () -> Void) {
        running.wrappingAdd(1, ordering: .relaxed)
        machine.startThread(name) { [self] in
            body()
            running.wrappingSubtract(1, ordering: .relaxed)
            bell.ring()
        }
    }

    func waitForAll() { _ = bell.wait { running.load(ordering: .relaxed) == 0 } }
}
