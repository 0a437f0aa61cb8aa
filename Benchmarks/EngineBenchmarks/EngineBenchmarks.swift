import Benchmark
import Columns
import Foundation
import ReferenceDay
import RingBuffer
import Rollups
import Storage
import Transactions

// Each benchmark handles `records` of the reference day in one iteration; its throughput is in iterations, so records a
// second are throughput x 65,536.

private let recordCount = 65_536

/// The first records of the reference day, as the committer would take them.
private func referenceRecords() -> UnsafeMutableBufferPointer<Record> {
    let records = UnsafeMutableBufferPointer<Record>.allocate(capacity: recordCount)
    var day = ReferenceDay(day: CalendarDay("2026-11-20")!, count: 26_000_000, seed: 1)
    precondition(day.fill(records) == recordCount)
    return records
}

/// Takes every record for new: no hit is ever confirmed.
private struct NoRecords: RecordSource {
    func recordInMemory(_ sequence: UInt64) -> Record? { nil }
    func records(at sequences: [UInt64]) -> [Record] { [] }
}

private func ring(_ benchmark: Benchmark, batch: Int) {
    let gate = Cursor()
    let ring = RingBuffer(capacity: 1 << 16, slotByteCount: 64, largestBatch: 1024, gates: [gate], bell: Doorbell())
    let source = referenceRecords()
    defer { source.deallocate() }
    var position: UInt64 = 0
    benchmark.startMeasurement()
    for start in stride(from: 0, to: recordCount, by: batch) {
        let claim = ring.claim(batch)!
        claim.slots.copyMemory(from: source.baseAddress! + start, byteCount: batch * 64)
        ring.publish(claim, tag: 1)
        while let taken = ring.batch(at: position) { position += UInt64(taken.count) }
        gate.advance(to: position)
    }
    benchmark.stopMeasurement()
}

nonisolated(unsafe) let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.throughput, .wallClock, .cpuTotal], warmupIterations: 3, maxDuration: .seconds(3))

    Benchmark("ring, batches of 256, one thread") { ring($0, batch: 256) }
    Benchmark("ring, one by one, one thread") { ring($0, batch: 1) }

    Benchmark("block encode") { benchmark in
        let records = referenceRecords()
        defer { records.deallocate() }
        let encoder = BlockEncoder()
        let preface = BlockPreface(firstSequence: 1, commitTimeMicroseconds: 0, ledger: 1, offset: 0)
        benchmark.startMeasurement()
        blackHole(encoder.encode(UnsafeBufferPointer(records), preface: preface))
        benchmark.stopMeasurement()
    }

    Benchmark("block decode") { benchmark in
        let records = referenceRecords()
        defer { records.deallocate() }
        let encoder = BlockEncoder()
        let decoder = BlockDecoder()
        let preface = BlockPreface(firstSequence: 1, commitTimeMicroseconds: 0, ledger: 1, offset: 0)
        let block = encoder.encode(UnsafeBufferPointer(records), preface: preface)
        benchmark.startMeasurement()
        try decoder.decode(block.header, block.bytes, into: records)
        benchmark.stopMeasurement()
    }

    Benchmark("identity index, all new") { benchmark in
        let records = referenceRecords()
        defer { records.deallocate() }
        let index = IdentityIndex(
            key: IdentityKey(k0: 1, k1: 2), ledger: 1, directory: NSTemporaryDirectory(), fileSystem: DiskFileSystem(),
            capacity: recordCount,
            digestCount: recordCount)
        let verdicts = UnsafeMutableBufferPointer<Verdict>.allocate(capacity: recordCount)
        defer { verdicts.deallocate() }
        verdicts.initialize(repeating: .accepted)
        benchmark.startMeasurement()
        let batches = stride(from: 0, to: recordCount, by: 1024).map { $0..<min($0 + 1024, recordCount) }
        blackHole(
            try index.judge(records, batches: batches, firstSequence: 1, verdicts: verdicts, source: NoRecords()))
        benchmark.stopMeasurement()
    }

    Benchmark("fold into the default rollups") { benchmark in
        let records = referenceRecords()
        defer { records.deallocate() }
        let accumulator = RollupAccumulator(RollupDeclaration.defaults, calendar: .utc, firstSequence: 1)
        benchmark.startMeasurement()
        accumulator.fold(UnsafeBufferPointer(records), firstSequence: 1)
        benchmark.stopMeasurement()
        blackHole(accumulator.cellCount)
    }
}
