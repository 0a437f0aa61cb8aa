import Chance
import Columns
import Ledger
import Storage
import Testing
import Transactions

@testable import Simulation

/// Every byte of a small ledger's files flipped, and its blocks moved, zeroed, cut and replaced. `torture damage` does the same
/// with some MiB.
@Suite struct DamageAtRestTests {
    private static let exploration = Result { try explorationOfManyBlocks(from: 11) }

    /// The first whose first segment has blocks to choose from: a seed's commits may well be few and large.
    private static func explorationOfManyBlocks(from firstSeed: UInt64) throws -> DamageExploration {
        for seed in firstSeed..<firstSeed + 50 {
            let exploration = try DamageExploration(seed: seed, segmentByteCount: 8_000, largestBatch: 30)
            if exploration.truth.blocks.count > 5, exploration.byteCount(of: .segment) > 4096 { return exploration }
        }
        preconditionFailure("no seed from \(firstSeed) on fills a segment with blocks")
    }

    /// Of the index's files every hundredth byte, which the table of their starts is long for.
    @Test(arguments: [(DamageExploration.Part.segment, 1), (.chunks, 7), (.index, 101)])
    func everyFlippedByteIsFoundAndNamed(part: DamageExploration.Part, step: Int) throws {
        let exploration = try Self.exploration.get()
        let probe = try DamageProbe(exploration)
        let byteCount = exploration.byteCount(of: part)
        #expect(byteCount > 4000)
        for position in stride(from: 0, to: byteCount, by: step) {
            #expect(probe.faults(flipping: position, of: part) == [])
        }
    }

    @Test func everyFlippedByteOfAChunkIsFound() throws {
        let exploration = try Self.exploration.get()
        let probe = try DamageProbe(exploration)
        for position in exploration.truth.chunks[0].bytes.indices {
            #expect(probe.faults(flipping: position, of: .chunks) == [])
        }
    }

    @Test func nothingIsServedThroughADamagedCatalogueThatIsNotWhatItWas() throws {
        let exploration = try Self.exploration.get()
        let probe = try DamageProbe(exploration)
        var chance = SeededGenerator(seed: 12)
        let byteCount = exploration.byteCount(of: .catalogue)
        for _ in 0..<90 {
            let position = Int.random(in: 0..<byteCount, using: &chance)
            #expect(probe.faults(flipping: position, of: .catalogue) == [])
        }
        #expect(probe.foundByVerify > 10)
    }

    @Test(arguments: BlockManipulation.Way.allCases)
    func blocksThatAreNotWhereTheyWereWrittenAreFound(way: BlockManipulation.Way) throws {
        let exploration = try Self.exploration.get()
        let other = try Self.explorationOfManyBlocks(from: 101)
        let count = exploration.truth.blocks.count
        #expect(count > 5)
        for place in 1..<count - 1 {
            let faults = try BlockManipulation(way, of: place, in: exploration, other: other).faults()
            #expect(faults == [], "block \(place) of \(count)")
        }
    }

    /// A disk that does not give a sector back: what lies in it is named, in the system's words, and the rest is read.
    @Test func aSectorThatCannotBeReadIsNamed() throws {
        let exploration = try Self.exploration.get()
        let truth = exploration.truth
        let disk = SimulatedDisk(afterProcessCrash: exploration.image)
        let lost = truth.blocks[truth.blocks.count - 2]
        let sector = lost.offset / 4096 * 4096..<lost.offset / 4096 * 4096 + 4096
        disk.setFaults { [path = truth.segmentPath] operation in
            guard operation.kind == .read || operation.kind == .map, operation.path == path,
                sector.overlaps(operation.offset..<operation.offset + operation.byteCount)
            else { return nil }
            return .error(errno: DiskErrorNumber.inputOutput)
        }
        let inSector = truth.blocks.filter { sector.overlaps($0.offset..<$0.offset + $0.byteCount) }
        #expect(inSector.count < truth.blocks.count)
        var verification = Verification(exploration.files, fileSystem: disk)
        let report = try verification.run { _, _ in }
        #expect(report.faults.contains { $0.contains(truth.segmentPath) && $0.contains("Input/output error") })
        let log = try LogRecovery.open(directory: exploration.files.log, fileSystem: disk, mayWrite: false) { _ in 0 }
            .log
        let cache = BlockCache()
        for block in truth.blocks where block.recordCount > 0 {
            let sequence = block.firstSequence
            if inSector.contains(block) {
                let error = #expect(throws: LogError.self) { try log.records(at: [sequence], cache: cache) }
                #expect(error?.sequences?.contains(sequence) == true)
            } else {
                #expect(try log.records(at: [sequence], cache: cache) == [truth.records[Int(sequence) - 1]])
            }
        }
    }
}
