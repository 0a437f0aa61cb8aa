import Chance
import Testing
import Transactions

@testable import Columns

/// Makes every checksum of a block match again, as whoever forges one would.
func reseal(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { bytes in
        func word(_ offset: Int) -> Int { Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        func seal(_ range: Range<Int>, at offset: Int) {
            guard range.upperBound <= bytes.count else { return }
            let checksum = crc32c(of: UnsafeRawBufferPointer(rebasing: bytes[range]))
            bytes.storeBytes(of: checksum, toByteOffset: offset, as: UInt32.self)
        }
        let headerByteCount = word(8)
        guard headerByteCount >= 136, headerByteCount <= bytes.count else { return }
        var offset = headerByteCount + word(112)
        seal(headerByteCount..<offset, at: 120)
        if bytes[6] == 1 { seal(offset..<offset + word(12) * 64, at: 124) }
        for entry in stride(from: 132, to: headerByteCount - 4, by: ColumnDescriptor.byteCount) {
            let end = offset + word(entry + 32)
            guard end <= bytes.count else { break }
            seal(offset..<end, at: entry + 36)
            offset = end
        }
        seal(0..<headerByteCount - 4, at: headerByteCount - 4)
    }
}

struct DamageTests {
    static func block(_ count: Int, shape: IDShape = .everything) -> [UInt8] {
        var sample = SampleRecords(seed: 99, shape: shape)
        return encodedBlock(sample.make(count), declarations: Array(sampleDeclarations.prefix(3)))
    }

    @Test(arguments: [0, 1, 3, 150])
    func everyFlippedByteIsFound(count: Int) throws {
        let bytes = Self.block(count)
        let decoder = BlockDecoder(capacity: 256)
        for position in bytes.indices {
            for flip: UInt8 in [0x01, 0x80, 0xFF] {
                var damaged = bytes
                damaged[position] ^= flip
                #expect(throws: BlockError.self, "byte \(position)") { try decodedBlock(damaged, by: decoder) }
            }
        }
    }

    @Test(arguments: [0, 1, 150])
    func everyTruncationIsFound(count: Int) throws {
        let bytes = Self.block(count)
        let decoder = BlockDecoder(capacity: 256)
        for length in 0..<bytes.count {
            let error = #expect(throws: BlockError.self) {
                try decodedBlock(Array(bytes[..<length]), by: decoder)
            }
            guard case .truncated(_, let available)? = error else {
                Issue.record("cut at \(length): \(String(describing: error))")
                continue
            }
            #expect(available == length)
        }
    }

    @Test func aNewerVersionIsNoDamage() throws {
        var bytes = Self.block(150)
        bytes[4] = 2
        #expect(throws: BlockError.headerChecksum) { try decodedBlock(bytes) }
        reseal(&bytes)
        #expect(throws: BlockError.unsupportedVersion(found: 2)) { try decodedBlock(bytes) }
        bytes[4] = 1
        bytes[5] = 9
        reseal(&bytes)
        #expect(throws: BlockError.unsupportedRecordVersion(found: 9)) { try decodedBlock(bytes) }
    }

    @Test func damageIsNamedByItsColumn() throws {
        let bytes = Self.block(150)
        let header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
        var offset = header.payloadOffset
        for descriptor in header.columns where descriptor.storedByteCount > 0 {
            var damaged = bytes
            damaged[offset] ^= 4
            let column = try #require(Column(rawValue: descriptor.number))
            #expect(throws: BlockError.column(column, .checksum)) { try decodedBlock(damaged) }
            offset += descriptor.storedByteCount
        }
    }

    /// Each byte of the header forged to several values, with all checksums made to match.
    @Test(arguments: [0, 2, 150])
    func forgedHeadersNeverTrap(count: Int) throws {
        let bytes = Self.block(count)
        let decoder = BlockDecoder()
        let header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
        for position in 0..<header.byteCount {
            for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                var forged = bytes
                forged[position] = value
                reseal(&forged)
                _ = try? decodedBlock(forged, by: decoder)
            }
        }
    }

    @Test func lyingLengthsAndCountsAreErrors() throws {
        let bytes = Self.block(150)
        for (offset, value, expected): (Int, UInt32, BlockError) in [
            (12, 65_537, .malformed("number of records")), (12, 0, .malformed("layout")),
            (12, 151, .malformed("number of values")), (16, 8, .malformed("total length")),
            (16, .max, .malformed("total length")), (112, .max, .malformed("declarations")),
            (116, .max, .malformed("declarations")), (128, 0, .malformed("number of columns")),
            (128, .max, .malformed("number of columns")), (40, 0, .malformed("first sequence")),
        ] {
            var forged = bytes
            forged.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: offset, as: UInt32.self) }
            reseal(&forged)
            #expect(throws: expected, "\(value) at \(offset)") { try decodedBlock(forged) }
        }
    }

    /// Random bytes anywhere in header and columns, with the checksums made to match.
    @Test(arguments: [150, 3000])
    func forgedColumnsNeverTrap(count: Int) throws {
        let decoder = BlockDecoder()
        var generator = SeededGenerator(seed: UInt64(count))
        for shape in [IDShape.everything, .counter] {
            let bytes = Self.block(count, shape: shape)
            for _ in 0..<500 {
                var forged = bytes
                for _ in 0...generator.next() % 4 {
                    forged[132 + Int(generator.next() % UInt64(bytes.count - 132))] = UInt8(generator.next() >> 56)
                }
                reseal(&forged)
                _ = try? decodedBlock(forged, by: decoder)
                _ = try? decodedRows(forged, [0, 70, count - 1], by: decoder)
            }
        }
    }

    /// The lists beside the values (anchors, places, ranges, ranks) serve single rows only: where they lie, the whole
    /// block is refused, so that nobody reads two records in one place.
    @Test(arguments: [150, 1100, 3000])
    func whatDecodesIsTheSameRowByRow(count: Int) throws {
        let decoder = BlockDecoder(capacity: 4096)
        var generator = SeededGenerator(seed: UInt64(count) + 7)
        let rows = [0, 1, 70, 149] + [255, 256, 257, 700, 1023, 1024, 1099].filter { $0 < count }
        var wholeCount = 0
        for shape in IDShape.allCases {
            let bytes = Self.block(count, shape: shape)
            let header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
            for _ in 0..<40 {
                var forged = bytes
                var offset = header.payloadOffset
                let columns = header.columns.filter { $0.storedByteCount > 0 }
                let chosen = columns[Int(generator.next() % UInt64(columns.count))].number
                for descriptor in header.columns {
                    if descriptor.number == chosen {
                        let place = generator.next() % UInt64(min(200, descriptor.storedByteCount))
                        forged[
                            offset
                                + (generator.next() % 2 == 0 ? Int(place) : descriptor.storedByteCount - 1 - Int(place))
                        ] ^=
                            1 << UInt8(generator.next() % 8)
                    }
                    offset += descriptor.storedByteCount
                }
                reseal(&forged)
                guard let whole = try? decodedBlock(forged, by: decoder).records else { continue }
                wholeCount += 1
                #expect(try decodedRows(forged, rows, by: decoder) == rows.map { whole[$0] }, "column \(chosen)")
            }
        }
        #expect(wholeCount > 10)
    }

    /// Single rows are read without a look at checksums, so nothing but the reader itself stands before a trap.
    @Test(arguments: [150, 1025, 3000])
    func unverifiedRowsNeverTrap(count: Int) throws {
        let decoder = BlockDecoder(capacity: 4096)
        var generator = SeededGenerator(seed: UInt64(count))
        for shape in IDShape.allCases {
            let bytes = Self.block(count, shape: shape)
            let header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
            for _ in 0..<200 {
                var damaged = bytes
                for _ in 0...generator.next() % 6 {
                    damaged[header.byteCount + Int(generator.next() % UInt64(bytes.count - header.byteCount))] =
                        generator.next() % 2 == 0 ? UInt8(generator.next() >> 56) : 0xFF
                }
                let rows = (0..<count).filter { _ in generator.next() % 32 == 0 }
                _ = try? decodedRows(damaged, rows, by: decoder)
            }
        }
    }

    /// The heads of all columns' bytes, where lists and counts are, damaged byte by byte.
    @Test func damagedListsNeverTrap() throws {
        let decoder = BlockDecoder(capacity: 4096)
        let bytes = Self.block(1100)
        let header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
        var offset = header.payloadOffset
        for descriptor in header.columns {
            for position in offset..<offset + min(120, descriptor.storedByteCount) {
                for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                    var damaged = bytes
                    damaged[position] = value
                    _ = try? decodedRows(damaged, [0, 255, 256, 1099], by: decoder)
                    reseal(&damaged)
                    _ = try? decodedBlock(damaged, by: decoder)
                }
            }
            offset += descriptor.storedByteCount
        }
    }

    /// Random bytes behind every possible kind of descriptor.
    @Test func forgedDescriptorsNeverTrap() throws {
        var generator = SeededGenerator(seed: 11)
        let decoder = ColumnDecoder(capacity: 4096)
        for _ in 0..<6_000 {
            let count = Int(generator.next() % 4096)
            var bytes = (0..<ColumnDescriptor.byteCount + 4000).map { _ in UInt8(generator.next() >> 58) }
            var descriptor = ColumnDescriptor(
                codec: Codec(rawValue: UInt8(generator.next() % 6)) ?? .packed,
                frame: Frame(
                    reference: generator.next(), scale: generator.next() | 1, width: Int(generator.next() % 65)),
                count: count)
            descriptor.transform = Transform(rawValue: UInt8(generator.next() % 3)) ?? .none
            descriptor.entryCount = Int(generator.next() % 8)
            descriptor.escapedCount = Int(generator.next() % 3)
            descriptor.storedByteCount = min(
                4000, BitPacking.byteCount(count: count, width: descriptor.width) + Int(generator.next() % 64))
            descriptor.checksum = bytes.withUnsafeBytes {
                crc32c(of: UnsafeRawBufferPointer(rebasing: $0[40..<40 + descriptor.storedByteCount]))
            }
            bytes.withUnsafeMutableBytes { descriptor.write(to: $0.baseAddress.unsafelyUnwrapped) }
            bytes.withUnsafeBytes {
                var offset = 0
                _ = try? ColumnCodec.decode(from: $0, at: &offset, count: count, by: decoder)
            }
            if count > 0 {
                _ = try? readColumn(bytes, at: [0, count / 2, count - 1].reduced())
            }
        }
    }

    @Test func aValueBeyondItsFieldIsAnError() throws {
        var sample = SampleRecords(seed: 1, shape: .random)
        let bytes = encodedBlock(sample.make(40))
        var header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
        let index = try #require(header.columns.firstIndex { $0.number == Column.source.rawValue })
        for reference: UInt64 in [1 << 16, 1 << 40, .max] {
            var forged = bytes
            header.columns[index].reference = reference
            forged.withUnsafeMutableBytes { _ = header.write(to: $0.baseAddress.unsafelyUnwrapped) }
            #expect(throws: BlockError.valueOutOfRange(.source)) { try decodedBlock(forged) }
        }
    }

    @Test func forgedDeclarationsAreErrors() throws {
        let valid = Self.block(0)
        let header = try valid.withUnsafeBytes { try BlockHeader(parsing: $0) }
        for (offset, value): (Int, UInt8) in [(0, 0), (0, 7), (0, 254), (1, 1), (2, 0), (3, 0xFF), (8, 0xFF)] {
            var forged = valid
            forged[header.byteCount + offset] = value
            reseal(&forged)
            #expect(throws: BlockError.malformedDeclaration(offset: 0)) { try decodedBlock(forged) }
        }
    }
}
