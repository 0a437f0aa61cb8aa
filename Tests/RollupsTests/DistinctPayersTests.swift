import Chance
import Testing
import Transactions

@testable import Rollups

/// Sets of accounts by themselves: what they hold follows from what was added, whoever added it.
@Suite struct DistinctPayersTests {
    private static let hash = AccountHash(key: 0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210)

    /// A set in memory of its own.
    private final class One {
        let memory = PieceMemory()
        let sets: AccountSets
        let place = UnsafeMutableRawPointer.allocate(byteCount: AccountSets.handleByteCount, alignment: 16)

        init(_ hash: AccountHash = DistinctPayersTests.hash) {
            sets = AccountSets(hash, memory: memory)
            place.initializeMemory(as: UInt8.self, repeating: 0, count: AccountSets.handleByteCount)
        }

        deinit { place.deallocate() }

        func add(_ accounts: some Sequence<UInt64>) {
            for account in accounts { sets.add(account, hash: sets.hash(account), to: place) }
        }

        func unite(_ other: One) { sets.unite(other.place, of: other.sets, into: place) }

        var count: Int { sets.count(at: place) }
    }

    private static func tokens(_ count: Int, seed: UInt64) -> Set<UInt64> {
        var chance = SeededGenerator(seed: seed)
        var tokens: Set<UInt64> = []
        while tokens.count < count { tokens.insert(.random(in: 1..<1 << 48, using: &chance)) }
        return tokens
    }

    @Test func fewAreCountedExactly() {
        let one = One()
        #expect(one.count == 0)
        var seen = 0
        for token in Self.tokens(AccountSets.exactCount, seed: 1) {
            one.add([token, token])
            seen += 1
            if seen.isMultiple(of: 61) || seen < 100 { #expect(one.count == seen) }
        }
        #expect(one.count == AccountSets.exactCount)
        // One more, and the number is an estimate, which says so by being greater.
        one.add([1 << 47 | 12345])
        #expect(one.count > AccountSets.exactCount)
        #expect(Measure.payers.error(of: Int128(one.count))! > 0)
        #expect(Measure.payers.error(of: Int128(AccountSets.exactCount)) == 0)
        #expect(Measure.attempts.error(of: 1 << 40) == nil)
    }

    /// Accounts in a row are as good as random ones, and many are near the truth for several keys: the mean of the squared
    /// errors is what the standard error says.
    @Test func manyAreNearTheTruth() {
        var squares = 0.0
        var runs = 0.0
        for key in 1...12 as ClosedRange<UInt64> {
            let one = One(AccountHash(key: key &* 0x9E37_79B9_7F4A_7C15, key))
            var next: UInt64 = 1
            for total in [5_000, 20_000, 65_536, 200_000, 600_000] as [UInt64] {
                one.add(next...total)
                next = total + 1
                let error = (Double(one.count) - Double(total)) / Double(total)
                #expect(abs(error) < 5 * HyperLogLog.standardError, "\(one.count) of \(total)")
                (squares, runs) = (squares + error * error, runs + 1)
            }
        }
        let found = (squares / runs).squareRoot()
        #expect(found < 1.4 * HyperLogLog.standardError, "\(found)")
    }

    /// However accounts are split and in whichever order parts are united, the registers are those of one set.
    @Test func unitedSetsAreTheSetOfAll() {
        for (total, parts) in [(9, 2), (900, 3), (1024, 2), (1025, 2), (9000, 4), (60_000, 3)] {
            let tokens = Array(Self.tokens(total, seed: UInt64(total)))
            let whole = One()
            whole.add(tokens)
            let some = (0..<parts).map { part in
                let one = One()
                // Each part has a share of the others', so that they overlap.
                one.add(tokens.enumerated().filter { $0.offset % parts == part || $0.offset % 7 == 0 }.map(\.element))
                return one
            }
            for order in [Array(some.indices), some.indices.reversed()] {
                let united = One()
                for part in order { united.unite(some[part]) }
                #expect(united.count == whole.count, "\(total) in \(parts) parts")
                united.unite(whole)
                united.unite(One())
                #expect(united.count == whole.count)
            }
        }
    }

    @Test func theKeyDecidesTheRegisters() {
        let tokens = Self.tokens(50_000, seed: 9)
        let counts = (1...6).map { key -> Int in
            let one = One(AccountHash(key: UInt64(key), UInt64(key) << 40))
            one.add(tokens)
            return one.count
        }
        #expect(Set(counts).count > 1)
    }

    @Test func groupsOfFewTakeLittle() {
        let memory = PieceMemory()
        let sets = AccountSets(Self.hash, memory: memory)
        let groups = 100_000
        let places = UnsafeMutableRawPointer.allocate(
            byteCount: groups * AccountSets.handleByteCount, alignment: 16)
        defer { places.deallocate() }
        places.initializeMemory(as: UInt8.self, repeating: 0, count: groups * AccountSets.handleByteCount)
        for group in 0..<groups {
            for account in 1...3 as ClosedRange<UInt64> {
                sets.add(account, hash: sets.hash(account), to: places + group * AccountSets.handleByteCount)
            }
        }
        #expect(memory.byteCount < groups * 48 + (4 << 20))
        for group in 0..<groups { #expect(sets.count(at: places + group * AccountSets.handleByteCount) == 3) }
    }

    @Test func noRollupHoldsThem() throws {
        #expect(throws: RollupError.notKept(.payers)) {
            try RollupDeclaration(name: "x", dimensions: [.region], measures: [.attempts, .payers])
        }
        let question = try Question(by: [.region], measures: [.payers])
        #expect(question.rollup(among: RollupDeclaration.defaults) == nil)
        #expect(try question.adHocDeclaration().measures == [.attempts])
        #expect(try Question(measures: [.amount, .approvedPayers]).adHocDeclaration().measures == [.amount])
    }
}
