import ArgumentParser
import Chance
import Simulation

/// Tries to break the engine on simulated disks and machines, from seeds.
@main
struct Torture: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "torture", abstract: "Try to break Sluice's promises on simulated disks, from seeds.",
        discussion: """
            Prints every fault with all that is needed to see it again. Exit code 1 when there is any.

            EXAMPLES
              torture runs --count 10000
              torture runs --first 4711 --count 1        # one seed again
              torture crashes --count 100000
              torture crashes --count 10000 --twice
              torture faults --workloads 3
              torture damage
            """,
        subcommands: [RunsCommand.self, CrashesCommand.self, FaultsCommand.self, DamageCommand.self])
}

/// Whole runs of the engine.
struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "Run the whole engine with crashes and power cuts, one seed after the other.")

    @Option(help: "Seeds to run.") var count = 1000
    @Option(help: "The first seed.") var first: UInt64 = 1
    @Option(help: "Runs at the same time.") var jobs = 2

    func run() throws {
        let campaign = Campaign("runs", expectedCount: count, jobs: jobs)
        let first = first
        campaign.attempt(count) { number in
            let report = SimulatedRun.run(seed: first + UInt64(number))
            return report.faults.isEmpty ? [] : [report.description]
        }
        try campaign.finish()
    }
}

/// Crashes at every step.
struct CrashesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crashes",
        abstract: "Make each step of recorded workloads the last one, in each way of damage, and recover.")

    @Option(help: "Crashes to try.") var count = 10_000
    @Option(help: "The seed of the first workload; each next one has the next seed.") var first: UInt64 = 1
    @Option(help: "What clients do in each workload.") var actions = 40
    @Option(help: "Crashes at the same time.") var jobs = 2
    @Flag(help: "Crash a second time, in the middle of the recovery.") var twice = false

    func run() throws {
        var done = 0
        var workload = first
        let campaign = Campaign("crashes", expectedCount: count, jobs: jobs)
        while done < count {
            let exploration = try CrashExploration(seed: workload, actions: actions)
            let ways = CrashExploration.Damage.all(seed: workload)
            let pieces = min(exploration.stepCount * ways.count, count - done)
            let twice = twice
            campaign.attempt(pieces) { number in
                let (step, way) = number.quotientAndRemainder(dividingBy: ways.count)
                var chance = SeededGenerator(seed: UInt64(number))
                let second = twice ? (chance.next(), ways.randomElement(using: &chance)!) : nil
                return exploration.faults(after: step, ways[way], second: second)
            }
            done += pieces
            workload += 1
        }
        try campaign.finish()
    }
}

/// Failures at every operation.
struct FaultsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults", abstract: "Let each operation of the disk fail, once and for good, in each way.")

    @Option(help: "Workloads to try.") var workloads = 1
    @Option(help: "The seed of the first workload.") var first: UInt64 = 1
    @Option(help: "What clients do in each workload.") var actions = 40
    @Option(help: "Failures at the same time.") var jobs = 2

    func run() throws {
        let ways = FaultExploration.Failure.allCases.flatMap { [($0, false), ($0, true)] }
        let explorations = (0..<workloads).map { FaultExploration(seed: first + UInt64($0), actions: actions) }
        let campaign = Campaign(
            "faults", expectedCount: explorations.reduce(0) { $0 + $1.operationCount * ways.count }, jobs: jobs)
        for exploration in explorations {
            campaign.attempt(exploration.operationCount * ways.count) { number in
                let (index, way) = number.quotientAndRemainder(dividingBy: ways.count)
                return exploration.faults(at: index, ways[way].0, isForGood: ways[way].1)
            }
        }
        try campaign.finish()
    }
}
