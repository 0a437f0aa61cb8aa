import CPlatform
import Columns
import Transactions

// A chunk as bytes, version 1, little-endian:
//
// | offset | size | what |
// |---|---|---|
// | 0 | 4 | "SLRU" |
// | 4 | 2 | version, 1 |
// | 6 | 1 | D: number of dimensions |
// | 7 | 1 | M: number of measures |
// | 8 | 4 | business day, days since 1970-01-01; of a month its first |
// | 12 | 4 | number of cells |
// | 16 | 8 | first sequence |
// | 24 | 8 | last sequence |
// | 32 | 1 | N: bytes of the rollup's name |
// | 33 | N | the name, UTF-8 |
// | | D | codes of the dimensions; that of `month`, first, says that cells cover months and has no column |
// | | M | codes of the measures |
// | | 8 a column | length and CRC-32C of each column |
// | | 4 | CRC-32C of all bytes before it |
//
// Then the columns as `ColumnCodec` writes them: one for each dimension, then those of each measure, sums as the low and
// the high halves. Cells ascend by their dimensions in order, and none is there twice.

extension RollupChunk {
    static let magic: [UInt8] = Array("SLRU".utf8)
    static let version: UInt16 = 1
    /// Cells that a chunk may have: 2^26.
    public static let largestCount = 1 << 26

    /// The chunk as bytes that describe and check themselves.
    /// - Precondition: at most `largestCount` cells.
    public func encoded() -> [UInt8] {
        precondition(count <= RollupChunk.largestCount, "a chunk has at most \(RollupChunk.largestCount) cells")
        let encoder = ColumnEncoder(capacity: max(1, count))
        var body: [UInt8] = []
        var directory: [UInt8] = []
        func append(_ column: [UInt64]) {
            let start = body.count
            column.withUnsafeBufferPointer { ColumnCodec.encode($0, into: &body, by: encoder) }
            directory.append(littleEndian: UInt32(body.count - start))
            directory.append(littleEndian: body[start...].withUnsafeBytes(checksum))
        }
        for dimension in rollup.dimensions { append(codes(of: dimension)) }
        for column in columns { append(column) }
        var bytes = RollupChunk.magic
        bytes.append(littleEndian: RollupChunk.version)
        let dimensions = (rollup.isMonthly ? [.month] : []) + rollup.dimensions
        bytes += [UInt8(dimensions.count), UInt8(rollup.measures.count)]
        bytes.append(littleEndian: day.daysSince1970)
        bytes.append(littleEndian: UInt32(count))
        bytes.append(littleEndian: sequences.lowerBound)
        bytes.append(littleEndian: sequences.upperBound)
        bytes += [UInt8(rollup.name.utf8.count)] + Array(rollup.name.utf8)
        bytes += dimensions.map(\.rawValue) + rollup.measures.map(\.rawValue) + directory
        bytes.append(littleEndian: bytes.withUnsafeBytes(checksum))
        return bytes + body
    }

    /// Reads what `encoded` wrote.
    /// - Throws: `damaged` with the place when the bytes are anything else. Memory stays within a few times what the
    ///   number of cells, at most `largestCount`, needs.
    public init(decoding bytes: [UInt8]) throws(RollupError) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(RollupError) in try RollupChunk(decoding: buffer) }
        }
        self = try result.get()
    }

    /// Reads what `encoded` wrote from memory that stays as it is meanwhile.
    /// - Throws: `damaged` with the place when the bytes are anything else.
    public init(decoding bytes: UnsafeRawBufferPointer) throws(RollupError) {
        let memory = ChunkMemory()
        let reader = try ChunkReader(bytes, of: bytes.count, memory: memory)
        try reader.checkCounts()
        let rollup = reader.rollup
        var keys = [UInt128](repeating: 0, count: reader.count)
        for field in rollup.key.fields {
            let codes = try reader.codes(of: field.dimension)
            for row in 0..<reader.count { keys[row] |= UInt128(codes[row]) << UInt128(field.shift) }
        }
        for row in keys.indices.dropFirst() where keys[row - 1] >= keys[row] {
            throw .damaged(offset: reader.columnsStart, expected: "cells in ascending order")
        }
        var columns: [[UInt64]] = []
        for measure in rollup.measures {
            for half in 0..<measure.columnCount { columns.append(Array(try reader.column(of: measure, half: half))) }
        }
        self.init(rollup: rollup, day: reader.day, sequences: reader.sequences, keys: keys, columns: columns)
    }

    /// What an encoded chunk says that it is.
    public struct Place: Hashable, Sendable, CustomStringConvertible {
        /// The rollup's name.
        public var rollup: String
        /// The business day.
        public var day: CalendarDay
        /// The sequences that it speaks of.
        public var sequences: ClosedRange<UInt64>

        /// A place from its parts.
        public init(rollup: String, day: CalendarDay, sequences: ClosedRange<UInt64>) {
            self.rollup = rollup
            self.day = day
            self.sequences = sequences
        }

        /// Which one it is, for people.
        public var description: String {
            "rollup \(rollup), \(day), sequences \(sequences.lowerBound) to \(sequences.upperBound)"
        }
    }

    /// So many of an encoded chunk's first bytes hold its header, whatever is declared there.
    public static let largestHeaderByteCount = ChunkReader.largestHeaderByteCount

    /// The codes of one dimension, a value for each cell.
    func codes(of dimension: Dimension) -> [UInt64] {
        guard let field = rollup.key.fields.first(where: { $0.dimension == dimension }) else { return [] }
        return keys.map { UInt64(field.code(in: $0)) }
    }
}

/// The CRC-32C of bytes.
func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { sluice_crc32c(0, bytes.baseAddress, bytes.count) }

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
