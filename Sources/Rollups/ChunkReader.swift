import Columns
import Transactions

/// Reads a chunk's header and those of its columns that are wanted, so that an answer decodes no more than it needs.
///
/// Nothing of the bytes is believed before it was checked; `ChunkFormat` says what they are.
struct ChunkReader {
    let rollup: RollupDeclaration
    let day: CalendarDay
    let sequences: ClosedRange<UInt64>
    let count: Int
    let columnsStart: Int
    private let bytes: UnsafeRawBufferPointer
    private let entries: [(range: Range<Int>, checksum: UInt32)]
    private let decoder: ColumnDecoder

    init(_ bytes: UnsafeRawBufferPointer) throws(RollupError) {
        var cursor = ByteCursor(bytes)
        guard try cursor.take(4, "the magic bytes").elementsEqual(RollupChunk.magic) else {
            throw .damaged(offset: 0, expected: "the magic bytes of a rollup chunk")
        }
        guard try cursor.integer(UInt16.self, "a version") == RollupChunk.version else {
            throw .damaged(offset: 4, expected: "version \(RollupChunk.version)")
        }
        let dimensionCount = Int(try cursor.integer(UInt8.self, "the number of dimensions"))
        let measureCount = Int(try cursor.integer(UInt8.self, "the number of measures"))
        day = CalendarDay(daysSince1970: try cursor.integer(Int32.self, "a day"))
        count = Int(try cursor.integer(UInt32.self, "the number of cells"))
        let firstSequence = try cursor.integer(UInt64.self, "the first sequence")
        let lastSequence = try cursor.integer(UInt64.self, "the last sequence")
        guard count <= RollupChunk.largestCount else {
            throw .damaged(offset: 12, expected: "at most \(RollupChunk.largestCount) cells")
        }
        guard 1 <= firstSequence, firstSequence <= lastSequence else {
            throw .damaged(offset: 16, expected: "a range of sequences")
        }
        sequences = firstSequence...lastSequence
        rollup = try cursor.declaration(dimensionCount: dimensionCount, measureCount: measureCount)
        let columnCount = dimensionCount + rollup.columnCount
        let directory = try cursor.take(columnCount * 8, "the directory of columns")
        let headerEnd = cursor.offset
        guard try cursor.integer(UInt32.self, "a checksum") == checksum(.init(rebasing: bytes[..<headerEnd])) else {
            throw .damaged(offset: headerEnd, expected: "the checksum of the bytes before it")
        }
        guard count == 0 || UInt64(count) - 1 <= lastSequence - firstSequence else {
            let most = lastSequence - firstSequence + 1
            throw .damaged(offset: 12, expected: "at most \(most) cells, one for each record")
        }
        columnsStart = cursor.offset
        entries = try ChunkReader.entries(directory, from: cursor.offset, to: bytes.count)
        try ChunkReader.checkCounts(bytes, entries, count: count)
        self.bytes = bytes
        decoder = ColumnDecoder(capacity: max(1, count))
    }

    /// The codes of a dimension, each within the bits of the dimension.
    func codes(of dimension: Dimension) throws(RollupError) -> [UInt64] {
        guard let place = rollup.dimensions.firstIndex(of: dimension) else {
            throw .notInChunk(rollup: rollup.name, missing: dimension.name)
        }
        let codes = try column(place)
        guard codes.allSatisfy({ $0 >> UInt64(dimension.bitCount) == 0 }) else {
            throw .damaged(offset: entries[place].range.lowerBound, expected: "codes of \(dimension.bitCount) bits")
        }
        return codes
    }

    /// The column of a measure, or the two of a sum.
    func columns(of measure: Measure) throws(RollupError) -> [[UInt64]] {
        guard let first = rollup.firstColumn(of: measure) else {
            throw .notInChunk(rollup: rollup.name, missing: measure.name)
        }
        var columns: [[UInt64]] = []
        for place in 0..<measure.columnCount { columns.append(try column(rollup.dimensions.count + first + place)) }
        return columns
    }

    private func column(_ place: Int) throws(RollupError) -> [UInt64] {
        let (range, expected) = entries[place]
        let stored = UnsafeRawBufferPointer(rebasing: bytes[range])
        guard checksum(stored) == expected else {
            throw .damaged(offset: range.lowerBound, expected: "a column with the checksum of the directory")
        }
        var offset = 0
        do throws(ColumnError) {
            let values = try ColumnCodec.decode(from: stored, at: &offset, count: count, by: decoder)
            guard offset == stored.count else { throw .truncated(needed: stored.count, available: offset) }
            return values
        } catch {
            throw .damaged(offset: range.lowerBound, expected: "a column of \(count) values (\(error))")
        }
    }

    /// Before memory is taken for as many cells as the header says, every column must say so, too.
    private static func checkCounts(
        _ bytes: UnsafeRawBufferPointer, _ entries: [(range: Range<Int>, checksum: UInt32)], count: Int
    ) throws(RollupError) {
        for (range, _) in entries {
            let found: Int?
            do throws(ColumnError) { found = try ColumnCodec.count(in: bytes, at: range.lowerBound) } catch {
                found = nil
            }
            guard found == count else {
                throw .damaged(offset: range.lowerBound, expected: "a column of \(count) values")
            }
        }
    }

    private static func entries(
        _ directory: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) throws(RollupError) -> [(range: Range<Int>, checksum: UInt32)] {
        var cursor = ByteCursor(directory)
        var offset = start
        var entries: [(range: Range<Int>, checksum: UInt32)] = []
        for _ in 0..<directory.count / 8 {
            let length = Int(try cursor.integer(UInt32.self, "a column's length"))
            entries.append((offset..<offset + length, try cursor.integer(UInt32.self, "a column's checksum")))
            offset += length
        }
        guard offset == end else {
            throw .damaged(offset: min(offset, end), expected: "columns of \(end - start) bytes")
        }
        return entries
    }
}

/// Takes values from bytes, one after another, and never reads behind their end.
private struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func take(_ count: Int, _ what: String) throws(RollupError) -> UnsafeRawBufferPointer {
        guard bytes.count - offset >= count else { throw .damaged(offset: offset, expected: what) }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _: Value.Type, _ what: String
    ) throws(RollupError) -> Value {
        Value(littleEndian: try take(MemoryLayout<Value>.size, what).loadUnaligned(as: Value.self))
    }

    mutating func declaration(dimensionCount: Int, measureCount: Int) throws(RollupError) -> RollupDeclaration {
        let start = offset
        let nameByteCount = Int(try integer(UInt8.self, "the length of a name"))
        let nameBytes = try take(nameByteCount, "a name of \(nameByteCount) bytes")
        let dimensions = try take(dimensionCount, "\(dimensionCount) dimensions").map(Dimension.init(rawValue:))
        let measures = try take(measureCount, "\(measureCount) measures").map(Measure.init(rawValue:))
        guard let name = String(validating: nameBytes, as: UTF8.self), !dimensions.contains(nil),
            !measures.contains(nil)
        else { throw .damaged(offset: start, expected: "a name and known dimensions and measures") }
        do throws(RollupError) {
            return try RollupDeclaration(
                name: name, dimensions: dimensions.compactMap(\.self), measures: measures.compactMap(\.self))
        } catch {
            throw .damaged(offset: start, expected: "a declaration (\(error))")
        }
    }
}
