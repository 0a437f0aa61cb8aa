import Dispatch
import Testing
import Transactions

@testable import Columns

let samplePreface = BlockPreface(
    firstSequence: 77, commitTimeMicroseconds: 1_700_000_000_123_456, ledger: 0xFEED_F00D_1234_5678, offset: 4096,
    previousChecksum: 0xABCD_EF01, chainLinkCount: 3, chainDigest: (0..<32).map { UInt8($0 * 7) })

let sampleDeclarations: [Declaration] = [
    .name(Name(.payee, "Bún chả Hương Liên"), code: 0x8000_0001),
    .name(Name(.source, String(repeating: "s", count: 255)), code: 0x8000),
    .setting(key: 2, value: "Asia/Ho_Chi_Minh"),
    .setting(key: 3, value: String(repeating: "x", count: 4096)),
    .setting(key: 4, value: ""),
]

func encodedBlock(_ records: [Record], declarations: [Declaration] = []) -> [UInt8] {
    let encoder = BlockEncoder(capacity: max(1, records.count))
    return records.withUnsafeBufferPointer {
        Array(encoder.encode($0, preface: samplePreface, declarations: declarations).bytes)
    }
}

/// Decodes everything there is to a block.
func decodedBlock(
    _ bytes: [UInt8], by decoder: BlockDecoder? = nil, columns: ColumnSet = .all
) throws -> (header: BlockHeader, declarations: [Declaration], records: [Record]) {
    try bytes.withUnsafeBytes { bytes in
        let header = try BlockHeader(parsing: bytes)
        let decoder = decoder ?? BlockDecoder(capacity: max(1, header.recordCount))
        try decoder.verify(header, bytes)
        let declarations = try decoder.declarations(header, bytes)
        let filler = Record(id: .none, timeMicroseconds: -1, amountMinorUnits: -1, currency: .vnd, source: 9)
        var records = [Record](repeating: filler, count: header.recordCount)
        try records.withUnsafeMutableBufferPointer {
            try decoder.decode(header, bytes, columns: columns, into: $0)
        }
        return (header, declarations, records)
    }
}

/// A thread for each piece of work.
private final class ThreadAssistant: EncodingAssistant {
    private let threads = DispatchGroup()
    private let queue = DispatchQueue(label: "assistant")

    func begin(_ work: @escaping @Sendable () -> Void) { queue.async(group: threads, execute: work) }
    func finish() { threads.wait() }
}

struct BlockTests {
    @Test func aBlockIsTheSameWhoeverEncodesItsColumns() {
        let shared = BlockEncoder(
            scratch: EncodingScratch(capacity: 20_000, assistant: ThreadAssistant(), leastSharedRecordCount: 100))
        for count in [99, 100, 5_000, 20_000] {
            for shape in IDShape.allCases {
                var sample = SampleRecords(seed: UInt64(count), shape: shape)
                let records = sample.make(count)
                let bytes = records.withUnsafeBufferPointer {
                    Array(shared.encode($0, preface: samplePreface, declarations: sampleDeclarations).bytes)
                }
                #expect(bytes == encodedBlock(records, declarations: sampleDeclarations))
            }
        }
    }

    static let counts = [1, 2, 16, 17, 18, 63, 64, 65, 1000]

    @Test(arguments: IDShape.allCases)
    func everyShapeOfID(shape: IDShape) throws {
        for count in Self.counts + [20_000] {
            var sample = SampleRecords(seed: UInt64(count), shape: shape)
            let records = sample.make(count)
            let bytes = encodedBlock(records, declarations: sampleDeclarations)
            let decoded = try decodedBlock(bytes)
            #expect(decoded.records == records)
            #expect(decoded.declarations == sampleDeclarations)
            #expect(decoded.header.preface == samplePreface)
            #expect(decoded.header.totalByteCount == bytes.count)
            #expect(decoded.header.nextSequence == 77 + UInt64(count))
            #expect(decoded.header.earliestTimeMicroseconds == records.map(\.timeMicroseconds).min())
            #expect(decoded.header.latestTimeMicroseconds == records.map(\.timeMicroseconds).max())
        }
    }

