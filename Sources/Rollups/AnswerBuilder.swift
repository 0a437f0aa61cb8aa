import Transactions

/// Adds up chunks, one after another, to the answer of a question.
///
/// What groups collect is in no chunk: it comes with the builders of `ColumnCounter`s.
///
/// The chunks must be of one rollup and must not overlap in day and sequence; their order does not matter. Several builders
/// of one question, each used by one thread at a time, add up to one.
public struct AnswerBuilder {
    /// What is asked.
    public let question: Question
    private let groupKey: KeyLayout
    private let dimensions: [Dimension]
    private let filters: [(dimension: Dimension, codes: CodeSet)]
    /// What is read of every chunk besides the measures.
    private let readDimensions: [Dimension]
    /// The measures that chunks hold, each with its number among the question's.
    private let keptMeasures: [(place: Int, measure: Measure)]
    /// What the groups collect; nil where nothing is.
    let collections: Collections?
    let accountHash: AccountHash
    /// A table for each group of days: the codes of `day` and `month` in the order of the grouping.
    private var tables: [[UInt32]: CellTable] = [:]
    private let memory = ChunkMemory()
    private let cells = CellFinder()

    /// Where a group's cell holds its first measure: after a key of 16 bytes. Every measure takes 16 bytes.
    private static let firstValueOffset = 16

    /// Where a group's cell holds the measure with a number among the question's.
    static func offset(ofMeasure place: Int) -> Int { firstValueOffset + place * 16 }

    /// Begins an answer.
    /// - Parameter accountHash: by which distinct accounts are counted; the same for all builders that are added up.
    /// - Throws: `keyTooWide` when the grouping takes more than 128 bits, day and month apart.
    public init(
        _ question: Question, accountHash: AccountHash = AccountHash(key: 0, 0)
    ) throws(RollupError) {
        self.question = question
        self.accountHash = accountHash
        let numbered = question.measures.enumerated().map { (place: $0.offset, measure: $0.element) }
        keptMeasures = numbered.filter { $0.measure.form != .collected }
        collections = Collections(question, accountHash)
        dimensions = question.grouping
        groupKey = try KeyLayout(dimensions.filter { $0.bitCount > 0 })
        filters = question.filters.filter { $0.key.bitCount > 0 }.map { ($0.key, CodeSet($0.value)) }
        readDimensions = groupKey.fields.map(\.dimension) + filters.map(\.dimension)
    }

    /// Adds the cells of a chunk that the question covers.
    /// - Throws: `notInChunk` when the chunk lacks a dimension or measure that the question needs.
    public mutating func add(_ chunk: RollupChunk) throws(RollupError) {
        guard question.covers(chunk.day) else { return }
        let (rollup, memory) = (chunk.rollup, memory)
        for dimension in readDimensions { _ = try rollup.place(of: dimension) }
        for (_, measure) in keptMeasures { _ = try rollup.place(of: measure) }
        memory.begin()
        try add(chunk.day, count: chunk.count) { dimension in
            let field = rollup.key.fields.first { $0.dimension == dimension }!
            let codes = memory.takeColumn(count: chunk.count)
            for row in 0..<chunk.count { codes[row] = UInt64(field.code(in: chunk.keys[row])) }
            return codes
        } column: { measure, half throws(RollupError) in
            let column = memory.takeColumn(count: chunk.count)
            _ = column.update(from: chunk.columns[try rollup.place(of: measure) - rollup.dimensions.count + half])
            return column
        }
    }

    /// Adds the cells of an encoded chunk that the question covers; only the columns that it needs are decoded.
    /// - Throws: `damaged` when a column that is needed is; `notInChunk` as for a chunk in memory.
    public mutating func add(encoded bytes: UnsafeRawBufferPointer) throws(RollupError) {
        _ = try add(encoded: bytes, of: bytes.count)
    }

