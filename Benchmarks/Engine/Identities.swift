import Benchmark
import Foundation
import Storage
import Transactions

// A block of the reference day judged against an index that knows the million records before it; those of the last
// case have moved to a file, as those of an earlier day have.

func registerIdentities() {
    identities("identities: all new") { $0.judge($0.blockBehind, first: UInt64($0.known.count) + 1) }
    identities("identities: all known, in order") { $0.judge($0.blockWithin, first: UInt64($0.known.count) + 1) }
    identities("identities: all known, in a file", inFile: true) {
        $0.judge($0.blockWithin, first: UInt64($0.known.count) + 1)
    }
}

private func identities(_ name: String, inFile: Bool = false, _ body: @escaping (KnownIdentities) -> Void) {
    Benchmark(name) { benchmark in
        let identities = try KnownIdentities(inFile: inFile)
        benchmark.measure(records: Sample.blockRecordCount) { body(identities) }
    }
}

/// An index that knows a million records, which lie in memory.
private final class KnownIdentities: RecordSource {
    private static let knownCount = 1 << 20
    private static let blockCount = Sample.blockRecordCount

    private let stream = Sample.records(knownCount + blockCount)
    private let block = UnsafeMutableBufferPointer<Record>.allocate(capacity: blockCount)
    private let verdicts = UnsafeMutableBufferPointer<Verdict>.allocate(capacity: blockCount)
    private let index: IdentityIndex
    private let directory: String

    var known: UnsafeBufferPointer<Record> { UnsafeBufferPointer(rebasing: stream[..<KnownIdentities.knownCount]) }
    var blockBehind: Slice<UnsafeMutableBufferPointer<Record>> { stream[KnownIdentities.knownCount...] }
    var blockWithin: Slice<UnsafeMutableBufferPointer<Record>> {
        stream[KnownIdentities.knownCount / 2..<KnownIdentities.knownCount / 2 + KnownIdentities.blockCount]
    }

    init(inFile: Bool) throws {
        directory = NSTemporaryDirectory() + "/sluice-identities-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        verdicts.initialize(repeating: .accepted)
        index = IdentityIndex(
            key: IdentityKey(k0: 1, k1: 2), ledger: 1, directory: directory, fileSystem: DiskFileSystem(),
            capacity: KnownIdentities.blockCount, digestCount: 1 << 21)
        index.restore(known, firstSequence: 1)
        if inFile {
            let isMoved = try index.closeDates(
                idleBefore: .max, durable: UInt64(known.count), byteLimit: 0)
            precondition(isMoved)
        }
    }

    deinit {
        stream.deallocate()
        block.deallocate()
        verdicts.deallocate()
        try? FileManager.default.removeItem(atPath: directory)
    }

    func judge(_ records: Slice<UnsafeMutableBufferPointer<Record>>, first: UInt64) {
        _ = block.update(fromContentsOf: records)
        let judgement = try! index.judge(
            block, batches: Sample.batches(block.count), firstSequence: first, verdicts: verdicts, source: self)
        blackHole(judgement.acceptedCount)
    }

    func recordInMemory(_ sequence: UInt64) -> Record? {
        let place = Int(sequence) - 1
        return place < known.count ? known[place] : nil
    }

    func records(at sequences: [UInt64]) -> [Record] { sequences.map { known[Int($0) - 1] } }
}
