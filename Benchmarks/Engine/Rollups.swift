import Benchmark
import Rollups
import Transactions

// Counting, and answering from what was counted. A chunk's record is one of its cells.

func registerRollups() {
    Benchmark("rollups: fold into the default five") { benchmark in
        let records = Sample.records()
        defer { records.deallocate() }
        let accumulator = RollupAccumulator(RollupDeclaration.defaults, calendar: .utc, firstSequence: 1)
        // The cells are there after the first time, as they are after the first seconds of a day.
        accumulator.fold(UnsafeBufferPointer(records), firstSequence: 1)
        benchmark.measure(records: records.count) {
            accumulator.fold(UnsafeBufferPointer(records), firstSequence: accumulator.lastSequence + 1)
        }
    }

    Benchmark("query: merge 8 chunks of a day") { benchmark in
        let chunks = dayChunks(8)
        try benchmark.measure(records: chunks.reduce(0) { $0 + $1.count }) {
            blackHole(try RollupChunk.merge(chunks))
        }
    }

    Benchmark("query: decode a chunk whole") { benchmark in
        let chunk = dayChunks(1)[0]
        let bytes = chunk.encoded()
        try benchmark.measure(records: chunk.count) { blackHole(try RollupChunk(decoding: bytes)) }
    }

    Benchmark("query: answer by service from encoded chunks") { benchmark in
        let chunks = dayChunks(8)
        let encoded = chunks.map { $0.encoded() }
        let question = try Question(by: [.service], measures: [.attempts, .amount])
        try benchmark.measure(records: chunks.reduce(0) { $0 + $1.count }) {
            var builder = try AnswerBuilder(question)
            for bytes in encoded { try bytes.withUnsafeBytes { try builder.add(encoded: $0) } }
            blackHole(builder.answer(asOf: 1))
        }
    }

    Benchmark("query: group records by region") { benchmark in
        let records = Sample.records()
        defer { records.deallocate() }
        let question = try Question(by: [.region], measures: [.attempts, .amount])
        let accumulator = RollupAccumulator(
            [try question.adHocDeclaration()], calendar: .utc, firstSequence: 1)
        accumulator.fold(UnsafeBufferPointer(records), firstSequence: 1)
        benchmark.measure(records: records.count) {
            accumulator.fold(UnsafeBufferPointer(records), firstSequence: accumulator.lastSequence + 1)
        }
    }
}

/// What successive checkpoints of one day leave of the institutions' rollup.
private func dayChunks(_ count: Int) -> [RollupChunk] {
    let records = Sample.records(count * Sample.blockRecordCount)
    defer { records.deallocate() }
    let accumulator = RollupAccumulator([.services], calendar: .utc, firstSequence: 1)
    return (0..<count).flatMap { number in
        let part = records[number * Sample.blockRecordCount..<(number + 1) * Sample.blockRecordCount]
        accumulator.fold(
            UnsafeBufferPointer(UnsafeMutableBufferPointer(rebasing: part)),
            firstSequence: UInt64(number * Sample.blockRecordCount) + 1)
        return accumulator.drain()
    }
}
