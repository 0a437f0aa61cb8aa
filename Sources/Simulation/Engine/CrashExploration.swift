import Chance
import Ledger
import Storage
import Synchronization

/// A workload of which every step is made the last one: at each operation that changes the disk, in each way of damage, the
/// ledger is recovered, takes what has no receipt again, and is held against what was known at that step; and then once more
/// after a second crash in the middle of that recovery.
public struct CrashExploration: Sendable {
    /// How a crash damages what was in flight.
    public enum Damage: Hashable, Sendable, CustomStringConvertible {
        case processCrash
        case powerCut(PowerCut)

        /// Every way, each with a seed.
        public static func all(seed: UInt64) -> [Damage] {
            [.processCrash] + PowerCut.Mode.allCases.map { .powerCut(PowerCut($0, seed: seed)) }
        }

        /// The way, and what decides the rest.
        public var description: String {
            switch self {
            case .processCrash: "process crash"
            case .powerCut(let cut): "\(cut)"
            }
        }

        func disk(after image: DiskImage) -> SimulatedDisk {
            switch self {
            case .processCrash: SimulatedDisk(afterProcessCrash: image)
            case .powerCut(let cut): SimulatedDisk(afterPowerCut: image, damage: cut)
            }
        }
    }

    /// What every step of the workload would leave.
    let steps: [Fall.Remains]
    /// The seed of the workload.
    public let seed: UInt64
    private let journal: Journal
    private let options: LedgerOptions

    /// Operations of the workload that change the disk.
    public var stepCount: Int { steps.count }

    /// Runs the workload of a seed and keeps every step.
    /// - Throws: what opening the ledger throws; nothing fails here on purpose.
    public init(seed: UInt64, actions: Int) throws {
        var generator = SeededGenerator(seed: seed)
        options = LedgerOptions(drawnFrom: &generator)
        let machine = SimulatedMachine(seed: generator.next(), startMicroseconds: SimulatedRun.startMicroseconds)
        var workload = Workload(
            seed: generator.next(), startMicroseconds: SimulatedRun.startMicroseconds, largestBatch: 60)
        let disk = SimulatedDisk(SimulatedDisk.Settings(seed: generator.next()))
        disk.attach(to: machine)
        let journal = Journal()
        try SimulatedRun.files.create(
            timeZone: "Asia/Ho_Chi_Minh", cutoverMinutes: 1380, fileSystem: disk, machine: machine, chance: &generator)
        let recorder = StepRecorder(disk, journal: journal)
        var session = try EngineSession(
            SimulatedRun.files, options: options, fileSystem: disk, machine: machine, journal: journal)
        for _ in 0..<actions {
            let action = workload.next()
            session.perform(action)
            if case .reopen = action {
                session.close()
                session = try EngineSession(
                    SimulatedRun.files, options: options, fileSystem: disk, machine: machine, journal: journal)
            }
        }
        session.close()
        self.seed = seed
        self.journal = journal
        steps = recorder.steps
    }

    /// Makes `step` the last one.
    /// - Parameter second: makes a recovery's step, of so many, the last one of the recovery too; nil: it ends well.
    /// - Returns: what went wrong, with all that is needed to see it again.
    public func faults(
        after step: Int, _ damage: Damage, second: (chance: UInt64, damage: Damage)? = nil
    ) -> [String] {
        let remains = steps[step]
        var disk = damage.disk(after: remains.image)
        let journal = Journal(journal, upTo: remains.knownCount)
        var place = "workload \(seed), step \(step) (\(remains.operation)), \(damage)"
        if let second {
            let recorder = StepRecorder(disk, journal: journal)
            var faults = recover(disk, journal, chance: second.chance)
            disk.setObserver(nil)
            if faults.isEmpty, !recorder.steps.isEmpty {
                let again = Int(second.chance % UInt64(recorder.steps.count))
                let fallen = recorder.steps[again]
                disk = second.damage.disk(after: fallen.image)
                place += ", then step \(again) of the recovery (\(fallen.operation)), \(second.damage)"
                faults = recover(disk, Journal(journal, upTo: fallen.knownCount), chance: second.chance)
            }
            return faults.map { "\(place): \($0)" }
        }
        return recover(disk, journal, chance: UInt64(step)).map { "\(place): \($0)" }
    }

    /// Opens the ledger, sends what has no receipt, closes, and examines.
    private func recover(_ disk: SimulatedDisk, _ journal: Journal, chance: UInt64) -> [String] {
        let machine = SimulatedMachine(
            seed: chance, startMicroseconds: SimulatedRun.startMicroseconds + 100_000_000)
        disk.attach(to: machine)
        do {
            let session = try EngineSession(
                SimulatedRun.files, options: options, fileSystem: disk, machine: machine, journal: journal)
            let refusals = session.resendUnanswered()
            session.close()
            return refusals.map { "refused after recovery: \($0)" }
                + Examination.faults(in: SimulatedRun.files, on: disk, against: journal.knowledge)
        } catch {
            return ["cannot be opened: \(error)"]
        }
    }
}

/// Keeps an image of a disk and what was known, before each operation that changes something.
final class StepRecorder: Sendable {
    private let recorded = Mutex<[Fall.Remains]>([])

    /// The steps so far.
    var steps: [Fall.Remains] { recorded.withLock { $0 } }

    init(_ disk: SimulatedDisk, journal: Journal) {
        disk.setObserver { [self] operation, moment, image in
            guard moment == .before, operation.kind.isChange else { return }
            let remains = Fall.Remains(image: image(), knownCount: journal.count, operation: operation)
            recorded.withLock { $0.append(remains) }
        }
    }
}

extension SimulatedDisk {
    /// Its operations are points at which the machine's threads meet, and take time.
    func attach(to machine: SimulatedMachine) {
        setHook { kind, path in
            machine.perform(kind.rawValue, on: path, nanoseconds: kind == .synchronise ? 1_000_000 : 20_000)
        }
    }
}
