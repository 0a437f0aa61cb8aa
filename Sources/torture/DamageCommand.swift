import ArgumentParser
import Chance
import Simulation

/// Damage at rest.
struct DamageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "damage",
        abstract:
            "Flip every byte of a segment, of all rollup chunks and of the index; flip some of the catalogue's file.",
        discussion: """
            Each flip has to be found and named with file, offset and sequences, and nothing may be served that is not \
            what was written. Every block is also swapped, zeroed, cut and replaced.
            """)

    @Option(help: "Bytes of the segment, about.") var segmentBytes = 256 << 10
    @Option(help: "The seed of the ledger.") var seed: UInt64 = 1
    @Option(help: "Flips of the catalogue's file, at places by chance.") var catalogueFlips = 2000
    @Option(help: "Flips at the same time.") var jobs = 2
    @Option(
        help: "Only this part: \(DamageExploration.Part.allCases.map(\.rawValue).joined(separator: ", ")) or blocks.")
    var part: String?

    /// Positions that one attempt flips, one after another.
    private static let positionsPerAttempt = 4096

    func validate() throws {
        let parts = DamageExploration.Part.allCases.map(\.rawValue) + ["blocks"]
        if let part, !parts.contains(part) { throw ValidationError("--part: one of \(parts.joined(separator: ", "))") }
    }

    func run() throws {
        let exploration = try DamageExploration(seed: seed, segmentByteCount: segmentBytes, largestBatch: 1024)
        var isWell = true
        for some in DamageExploration.Part.allCases where part == nil || part == some.rawValue {
            isWell = try flip(some, exploration) && isWell
        }
        if part == nil || part == "blocks" { isWell = try manipulate(exploration) && isWell }
        if !isWell { throw ExitCode.failure }
    }

    private func flip(_ part: DamageExploration.Part, _ exploration: DamageExploration) throws -> Bool {
        let byteCount = exploration.byteCount(of: part)
        var chance = SeededGenerator(seed: seed)
        let positions =
            part == .catalogue
            ? (0..<catalogueFlips).map { _ in Int.random(in: 0..<byteCount, using: &chance) } : Array(0..<byteCount)
        let perAttempt = part == .catalogue ? 50 : DamageCommand.positionsPerAttempt
        let attempts = (positions.count + perAttempt - 1) / perAttempt
        let counts = Counts()
        let campaign = Campaign(
            "times \(perAttempt) flips in \(exploration.description(of: part)), \(byteCount) bytes",
            expectedCount: attempts, jobs: jobs)
        campaign.attempt(attempts) { number in
            let piece = positions[number * perAttempt..<min((number + 1) * perAttempt, positions.count)]
            do {
                let probe = try DamageProbe(exploration)
                defer { counts.add(probe.foundByVerify, probe.withoutEffect) }
                return piece.flatMap { probe.faults(flipping: $0, of: part) }
            } catch {
                return ["\(error)"]
            }
        }
        print("\(positions.count) flips")
        if part == .catalogue {
            print("\(counts.found) of them found by verify, \(counts.withoutEffect) in bytes that mean nothing")
        }
        return campaign.printVerdict()
    }

    private func manipulate(_ exploration: DamageExploration) throws -> Bool {
        let other = try DamageExploration(seed: seed + 1, segmentByteCount: segmentBytes, largestBatch: 1024)
        let ways = BlockManipulation.Way.allCases
        let places = exploration.blockCount - 2
        let campaign = Campaign("blocks moved or replaced", expectedCount: places * ways.count, jobs: jobs)
        campaign.attempt(places * ways.count) { number in
            let (place, way) = number.quotientAndRemainder(dividingBy: ways.count)
            do {
                return try BlockManipulation(ways[way], of: place + 1, in: exploration, other: other).faults()
                    .map { "ledger \(exploration.seed), block \(place + 1): \($0)" }
            } catch {
                return ["ledger \(exploration.seed), block \(place + 1), \(ways[way].rawValue): \(error)"]
            }
        }
        return campaign.printVerdict()
    }
}
