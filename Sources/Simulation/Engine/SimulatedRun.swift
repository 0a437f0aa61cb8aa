import Chance
import Ledger
import Storage

/// The whole engine from one seed: clients, questions, pauses, crashes of process and power one after the other, also in the
/// middle of a recovery; in the end everything is held against what clients were told. A seed replays exactly.
public final class SimulatedRun {
    /// What came of a run.
    public struct Report: Sendable, CustomStringConvertible {
        /// Which run.
        public var seed: UInt64
        /// What went wrong, one line each; empty: nothing.
        public var faults: [String] = []
        /// Crashes of the process.
        public var processCrashes = 0
        /// Power cuts.
        public var powerCuts = 0
        /// Operations of all disks.
        public var operations = 0
        /// A hash of every operation in order: equal when two runs were the same.
        public var trace: UInt64 = 0

        /// One line.
        public var description: String {
            "seed \(seed): \(operations) operations, \(processCrashes) process crashes, \(powerCuts) power cuts, "
                + (faults.isEmpty ? "no fault" : "\(faults.count) faults: \(faults.joined(separator: "; "))")
        }
    }

    static let files = LedgerFiles(directory: "/ledger")
    /// 2026-01-11, a second before midnight UTC, so that identities and days change while it runs.
    static let startMicroseconds: Int64 = 1_768_089_599_000_000

    private var generator: SeededGenerator
    private var report: Report
    private var workload: Workload
    private let machine: SimulatedMachine
    private let options: LedgerOptions
    private var disk: SimulatedDisk
    private var journal = Journal()

    private init(seed: UInt64, ignoresFlushes: Bool) {
        generator = SeededGenerator(seed: seed)
        report = Report(seed: seed)
        options = LedgerOptions(drawnFrom: &generator)
        machine = SimulatedMachine(seed: generator.next(), startMicroseconds: SimulatedRun.startMicroseconds)
        workload = Workload(
            seed: generator.next(), startMicroseconds: SimulatedRun.startMicroseconds,
            largestBatch: generator.isOneIn(2) ? 20 : 400)
        disk = SimulatedDisk(SimulatedDisk.Settings(seed: generator.next(), ignoresFlushes: ignoresFlushes))
    }

    /// Runs one seed.
    /// - Parameters:
    ///   - lives: how often the engine is started; each life but the last ends in a crash, most of the time.
    ///   - actions: what clients do in each life.
    ///   - ignoresFlushes: the disk lies, and something must be found.
    public static func run(
        seed: UInt64, lives: Int = 4, actions: Int = 40, ignoresFlushes: Bool = false
    ) -> Report {
        let run = SimulatedRun(seed: seed, ignoresFlushes: ignoresFlushes)
        run.disk.attach(to: run.machine)
        do {
            try files.create(
                timeZone: "Asia/Ho_Chi_Minh", cutoverMinutes: 1380, fileSystem: run.disk, machine: run.machine,
                chance: &run.generator)
            for _ in 1..<lives { try run.live(actions: actions, mayFall: true) }
            try run.live(actions: actions, mayFall: false)
        } catch {
            run.report.faults.append("\(error)")
        }
        run.report.operations += run.disk.operationCount
        run.report.trace = run.machine.trace
        return run.report
    }

    // MARK: A life of the engine

    private func live(actions: Int, mayFall: Bool) throws {
        let fall = mayFall && !generator.isOneIn(5) ? armFall() : nil
        do {
            var session = try openSession()
            if !mayFall {
                report.faults += session.resendUnanswered().map { "refused after recovery: \($0)" }
            }
            for _ in 0..<actions {
                if fall?.result != nil { break }
                let action = workload.next()
                session.perform(action)
                if case .reopen = action, fall?.result == nil {
                    session.close()
                    session = try openSession()
                }
            }
            if fall?.result == nil { report.faults += session.failures }
            session.close()
        } catch  where fall?.result != nil {
            // It fell while it was opened.
        }
        if let remains = fall?.result { return breakDown(remains) }
        disk.setObserver(nil)
        disk.setFaults(nil)
        report.faults += Examination.faults(in: SimulatedRun.files, on: disk, against: journal.knowledge)
    }

    private func openSession() throws -> EngineSession {
        try EngineSession(
            SimulatedRun.files, options: options, fileSystem: disk, machine: machine, journal: journal)
    }

    private func armFall() -> Fall {
        let reach = generator.isOneIn(4) ? 30 : 400
        return Fall(
            of: disk, atChange: disk.changeCount + .random(in: 0..<reach, using: &generator),
            generator.isOneIn(2) ? .before : .after, journal: journal)
    }

    /// The next life finds what the crash left.
    private func breakDown(_ remains: Fall.Remains) {
        report.operations += disk.operationCount
        if generator.isOneIn(3) {
            disk = SimulatedDisk(afterProcessCrash: remains.image)
            report.processCrashes += 1
        } else {
            disk = SimulatedDisk(afterPowerCut: remains.image, damage: PowerCut(seed: generator.next()))
            report.powerCuts += 1
        }
        journal = Journal(journal, upTo: remains.knownCount)
        disk.attach(to: machine)
    }
}

extension LedgerOptions {
    /// For readers of a simulated disk: which operation comes first must follow from the seed alone.
    static var simulated: LedgerOptions {
        var options = LedgerOptions()
        options.threadCount = 1
        return options
    }

    /// Small and odd limits, so that what happens once a day happens all the time.
    init(drawnFrom generator: inout SeededGenerator) {
        self = .simulated
        ringSlotCount = 2048 << Int.random(in: 0...1, using: &generator)
        sharedEncodingRecordCount = .random(in: 1...500, using: &generator)
        rowsRecordCount = sharedEncodingRecordCount / 4
        segmentByteCount = .random(in: 2_000...60_000, using: &generator)
        securedByteCount = .random(in: 1...20_000, using: &generator)
        zeroedByteCount = .random(in: 0...20_000, using: &generator)
        zeroingBlockCount = .random(in: 1...4, using: &generator)
        identityByteCount = generator.isOneIn(2) ? 1 : 1 << 30
        identityIdleCount = .random(in: 1...500, using: &generator)
        identityCheckCount = .random(in: 1...500, using: &generator)
        digestCount = 1
        unsavedRollupByteCount = generator.isOneIn(3) ? 1 << 10 : 1 << 20
        fillStepRecordCount = .random(in: 1...300, using: &generator)
        checkpointSeconds = .random(in: 1...10, using: &generator)
        compactsSegments = !generator.isOneIn(4)
        compactedBlockRecordCount = .random(in: 1...500, using: &generator)
    }
}
