import Columns
import Transactions

/// Reads a chunk's header and those of its columns that are wanted, so that an answer reads and decodes no more than it needs.
///
/// Nothing of the bytes is believed before it was checked; `ChunkFormat` says what they are.
struct ChunkReader {
    let rollup: RollupDeclaration
    let day: CalendarDay
    let sequences: ClosedRange<UInt64>
    let count: Int
    let columnsStart: Int
    private let bytes: UnsafeRawBufferPointer
    private let directory: UnsafeRawBufferPointer
    private let memory: ChunkMemory

    /// - Parameters:
    ///   - bytes: the chunk's, from its start: at least the header, and the columns that will be asked for.
    ///   - byteCount: that of the whole chunk.
    ///   - memory: columns that were read from another chunk with it are gone.
    init(_ bytes: UnsafeRawBufferPointer, of byteCount: Int, memory: ChunkMemory) throws(RollupError) {
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
        let declared = cursor
        let nameByteCount = Int(try cursor.integer(UInt8.self, "the length of a name"))
        let declaration = try cursor.take(nameByteCount + dimensionCount + measureCount, "name, dimensions, measures")
        rollup = try memory.declaration(
            UnsafeRawBufferPointer(rebasing: bytes[6..<8]), declaration
        ) { () throws(RollupError) in
            var cursor = declared
            return try cursor.declaration(dimensionCount: dimensionCount, measureCount: measureCount)
        }
        directory = try cursor.take((rollup.dimensions.count + rollup.columnCount) * 8, "the directory of columns")
        let headerEnd = cursor.offset
        guard try cursor.integer(UInt32.self, "a checksum") == checksum(.init(rebasing: bytes[..<headerEnd])) else {
            throw .damaged(offset: headerEnd, expected: "the checksum of the bytes before it")
        }
        guard count == 0 || UInt64(count) - 1 <= lastSequence - firstSequence else {
            let most = lastSequence - firstSequence + 1
            throw .damaged(offset: 12, expected: "at most \(most) cells, one for each record")
        }
        columnsStart = cursor.offset
        self.bytes = bytes
        self.memory = memory
        memory.begin()
        let end = entry(directory.count / 8).range.lowerBound
        guard end == byteCount else {
            throw .damaged(
                offset: min(end, byteCount), expected: "columns of \(byteCount - columnsStart) bytes")
        }
    }

    /// Bytes from the start of which no header is longer.
    static let largestHeaderByteCount = 33 + 255 + 9 * Dimension.allCases.count + 17 * Measure.allCases.count + 4

    /// The codes of a dimension, each within the bits of the dimension. They stay until the next chunk is read.
    func codes(of dimension: Dimension) throws(RollupError) -> UnsafeMutableBufferPointer<UInt64> {
        let place = try rollup.place(of: dimension)
        let codes = try column(place)
        var seen: UInt64 = 0
        for code in codes { seen |= code }
        guard seen >> UInt64(dimension.bitCount) == 0 else {
            throw .damaged(offset: entry(place).range.lowerBound, expected: "codes of \(dimension.bitCount) bits")
        }
        return codes
    }

    /// The column of a measure, or the first of the two of a sum. It stays until the next chunk is read.
    func column(of measure: Measure, half: Int = 0) throws(RollupError) -> UnsafeMutableBufferPointer<UInt64> {
        try column(try rollup.place(of: measure) + half)
    }

    /// Where the last of the columns ends that dimensions and measures need.
    func end(of dimensions: [Dimension], _ measures: [Measure]) throws(RollupError) -> Int {
        var end = columnsStart
        for dimension in dimensions { end = max(end, entry(try rollup.place(of: dimension)).range.upperBound) }
        for measure in measures {
            end = max(end, entry(try rollup.place(of: measure) + measure.columnCount - 1).range.upperBound)
        }
        return end
    }

    /// Before memory is taken for as many cells as the header says, every column must say so, too.
    func checkCounts() throws(RollupError) {
        for place in 0..<directory.count / 8 { try checkCount(place) }
    }

    /// As `checkCounts`, for the columns that dimensions and measures need.
    func checkCounts(of dimensions: [Dimension], _ measures: [Measure]) throws(RollupError) {
        for dimension in dimensions { try checkCount(try rollup.place(of: dimension)) }
        for measure in measures {
            for half in 0..<measure.columnCount { try checkCount(try rollup.place(of: measure) + half) }
        }
    }

