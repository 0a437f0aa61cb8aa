import Chance
import Foundation
import Ledger
import Storage
import Synchronization
import Testing

@testable import Simulation

/// The whole engine on simulated disks: short samples of what `tools/torture` does by the thousand.
@Suite struct EngineTests {
    @Test func wholeRunsLoseAndDoubleNothing() {
        let reports = inParallel(200) { SimulatedRun.run(seed: UInt64($0) + 1) }
        #expect(reports.flatMap { report in report.faults.map { "seed \(report.seed): \($0)" } } == [])
        #expect(reports.contains { $0.processCrashes > 0 } && reports.contains { $0.powerCuts > 0 })
    }

    /// The order of dictionaries differs from one to the next unless the process was started with fixed hashing, as
    /// `tools/test` and `tools/torture` do.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SWIFT_DETERMINISTIC_HASHING"] != nil))
    func aSeedReplaysExactly() {
        let (first, again) = (SimulatedRun.run(seed: 5), SimulatedRun.run(seed: 5))
        #expect(first.trace == again.trace && first.operations == again.operations)
        #expect(first.trace != SimulatedRun.run(seed: 6).trace)
    }

    @Test func aCrashAtEveryStepLosesAndDoublesNothing() throws {
        let exploration = try CrashExploration(seed: 1, actions: 12)
        let ways = CrashExploration.Damage.all(seed: 1)
        // Every step, each in another way; `tools/torture` takes every way.
        let faults = inParallel(exploration.stepCount) { step in
            exploration.faults(after: step, ways[step % ways.count])
        }
        #expect(faults.flatMap(\.self) == [])
    }

    @Test func aSecondCrashDuringTheRecoveryLosesAndDoublesNothing() throws {
        let exploration = try CrashExploration(seed: 2, actions: 12)
        let ways = CrashExploration.Damage.all(seed: 2)
        let faults = inParallel(60) { number in
            var chance = SeededGenerator(seed: UInt64(number))
            let step = Int.random(in: 0..<exploration.stepCount, using: &chance)
            let second = (chance.next(), ways.randomElement(using: &chance)!)
            return exploration.faults(after: step, ways[number % ways.count], second: second)
        }
        #expect(faults.flatMap(\.self) == [])
    }

    @Test(arguments: FaultExploration.Failure.allCases, [false, true])
    func aFailureOfAnyOperationLosesAndDoublesNothing(failure: FaultExploration.Failure, isForGood: Bool) {
        let exploration = FaultExploration(seed: 3, actions: 8)
        let faults = inParallel(exploration.operationCount) { index in
            exploration.faults(at: index, failure, isForGood: isForGood)
        }
        #expect(faults.flatMap(\.self) == [])
    }

    /// The examination is worth something only when it finds what is wrong.
    @Test func aDiskThatDoesNotFlushIsFoundOut() {
        let reports = inParallel(12) {
            SimulatedRun.run(seed: UInt64($0) + 1, lives: 4, actions: 20, ignoresFlushes: true)
        }
        #expect(reports.contains { !$0.faults.isEmpty })
    }

    private func inParallel<Outcome: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) -> Outcome
    ) -> [Outcome] {
        let outcomes = Mutex<[Int: Outcome]>([:])
        Crew(jobs: 2).perform(count) { number in
            let outcome = body(number)
            outcomes.withLock { $0[number] = outcome }
        }
        return outcomes.withLock { outcomes in outcomes.sorted { $0.key < $1.key }.map(\.value) }
    }
}
