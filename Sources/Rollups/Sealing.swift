import Transactions

extension CellTable {
    /// The cells as a chunk, sorted by key; nil when there are none.
    ///
    /// Where a rollup declares attempts and all that they are made of, their equality is asserted for every cell.
    func chunk(_ plan: CountingPlan, day: CalendarDay, sequences: ClosedRange<UInt64>) -> RollupChunk? {
        guard count > 0 else { return nil }
        var order = (0..<count).map { (key: key(of: cell(at: $0)), index: $0) }
        order.sort { $0.key < $1.key }
        let rows = order.map(\.index)
        let columns = plan.declaration.measures.flatMap { columnsOfMeasure($0, plan.layout, rows) }
        let chunk = RollupChunk(
            rollup: plan.declaration, day: day, sequences: sequences, keys: order.map(\.key), columns: columns)
        chunk.assertAttemptsAddUp()
        return chunk
    }

    private func columnsOfMeasure(_ measure: Measure, _ layout: CellLayout, _ order: [Int]) -> [[UInt64]] {
        guard let offset = layout.offset(of: measure) else {
            preconditionFailure("\(measure.name) is not in the layout")
        }
        switch measure.form {
        case .count: return [order.map { UInt64(cell(at: $0).load(fromByteOffset: offset, as: UInt32.self)) }]
        case .smallest, .largest: return [order.map { cell(at: $0).load(fromByteOffset: offset, as: UInt64.self) }]
        case .sum:
            guard let highOffset = layout.highOffset(of: measure) else { preconditionFailure("a sum has two parts") }
            return [
                order.map { cell(at: $0).load(fromByteOffset: offset, as: UInt64.self) },
                order.map { UInt64(cell(at: $0).load(fromByteOffset: highOffset, as: UInt32.self)) },
            ]
        }
    }
}

extension RollupChunk {
    /// Stops the process when a cell's attempts are not the sum of their outcomes: then counting itself is broken, and
    /// nothing it says may be stored.
    func assertAttemptsAddUp() {
        let classes: [Measure] = [.approved, .businessDeclines, .technicalDeclines, .pending, .abandoned]
        guard let attempts = rollup.firstColumn(of: .attempts) else { return }
        let parts = classes.compactMap(rollup.firstColumn(of:))
        guard parts.count == classes.count else { return }
        for row in 0..<count {
            let sum = parts.reduce(0) { $0 + columns[$1][row] }
            precondition(columns[attempts][row] == sum, "\(rollup.name), \(day): attempts are not the sum of outcomes")
        }
    }
}