    /// As `add(encoded:)`, given a chunk's first bytes, of which there must be as many as `neededByteCount` says.
    /// - Parameter byteCount: that of the whole chunk.
    /// - Returns: what the chunk says that it is.
    public mutating func add(
        encoded bytes: UnsafeRawBufferPointer, of byteCount: Int
    ) throws(RollupError) -> RollupChunk.Place {
        let reader = try ChunkReader(bytes, of: byteCount, memory: memory)
        let place = RollupChunk.Place(rollup: reader.rollup.name, day: reader.day, sequences: reader.sequences)
        guard question.covers(reader.day) else { return place }
        try reader.checkCounts(of: readDimensions, keptMeasures.map(\.measure))
        try add(reader.day, count: reader.count, codes: reader.codes(of:), column: reader.column(of:half:))
        return place
    }

    /// Bytes from a chunk's start that the question needs.
    /// - Parameter header: at least the first `RollupChunk.largestHeaderByteCount` bytes of the chunk, or all of it.
    public func neededByteCount(header: UnsafeRawBufferPointer, of byteCount: Int) throws(RollupError) -> Int {
        let reader = try ChunkReader(header, of: byteCount, memory: memory)
        guard question.covers(reader.day) else { return reader.columnsStart }
        return try reader.end(of: readDimensions, keptMeasures.map(\.measure))
    }

    /// Adds what another builder of the same question has added up.
    public mutating func add(_ other: AnswerBuilder) {
        precondition(question == other.question, "builders of different questions")
        for (dayCodes, theirs) in other.tables {
            let ours = table(for: dayCodes)
            for index in 0..<theirs.count {
                let cell = theirs.cell(at: index)
                let key = theirs.key(of: cell)
                let own = ours.cell(
                    low: UInt64(truncatingIfNeeded: key), high: UInt64(truncatingIfNeeded: key >> 64))
                for (place, measure) in keptMeasures {
                    let offset = AnswerBuilder.offset(ofMeasure: place)
                    measure.form.combine(cell + offset, into: own + offset)
                }
                if let theirs = other.collections { collections?.unite(cell, of: theirs, into: own) }
            }
        }
    }

    /// Bytes that all take which the groups collect.
    public var collectedByteCount: Int { collections?.memory.byteCount ?? 0 }

    /// The cell of the group in which the events of a cell with this key and day count, made when there is none; nil when
    /// the question does not cover them. Its address stays the same while the builder lives.
    mutating func group(of key: UInt128, _ layout: KeyLayout, day: CalendarDay) -> UnsafeMutableRawPointer? {
        func code(_ dimension: Dimension) -> UInt32 {
            layout.fields.first { $0.dimension == dimension }.map { $0.code(in: key) } ?? 0
        }
        guard question.covers(day), filters.allSatisfy({ $0.codes.contains(code($0.dimension)) }) else { return nil }
        let group = groupKey.fields.reduce(UInt128(0)) { group, field in
            let code = code(field.dimension)
            return group | UInt128(question.folds[field.dimension]?[code] ?? code) << UInt128(field.shift)
        }
        return table(for: dayCodes(of: day)).cell(key: group)
    }

