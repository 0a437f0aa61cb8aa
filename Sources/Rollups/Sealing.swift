import Transactions

extension CellTable {
    /// The cells as a chunk, sorted by key; nil when there are none.
    ///
    /// Where a rollup declares attempts and all that they are made of, their equality is asserted for every cell.
    func chunk(_ plan: CountingPlan, day: CalendarDay, sequences: ClosedRange<UInt64>) -> RollupChunk? {
        guard count > 0 else { return nil }
        let cells = sortedCells(keyBitCount: plan.declaration.key.bitCount)
        let chunk = RollupChunk(
            rollup: plan.declaration, day: day, sequences: sequences, keys: cells.map(key(of:)),
            columns: columns(plan.layout.columns(of: plan.declaration), cells))
        chunk.assertAttemptsAddUp()
        return chunk
    }

    private static let leastRadixSortedCount = 1024

    private func sortedCells(keyBitCount: Int) -> [UnsafeMutableRawPointer] {
        let cells = (0..<count).map(cell(at:))
        guard count > CellTable.leastRadixSortedCount else { return cells.sorted { key(of: $0) < key(of: $1) } }
        let sorted = sortedByKey(cells.map { ($0.load(as: UInt64.self), $0) }, keyBitCount: min(keyBitCount, 64))
        guard keyBitCount > 64 else { return sorted.map(\.1) }
        let highWords = sorted.map { ($0.1.load(fromByteOffset: 8, as: UInt64.self), $0.1) }
        return sortedByKey(highWords, keyBitCount: keyBitCount - 64).map(\.1)
    }

    private func carryCount(_ cell: UnsafeMutableRawPointer, _ offset: Int) -> UInt64 {
        carries.isEmpty ? 0 : carries[SumPlace(cell: cell, offset: offset)] ?? 0
    }

    /// Reads the columns out of the cells, some cells at a time so that they stay in the cache from column to column.
    private func columns(_ parts: [CellLayout.Column], _ cells: [UnsafeMutableRawPointer]) -> [[UInt64]] {
        let values = UnsafeMutablePointer<UInt64>.allocate(capacity: parts.count * cells.count)
        defer { values.deallocate() }
        for start in Swift.stride(from: 0, to: cells.count, by: 128) {
            let end = min(start + 128, cells.count)
            for (place, part) in parts.enumerated() {
                let column = values + place * cells.count
                switch part {
                case .narrow(let offset):
                    for row in start..<end {
                        column[row] = UInt64(cells[row].load(fromByteOffset: offset, as: UInt32.self))
                    }
                case .wide(let offset):
                    for row in start..<end { column[row] = cells[row].load(fromByteOffset: offset, as: UInt64.self) }
                case .carries(let offset):
                    for row in start..<end { column[row] = carryCount(cells[row], offset) }
                }
            }
        }
        return parts.indices.map { Array(UnsafeBufferPointer(start: values + $0 * cells.count, count: cells.count)) }
    }
}

extension CellLayout {
    /// One column of a chunk.
    enum Column {
        /// 32 bits of the cell from an offset on.
        case narrow(Int)
        /// 64 bits of the cell from an offset on.
        case wide(Int)
        /// How often the sum at an offset has grown beyond its 64 bits.
        case carries(Int)
    }

    func columns(of declaration: RollupDeclaration) -> [Column] {
        declaration.measures.flatMap { measure -> [Column] in
            guard let offset = offset(of: measure) else { preconditionFailure("\(measure.name) is not in the layout") }
            switch measure.form {
            case .count: return [.narrow(offset)]
            case .smallest, .largest: return [.wide(offset)]
            case .sum: return [.wide(offset), .carries(offset)]
            case .collected: preconditionFailure("no rollup holds what is collected")
            }
        }
    }
}

/// Pairs in the order of their keys, by a radix sort of 11 bits at a time from the lowest on; equal ones stay in their order.
func sortedByKey<Value: BitwiseCopyable>(_ pairs: [(UInt64, Value)], keyBitCount: Int) -> [(UInt64, Value)] {
    var (source, target) = (pairs, pairs)
    for shift in stride(from: 0, to: UInt64(keyBitCount), by: 11) {
        var ends = [Int](repeating: 0, count: 2048)
        for pair in source { ends[Int(pair.0 &>> shift & 2047)] += 1 }
        if ends.contains(pairs.count) { continue }
        var start = 0
        for digit in ends.indices { (ends[digit], start) = (start, start + ends[digit]) }
        target.withUnsafeMutableBufferPointer { target in
            for pair in source {
                let digit = Int(pair.0 &>> shift & 2047)
                target[ends[digit]] = pair
                ends[digit] += 1
            }
        }
        swap(&source, &target)
    }
    return source
}

extension RollupChunk {
    /// Stops the process when a cell's attempts are not the sum of their outcomes: then counting itself is broken, and
    /// nothing it says may be stored.
    func assertAttemptsAddUp() {
        let classes: [Measure] = [.approved, .businessDeclines, .technicalDeclines, .pending, .abandoned]
        let parts = classes.compactMap { rollup.firstColumn(of: $0).map { columns[$0] } }
        guard let attempts = rollup.firstColumn(of: .attempts).map({ columns[$0] }), parts.count == 5 else { return }
        for row in 0..<count {
            let sum = parts[0][row] + parts[1][row] + parts[2][row] + parts[3][row] + parts[4][row]
            precondition(attempts[row] == sum, "\(rollup.name), \(day): attempts are not the sum of their outcomes")
        }
    }
}
