import Transactions

/// Adds up chunks, one after another, to the answer of a question.
///
/// The chunks must be of one rollup and must not overlap in day and sequence; their order does not matter.
public struct AnswerBuilder {
    /// What is asked.
    public let question: Question
    private let groupKey: KeyLayout
    private let dimensions: [Dimension]
    private let filters: [(dimension: Dimension, codes: CodeSet)]
    /// A table for each group of days: the codes of `day` and `month` in the order of the grouping.
    private var tables: [[UInt32]: CellTable] = [:]

    /// Where a group's cell holds its first measure: after a key of 16 bytes. Every measure takes 16 bytes.
    private static let firstValueOffset = 16

    /// Begins an answer.
    /// - Throws: `keyTooWide` when the grouping takes more than 128 bits, day and month apart.
    public init(_ question: Question) throws(RollupError) {
        self.question = question
        dimensions = question.grouping
        groupKey = try KeyLayout(dimensions.filter { $0.bitCount > 0 })
        filters = question.filters.filter { $0.key.bitCount > 0 }.map { ($0.key, CodeSet($0.value)) }
    }

    /// Adds the cells of a chunk that the question covers.
    /// - Throws: `notInChunk` when the chunk lacks a dimension or measure that the question needs.
    public mutating func add(_ chunk: RollupChunk) throws(RollupError) {
        guard question.covers(chunk.day) else { return }
        try add(chunk.day, count: chunk.count) { dimension throws(RollupError) in
            guard chunk.rollup.dimensions.contains(dimension) else {
                throw .notInChunk(rollup: chunk.rollup.name, missing: dimension.name)
            }
            return chunk.codes(of: dimension)
        } columns: { measure throws(RollupError) in
            guard let first = chunk.rollup.firstColumn(of: measure) else {
                throw .notInChunk(rollup: chunk.rollup.name, missing: measure.name)
            }
            return Array(chunk.columns[first..<first + measure.columnCount])
        }
    }

    /// Adds the cells of an encoded chunk that the question covers; only the columns that it needs are decoded.
    /// - Throws: `damaged` when a column that is needed is; `notInChunk` as for a chunk in memory.
    public mutating func add(encoded bytes: UnsafeRawBufferPointer) throws(RollupError) {
        let reader = try ChunkReader(bytes)
        guard question.covers(reader.day) else { return }
        try add(reader.day, count: reader.count, codes: reader.codes(of:), columns: reader.columns(of:))
    }

    /// The answer over all that was added.
    /// - Parameter sequence: the sequence up to which the added chunks count.
    public func answer(asOf sequence: UInt64) -> Answer {
        var rows: [Answer.Row] = []
        for (dayCodes, table) in tables {
            for index in 0..<table.count { rows.append(row(table, index, dayCodes)) }
        }
        rows.sort { $0.codes.lexicographicallyPrecedes($1.codes) }
        return Answer(dimensions: dimensions, measures: question.measures, rows: rows, sequence: sequence)
    }

    private mutating func add(
        _ day: CalendarDay, count: Int, codes: (Dimension) throws(RollupError) -> [UInt64],
        columns: (Measure) throws(RollupError) -> [[UInt64]]
    ) throws(RollupError) {
        var rows = Array(0..<count)
        for filter in filters {
            let codes = try codes(filter.dimension)
            rows.removeAll { !filter.codes.contains(UInt32(truncatingIfNeeded: codes[$0])) }
        }
        guard !rows.isEmpty else { return }
        var keys = [UInt128](repeating: 0, count: rows.count)
        for field in groupKey.fields {
            let codes = try codes(field.dimension)
            for place in rows.indices { keys[place] |= UInt128(codes[rows[place]]) << UInt128(field.shift) }
        }
        var values: [(measure: Measure, columns: [[UInt64]])] = []
        for measure in question.measures { values.append((measure, try columns(measure))) }
        let table = table(for: day)
        let cells = keys.map { key in
            let (low, high) = (UInt64(truncatingIfNeeded: key), UInt64(truncatingIfNeeded: key >> 64))
            return table.cell(low: low, high: high, hash: table.hash(low: low, high: high))
        }
        for (place, value) in values.enumerated() {
            let offset = AnswerBuilder.firstValueOffset + place * 16
            for (cell, row) in zip(cells, rows) { value.measure.form.combine(value.columns, row, into: cell + offset) }
        }
    }