    /// The answer over all that was added.
    /// - Parameter sequence: the sequence up to which the added chunks count.
    public func answer(asOf sequence: UInt64) -> Answer {
        var rows: [Answer.Row] = []
        // Packed keys sort as their codes do, so all is in order unless days come after other dimensions.
        for (dayCodes, table) in tables.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let keys = (0..<table.count).map { (key: table.key(of: table.cell(at: $0)), index: $0) }
            for (_, index) in keys.sorted(by: { $0.key < $1.key }) { rows.append(row(table, index, dayCodes)) }
        }
        if dimensions.drop(while: { $0.bitCount == 0 }).contains(where: { $0.bitCount == 0 }) {
            rows.sort { $0.codes.lexicographicallyPrecedes($1.codes) }
        }
        return Answer(dimensions: dimensions, measures: question.measures, rows: rows, sequence: sequence)
    }

    private mutating func add(
        _ day: CalendarDay, count: Int,
        codes: (Dimension) throws(RollupError) -> UnsafeMutableBufferPointer<UInt64>,
        column: (Measure, Int) throws(RollupError) -> UnsafeMutableBufferPointer<UInt64>
    ) throws(RollupError) {
        let kept = try rowsThatPass(count: count, codes)
        guard kept?.isEmpty != true, count > 0 else { return }
        func wanted(_ column: UnsafeMutableBufferPointer<UInt64>) -> UnsafeMutableBufferPointer<UInt64> {
            guard let kept else { return column }
            for (place, row) in kept.enumerated() { column[place] = column[row] }
            return UnsafeMutableBufferPointer(rebasing: column[..<kept.count])
        }
        let table = table(for: dayCodes(of: day))
        var keyColumns: [(column: UnsafeMutableBufferPointer<UInt64>, shift: Int)] = []
        let rowCount = kept?.count ?? count
        for field in groupKey.fields {
            let column = wanted(try codes(field.dimension))
            if let fold = question.folds[field.dimension] {
                for row in 0..<rowCount { column[row] = UInt64(fold[UInt32(truncatingIfNeeded: column[row])]) }
            }
            keyColumns.append((column, field.shift))
        }
        let cells = cells.find(keyColumns, rowCount: rowCount, in: table)
        for (place, measure) in keptMeasures {
            let low = wanted(try column(measure, 0))
            let high = measure.form == .sum ? wanted(try column(measure, 1)) : nil
            measure.form.combine(
                low.baseAddress!, high.map { $0.baseAddress! }, rowCount: rowCount, into: cells,
                offset: AnswerBuilder.offset(ofMeasure: place))
        }
    }

    /// The rows that pass all filters; nil: all rows do, as there are no filters.
    private func rowsThatPass(
        count: Int, _ codes: (Dimension) throws(RollupError) -> UnsafeMutableBufferPointer<UInt64>
    ) throws(RollupError) -> [Int]? {
        guard !filters.isEmpty else { return nil }
        var rows = Array(0..<count)
        for filter in filters {
            let codes = try codes(filter.dimension)
            rows.removeAll { !filter.codes.contains(UInt32(truncatingIfNeeded: codes[$0])) }
        }
        return rows
    }

    private func dayCodes(of day: CalendarDay) -> [UInt32] {
        dimensions.compactMap { dimension -> UInt32? in
            switch dimension {
            case .day: Dimension.code(of: day)
            case .month: Dimension.monthCode(of: day)
            default: nil
            }
        }
    }

    private mutating func table(for dayCodes: [UInt32]) -> CellTable {
        if let table = tables[dayCodes] { return table }
        let offsets = question.measures.indices.filter { [.smallest, .largest].contains(question.measures[$0].form) }
        let table = CellTable(
            keyWordCount: 2, stride: AnswerBuilder.firstValueOffset + question.measures.count * 16,
            extremes: offsets.map(AnswerBuilder.offset(ofMeasure:)), seed: .random(in: 0 ... .max))
        tables[dayCodes] = table
        return table
    }

    private func row(_ table: CellTable, _ index: Int, _ dayCodes: [UInt32]) -> Answer.Row {
        let cell = table.cell(at: index)
        let key = table.key(of: cell)
        var (keyCodes, dayCodes) = (groupKey.codes(of: key)[...], dayCodes[...])
        let codes = dimensions.map { $0.bitCount == 0 ? dayCodes.removeFirst() : keyCodes.removeFirst() }
        let collected = collections?.values(of: question.measures, at: cell) ?? [:]
        let values = question.measures.enumerated().map { place, measure in
            measure.form == .collected
                ? collected[measure] : measure.form.value(at: cell + AnswerBuilder.offset(ofMeasure: place))
        }
        return Answer.Row(codes: codes, values: values)
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
