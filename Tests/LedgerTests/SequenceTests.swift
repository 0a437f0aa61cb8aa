import Ledger
import Rollups
import Testing
import Transactions

/// Figures as they stood at a sequence, and what came since.
@Suite struct SequenceTests {
    /// Blocks of different sizes, so that bounds lie within them and between them.
    private static func makeLedger(_ directory: TemporaryDirectory) throws -> LedgerFiles {
        try directory.files.createUTC()
        for range in [0..<3000, 3000..<3001, 3001..<4000, 4000..<9000] { try directory.files.load(records(range)) }
        return directory.files
    }

    @Test(arguments: [0, 1, 1500, 2999, 3000, 3001, 3002, 8999, 9000, .max] as [UInt64], [1, 3])
    func figuresStandAsTheyStood(_ sequence: UInt64, _ threads: Int) throws {
        let directory = try TemporaryDirectory()
        let reader = try Self.makeLedger(directory).reader(threads: threads)
        for measures in [[.attempts, .amount, .largestAmount], [.attempts, .payers, .amountP90]] as [[Measure]] {
            var question = try Question(by: [.region, .day], measures: measures)
            let all = try reader.answer(question)
            question.asOf = sequence
            let before = try reader.answer(question)
            #expect(before.sequence == min(sequence, 9000))
            question.asOf = nil
            question.after = sequence
            let since = try reader.answer(question)
            #expect(since.sequence == 9000)
            // A ledger that has no more than the first of these records says the same.
            let other = try TemporaryDirectory()
            try other.files.createUTC()
            if sequence > 0 { try other.files.load(records(0..<Int(min(sequence, 9000)))) }
            question.after = nil
            #expect(try other.files.reader(threads: 1).answer(question).rows == before.rows)
            let total = (before.rows + since.rows).reduce(0) { $0 + $1.values[0]! }
            #expect(total == all.rows.reduce(0) { $0 + $1.values[0]! })
        }
    }

    @Test func momentsAreThoseOfCommits() throws {
        let directory = try TemporaryDirectory()
        let files = try Self.makeLedger(directory)
        let blocks = try directory.blocks(of: files)
        let reader = try files.reader(threads: 1)
        for block in blocks {
            let time = block.header.preface.commitTimeMicroseconds
            #expect(try reader.sequence(committedBy: time) >= block.sequences.upperBound)
            #expect(try reader.sequence(committedBy: time - 1) < block.sequences.upperBound)
        }
        #expect(try reader.sequence(committedBy: 0) == 0)
        #expect(try reader.sequence(committedBy: .max) == 9000)
    }
}
