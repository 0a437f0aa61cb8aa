import CPlatform
import Foundation
import Testing
import Transactions

@testable import Rollups

@Suite struct ChunkTests {
    @Test func drainsMergeToOneFold() throws {
        let records = randomRecords(9000, seed: 8)
        let whole = fold(records).drain()
        let accumulator = RollupAccumulator(RollupDeclaration.defaults, calendar: .utc, firstSequence: 1, seed: 9)
        var parts: [RollupChunk] = []
        for start in stride(from: 0, to: 9000, by: 1800) {
            Array(records[start..<start + 1800]).withUnsafeBufferPointer {
                accumulator.fold($0, firstSequence: UInt64(start + 1))
            }
            parts += accumulator.drain()
            #expect(accumulator.cellCount == 0)
        }
        for expected in whole {
            let own = parts.filter { $0.rollup == expected.rollup && $0.day == expected.day }
            #expect(own.count == 5)
            let merged = try RollupChunk.merge(own)
            #expect(merged == expected)
            #expect(merged.sequences == 1...9000)
            let pairwise = try RollupChunk.merge([
                RollupChunk.merge(Array(own[..<2])), RollupChunk.merge(Array(own[2...])),
            ])
            #expect(pairwise == expected)
        }
    }

    @Test func onlyChunksOfOneDayInOrderCanBeMerged() throws {
        let chunks = fold(randomRecords(500, seed: 8), [.regions]).drain()
        let later = fold(randomRecords(500, seed: 9), [.regions], firstSequence: 501).drain()
        #expect(throws: RollupError.self) { try RollupChunk.merge([]) }
        #expect(throws: RollupError.self) { try RollupChunk.merge([chunks[0], later[1]]) }
        #expect(throws: RollupError.self) { try RollupChunk.merge([later[0], chunks[0]]) }
        #expect(throws: RollupError.self) { try RollupChunk.merge([chunks[0], chunks[0]]) }
        #expect(try RollupChunk.merge([chunks[0], later[0]]).sequences == 1...1000)
    }

    @Test func aSnapshotTakesNothingOut() {
        let accumulator = fold(randomRecords(3000, seed: 10))
        let days = CalendarDay("2026-03-28")!...CalendarDay("2026-03-29")!
        let snapshot = accumulator.snapshot(rollup: "hours", days: days)
        #expect(snapshot.map(\.day) == [days.lowerBound, days.upperBound])
        let drained = accumulator.drain().filter { $0.rollup == .hours && days.contains($0.day) }
        #expect(drained == snapshot)
        #expect(accumulator.snapshot(rollup: "hours", days: days).isEmpty)
    }

    @Test func sumsBeyond64Bits() throws {
        let records = (0..<5).map { index in
            Record(
                id: RecordID(reference: "\(index)")!, timeMicroseconds: time("2026-07-01"), amountMinorUnits: .max,
                currency: .vnd, source: 1)
        }
        let first = fold(records, [.regions]).drain()
        let second = fold(records, [.regions], firstSequence: 6).drain()
        #expect(first[0].value(of: .amount, row: 0) == 5 * Int128(Int64.max))
        #expect(first[0].value(of: .smallestAmount, row: 0) == Int128(Int64.max))
        let merged = try RollupChunk.merge(first + second)
        #expect(merged.value(of: .amount, row: 0) == 10 * Int128(Int64.max))
        #expect(try RollupChunk(decoding: merged.encoded()) == merged)
        var builder = try AnswerBuilder(Question(measures: [.amount, .largestAmount]))
        try builder.add(merged)
        #expect(builder.answer(asOf: 10).rows[0].values == [10 * Int128(Int64.max), Int128(Int64.max)])
    }

    @Test func bytesAndBack() throws {
        let wide = try RollupDeclaration(
            name: "Đối tác",
            dimensions: [.payee, .service, .source, .payerInstitution, .payeeInstitution, .channel, .outcome],
            measures: Measure.kept)
        for chunk in fold(randomRecords(4000, seed: 12), RollupDeclaration.defaults + [wide]).drain() {
            #expect(try RollupChunk(decoding: chunk.encoded()) == chunk)
        }
    }

