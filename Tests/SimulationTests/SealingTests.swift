import Chance
import Ledger
import Storage
import Synchronization
import Testing
import Transactions

@testable import Simulation

/// What lies between a segment and the next one when the power goes.
@Suite struct SealingTests {
    private let files = SimulatedRun.files

    private struct Bench {
        let machine = SimulatedMachine(seed: 1, startMicroseconds: SimulatedRun.startMicroseconds)
        let disk = SimulatedDisk()
        var options = LedgerOptions()
        let journal = Journal()
        private var workload = Workload(seed: 1, startMicroseconds: SimulatedRun.startMicroseconds, largestBatch: 40)
        private var batch: UInt64 = 0

        init() throws {
            var generator = SeededGenerator(seed: 1)
            options.ringSlotCount = 2048
            options.segmentByteCount = 3000
            options.digestCount = 1
            disk.attach(to: machine)
            try SimulatedRun.files.create(
                timeZone: "UTC", cutoverMinutes: 0, fileSystem: disk, machine: machine, chance: &generator)
        }

        /// A batch of so many new records.
        mutating func send(_ count: Int, to session: EngineSession) {
            var records: [Record] = []
            while records.count < count {
                if case .send(_, let more) = workload.next(), !records.contains(where: more.contains) {
                    records += more
                }
            }
            batch += 1
            session.perform(.send(batch: batch, records: Array(records.prefix(count))))
            session.perform(.waitForAnswers)
        }

        func open(on disk: SimulatedDisk? = nil) throws -> EngineSession {
            try EngineSession(
                SimulatedRun.files, options: options, fileSystem: disk ?? self.disk, machine: machine, journal: journal)
        }
    }

    /// The segment that follows a mark repeats its checksum.
    @Test(arguments: PowerCut.Mode.allCases)
    func aMarkBeforeANewSegmentIsNotLost(mode: PowerCut.Mode) throws {
        var bench = try Bench()
        let session = try bench.open()
        bench.send(10, to: session)
        bench.machine.sleep(nanoseconds: 1_000_000_000)
        bench.send(40, to: session)
        let after = SimulatedDisk(afterPowerCut: bench.disk.image(), damage: PowerCut(mode, seed: 1))
        session.close()
        try bench.open(on: after).close()
        #expect(try after.list(files.log).count > 1)
        #expect(Examination.faults(in: files, on: after, against: bench.journal.knowledge) == [])
    }

    /// A block behind a mark that a power cut lost would say that something was lost before it.
    @Test(arguments: PowerCut.Mode.allCases)
    func aMarkIsDurableBeforeABlockIsWrittenBehindIt(mode: PowerCut.Mode) throws {
        var bench = try Bench()
        bench.options.segmentByteCount = 1 << 20
        let session = try bench.open()
        bench.send(10, to: session)
        bench.machine.sleep(nanoseconds: 1_000_000_000)
        let unflushed = Mutex<(image: DiskImage, knownCount: Int)?>(nil)
        bench.disk.setObserver { [journal = bench.journal] operation, moment, image in
            guard operation.kind == .synchronise, operation.path.hasSuffix(".log"), moment == .before else { return }
            unflushed.withLock { $0 = ($0 ?? (image(), journal.count)) }
        }
        bench.send(20, to: session)
        bench.disk.setObserver(nil)
        session.close()
        let fallen = try #require(unflushed.withLock { $0 })
        for seed in 0..<3 as Range<UInt64> {
            let after = SimulatedDisk(afterPowerCut: fallen.image, damage: PowerCut(mode, seed: seed))
            try bench.open(on: after).close()
            let known = Journal(bench.journal, upTo: fallen.knownCount).knowledge
            #expect(Examination.faults(in: files, on: after, against: known) == [])
        }
    }

    /// The process is killed between a new segment's rename and the flush of that; the next process goes on in that segment.
    @Test func aSegmentThatAnEarlierProcessBeganIsDurableBeforeItIsUsed() throws {
        var bench = try Bench()
        let session = try bench.open()
        let killed = Mutex<DiskImage?>(nil)
        bench.disk.setObserver { operation, moment, image in
            guard operation.kind == .rename, operation.path.hasSuffix(".log.new"), moment == .after else { return }
            killed.withLock { $0 = image() }
        }
        bench.send(10, to: session)
        bench.send(40, to: session)
        bench.disk.setObserver(nil)
        session.close()
        let second = SimulatedDisk(afterProcessCrash: try #require(killed.withLock { $0 }))
        second.attach(to: bench.machine)
        let next = try bench.open(on: second)
        bench.send(3, to: next)
        let after = SimulatedDisk(afterPowerCut: second.image(), damage: PowerCut(.nothing, seed: 1))
        next.close()
        let recovered = try bench.open(on: after)
        #expect(recovered.resendUnanswered() == [])
        recovered.close()
        let faults = Examination.faults(in: files, on: after, against: bench.journal.knowledge)
        #expect(faults.filter { $0.contains("batch 3") } == [])
    }
}