    @Test func arbitraryRecordsNeverOutgrowTheBound() throws {
        for count in Self.counts + [5000, 65_536] {
            var sample = SampleRecords(seed: UInt64(count), shape: .digest)
            let records = sample.makeArbitrary(count)
            let bytes = encodedBlock(records, declarations: sampleDeclarations)
            #expect(try decodedBlock(bytes).records == records)
            let declared = sampleDeclarations.reduce(0) { $0 + $1.byteCount }
            #expect(
                bytes.count <= BlockEncoder.largestByteCount(recordCount: count, declarationsByteCount: declared))
            #expect(bytes.count % 8 == 0)
        }
    }

    @Test func oneEncoderForBlocksOfAllSizes() throws {
        let encoder = BlockEncoder()
        let decoder = BlockDecoder()
        for (number, count) in [65_536, 1, 0, 300, 65_536, 17, 16, 0, 40_000].enumerated() {
            var sample = SampleRecords(seed: UInt64(number), shape: .mixed)
            let records = sample.make(count)
            let declarations = number % 2 == 0 ? [] : Array(repeating: sampleDeclarations, count: number).flatMap { $0 }
            let block = records.withUnsafeBufferPointer {
                encoder.encode($0, preface: samplePreface, declarations: declarations)
            }
            let decoded = try decodedBlock(Array(block.bytes), by: decoder)
            #expect(decoded.records == records)
            #expect(decoded.declarations == declarations)
            #expect(decoded.header == block.header)
        }
    }

    @Test func aMarkHasNoRecords() throws {
        let bytes = encodedBlock([])
        #expect(bytes.count == BlockHeader.fixedByteCount)
        let decoded = try decodedBlock(bytes)
        #expect(decoded.header.layout == .mark)
        #expect(decoded.header.nextSequence == 77)
        #expect(decoded.records.isEmpty)
    }

    @Test func aLoneRecordIsCheap() throws {
        var sample = SampleRecords(seed: 1, shape: .mixed)
        let bytes = encodedBlock(sample.make(1))
        #expect(bytes.count == 200)
        #expect(try decodedBlock(bytes).header.layout == .rows)
    }

    @Test func referenceLikeRecordsTakeAtMost36Bytes() throws {
        var sample = SampleRecords(seed: 2, shape: .mixed)
        let records = sample.make(65_536)
        #expect(encodedBlock(records).count <= 36 * 65_536)
    }

    @Test func countersCostNextToNothing() throws {
        var counters = SampleRecords(seed: 3, shape: .counter)
        let bytes = encodedBlock(counters.make(20_000))
        let header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
        let ids = header.columns.filter { $0.number < Column.time.rawValue }.reduce(0) { $0 + $1.storedByteCount }
        #expect(ids < 20_000)
    }

    @Test func aPartOfTheColumns() throws {
        var sample = SampleRecords(seed: 4, shape: .everything)
        let records = sample.make(3000)
        let bytes = encodedBlock(records)
        let identities = try decodedBlock(bytes, columns: .identities).records
        for (part, whole) in zip(identities, records) {
            #expect(part.hasSameIdentity(as: whole))
            #expect(part.timeMicroseconds == whole.timeMicroseconds)
            #expect(part.amountMinorUnits == 0 && part.payer == 0 && part.payee == 0)
        }
        let amounts = try decodedBlock(bytes, columns: ColumnSet(.amount)).records
        #expect(amounts.map(\.amountMinorUnits) == records.map(\.amountMinorUnits))
        #expect(amounts.allSatisfy { $0.id == .none && $0.timeMicroseconds == 0 })
    }

    @Test func valuesOfOneColumn() throws {
        var sample = SampleRecords(seed: 5, shape: .mixed)
        let records = sample.make(500)
        try encodedBlock(records).withUnsafeBytes { bytes in
            let header = try BlockHeader(parsing: bytes)
            let decoder = BlockDecoder(capacity: 500)
            let payees = try #require(try decoder.values(of: .payee, header, bytes))
            #expect(Array(payees) == records.map { UInt64($0.payee) })
            let random = try #require(try decoder.values(of: .randomLower, header, bytes))
            #expect(random.count == records.count { $0.id.bytes[6] >> 4 == 4 })
        }
    }

    /// Rows and columns give the same fields, from the bytes that hold them alone.
    @Test(arguments: [0, 1, 3, 300, 5000]) func fieldsSideBySide(count: Int) throws {
        var sample = SampleRecords(seed: UInt64(count), shape: .everything)
        let records = sample.make(count)
        let bytes = encodedBlock(records, declarations: sampleDeclarations)
        let header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
        let decoder = BlockDecoder(capacity: max(1, count))
        for wanted in [.fields, ColumnSet(.time, .region), ColumnSet(.amount, .flags), []] as [ColumnSet] {
            var needed = [UInt8](repeating: 0xA5, count: bytes.count)
            for range in header.byteRanges(of: wanted) { needed.replaceSubrange(range, with: bytes[range]) }
            try needed.withUnsafeBytes { needed in
                let columns = try decoder.columns(wanted, of: header, needed)
                #expect(columns.count == count)
                func holds(_ column: Column, _ value: (Record) -> UInt64) {
                    guard wanted.contains(column) else { return }
                    #expect(Array(columns.values(of: column)) == records.map(value), "\(column)")
                }
                holds(.time) { UInt64(bitPattern: $0.timeMicroseconds) ^ 1 << 63 }
                holds(.amount) { UInt64(bitPattern: $0.amountMinorUnits) ^ 1 << 63 }
                holds(.region) { UInt64($0.region) }
                holds(.flags) { UInt64($0.flags) }
                holds(.outcome) { UInt64($0.outcome.rawValue) }
                holds(.kindAndEvent) { UInt64($0.kindAndEvent) }
            }
        }
    }

    @Test func aFieldIsVerifiedWhenItIsAskedFor() throws {
        var sample = SampleRecords(seed: 8, shape: .everything)
        var bytes = encodedBlock(sample.make(3000))
        let header = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
        let decoder = BlockDecoder(capacity: 3000)
        let range = try #require(header.byteRanges(of: ColumnSet(.payee)).first)
        for place in stride(from: range.lowerBound, to: range.upperBound, by: 37) {
            bytes[place] ^= 1
            try bytes.withUnsafeBytes { bytes in
                #expect(throws: BlockError.column(.payee, .checksum)) {
                    try decoder.columns(ColumnSet(.payee), of: header, bytes)
                }
                _ = try decoder.columns(ColumnSet(.payer, .service), of: header, bytes)
            }
            bytes[place] ^= 1
        }
        let cut = Array(bytes.dropLast(8))
        #expect(throws: BlockError.self) {
            try cut.withUnsafeBytes { try decoder.columns(ColumnSet(.payee), of: header, $0) }
        }
    }

    @Test func theHeaderAloneIsEnoughToHop() throws {
        var sample = SampleRecords(seed: 6, shape: .mixed)
        let bytes = encodedBlock(sample.make(400), declarations: sampleDeclarations)
        let whole = try bytes.withUnsafeBytes { try BlockHeader(parsing: $0) }
        let alone = try Array(bytes.prefix(whole.byteCount)).withUnsafeBytes { try BlockHeader(parsing: $0) }
        #expect(alone == whole)
        #expect(alone.totalByteCount == bytes.count)
    }

    @Test func aMisplacedBlockIsFound() throws {
        var sample = SampleRecords(seed: 7, shape: .mixed)
        let header = try encodedBlock(sample.make(2)).withUnsafeBytes { try BlockHeader(parsing: $0) }
        let place = samplePreface
        try header.checkPlace(
            ledger: place.ledger, offset: place.offset, previousChecksum: place.previousChecksum, firstSequence: 77)
        try header.checkPlace(ledger: place.ledger, offset: place.offset, previousChecksum: nil)
        #expect(throws: BlockError.misplaced(field: .ledger, expected: 1, found: place.ledger)) {
            try header.checkPlace(ledger: 1, offset: place.offset, previousChecksum: nil)
        }
        #expect(throws: BlockError.misplaced(field: .offset, expected: 0, found: 4096)) {
            try header.checkPlace(ledger: place.ledger, offset: 0, previousChecksum: nil)
        }
        #expect(throws: BlockError.misplaced(field: .previousChecksum, expected: 0, found: 0xABCD_EF01)) {
            try header.checkPlace(ledger: place.ledger, offset: place.offset, previousChecksum: 0)
        }
        #expect(throws: BlockError.misplaced(field: .firstSequence, expected: 78, found: 77)) {
            try header.checkPlace(
                ledger: place.ledger, offset: place.offset, previousChecksum: nil, firstSequence: 78)
        }
    }
}