    /// The first bytes of a chunk are enough for a question, as many as it says that it needs.
    @Test func aQuestionReadsNoFurtherThanItsLastColumn() throws {
        let questions = [
            try Question(by: [.region], measures: [.attempts, .amount]),
            try Question(by: [.day], filters: [.channel: [1, 2]], measures: [.settled]),
            try Question(by: [.channel, .currency], measures: [.timed]),
        ]
        for chunk in fold(randomRecords(6000, seed: 15), [.regions]).drain() {
            let bytes = chunk.encoded()
            for question in questions {
                var (whole, part) = (try AnswerBuilder(question), try AnswerBuilder(question))
                try whole.add(chunk)
                let needed = try bytes.prefix(RollupChunk.largestHeaderByteCount).withUnsafeBytes {
                    try part.neededByteCount(header: $0, of: bytes.count)
                }
                let place = try bytes[..<needed].withUnsafeBytes { try part.add(encoded: $0, of: bytes.count) }
                #expect(place == RollupChunk.Place(rollup: "regions", day: chunk.day, sequences: chunk.sequences))
                #expect(part.answer(asOf: 1) == whole.answer(asOf: 1))
                var short = try AnswerBuilder(question)
                #expect(throws: RollupError.self) {
                    try bytes[..<(needed - 1)].withUnsafeBytes { _ = try short.add(encoded: $0, of: bytes.count) }
                }
                #expect(throws: RollupError.self) {
                    try bytes.withUnsafeBytes { _ = try short.add(encoded: $0, of: bytes.count + 1) }
                }
            }
            #expect(try part(of: bytes, questions[0]) < bytes.count * 2 / 3)
        }
    }

    private func part(of bytes: [UInt8], _ question: Question) throws -> Int {
        let builder = try AnswerBuilder(question)
        return try bytes.withUnsafeBytes { try builder.neededByteCount(header: $0, of: bytes.count) }
    }

    /// Chunks shared out among builders, which then add up, give what one builder gives.
    @Test func buildersAddUp() throws {
        let chunks = fold(randomRecords(6000, seed: 16), [.hours]).drain()
        for by in [[], [.source], [.day, .outcome], [.outcome, .month, .hour], [.hour, .source, .channel]]
            as [[Dimension]]
        {
            let question = try Question(by: by, measures: Measure.kept)
            var builders = try (0..<3).map { _ in try AnswerBuilder(question) }
            var one = try AnswerBuilder(question)
            for (number, chunk) in chunks.enumerated() {
                try one.add(chunk)
                try builders[number % 2].add(chunk)
            }
            for other in builders.dropFirst() { builders[0].add(other) }
            #expect(builders[0].answer(asOf: 1) == one.answer(asOf: 1))
        }
    }

    @Test func everyFlippedByteAndEveryCutIsDetected() throws {
        let bytes = fold(randomRecords(20, seed: 13), [.institutions]).drain()[0].encoded()
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 1 << UInt8(place % 8)
            #expect(throws: RollupError.self, "byte \(place)") { try RollupChunk(decoding: damaged) }
        }
        for length in 0..<bytes.count {
            #expect(throws: RollupError.self, "\(length) bytes") { try RollupChunk(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: RollupError.self) { try RollupChunk(decoding: bytes + [0]) }
    }

    /// A header of a hundred bytes must not ask for gigabytes: its columns have to bear out what it says first.
    @Test(arguments: [0, 21, 1 << 20, RollupChunk.largestCount, RollupChunk.largestCount + 1, Int(UInt32.max)])
    func aCountOfCellsThatLiesTakesNoMemory(count: Int) throws {
        let chunk = fold(randomRecords(20, seed: 13), [.institutions]).drain()[0]
        var bytes = chunk.encoded()
        let headerEnd = bytes.count - chunk.encodedColumnsByteCount - 4
        bytes.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: UInt32(count), toByteOffset: 12, as: UInt32.self)
            let sum = sluice_crc32c(0, bytes.baseAddress, headerEnd)
            bytes.storeBytes(of: sum, toByteOffset: headerEnd, as: UInt32.self)
        }
        let most = try mostResidentBytes {
            #expect(throws: RollupError.self) { try RollupChunk(decoding: bytes) }
            var builder = try AnswerBuilder(Question(measures: [.attempts]))
            #expect(throws: RollupError.self) { try bytes.withUnsafeBytes { try builder.add(encoded: $0) } }
        }
        #expect(most < 64 << 20)
    }

    @Test func aChunkHasNoMoreCellsThanRecords() throws {
        var bytes = fold(randomRecords(20, seed: 13), [.institutions], firstSequence: 5).drain()[0].encoded()
        #expect(try RollupChunk(decoding: bytes).sequences == 5...24)
        let headerEnd = bytes.count - (try RollupChunk(decoding: bytes).encodedColumnsByteCount) - 4
        bytes.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: 6, toByteOffset: 24, as: UInt64.self)
            let sum = sluice_crc32c(0, bytes.baseAddress, headerEnd)
            bytes.storeBytes(of: sum, toByteOffset: headerEnd, as: UInt32.self)
        }
        #expect(throws: RollupError.damaged(offset: 12, expected: "at most 2 cells, one for each record")) {
            try RollupChunk(decoding: bytes)
        }
    }

    @Test func aDifferenceIsNamed() throws {
        let records = randomRecords(2000, seed: 14, days: 1)
        let chunk = fold(records, [.hours]).drain()[0]
        #expect(try chunk.difference(from: chunk) == nil)
        let shorter = fold(Array(records.dropLast(700)), [.hours]).drain()[0]
        let difference = try #require(try chunk.difference(from: shorter))
        #expect(difference.rollup == "hours")
        #expect(difference.description.hasPrefix("rollup hours, 2026-03-28, kind "))
        var changed = records
        let place = try #require(records.lastIndex { !$0.isTest && $0.event == .initiated && $0.outcome == .approved })
        changed[place].amountMinorUnits += 1
        let other = fold(changed, [.hours]).drain()[0]
        let found = try #require(try chunk.difference(from: other))
        #expect(found.measure == .amount || found.measure == .smallestAmount || found.measure == .largestAmount)
        #expect(throws: RollupError.self) {
            try chunk.difference(from: fold(records, [.regions]).drain()[0])
        }
    }
}

extension RollupChunk {
    /// Bytes of the columns of the encoded form.
    fileprivate var encodedColumnsByteCount: Int {
        let bytes = encoded()
        let directory = 33 + rollup.name.utf8.count + rollup.dimensions.count + rollup.measures.count
        return bytes.count - directory - 8 * (rollup.dimensions.count + columns.count) - 4
    }
}

/// How much more memory the process had at a time while `body` ran than before.
private func mostResidentBytes(_ body: () throws -> Void) throws -> Int {
    func status(_ name: String) throws -> Int {
        let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix(name + ":") })
        return 1024 * (try #require(Int(line.filter(\.isNumber))))
    }
    // 5 makes the peak the present size: proc(5).
    try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
    let before = try status("VmRSS")
    try body()
    return try status("VmHWM") - before
}
