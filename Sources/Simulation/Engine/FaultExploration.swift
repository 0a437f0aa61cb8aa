import Chance
import Ledger
import Storage
import Synchronization

/// A workload in which the n-th operation of the disk fails, once or from then on, in each way: whatever the engine then does,
/// what it receipted is there when the disk is well again and the ledger is opened anew.
public struct FaultExploration: Sendable {
    /// What fails.
    public enum Failure: String, CaseIterable, Sendable {
        case inputOutput
        case full
        case shortWrite

        func fault(of operation: DiskOperation) -> DiskFault? {
            switch self {
            case .inputOutput: return .error(errno: DiskErrorNumber.inputOutput)
            case .full:
                switch operation.kind {
                case .create, .write, .secure, .createDirectory, .rename, .truncate:
                    return .error(errno: DiskErrorNumber.full)
                default: return nil
                }
            case .shortWrite:
                guard operation.kind == .write else { return nil }
                return .shortWrite(byteCount: operation.byteCount / 2, errno: DiskErrorNumber.full)
            }
        }
    }

    /// The seed of the workload.
    public let seed: UInt64
    /// Operations that the workload does when nothing fails.
    public private(set) var operationCount = 0
    private let actions: Int

    /// Runs the workload of a seed once, to count its operations.
    public init(seed: UInt64, actions: Int) {
        self.seed = seed
        self.actions = actions
        operationCount = run(failing: nil).operations
    }

    /// Runs the workload with a failure.
    /// - Parameters:
    ///   - index: which operation fails, from 0.
    ///   - isForGood: it and all after it, until the engine is closed.
    /// - Returns: what went wrong, with all that is needed to see it again.
    public func faults(at index: Int, _ failure: Failure, isForGood: Bool) -> [String] {
        run(failing: (index, failure, isForGood)).faults.map {
            "workload \(seed), operation \(index), \(failure.rawValue)\(isForGood ? " for good" : ""): \($0)"
        }
    }

    private func run(
        failing: (index: Int, failure: Failure, isForGood: Bool)?
    ) -> (operations: Int, faults: [String]) {
        var generator = SeededGenerator(seed: seed)
        let options = LedgerOptions(drawnFrom: &generator)
        let machine = SimulatedMachine(seed: generator.next(), startMicroseconds: SimulatedRun.startMicroseconds)
        var workload = Workload(
            seed: generator.next(), startMicroseconds: SimulatedRun.startMicroseconds, largestBatch: 60)
        let disk = SimulatedDisk(SimulatedDisk.Settings(seed: generator.next()))
        disk.attach(to: machine)
        if let failing {
            disk.setFaults { operation in
                let strikes = failing.isForGood ? operation.index >= failing.index : operation.index == failing.index
                return strikes ? failing.failure.fault(of: operation) : nil
            }
        }
        let journal = Journal()
        func openSession() throws -> EngineSession {
            try EngineSession(
                SimulatedRun.files, options: options, fileSystem: disk, machine: machine, journal: journal)
        }
        do {
            try FaultExploration.createLedger(on: disk, machine, &generator)
            var session = try openSession()
            for _ in 0..<actions {
                let action = workload.next()
                session.perform(action)
                // A process that may write no more ends; its supervisor starts it again.
                guard session.ledger.failure == nil else { break }
                if case .reopen = action {
                    session.close()
                    session = try openSession()
                }
            }
            session.close()
        } catch {
            // Creating or opening failed, as it may; what counts is what the next start finds.
        }
        let operations = disk.operationCount
        disk.setFaults(nil)
        do {
            try FaultExploration.createLedger(on: disk, machine, &generator)
            let session = try openSession()
            let refusals = session.resendUnanswered()
            session.close()
            return (
                operations,
                refusals.map { "refused on a disk that is well: \($0)" }
                    + Examination.faults(in: SimulatedRun.files, on: disk, against: journal.knowledge)
            )
        } catch {
            return (operations, ["cannot be opened on a disk that is well: \(error)"])
        }
    }

    /// Makes the ledger unless it is there.
    private static func createLedger(
        on disk: SimulatedDisk, _ machine: SimulatedMachine, _ generator: inout SeededGenerator
    ) throws {
        guard try !SimulatedRun.files.exist(in: disk) else { return }
        try SimulatedRun.files.create(
            timeZone: "Asia/Ho_Chi_Minh", cutoverMinutes: 1380, fileSystem: disk, machine: machine, chance: &generator)
    }
}
