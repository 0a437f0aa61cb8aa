import Rollups
import Transactions

extension FuzzTarget {
    /// A chunk of statistics as it lies in the catalogue.
    static let chunks = FuzzTarget(
        name: "chunks", largestByteCount: 4096, repair: ChunkRun.repair, seeds: ChunkRun.seeds
    ) {
        let questions = ChunkRun.questions
        return { try ChunkRun.run($0, questions) }
    }
}

private enum ChunkRun {
    /// A chunk of more cells is left aside: what it takes in memory is bounded by its cells and not by its bytes.
    private static let largestCount = 4096

    static var questions: [Question] {
        do {
            return [
                try Question(by: [.day, .region], measures: [.attempts, .amount]),
                try Question(by: [.payee], filters: [.kind: [1]], measures: [.amount, .smallestAmount]),
                try Question(measures: [.attempts]),
            ]
        } catch { preconditionFailure("\(error)") }
    }

    static func run(_ bytes: UnsafeRawBufferPointer, _ questions: [Question]) throws -> Bool {
        guard bytes.count >= 16, bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self) <= largestCount else {
            return false
        }
        let chunk = try? RollupChunk(decoding: bytes)
        try ask(questions[Int(bytes[bytes.count - 1]) % questions.count], bytes, chunk)
        guard let chunk else { return false }
        try require(UInt64(chunk.count) <= chunk.sequences.upperBound, "\(chunk.count) cells in \(chunk.sequences)")
        do {
            try require(
                try RollupChunk(decoding: chunk.encoded()) == chunk, "the chunk is read otherwise than it was written")
            try require(try RollupChunk.merge([chunk]) == chunk, "a chunk alone is merged to another")
        } catch let error as RollupError {
            throw BrokenProperty("what was encoded does not decode: \(error)")
        }
        return true
    }

    /// Reading only the columns that an answer needs gives what the whole chunk gives.
    private static func ask(_ question: Question, _ bytes: UnsafeRawBufferPointer, _ chunk: RollupChunk?) throws {
        func answer(_ add: (inout AnswerBuilder) throws -> Void) -> Answer? {
            do {
                var builder = try AnswerBuilder(question)
                try add(&builder)
                return builder.answer(asOf: 1)
            } catch { return nil }
        }
        let direct = answer { try $0.add(encoded: bytes) }
        guard let chunk else { return }
        try require(answer { try $0.add(chunk) } == direct, "an answer from the bytes differs from the chunk's")
    }

    @Sendable static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
        guard bytes.count >= 33 else { return }
        let (dimensionCount, measureCount, nameByteCount) = (Int(bytes[6]), Int(bytes[7]), Int(bytes[32]))
        let measures = 33 + nameByteCount + dimensionCount
        var entry = measures + measureCount
        let columnCount = bytes.part(from: measures, count: measureCount).reduce(dimensionCount) {
            $0 + (Measure(rawValue: $1)?.columnCount ?? 1)
        }
        var column = entry + 8 * columnCount + 4
        for _ in 0..<columnCount {
            let byteCount = bytes.word(at: entry)
            let part = bytes.part(from: column, count: byteCount)
            part.seal(40..<max(40, byteCount), at: 36)
            bytes.seal(column..<column + byteCount, at: entry + 4)
            (entry, column) = (entry + 8, column + byteCount)
        }
        bytes.set(UInt32(0x5552_4C53), at: 0)
        bytes.seal(0..<entry, at: entry)
    }

    @Sendable static func seeds() -> [[UInt8]] {
        let accumulator = RollupAccumulator(RollupDeclaration.defaults, calendar: .utc, firstSequence: 1, seed: 1)
        Samples.records(count: 60).withUnsafeBufferPointer { accumulator.fold($0, firstSequence: 1) }
        return accumulator.drain().map { $0.encoded() }
    }
}
