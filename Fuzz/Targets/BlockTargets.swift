import Chance
import Columns
import Simulation
import Transactions

extension FuzzTarget {
    /// One block: its header, its declarations, all records, and single rows, these also of bytes that nobody verified.
    static let blocks = FuzzTarget(
        name: "blocks", largestByteCount: 8192, repair: { BlockRepair.repair($0) }, seeds: BlockSeeds.make
    ) {
        let run = BlockRun()
        return { try run.run($0) }
    }

    /// One column with its descriptor: every codec, LZ4 and the range coder among them.
    static let columns = FuzzTarget(
        name: "columns", largestByteCount: 4096, repair: ColumnRun.repair, seeds: ColumnRun.seeds
    ) {
        let run = ColumnRun()
        return { try run.run($0) }
    }
}

private final class BlockRun {
    /// Larger blocks are left to the tests of the room: here they would cost more time than they find.
    private static let largestRecordCount = 2048
    private let decoder = BlockDecoder(capacity: largestRecordCount)
    private let encoder = BlockEncoder(capacity: largestRecordCount)
    private let records = UnsafeMutableBufferPointer<Record>.allocate(capacity: largestRecordCount)
    private let others = UnsafeMutableBufferPointer<Record>.allocate(capacity: largestRecordCount)

    deinit {
        records.deallocate()
        others.deallocate()
    }

    func run(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        guard let header = try? BlockHeader(parsing: bytes) else { return false }
        try require(header.totalByteCount % 8 == 0, "a length of \(header.totalByteCount) bytes")
        try require(header.recordCount <= BlockHeader.largestRecordCount, "\(header.recordCount) records")
        guard header.recordCount <= BlockRun.largestRecordCount else { return false }
        let rows = rows(of: header, bytes)
        let areRowsRead = (try? decoder.decode(header, bytes, rows: rows, into: others)) != nil
        guard (try? decoder.verify(header, bytes)) != nil else { return false }
        let declarations: [Declaration]
        do { declarations = try decoder.declarations(header, bytes) } catch {
            throw BrokenProperty("verified declarations are refused: \(error)")
        }
        guard (try? decoder.decode(header, bytes, into: records)) != nil else { return false }
        try require(areRowsRead, "rows of a block that decodes are refused")
        for (number, row) in rows.enumerated() {
            try require(others[number] == records[row], "row \(row) is \(others[number]), in the block \(records[row])")
        }
        try checkIdentities(header, bytes)
        try encodeAgain(header, declarations)
        return true
    }

    /// A few rows that the bytes decide.
    private func rows(of header: BlockHeader, _ bytes: UnsafeRawBufferPointer) -> [Int] {
        guard header.recordCount > 0 else { return [] }
        var generator = SeededGenerator.following(bytes)
        let drawn = (0..<12).map { _ in Int.random(in: 0..<header.recordCount, using: &generator) }
        return Set(drawn + [0, header.recordCount - 1]).sorted()
    }

    /// What identities are made from is the same when nothing else is read.
    private func checkIdentities(_ header: BlockHeader, _ bytes: UnsafeRawBufferPointer) throws {
        do { try decoder.decode(header, bytes, columns: .identities, into: others) } catch {
            throw BrokenProperty("identities of a block that decodes are refused: \(error)")
        }
        for row in 0..<header.recordCount {
            try require(
                others[row].hasSameIdentity(as: records[row]), "identity \(row) is \(others[row]), not \(records[row])")
        }
    }

    private func encodeAgain(_ header: BlockHeader, _ declarations: [Declaration]) throws {
        let own = encoder.encode(
            UnsafeBufferPointer(rebasing: records[..<header.recordCount]), preface: header.preface,
            declarations: declarations)
        let bound = BlockEncoder.largestByteCount(
            recordCount: header.recordCount, declarationsByteCount: header.declarationsByteCount)
        try require(own.bytes.count <= bound, "a block of \(own.bytes.count) bytes, expected at most \(bound)")
        do {
            let parsed = try BlockHeader(parsing: own.bytes)
            try require(parsed == own.header, "the header is read otherwise than it was written")
            try require(parsed.preface == header.preface, "the preface is read otherwise than it was written")
            try decoder.verify(parsed, own.bytes)
            try require(
                try decoder.declarations(parsed, own.bytes) == declarations,
                "the declarations are read otherwise than they were written")
            try decoder.decode(parsed, own.bytes, into: others)
        } catch let error as BlockError {
            throw BrokenProperty("what was encoded does not decode: \(error)")
        }
        for row in 0..<header.recordCount {
            try require(
                others[row] == records[row], "row \(row) was \(records[row]) and is \(others[row]) encoded again")
        }
    }
}