    private mutating func table(for day: CalendarDay) -> CellTable {
        let dayCodes = dimensions.compactMap { dimension -> UInt32? in
            switch dimension {
            case .day: Dimension.code(of: day)
            case .month: Dimension.monthCode(of: day)
            default: nil
            }
        }
        if let table = tables[dayCodes] { return table }
        let offsets = question.measures.indices.filter { [.smallest, .largest].contains(question.measures[$0].form) }
        let table = CellTable(
            keyWordCount: 2, stride: AnswerBuilder.firstValueOffset + question.measures.count * 16,
            extremes: offsets.map { AnswerBuilder.firstValueOffset + $0 * 16 }, seed: .random(in: 0 ... .max))
        tables[dayCodes] = table
        return table
    }

    private func row(_ table: CellTable, _ index: Int, _ dayCodes: [UInt32]) -> Answer.Row {
        let cell = table.cell(at: index)
        let key = table.key(of: cell)
        var (keyCodes, dayCodes) = (groupKey.codes(of: key)[...], dayCodes[...])
        let codes = dimensions.map { $0.bitCount == 0 ? dayCodes.removeFirst() : keyCodes.removeFirst() }
        let values = question.measures.enumerated().map { place, measure in
            measure.form.value(at: cell + AnswerBuilder.firstValueOffset + place * 16)
        }
        return Answer.Row(codes: codes, values: values)
    }
}

extension Measure.Form {
    /// Adds a chunk's row to a value of 16 bytes.
    @inline(__always)
    fileprivate func combine(_ columns: [[UInt64]], _ row: Int, into place: UnsafeMutableRawPointer) {
        switch self {
        case .count:
            let sum = place.load(as: UInt128.self) &+ UInt128(columns[0][row])
            place.storeBytes(of: sum, as: UInt128.self)
        case .sum:
            let value = UInt128(columns[1][row]) << 64 | UInt128(columns[0][row])
            place.storeBytes(of: place.load(as: UInt128.self) &+ value, as: UInt128.self)
        case .smallest:
            place.storeBytes(of: min(place.load(as: UInt64.self), columns[0][row]), as: UInt64.self)
        case .largest:
            let (a, b) = (place.load(as: UInt64.self), columns[0][row])
            place.storeBytes(of: a &+ 1 > b &+ 1 ? a : b, as: UInt64.self)
        }
    }

    fileprivate func value(at place: UnsafeMutableRawPointer) -> Int128? {
        switch self {
        case .count, .sum: return Int128(truncatingIfNeeded: place.load(as: UInt128.self))
        case .smallest, .largest:
            let value = place.load(as: UInt64.self)
            return value == .max ? nil : Int128(value)
        }
    }
}

/// Codes that pass a filter: a bit for each where they are small, else a set.
private struct CodeSet {
    private let bits: [Bool]
    private let others: Set<UInt32>

    init(_ codes: Set<UInt32>) {
        var bits = [Bool](repeating: false, count: Int(codes.filter { $0 < 1 << 16 }.max().map { $0 + 1 } ?? 0))
        for code in codes where code < 1 << 16 { bits[Int(code)] = true }
        self.bits = bits
        others = codes.filter { $0 >= 1 << 16 }
    }

    func contains(_ code: UInt32) -> Bool {
        code < bits.count ? bits[Int(code)] : !others.isEmpty && others.contains(code)
    }
}
