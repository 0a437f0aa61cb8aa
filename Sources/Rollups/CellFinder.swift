/// Finds the cells of many rows of a chunk at once. For one thread at a time.
///
/// Questions mostly group by one dimension, of which the codes are small numbers, and by a currency that is the same in all
/// rows. Such a code leads to its cell by an array, and the table is asked only when a code is met for the first time.
final class CellFinder {
    private static let directCount = 1 << 16

    private var found: UnsafeMutablePointer<UnsafeMutableRawPointer> = .allocate(capacity: 1024)
    private var capacity = 1024
    private var keys: [UInt128] = []
    /// By code, for the table and the rest of the key that follow.
    private lazy var direct = {
        let cells = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: CellFinder.directCount)
        cells.initialize(repeating: nil, count: CellFinder.directCount)
        isDirectMade = true
        return cells
    }()
    private var isDirectMade = false
    private var directCodes: [Int] = []
    private var directTable: CellTable?
    private var directKey: UInt128 = 0
    private var directShift = 0

    deinit {
        found.deallocate()
        if isDirectMade { direct.deallocate() }
    }

    /// The cells of rows by the columns that make their keys; valid until the next call.
    func find(
        _ columns: [(column: UnsafeMutableBufferPointer<UInt64>, shift: Int)], rowCount: Int, in table: CellTable
    ) -> UnsafePointer<UnsafeMutableRawPointer> {
        if rowCount > capacity {
            found.deallocate()
            found = .allocate(capacity: rowCount)
            capacity = rowCount
        }
        var fixed: UInt128 = 0
        var varying: [(column: UnsafeMutableBufferPointer<UInt64>, shift: Int)] = []
        var seen: UInt64 = 0
        for (column, shift) in columns {
            let first = column[0]
            var difference: UInt64 = 0
            var all: UInt64 = 0
            for code in column {
                difference |= code ^ first
                all |= code
            }
            if difference == 0 {
                fixed |= UInt128(first) << UInt128(shift)
            } else {
                varying.append((column, shift))
                seen = all
            }
        }
        if varying.isEmpty {
            found.update(repeating: table.cell(key: fixed), count: rowCount)
        } else if varying.count == 1, seen < CellFinder.directCount {
            findDirectly(varying[0].column, varying[0].shift, fixed, table)
        } else {
            findByKey(varying, fixed, rowCount, table)
        }
        return UnsafePointer(found)
    }

    private func findDirectly(
        _ column: UnsafeMutableBufferPointer<UInt64>, _ shift: Int, _ fixed: UInt128, _ table: CellTable
    ) {
        if directTable !== table || directKey != fixed || directShift != shift {
            for code in directCodes { direct[code] = nil }
            directCodes.removeAll(keepingCapacity: true)
            (directTable, directKey, directShift) = (table, fixed, shift)
        }
        let (found, direct) = (found, direct)
        for row in 0..<column.count {
            let code = Int(truncatingIfNeeded: column[row])
            if let cell = direct[code] {
                found[row] = cell
            } else {
                let cell = table.cell(key: fixed | UInt128(truncatingIfNeeded: code) << UInt128(shift))
                direct[code] = cell
                directCodes.append(code)
                found[row] = cell
            }
        }
    }

    private func findByKey(
        _ columns: [(column: UnsafeMutableBufferPointer<UInt64>, shift: Int)], _ fixed: UInt128, _ rowCount: Int,
        _ table: CellTable
    ) {
        if keys.count < rowCount { keys = [UInt128](repeating: 0, count: rowCount) }
        keys.withUnsafeMutableBufferPointer { keys in
            for row in 0..<rowCount { keys[row] = fixed }
            for (column, shift) in columns {
                let shift = UInt128(shift)
                for row in 0..<rowCount { keys[row] |= UInt128(column[row]) &<< shift }
            }
            var last = keys[0]
            var cell = table.cell(key: last)
            for row in 0..<rowCount {
                if keys[row] != last {
                    last = keys[row]
                    cell = table.cell(key: last)
                }
                found[row] = cell
            }
        }
    }
}

extension CellTable {
    /// The cell of a key, made when there is none.
    @inline(__always)
    func cell(key: UInt128) -> UnsafeMutableRawPointer {
        cell(low: UInt64(truncatingIfNeeded: key), high: UInt64(truncatingIfNeeded: key >> 64))
    }

    /// The cell of a key of two words, made when there is none.
    @inline(__always)
    func cell(low: UInt64, high: UInt64) -> UnsafeMutableRawPointer {
        cell(low: low, high: high, hash: hash(low: low, high: high))
    }
}
