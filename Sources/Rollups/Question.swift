import Transactions

/// What someone wants to know: measures over a span of days, by dimensions, of the events that pass the filters.
public struct Question: Hashable, Sendable {
    /// The first business day; nil: from the beginning.
    public var from: CalendarDay?
    /// The last business day, included; nil: to the end.
    public var to: CalendarDay?
    /// What the rows of the answer stand for, in the order of their sorting.
    public var by: [Dimension]
    /// For each filtered dimension the codes that pass. Codes of `day` and `month`: see `Dimension`.
    public var filters: [Dimension: Set<UInt32>]
    /// What is asked, in the order of the answer's columns.
    public var measures: [Measure]
    /// Codes that rows do not tell apart: where a dimension of the grouping has a fold, rows stand for what that makes of its
    /// codes. Filters are about the codes themselves.
    public var folds: [Dimension: CodeFold] = [:]
    /// Between which amounts the bands of `amount_band` lie.
    public var bands = AmountBands.decades
    /// Only records with greater sequences; nil: from the first on.
    public var after: UInt64?
    /// Only records up to this sequence, as the figures stood when it was the last; nil: all.
    public var asOf: UInt64?

    /// A question from its parts.
    /// - Throws: `RollupError` when there is no measure, a dimension or measure is named twice, or `from` is after `to`.
    public init(
        from: CalendarDay? = nil, to: CalendarDay? = nil, by: [Dimension] = [],
        filters: [Dimension: Set<UInt32>] = [:], measures: [Measure]
    ) throws(RollupError) {
        self.from = from
        self.to = to
        self.by = by
        self.filters = filters
        self.measures = measures
        try check()
    }

    private func check() throws(RollupError) {
        guard !measures.isEmpty else { throw .noMeasure }
        for (place, dimension) in by.enumerated() where by[..<place].contains(dimension) {
            throw .repeated(dimension.name)
        }
        for (place, measure) in measures.enumerated() where measures[..<place].contains(measure) {
            throw .repeated(measure.name)
        }
        if let from, let to, from > to { throw .emptyRange(from: from, to: to) }
    }

    /// What the answer's rows stand for: `by`, and the currency when money is asked, because different currencies are
    /// never added up.
    public var grouping: [Dimension] {
        by.contains(.currency) || !measures.contains(where: \.isMoney) ? by : by + [.currency]
    }

    /// The dimensions that a rollup must have to answer: those of the grouping and the filters, day and month apart.
    public var neededDimensions: [Dimension] {
        Dimension.allCases.filter { $0.bitCount > 0 && (grouping.contains($0) || filters[$0] != nil) }
    }

    /// True when it matters where the bands of amounts lie.
    public var asksForBands: Bool { by.contains(.amountBand) || filters[.amountBand] != nil }

    /// Why a rollup cannot answer a question.
    public enum Obstacle: Hashable, Sendable {
        /// Sequences are bounded, and a chunk covers many of them.
        case sequences
        /// It does not hold these.
        case dimensions([Dimension])
        /// It does not hold these.
        case measures([Measure])
        /// Its cells cover months, and the question tells their days apart or ends within one.
        case days
        /// It was let go of what is older than this day.
        case before(CalendarDay)
        /// It is being filled from the log.
        case unfinished
    }

    /// Why the rollup cannot answer; empty where it can.
    public func obstacles(to rollup: RollupDeclaration) -> [Obstacle] {
        var obstacles: [Obstacle] = after == nil && asOf == nil ? [] : [.sequences]
        let dimensions = neededDimensions.filter { !rollup.dimensions.contains($0) }
        if !dimensions.isEmpty { obstacles.append(.dimensions(dimensions)) }
        let measures = measures.filter { !rollup.measures.contains($0) }
        if !measures.isEmpty { obstacles.append(.measures(measures)) }
        if rollup.isMonthly, tellsDaysApart || !endsWithMonths { obstacles.append(.days) }
        return obstacles
    }

    private var endsWithMonths: Bool {
        (from.map { $0 == $0.firstOfMonth } ?? true) && (to.map { $0 == $0.lastOfMonth } ?? true)
    }

    /// Why what is kept of the rollup cannot answer; empty where it can.
    public func obstacles(to rollup: KeptRollup) -> [Obstacle] {
        var obstacles = obstacles(to: rollup.declaration)
        if rollup.fill != nil { obstacles.append(.unfinished) }
        if let first = rollup.keptFrom, from.map({ $0 < first }) ?? true { obstacles.append(.before(first)) }
        return obstacles
    }

    /// The first that can answer; nil when none can, and the records themselves must be counted.
    public func rollup(among rollups: [KeptRollup]) -> KeptRollup? {
        rollups.first { obstacles(to: $0).isEmpty }
    }

    /// True when chunks of the rollup hold what the answer takes.
    public func canBeAnswered(by rollup: RollupDeclaration) -> Bool { obstacles(to: rollup).isEmpty }

