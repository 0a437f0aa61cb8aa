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

    private func sortedCells(keyBitCount: Int) -> [UnsafeMutableRawPointer] {
        let cells = (0..<count).map(cell(at:))
        if keyBitCount > 64 { return cells.sorted { key(of: $0) < key(of: $1) } }
        return sortedByKey(cells.map { ($0.load(as: UInt64.self), $0) }, keyBitCount: keyBitCount).map(\.1)
    }

    /// Reads the columns out of the cells, some cells at a time so that they stay in the cache from column to column.
    private func columns(_ parts: [CellLayout.Column], _ cells: [UnsafeMutableRawPointer]) -> [[UInt64]] {
        let values = UnsafeMutablePointer<UInt64>.allocate(capacity: parts.count * cells.count)
        defer { values.deallocate() }
        for start in Swift.stride(from: 0, to: cells.count, by: 128) {
            let end = min(start + 128, cells.count)
            for (place, part) in parts.enumerated() {
                let column = values + place * cells.count
                for row in start..<end {
                    let cell = cells[row] + part.offset
                    column[row] = part.isNarrow ? UInt64(cell.load(as: UInt32.self)) : cell.load(as: UInt64.self)
                }
            }
        }
        return parts.indices.map { Array(UnsafeBufferPointer(start: values + $0 * cells.count, count: cells.count)) }
    }
}

extension CellLayout {
    /// One column of a chunk: where it lies in a cell, and whether it has 32 bits there or 64.
    struct Column {
        var offset: Int
        var isNarrow: Bool
    }

    func columns(of declaration: RollupDeclaration) -> [Column] {
        declaration.measures.flatMap { measure -> [Column] in
            guard let offset = offset(of: measure) else { preconditionFailure("\(measure.name) is not in the layout") }
            let first = Column(offset: offset, isNarrow: measure.form == .count)
            return [first] + (highOffset(of: measure).map { [Column(offset: $0, isNarrow: true)] } ?? [])
        }
    }
}

/// Pairs in the order of their keys, by a radix sort of 11 bits at a time from the lowest on.
func sortedByKey<Value: BitwiseCopyable>(_ pairs: [(UInt64, Value)], keyBitCount: Int) -> [(UInt64, Value)] {
    guard pairs.count > 1024 else { return pairs.sorted { $0.0 < $1.0 } }
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
