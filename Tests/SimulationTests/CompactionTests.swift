import Chance
import Ledger
import Storage
import Synchronization
import Testing
import Transactions

@testable import Simulation

/// Compaction on a disk that stops, fails or lies at each of its steps.
@Suite struct CompactionTests {
    private let files = SimulatedRun.files

    /// A ledger of commits of a few records in small segments, at rest.
    private struct Trickled {
        var image: DiskImage
        var journal: Journal
        var options: LedgerOptions
        /// The log's sealed segments, and what is in them.
        var segments: [String: [UInt8]]
    }

    private func trickled(seed: UInt64, commitCount: Int = 90) throws -> Trickled {
        var generator = SeededGenerator(seed: seed)
        let machine = SimulatedMachine(seed: seed, startMicroseconds: SimulatedRun.startMicroseconds)
        let disk = SimulatedDisk(SimulatedDisk.Settings(seed: seed))
        disk.attach(to: machine)
        var options = LedgerOptions()
        options.ringSlotCount = 2048
        options.segmentByteCount = 4000
        options.securedByteCount = 1000
        options.digestCount = 1
        options.compactsSegments = false
        options.compactedBlockRecordCount = 40
        try files.create(
            timeZone: "Asia/Ho_Chi_Minh", cutoverMinutes: 1380, fileSystem: disk, machine: machine, chance: &generator)
        let journal = Journal()
        let session = try EngineSession(
            files, options: options, fileSystem: disk, machine: machine, journal: journal)
        var workload = Workload(seed: seed, startMicroseconds: SimulatedRun.startMicroseconds, largestBatch: 4)
        var batch: UInt64 = 0
        while batch < commitCount {
            switch workload.next() {
            case .send(_, let records):
                batch += 1
                session.perform(.send(batch: batch, records: Array(records.prefix(3))))
                session.perform(.waitForAnswers)
            case .requestCodes(let names): session.perform(.requestCodes(names))
            default: session.perform(.sleep(nanoseconds: 1_000_000_000))
            }
        }
        session.perform(.waitForAnswers)
        session.close()
        disk.setHook(nil)
        return Trickled(
            image: disk.image(), journal: journal, options: options, segments: try sealedSegments(of: disk))
    }

    private func sealedSegments(of disk: SimulatedDisk) throws -> [String: [UInt8]] {
        let names = try disk.list(files.log).filter { $0.hasSuffix(".log") }.dropLast()
        return Dictionary(uniqueKeysWithValues: try names.map { ($0, try disk.content(files.log + "/" + $0)!) })
    }

    /// What is wrong with a ledger after compaction was disturbed: each segment has to be the old or the new one.
    private func faults(
        of disk: SimulatedDisk, _ old: Trickled, new: [String: [UInt8]], rebuilding: Bool
    ) throws -> [String] {
        var faults: [String] = []
        for (name, bytes) in try sealedSegments(of: disk) where bytes != old.segments[name] && bytes != new[name] {
            faults.append("\(name) is neither the old segment nor the new one")
        }
        let machine = SimulatedMachine(seed: 1, startMicroseconds: SimulatedRun.startMicroseconds + 100_000_000)
        disk.attach(to: machine)
        if rebuilding { try files.rebuild(options: old.options, fileSystem: disk, machine: machine) }
        try EngineSession(
            files, options: old.options, fileSystem: disk, machine: machine, journal: Journal(old.journal, upTo: .max)
        ).close()
        if try disk.list(files.log).contains(where: { $0.hasSuffix(".new") }) {
            faults.append("a draft is still there")
        }
        return faults + Examination.faults(in: files, on: disk, against: old.journal.knowledge)
    }

    @Test func stoppedAtAnyStepItLeavesTheOldSegmentOrTheNew() throws {
        let old = try trickled(seed: 1)
        let disk = SimulatedDisk(afterProcessCrash: old.image)
        let recorder = StepRecorder(disk, journal: old.journal)
        let report = try files.compact(options: old.options, fileSystem: disk)
        disk.setObserver(nil)
        #expect(report.faults == [] && report.rewritten > 2)
        let new = try sealedSegments(of: disk)
        #expect(try faults(of: disk, old, new: new, rebuilding: false) == [])
        let ways = CrashExploration.Damage.all(seed: 1)
        var (olds, news) = (0, 0)
        for (number, step) in recorder.steps.enumerated() {
            for way in ways {
                let segments = try sealedSegments(of: way.disk(after: step.image))
                #expect(segments.keys.sorted() == old.segments.keys.sorted())
                for (name, bytes) in segments {
                    if bytes == old.segments[name] { olds += 1 } else if bytes == new[name] { news += 1 }
                    #expect(
                        bytes == old.segments[name] || bytes == new[name], "\(name), step \(step.operation), \(way)")
                }
            }
            let way = ways[number % ways.count]
            #expect(
                try faults(of: way.disk(after: step.image), old, new: new, rebuilding: number % 3 == 0) == [],
                "step \(step.operation), \(way)")
        }
        #expect(olds > 100 && news > 100)
    }

    @Test(arguments: FaultExploration.Failure.allCases)
    func aFailureOfAnyOperationLeavesTheOldSegmentOrTheNew(failure: FaultExploration.Failure) throws {
        let old = try trickled(seed: 2, commitCount: 40)
        let whole = SimulatedDisk(afterProcessCrash: old.image)
        let report = try files.compact(options: old.options, fileSystem: whole)
        let new = try sealedSegments(of: whole)
        #expect(report.faults == [] && report.rewritten > 1 && new != old.segments)
        for index in 0..<whole.operationCount {
            let isForGood = index % 2 == 0
            let disk = SimulatedDisk(afterProcessCrash: old.image)
            disk.setFaults { operation in
                let strikes = isForGood ? operation.index >= index : operation.index == index
                return strikes ? failure.fault(of: operation) : nil
            }
            _ = try? files.compact(options: old.options, fileSystem: disk)
            disk.setFaults(nil)
            let found = try faults(of: disk, old, new: new, rebuilding: false)
            #expect(found == [], "operation \(index)\(isForGood ? " for good" : "")")
        }
    }

    @Test func aFlippedBitInAnythingThatIsReadIsNotCopied() throws {
        let old = try trickled(seed: 3, commitCount: 60)
        let whole = SimulatedDisk(afterProcessCrash: old.image)
        #expect(try files.compact(options: old.options, fileSystem: whole).rewritten > 1)
        let new = try sealedSegments(of: whole)
        var generator = SeededGenerator(seed: 3)
        var refused = 0
        for index in 0..<whole.operationCount {
            let chance = generator.next()
            let disk = SimulatedDisk(afterProcessCrash: old.image)
            disk.setFaults { operation in
                guard operation.index == index, operation.kind == .read else { return nil }
                // Windows are larger than what is in the file.
                let place = operation.offset + Int(chance % UInt64(min(operation.byteCount, 4000)))
                return .flippedBits(offset: place, mask: 1 << UInt8(chance >> 60))
            }
            let report = try? files.compact(options: old.options, fileSystem: disk)
            if report?.faults.isEmpty == false { refused += 1 }
            disk.setFaults(nil)
            let found = try faults(of: disk, old, new: new, rebuilding: false)
            #expect(found == [], "operation \(index)")
        }
        #expect(refused > 4)
    }
}
