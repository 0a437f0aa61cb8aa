import Chance
import Testing
import Transactions

@testable import Columns

/// Reads single rows of a block, without verifying it.
func decodedRows(_ bytes: [UInt8], _ rows: [Int], by decoder: BlockDecoder) throws -> [Record] {
    try bytes.withUnsafeBytes { bytes in
        let header = try BlockHeader(parsing: bytes)
        let rows = rows.filter { $0 < header.recordCount }
        let filler = Record(id: .none, timeMicroseconds: -1, amountMinorUnits: -1, currency: .vnd, source: 9)
        var records = [Record](repeating: filler, count: rows.count)
        try records.withUnsafeMutableBufferPointer { try decoder.decode(header, bytes, rows: rows, into: $0) }
        return records
    }
}

/// Reads single values of the column at the start of `bytes`, without verifying it.
func readColumn(_ bytes: [UInt8], at indices: [Int]) throws -> [UInt64] {
    try bytes.withUnsafeBytes { bytes in
        let descriptor = try ColumnDescriptor(parsing: bytes, at: 0)
        let start = ColumnDescriptor.byteCount
        let stored = UnsafeRawBufferPointer(rebasing: bytes[start..<start + descriptor.storedByteCount])
        let parts = try ColumnParts(descriptor, stored)
        var values = [UInt64](repeating: 0, count: indices.count)
        try values.withUnsafeMutableBufferPointer { try ColumnReader().read(parts, at: indices, into: $0) }
        return values
    }
}

extension [Int] {
    /// Ascending, each once.
    func reduced() -> [Int] { Set(self).sorted() }
}

struct RowTests {
    /// Around the length of a piece, of an LZ4 block and of four pieces in step.
    static let counts = [1, 16, 17, 100, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 1279, 1280, 1281, 2049, 5000]

    private func records(_ count: Int, _ shape: IDShape) -> [Record] {
        var sample = SampleRecords(seed: UInt64(count), shape: shape)
        return sample.make(count)
    }

    @Test(arguments: IDShape.allCases)
    func everyRowAloneIsThatOfTheWhole(shape: IDShape) throws {
        let decoder = BlockDecoder(capacity: 5000)
        for count in Self.counts {
            let records = records(count, shape)
            let bytes = encodedBlock(records)
            try bytes.withUnsafeBytes { bytes in
                let header = try BlockHeader(parsing: bytes)
                var record = records[0]
                let rows = count < 300 || shape == .everything && count == 1025 ? Array(0..<count) : ends(count)
                for row in rows {
                    try withUnsafeMutablePointer(to: &record) {
                        try decoder.decode(
                            header, bytes, rows: [row], into: UnsafeMutableBufferPointer(start: $0, count: 1))
                    }
                    #expect(record == records[row], "row \(row) of \(count)")
                }
            }
        }
    }

    /// The rows beside the ends of pieces.
    private func ends(_ count: Int) -> [Int] {
        (0...count / Piece.valueCount).flatMap { [$0 * Piece.valueCount - 1, $0 * Piece.valueCount] }
            .filter { (0..<count).contains($0) } + [count - 1]
    }

    @Test(arguments: IDShape.allCases)
    func anySetOfRows(shape: IDShape) throws {
        let decoder = BlockDecoder()
        var generator = SeededGenerator(seed: 1)
        for count in [300, 1025, 20_000, 65_536] {
            let records = records(count, shape)
            let bytes = encodedBlock(records)
            #expect(try decodedRows(bytes, Array(0..<count), by: decoder) == records)
            #expect(try decodedRows(bytes, [], by: decoder).isEmpty)
            for _ in 0..<10 {
                let start = Int(generator.next() % UInt64(count))
                let neighbours = Array(start..<min(count, start + 40))
                let scattered = (0..<16).map { _ in Int(generator.next() % UInt64(count)) }
                let rows = (neighbours + scattered + [0, count - 1]).reduced()
                #expect(try decodedRows(bytes, rows, by: decoder) == rows.map { records[$0] })
            }
        }
    }

    @Test func arbitraryRecords() throws {
        let decoder = BlockDecoder()
        for count in [17, 1025, 5000] {
            var sample = SampleRecords(seed: UInt64(count), shape: .digest)
            let records = sample.makeArbitrary(count)
            #expect(try decodedRows(encodedBlock(records), Array(0..<count), by: decoder) == records)
        }
    }

    /// Columns made for each codec and transform, read value by value and all at once.
    @Test func everyCodecIsReadAtAnyPlace() throws {
        var seen: Set<String> = []
        for count in Self.counts where count > 1 {
            for values in columns(count) {
                let (descriptor, bytes) = try roundTrip(values)
                seen.insert("\(descriptor.codec) \(descriptor.transform)")
                let column = Array(bytes[3...])
                #expect(try readColumn(column, at: Array(0..<count)) == values)
                for index in [0, count / 2, count - 1, min(count - 1, 255), min(count - 1, 256)] {
                    #expect(try readColumn(column, at: [index]) == [values[index]])
                }
            }
        }
        let expected: Set = [
            "constant none", "constant differences", "packed none", "packed differences",
            "patched none", "patched differences", "patched lags", "dictionary none", "rangeCoded none",
            "compressed none", "compressed differences",
        ]
        #expect(expected.subtracting(seen).isEmpty)
    }

    private func columns(_ count: Int) -> [[UInt64]] {
        var generator = SeededGenerator(seed: UInt64(count))
        func column(_ value: (UInt64, UInt64) -> UInt64) -> [UInt64] {
            (0..<count).map { value(UInt64($0), generator.next()) }
        }
        let distinct = (0..<64).map { _ in generator.next() }
        let lines = (0..<40).map { _ in generator.next() % 1_000_000_007 }
        let sums = lines.indices.map { lines[...$0].reduce(0, +) }
        return [
            column { _, _ in 77 },
            column { number, _ in 1 << 40 &- number &* 999 },
            column { _, random in random },
            column { number, random in number * 1000 + random % 1000 },
            column { number, random in 1 << 50 + number * 3_300 - random % 2_000_000 },
            column { _, random in random % 300 == 0 ? random : random % 4096 },
            column { number, random in number << 20 + (random % 300 == 0 ? random >> 8 : random % 4096) },
            column { number, random in
                1 << 50 + number * 3_300 - (random % 200 == 0 ? random >> 24 : random % 2_000_000)
            },
            column { _, random in distinct[Int(random % 64)] },
            column { _, random in UInt64((random % 4096 * (random >> 40) % 4096).leadingZeroBitCount) << 33 },
            column { _, random in random % 3 == 0 ? random % 500_000 : random % 50 },
            column { number, _ in lines[Int(number % 40)] &* 0x9E37_79B9_7F4A_7C15 },
            column { number, _ in number / 40 * sums[39] + sums[Int(number % 40)] },
        ]
    }
}
