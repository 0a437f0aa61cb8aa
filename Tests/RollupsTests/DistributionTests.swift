import Chance
import Testing

@testable import Rollups

/// Distributions and seconds by themselves, against the sorted values.
@Suite struct DistributionTests {
    private final class One {
        let memory = PieceMemory()
        let distributions: Distributions
        let place = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)

        init(_ values: [UInt64] = []) {
            distributions = Distributions(memory: memory)
            place.initializeMemory(as: UInt8.self, repeating: 0, count: 16)
            for value in values { distributions.add(value, to: place) }
        }

        deinit { place.deallocate() }

        func unite(_ other: One) {
            withExtendedLifetime(other) { distributions.unite(other.place, into: place) }
        }

        var distribution: Distribution { distributions.distribution(at: place) }
    }

    /// Every value lies in its bucket, buckets follow each other without gaps, and no bucket is wider than it may be.
    @Test func bucketsCoverAllValues() {
        var next: UInt64 = 0
        for bucket in 0..<Distribution.octaveCount * 64 {
            let values = Distribution.values(of: bucket)
            #expect(values.lowerBound == next)
            for value in [values.lowerBound, values.upperBound] {
                #expect(Distribution.bucket(of: value) == bucket)
                #expect(Distribution.largestError(of: value) <= value / 128 + (value % 128 == 0 ? 0 : 1))
            }
            next = values.upperBound + 1
        }
        #expect(next == 1 << 63)
    }

    @Test func percentilesAreNearAndTheDeviationIsExact() throws {
        var chance = SeededGenerator(seed: 5)
        for count in [1, 2, 3, 100, 5000] {
            for bits in [3, 7, 20, 40, 62] {
                let values = (0..<count).map { _ in
                    UInt64.random(
                        in: 0...UInt64.max >> UInt64.random(in: 64 - UInt64(bits)...63, using: &chance), using: &chance)
                }
                let distribution = One(values).distribution
                let sorted = values.sorted()
                for perMille in [500, 900, 950, 990, 999] {
                    let exact = Double(sorted[(count * perMille + 999) / 1000 - 1])
                    let found = Double(try #require(distribution.percentile(perMille: perMille)))
                    #expect(abs(found - exact) <= exact / 128 + 0.5, "\(perMille) of \(count) with \(bits) bits")
                }
                // Differences from a value in the middle, so that floating point does not cancel.
                let centre = Double(sorted[count / 2])
                let differences = values.map { Double($0) - centre }
                let mean = differences.reduce(0, +) / Double(count)
                let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
                let deviation = Double(try #require(distribution.deviation))
                #expect(abs(deviation - variance.squareRoot()) <= 0.5 + variance.squareRoot() * 1e-9)
            }
        }
        #expect(One().distribution.percentile(perMille: 500) == nil)
        #expect(One().distribution.deviation == nil)
    }

    /// The largest amounts there can be: sums beyond 64 bits and squares beyond 128.
    @Test func theLargestAmountsDoNotOverflow() throws {
        let largest = UInt64(Int64.max)
        let one = One([UInt64](repeating: largest, count: 1000) + [UInt64](repeating: 0, count: 1000))
        let half = Double(largest) / 2
        #expect(abs(Double(try #require(one.distribution.deviation)) - half) <= half * 1e-12)
        #expect(One([UInt64](repeating: largest, count: 999)).distribution.deviation == 0)
    }

    @Test func unitedDistributionsAreThatOfAll() {
        var chance = SeededGenerator(seed: 8)
        let values = (0..<3000).map { _ in UInt64.random(in: 0...1 << 45, using: &chance) }
        let whole = One(values).distribution
        let united = One(Array(values[..<700]))
        let other = One(Array(values[700...]))
        united.unite(other)
        united.unite(One())
        for perMille in stride(from: 1, through: 1000, by: 7) {
            #expect(united.distribution.percentile(perMille: perMille) == whole.percentile(perMille: perMille))
        }
        #expect(united.distribution.deviation == whole.deviation)
    }

    @Test func thePeakIsTheFirstSecondWithTheMostEvents() {
        var chance = SeededGenerator(seed: 3)
        let events = (0..<20_000).map { _ in Int64.random(in: -3000...3000, using: &chance) }
        var counts: [Int64: UInt64] = [:]
        for second in events { counts[second, default: 0] += 1 }
        let most = counts.values.max()!
        let first = counts.filter { $0.value == most }.keys.min()!
        let (memory, other) = (PieceMemory(), PieceMemory())
        let (seconds, others) = (Seconds(memory: memory), Seconds(memory: other))
        let places = UnsafeMutableRawPointer.allocate(byteCount: 32, alignment: 16)
        defer { places.deallocate() }
        places.initializeMemory(as: UInt8.self, repeating: 0, count: 32)
        #expect(seconds.peak(at: places) == nil)
        for (number, second) in events.enumerated() {
            if number % 3 == 0 {
                others.add(1, at: second, to: places + 16)
            } else {
                seconds.add(1, at: second, to: places)
            }
        }
        seconds.unite(places + 16, into: places)
        let peak = seconds.peak(at: places)
        #expect(peak?.count == most)
        #expect(peak?.second == first)
    }
}