/// Gives a block, or each of a segment's, the checksums and the total length of what it holds.
enum BlockRepair {
    /// Bytes of the block at the start.
    @discardableResult
    static func repair(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
        let headerByteCount = bytes.word(at: 8)
        guard headerByteCount >= BlockHeader.fixedByteCount, headerByteCount <= bytes.count else { return bytes.count }
        bytes.set(BlockHeader.magic, at: 0)
        var end = headerByteCount + bytes.word(at: 112)
        bytes.seal(headerByteCount..<end, at: 120)
        if bytes[6] == BlockHeader.Layout.rows.rawValue {
            let rows = end..<end + bytes.word(at: 12) * Record.byteCount
            bytes.seal(rows, at: 124)
            end = rows.upperBound
        }
        for entry in stride(from: 132, to: headerByteCount - 4, by: ColumnDescriptor.byteCount) {
            let column = end..<end + bytes.word(at: entry + 32)
            bytes.seal(column, at: entry + 36)
            end = column.upperBound
        }
        let total = (end + 7) / 8 * 8
        bytes.set(UInt32(truncatingIfNeeded: total), at: 16)
        bytes.seal(0..<headerByteCount - 4, at: headerByteCount - 4)
        return total
    }
}

enum BlockSeeds {
    static let names: [Declaration] = [
        .name(Name(.payee, "Chợ Bến Thành"), code: 0x8000_0001), .name(Name(.region, "Huế"), code: 0x8001),
        .setting(key: 9, value: ""),
    ]

    static func block(
        _ records: [Record], preface: BlockPreface, declarations: [Declaration] = []
    ) -> (bytes: [UInt8], header: BlockHeader) {
        records.withUnsafeBufferPointer { records in
            let encoder = BlockEncoder(capacity: max(1, records.count))
            let block = encoder.encode(records, preface: preface, declarations: declarations)
            return (Array(block.bytes), block.header)
        }
    }

    @Sendable static func make() -> [[UInt8]] {
        let preface = BlockPreface(firstSequence: 1, commitTimeMicroseconds: 1, ledger: 9, offset: 0)
        func bytes(_ records: [Record], _ declarations: [Declaration] = []) -> [UInt8] {
            block(records, preface: preface, declarations: declarations).bytes
        }
        let same = [Record](repeating: Samples.records(count: 1)[0], count: 1500)
        return [
            bytes([], names), bytes(Samples.records(count: 3)), bytes(Samples.records(count: 40), names),
            bytes(Samples.mixedRecords(count: 150)), bytes(same),
        ]
    }
}

private final class ColumnRun: @unchecked Sendable {
    private static let largestCount = 4096
    private let decoder = ColumnDecoder(capacity: largestCount)
    private let encoder = ColumnEncoder(capacity: largestCount)

    func run(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        guard bytes.count >= ColumnDescriptor.byteCount else { return false }
        let count = Int(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        var offset = 0
        let values: [UInt64]
        do {
            values = try ColumnCodec.decode(
                from: bytes, at: &offset, count: min(count, ColumnRun.largestCount), by: decoder)
        } catch {
            try require(offset == 0, "a refused column moved the offset to \(offset)")
            return false
        }
        try require(offset <= bytes.count && values.count == count, "\(values.count) values in \(offset) bytes")
        var own: [UInt8] = []
        values.withUnsafeBufferPointer { ColumnCodec.encode($0, into: &own, by: encoder) }
        try require(own.count <= ColumnDescriptor.byteCount + 8 * count, "\(count) values take \(own.count) bytes")
        try own.withUnsafeBytes { own in
            var end = 0
            do {
                let again = try ColumnCodec.decode(from: own, at: &end, count: count, by: decoder)
                try require(again == values, "the values are read otherwise than they were written")
            } catch let error as ColumnError {
                throw BrokenProperty("what was encoded does not decode: \(error)")
            }
            try require(end == own.count, "\(own.count) bytes were written and \(end) read")
        }
        return true
    }

    @Sendable static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
        let stored = ColumnDescriptor.byteCount..<ColumnDescriptor.byteCount + bytes.word(at: 32)
        bytes.seal(stored, at: 36)
    }

    /// A column for every codec and transform.
    @Sendable static func seeds() -> [[UInt8]] {
        var generator = SeededGenerator(seed: 1)
        func make(_ count: Int, _ value: (Int) -> UInt64) -> [UInt64] { (0..<count).map(value) }
        func draw(_ count: UInt64) -> UInt64 { generator.next() % count }
        func skewed(_ count: UInt64) -> UInt64 { draw(draw(count) + 1) }
        var latest: UInt64 = 1 << 50
        let columns: [[UInt64]] = [
            [], [7], make(300) { _ in 5 }, make(300) { _ in draw(1000) },
            make(600) { _ in draw(50) == 0 ? draw(.max) : draw(64) },
            make(600) { 1_000_000 + 3 * UInt64($0) }, make(900) { _ in skewed(40) * 77 },
            make(900) { _ in draw(40) == 0 ? draw(1 << 44) : skewed(30) },
            make(1200) { $0 % 300 < 150 ? UInt64($0 % 7) << 40 : UInt64($0 % 5) << 33 },
            make(600) { _ in
                latest += draw(900)
                return latest - (draw(5) == 0 ? draw(100_000) : 0)
            },
        ]
        return columns.map { column in
            var bytes: [UInt8] = []
            column.withUnsafeBufferPointer { ColumnCodec.encode($0, into: &bytes) }
            return bytes
        }
    }
}
