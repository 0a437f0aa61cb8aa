import Foundation
import FuzzTargets
import Testing

/// Runs every input that was ever worth keeping through its target; `tools/fuzz` makes and finds them.
@Suite struct CorpusTests {
    private static let corpus = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fuzz/Corpus")

    private static func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let directory = corpus.appendingPathComponent(target.name)
        return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map { name in
            (name, Array(try Data(contentsOf: directory.appendingPathComponent(name))))
        }
    }

    @Test(arguments: FuzzTarget.all)
    func theCorpusHoldsEveryProperty(target: FuzzTarget) throws {
        let run = target.start()
        var accepted = 0
        for (name, bytes) in try CorpusTests.inputs(of: target) {
            do {
                if try bytes.withUnsafeBytes(run) { accepted += 1 }
            } catch {
                Issue.record("\(target.name)/\(name): \(error)")
            }
        }
        #expect(accepted > 0, "nothing of the corpus is accepted, so that no property was looked at")
    }

    /// What the project itself writes is accepted, so that the fuzzer begins behind the door.
    @Test(arguments: FuzzTarget.all)
    func seedsAreAccepted(target: FuzzTarget) throws {
        let run = target.start()
        let accepted = try target.seeds().filter { try $0.withUnsafeBytes(run) }
        #expect(accepted.count > 0)
    }

    /// The repair of checksums leaves bytes as they are whose checksums match.
    @Test(arguments: FuzzTarget.all)
    func repairChangesNothingThatIsWhole(target: FuzzTarget) throws {
        guard let repair = target.repair else { return }
        for var seed in target.seeds() {
            let whole = seed
            seed.withUnsafeMutableBytes { repair($0) }
            // The last seed of a segment is cut short on purpose.
            #expect(seed.count < 8 || seed == whole || target.name == "segment")
        }
    }
}
