import Foundation
import Ledger
import Storage
import Testing

@testable import Simulation

@Suite struct MachineTests {
    @Test func smoke() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let path = NSTemporaryDirectory() + "/sluice-sim-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: path) }
            let files = LedgerFiles(directory: path)
            let machine = SimulatedMachine(seed: seed, startMicroseconds: 1_768_089_600_000_000)
            var chance = SeededGenerator(seed: seed)
            let disk = DiskFileSystem()
            try files.create(timeZone: "UTC", cutoverMinutes: 0, fileSystem: disk, machine: machine, chance: &chance)
            var options = LedgerOptions()
            options.ringSlotCount = 2048
            options.segmentByteCount = 20_000
            options.securedByteCount = 4096
            options.digestCount = 1
            let journal = Journal()
            var workload = Workload(seed: seed, startMicroseconds: 1_768_089_600_000_000, largestBatch: 200)
            var session = try EngineSession(
                files, options: options, fileSystem: disk, machine: machine, journal: journal)
            for _ in 0..<60 {
                let action = workload.next()
                session.perform(action)
                if case .reopen = action {
                    session.close()
                    session = try EngineSession(
                        files, options: options, fileSystem: disk, machine: machine, journal: journal)
                }
            }
            session.close()
            #expect(session.failures == [])
            let faults = Examination.faults(in: files, on: disk, against: journal.knowledge)
            #expect(faults == [])
            print(seed, machine.meetingCount, machine.wallClockMicroseconds() - 1_768_089_600_000_000, journal.count)
        }
    }
}
