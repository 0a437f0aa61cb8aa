import Chance
import Foundation
import Testing

@testable import Columns

/// Encodes, decodes and compares; returns the descriptor that was chosen and all bytes.
@discardableResult
func roundTrip(
    _ values: [UInt64], sourceLocation: SourceLocation = #_sourceLocation
) throws -> (descriptor: ColumnDescriptor, bytes: [UInt8]) {
    var bytes: [UInt8] = [7, 7, 7]
    values.withUnsafeBufferPointer { ColumnCodec.encode($0, into: &bytes) }
    let descriptor = try bytes.withUnsafeBytes { try ColumnDescriptor(parsing: $0, at: 3) }
    var offset = 3
    let decoded = try bytes.withUnsafeBytes { try ColumnCodec.decode(from: $0, at: &offset, count: values.count) }
    #expect(decoded == values, sourceLocation: sourceLocation)
    #expect(offset == bytes.count, sourceLocation: sourceLocation)
    return (descriptor, bytes)
}

struct ColumnCodecTests {
    static let counts = [0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 1000]

    @Test(arguments: 0...64)
    func randomValuesOfEveryWidth(width: Int) throws {
        var generator = SeededGenerator(seed: UInt64(width))
        for count in Self.counts {
            for reference in [0, 12345, UInt64.max - 9] {
                let values = (0..<count).map { _ in
                    reference &+ (generator.next() & BitPacking.mask(width))
                }
                try roundTrip(values)
            }
        }
    }

    @Test(arguments: 1...64)
    func packedValuesTakeTheirWidth(width: Int) throws {
        var generator = SeededGenerator(seed: UInt64(width))
        let values = (0..<4096).map { _ in generator.next() & BitPacking.mask(width) }
        let (_, bytes) = try roundTrip(values)
        #expect(bytes.count <= 3 + 40 + 4096 * width / 8)
    }

    @Test func wholeBlocks() throws {
        var generator = SeededGenerator(seed: 65_536)
        try roundTrip((0..<65_536).map { _ in generator.next() })
        try roundTrip((0..<65_536).map { _ in generator.next() % 59 })
        try roundTrip((0..<65_536).map { UInt64($0) * 3 })
    }

    @Test func constants() throws {
        for value in [0, 1, 1 << 63, UInt64.max] {
            let (descriptor, bytes) = try roundTrip(Array(repeating: value, count: 65_536))
            #expect(descriptor.codec == .constant)
            #expect(bytes.count == 3 + ColumnDescriptor.byteCount)
        }
    }

    @Test func progressionsCostNothing() throws {
        for step in [1, 1000, UInt64.max, UInt64.max - 999] {
            let (descriptor, _) = try roundTrip((0..<65_536).map { 1 << 40 &+ $0 &* step })
            #expect(descriptor.transform == .differences)
            #expect(descriptor.storedByteCount <= 8)
        }
    }

    @Test func extremes() throws {
        for count in Self.counts {
            try roundTrip((0..<count).map { $0 % 2 == 0 ? 0 : UInt64.max })
            try roundTrip((0..<count).map { $0 % 2 == 0 ? UInt64.max : 1 })
            try roundTrip((0..<count).map { 1 << UInt64($0 % 64) })
            try roundTrip((0..<count).map { UInt64.max << UInt64($0 % 64) })
            try roundTrip((0..<count).map { UInt64($0 % 17) << 59 })
        }
    }

    @Test func commonDivisorsAreNotKept() throws {
        var generator = SeededGenerator(seed: 3)
        for divisor: UInt64 in [2, 3, 7, 10, 64, 100, 1000, 1_000_000, 1 << 40, 600_000_000_000] {
            let values = (0..<4096).map { _ in 77 + generator.next() % 4096 * divisor }
            let (descriptor, _) = try roundTrip(values)
            #expect(descriptor.storedByteCount <= 4096 * 12 / 8)
            try roundTrip(values + [78])
            try roundTrip(values + [77 &- divisor])
        }
    }

    @Test func sawtoothAndSortedAndRuns() throws {
        var generator = SeededGenerator(seed: 4)
        for period: UInt64 in [2, 3, 16, 255, 1000] {
            try roundTrip((0..<5000).map { $0 % period * 1_000_003 })
            try roundTrip((0..<5000).map { $0 / period * 1_000_003 })
        }
        let sorted = (0..<65_536).map { _ in generator.next() % 1_000_000_000 }.sorted()
        let (descriptor, _) = try roundTrip(sorted)
        #expect(descriptor.transform == .differences)
        #expect(descriptor.storedByteCount < 65_536 * 18 / 8)
        try roundTrip(sorted.reversed())
    }

    @Test func rareOutliersAreKeptApart() throws {
        var generator = SeededGenerator(seed: 5)
        for outlier in [UInt64.max, 0, 1 << 50] {
            var values = (0..<65_536).map { _ in 1_000_000 + generator.next() % 4096 }
            for _ in 0..<300 { values[Int(generator.next() % 65_536)] = outlier }
            let (descriptor, _) = try roundTrip(values)
            #expect(descriptor.storedByteCount < 65_536 * 13 / 8)
        }
    }

    @Test func fewDistinctValues() throws {
        var generator = SeededGenerator(seed: 6)
        for count in [2, 3, 50, 200] {
            let distinct = (0..<count).map { _ in generator.next() }
            let even = (0..<65_536).map { _ in distinct[Int(generator.next() % UInt64(count))] }
            let (descriptor, _) = try roundTrip(even)
            #expect(descriptor.storedByteCount < 65_536 * BitPacking.width(of: UInt64(count)) / 8 + 9 * count + 200)
        }
    }

    @Test(arguments: [2, 10, 59, 1800, 8192, 9000])
    func skewedValuesComeCloseToTheirEntropy(alphabet: Int) throws {
        var generator = SeededGenerator(seed: UInt64(alphabet))
        var counts: [UInt64: Double] = [:]
        let values = (0..<65_536).map { _ in
            let uniform = Double(generator.next() >> 11) / Double(1 << 53)
            let value = UInt64(exp(uniform * log(Double(alphabet) + 1)) - 1)
            counts[value, default: 0] += 1
            return value
        }
        let entropy = counts.values.reduce(0) { $0 - $1 * log2($1 / 65_536) }
        let (descriptor, _) = try roundTrip(values)
        #expect(Double(descriptor.storedByteCount * 8) < entropy * 1.03 + 24 * Double(counts.count) + 2000)
    }

    @Test func delayedTimesCostTheirDelay() throws {
        var generator = SeededGenerator(seed: 7)
        let values = (0..<65_536).map { number in
            let delay = generator.next() % 200 == 0 ? generator.next() % 10_000_000_000 : generator.next() % 2_000_000
            return 1 << 50 + UInt64(number) * 3_300 - delay
        }
        let (descriptor, _) = try roundTrip(values)
        #expect(descriptor.transform == .lags)
        #expect(descriptor.storedByteCount < 65_536 * 22 / 8)
    }

    /// Zipf over half a million scattered codes: a few thousand are worth an entry, the others escape.
    @Test func longTailsEscape() throws {
        var generator = SeededGenerator(seed: 8)
        let values = (0..<65_536).map { _ in
            let rank = exp(Double(generator.next() >> 11) / Double(1 << 53) * log(500_000))
            return UInt64(rank) &* 277_777 % 500_000
        }
        let (descriptor, _) = try roundTrip(values)
        #expect(descriptor.codec == .rangeCoded)
        #expect(descriptor.storedByteCount < 65_536 * 16 / 8)
    }
}