    private func column(_ place: Int) throws(RollupError) -> UnsafeMutableBufferPointer<UInt64> {
        try checkCount(place)
        let (range, expected) = entry(place)
        let stored = UnsafeRawBufferPointer(rebasing: bytes[range])
        guard checksum(stored) == expected else {
            throw .damaged(offset: range.lowerBound, expected: "a column with the checksum of the directory")
        }
        let values = memory.takeColumn(count: count)
        do throws(ColumnError) {
            let byteCount = try ColumnCodec.decode(
                from: stored, into: values, by: memory.decoder(capacity: count), isVerified: true)
            guard byteCount == stored.count else { throw .truncated(needed: stored.count, available: byteCount) }
        } catch {
            throw .damaged(offset: range.lowerBound, expected: "a column of \(count) values (\(error))")
        }
        return values
    }

    private func checkCount(_ place: Int) throws(RollupError) {
        let range = entry(place).range
        var found: Int?
        if range.upperBound <= bytes.count {
            do throws(ColumnError) { found = try ColumnCodec.count(in: bytes, at: range.lowerBound) } catch {}
        }
        guard found == count else {
            throw .damaged(offset: range.lowerBound, expected: "a column of \(count) values")
        }
    }

    /// Where a column lies and its checksum; for the number behind the last column, where all end.
    private func entry(_ place: Int) -> (range: Range<Int>, checksum: UInt32) {
        var offset = columnsStart
        for each in 0..<place { offset += Int(directory.loadUnaligned(fromByteOffset: each * 8, as: UInt32.self)) }
        guard place < directory.count / 8 else { return (offset..<offset, 0) }
        let length = Int(directory.loadUnaligned(fromByteOffset: place * 8, as: UInt32.self))
        return (offset..<offset + length, directory.loadUnaligned(fromByteOffset: place * 8 + 4, as: UInt32.self))
    }
}

extension RollupDeclaration {
    /// Which of a chunk's columns has the codes of a dimension.
    /// - Throws: `notInChunk`.
    func place(of dimension: Dimension) throws(RollupError) -> Int {
        if let place = dimensions.firstIndex(of: dimension) { return place }
        throw .notInChunk(rollup: name, missing: dimension.name)
    }

    /// Which of a chunk's columns is the first of a measure; they lie behind those of the dimensions.
    /// - Throws: `notInChunk`.
    func place(of measure: Measure) throws(RollupError) -> Int {
        if let first = firstColumn(of: measure) { return dimensions.count + first }
        throw .notInChunk(rollup: name, missing: measure.name)
    }
}

/// What reading one chunk after another keeps: memory for columns, and the declaration, which is the same in most of them.
/// For one thread at a time.
final class ChunkMemory {
    private var columns: [UnsafeMutableBufferPointer<UInt64>] = []
    private var takenCount = 0
    private var lastDecoder: ColumnDecoder?
    private var declared: [UInt8] = []
    private var lastDeclaration: RollupDeclaration?

    deinit {
        for column in columns { column.deallocate() }
    }

    /// Takes back all columns.
    func begin() { takenCount = 0 }

    /// Room for a column of `count` values, whatever they were before.
    func takeColumn(count: Int) -> UnsafeMutableBufferPointer<UInt64> {
        if takenCount == columns.count { columns.append(.allocate(capacity: max(count, 1024))) }
        if columns[takenCount].count < count {
            columns[takenCount].deallocate()
            columns[takenCount] = .allocate(capacity: count)
        }
        defer { takenCount += 1 }
        return UnsafeMutableBufferPointer(rebasing: columns[takenCount][..<count])
    }

    func decoder(capacity: Int) -> ColumnDecoder {
        if let lastDecoder, lastDecoder.capacity >= capacity { return lastDecoder }
        let decoder = ColumnDecoder(capacity: max(4096, capacity + capacity / 2))
        lastDecoder = decoder
        return decoder
    }

    /// The declaration that stands in a chunk as these numbers and bytes; `parse` is asked when they are not the last ones.
    func declaration(
        _ numbers: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer,
        parse: () throws(RollupError) -> RollupDeclaration
    ) throws(RollupError) -> RollupDeclaration {
        if let lastDeclaration, declared.count == numbers.count + bytes.count,
            declared.starts(with: numbers), declared[numbers.count...].elementsEqual(bytes)
        {
            return lastDeclaration
        }
        let declaration = try parse()
        (lastDeclaration, declared) = (declaration, Array(numbers) + bytes)
        return declaration
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
        let isMonthly = dimensions.first == .month
        do throws(RollupError) {
            return try RollupDeclaration(
                name: name, dimensions: dimensions.dropFirst(isMonthly ? 1 : 0).compactMap(\.self),
                measures: measures.compactMap(\.self), isMonthly: isMonthly)
        } catch {
            throw .damaged(offset: start, expected: "a declaration (\(error))")
        }
    }
}