    /// The smallest rollup that can answer; nil when none can, and the records themselves must be counted.
    ///
    /// - Parameters:
    ///   - rollups: those that are kept, the presumably smallest first.
    ///   - cellCounts: cells by the rollup's name, where they are known for all of them.
    public func rollup(among rollups: [RollupDeclaration], cellCounts: [String: Int] = [:]) -> RollupDeclaration? {
        let able = rollups.filter(canBeAnswered(by:))
        guard able.allSatisfy({ cellCounts[$0.name] != nil }) else { return able.first }
        return able.min { cellCounts[$0.name, default: 0] < cellCounts[$1.name, default: 0] }
    }

    /// What to count from the records themselves where no rollup can answer.
    /// - Throws: `keyTooWide` when the dimensions are too many for one key.
    public func adHocDeclaration() throws(RollupError) -> RollupDeclaration {
        let kept = measures.filter { $0.form != .collected }
        // Cells that need hold no measure hold one all the same: that they are there says which rows the answer has.
        return try RollupDeclaration(
            name: "ad-hoc", dimensions: neededDimensions, measures: kept.isEmpty ? [.attempts] : kept)
    }

    /// True when it matters to the answer on which day of a month an event lies, once its month is covered from the first
    /// day that has any to the last.
    public var tellsDaysApart: Bool { by.contains(.day) || filters[.day] != nil }

    /// True when events of the day can be in the answer.
    public func covers(_ day: CalendarDay) -> Bool {
        if let from, day < from { return false }
        if let to, day > to { return false }
        if let days = filters[.day], !days.contains(Dimension.code(of: day)) { return false }
        if let months = filters[.month], !months.contains(Dimension.monthCode(of: day)) { return false }
        return true
    }
}

/// Which codes of a dimension are one in the rows of an answer.
public struct CodeFold: Hashable, Sendable, Codable {
    /// What a code becomes.
    public var codes: [UInt32: UInt32]
    /// What all other codes become.
    public var others: UInt32

    /// Each of `codes` becomes its value, every other code `others`.
    public init(_ codes: [UInt32: UInt32], others: UInt32) { (self.codes, self.others) = (codes, others) }

    /// What a code becomes.
    public subscript(code: UInt32) -> UInt32 { codes[code] ?? others }
}

extension Question: Codable {
    private enum CodingKeys: String, CodingKey {
        case from, to, by, filters, measures, folds, bands, after
        case asOf = "as_of"
    }

    /// Reads the form that `encode` writes; anything else is a decoding error that says what was expected.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let filters = try container.decodeIfPresent([String: [UInt32]].self, forKey: .filters) ?? [:]
        try self.init(
            from: container.day(.from), to: container.day(.to), by: container.vocabulary(.by),
            filters: Dictionary(
                uniqueKeysWithValues: filters.map { name, codes in
                    (try container.word(name, .filters) as Dimension, Set(codes))
                }),
            measures: container.vocabulary(.measures))
        let folds = try container.decodeIfPresent([String: CodeFold].self, forKey: .folds) ?? [:]
        self.folds = Dictionary(
            uniqueKeysWithValues: try folds.map { name, fold in (try container.word(name, .folds) as Dimension, fold) })
        if let edges = try container.decodeIfPresent([Int64].self, forKey: .bands) {
            bands = try AmountBands(edges: edges)
        }
        after = try container.decodeIfPresent(UInt64.self, forKey: .after)
        asOf = try container.decodeIfPresent(UInt64.self, forKey: .asOf)
    }

    /// `{"from": "2026-07-01", "to": "2026-07-31", "by": ["day"], "filters": {"region": [3]}, "measures": ["amount"]}`
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(from?.description, forKey: .from)
        try container.encodeIfPresent(to?.description, forKey: .to)
        try container.encode(by.map(\.name), forKey: .by)
        let named = filters.map { ($0.name, $1.sorted()) }
        try container.encode(Dictionary(uniqueKeysWithValues: named), forKey: .filters)
        try container.encode(measures.map(\.name), forKey: .measures)
        if !folds.isEmpty {
            let named = folds.map { ($0.name, $1) }
            try container.encode(Dictionary(uniqueKeysWithValues: named), forKey: .folds)
        }
        if bands != .decades { try container.encode(bands.edges, forKey: .bands) }
        try container.encodeIfPresent(after, forKey: .after)
        try container.encodeIfPresent(asOf, forKey: .asOf)
    }
}

extension KeyedDecodingContainer {
    fileprivate func day(_ key: Key) throws -> CalendarDay? {
        guard let text = try decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let day = CalendarDay(text) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "\(text) is no date yyyy-MM-dd")
        }
        return day
    }

    func vocabulary<Word: Vocabulary>(_ key: Key) throws -> [Word] {
        try decode([String].self, forKey: key).map { try word($0, key) }
    }

    func word<Word: Vocabulary>(_ name: String, _ key: Key) throws -> Word {
        guard let word = Word(name: name) else {
            let known = Word.names.joined(separator: ", ")
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "\(name) is none of \(known)")
        }
        return word
    }
}
