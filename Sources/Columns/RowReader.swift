/// Fills the first places of a block's table with what single rows need.
///
/// Range-coded columns are stepped through together: the steps of one column wait for each other, and those of several
/// columns do not.
final class RowReader {
    private let table: ColumnTable
    private let columnReader = ColumnReader()
    private let opened: UnsafeMutableBufferPointer<ColumnParts?>
    private let cursors: UnsafeMutablePointer<RangeCursor>
    private let cursorColumns: UnsafeMutablePointer<Column>
    private let memories: [RangeCursor.Memory]
    /// For each class the places of the rows' ids among all ids of the class.
    private var places = [[Int]](repeating: [], count: IDClass.allCases.count)

    init(_ table: ColumnTable) {
        self.table = table
        opened = .allocate(capacity: Column.allCases.count)
        opened.initialize(repeating: nil)
        cursors = .allocate(capacity: Column.allCases.count)
        cursorColumns = .allocate(capacity: Column.allCases.count)
        memories = Column.allCases.map { _ in RangeCursor.Memory() }
    }

    deinit {
        opened.deallocate()
        cursors.deallocate()
        cursorColumns.deallocate()
        for memory in memories { memory.deallocate() }
    }

    /// Reads the wanted columns at `rows`, as if the block had these records only and the others were 0.
    ///
    /// `rows` ascend and lie below the header's number of records; the bytes are as many as the header says.
    func read(
        _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer, _ rows: [Int], _ wanted: ColumnSet
    ) throws(BlockError) {
        try open(header, bytes, wanted)
        try readColumns(of: nil, at: rows)
        try locateIDs(rows)
        for idClass in IDClass.allCases where !places[idClass.rawValue].isEmpty {
            try readColumns(of: idClass, at: places[idClass.rawValue])
        }
    }

    private func open(
        _ header: BlockHeader, _ bytes: UnsafeRawBufferPointer, _ wanted: ColumnSet
    ) throws(BlockError) {
        opened.update(repeating: nil)
        var offset = header.payloadOffset
        for descriptor in header.columns {
            let stored = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + descriptor.storedByteCount])
            offset += descriptor.storedByteCount
            guard let column = Column(rawValue: descriptor.number) else { throw .malformed("number of a column") }
            guard wanted.contains(column) || column.isRank else { continue }
            do throws(ColumnError) {
                opened[Int(column.rawValue)] = try ColumnParts(descriptor, stored)
            } catch {
                throw .column(column, error)
            }
        }
    }

    /// Reads the columns of a class, or those with a value for every record, to the first places of the table.
    private func readColumns(of idClass: IDClass?, at indices: [Int]) throws(BlockError) {
        var cursorCount = 0
        for column in Column.allCases where column.idClass == idClass && column != .idClass && !column.isRank {
            let output = table.values(column, count: indices.count)
            guard let parts = opened[Int(column.rawValue)] else {
                output.update(repeating: 0)
                continue
            }
            do throws(ColumnError) {
                guard indices[indices.count - 1] < parts.descriptor.count else { throw .malformed("rank") }
                if case .rangeCoded(let coded) = parts.body {
                    let memory = memories[cursorCount]
                    (cursors + cursorCount).initialize(to: try RangeCursor(coded, memory: memory))
                    cursorColumns[cursorCount] = column
                    cursorCount += 1
                } else {
                    try columnReader.read(parts, at: indices, into: output)
                }
            } catch {
                throw .column(column, error)
            }
        }
        try step(cursorCount, to: indices)
        for column in Column.allCases where column.idClass == idClass && column != .idClass && !column.isRank {
            try column.checkRange(table.values(column, count: indices.count))
        }
    }

    private func step(_ cursorCount: Int, to indices: [Int]) throws(BlockError) {
        guard cursorCount > 0 else { return }
        var (piece, next) = (-1, 0)
        for (number, index) in indices.enumerated() {
            if index / Piece.valueCount != piece {
                (piece, next) = (index / Piece.valueCount, 0)
                for cursor in 0..<cursorCount { try seek(cursor, piece) }
            }
            while next <= index % Piece.valueCount {
                for cursor in 0..<cursorCount { cursors[cursor].step() }
                next += 1
            }
            for cursor in 0..<cursorCount {
                table.start(cursorColumns[cursor])[number] = try value(cursor)
            }
        }
    }

    private func seek(_ cursor: Int, _ piece: Int) throws(BlockError) {
        do throws(ColumnError) { try cursors[cursor].seek(piece) } catch { throw .column(cursorColumns[cursor], error) }
    }

    private func value(_ cursor: Int) throws(BlockError) -> UInt64 {
        do throws(ColumnError) {
            return try cursors[cursor].value()
        } catch {
            throw .column(cursorColumns[cursor], error)
        }
    }

    /// Fills the column of classes, and the places.
    private func locateIDs(_ rows: [Int]) throws(BlockError) {
        for idClass in places.indices { places[idClass].removeAll(keepingCapacity: true) }
        let output = table.values(.idClass, count: rows.count)
        var number = 0
        while number < rows.count {
            let first = number
            let piece = rows[number] / Piece.valueCount
            while number < rows.count, rows[number] / Piece.valueCount == piece { number += 1 }
            var counts = try idCounts(before: piece)
            let classes = try classes(piece, count: rows[number - 1] % Piece.valueCount + 1)
            var next = 0
            for each in first..<number {
                let row = rows[each] % Piece.valueCount
                while next < row {
                    counts[Int(truncatingIfNeeded: classes[next] & 3)] += 1
                    next += 1
                }
                output[each] = classes[row]
                let idClass = Int(truncatingIfNeeded: classes[row] & 3)
                // Forged ranks could turn back.
                guard counts[idClass] > places[idClass].last ?? -1 else { throw .malformed("rank") }
                places[idClass].append(counts[idClass])
            }
        }
        try Column.idClass.checkRange(output)
    }

    /// The classes of the first `count` ids of a piece.
    private func classes(_ piece: Int, count: Int) throws(BlockError) -> UnsafeBufferPointer<UInt64> {
        do throws(ColumnError) {
            guard let parts = opened[Int(Column.idClass.rawValue)] else { return columnReader.zeros(count: count) }
            return try columnReader.readPiece(parts, piece, count: count)
        } catch {
            throw .column(.idClass, error)
        }
    }

    /// How many ids of each class come before a piece; those of class 0 are the rest.
    private func idCounts(before piece: Int) throws(BlockError) -> SIMD4<Int> {
        var counts = SIMD4<Int>(piece * Piece.valueCount, 0, 0, 0)
        for (number, column) in [Column.randomRank, .textRank, .otherRank].enumerated() {
            guard let parts = opened[Int(column.rawValue)] else { continue }
            let output = table.values(column, count: 1)
            do throws(ColumnError) {
                try columnReader.read(parts, at: [piece], into: output)
            } catch {
                throw .column(column, error)
            }
            let rank = output[0]
            guard rank <= counts[0] else { throw .column(column, .malformed("rank")) }
            counts[number + 1] = Int(rank)
            counts[0] -= Int(rank)
        }
        return counts
    }
}

extension Column {
    /// Throws when one of the values is beyond what the column may hold.
    func checkRange(_ values: UnsafeMutableBufferPointer<UInt64>) throws(BlockError) {
        guard width < 64 else { return }
        var seen: UInt64 = 0
        for value in values { seen |= value }
        guard seen >> UInt64(width) == 0 else { throw .valueOutOfRange(self) }
    }
}
