import Transactions

/// A rollup as a ledger keeps it: what it is, and how much of it there is.
public struct KeptRollup: Hashable, Sendable {
    /// What is not yet counted of a rollup that was declared when there were records already.
    public struct Fill: Hashable, Sendable, Codable {
        /// The log is counted up to here.
        public var sequence: UInt64
        /// And has to be up to here; what came later was counted as it came.
        public var end: UInt64

        /// Counted up to `sequence` of `end`.
        public init(sequence: UInt64, end: UInt64) { (self.sequence, self.end) = (sequence, end) }
    }

    /// What it is.
    public var declaration: RollupDeclaration
    /// The code of the statement that declared it, which tells it from an earlier one of the same name; nil: one of those
    /// that every ledger keeps.
    public var code: UInt32?
    /// So many business days are kept, the last that has any event among them; nil: all.
    public var retentionDays: Int?
    /// What lies before this day was let go; nil: nothing was.
    public var keptFrom: CalendarDay?
    /// Nil when it is whole. Only then it answers.
    public var fill: Fill?
    /// Why it cannot be filled; nil: nothing is in the way.
    public var failure: String?

    /// A rollup from its parts.
    public init(
        _ declaration: RollupDeclaration, code: UInt32? = nil, retentionDays: Int? = nil, keptFrom: CalendarDay? = nil,
        fill: Fill? = nil, failure: String? = nil
    ) {
        self.declaration = declaration
        self.code = code
        self.retentionDays = retentionDays
        self.keptFrom = keptFrom
        self.fill = fill
        self.failure = failure
    }

    /// Those that every ledger keeps, and declared ones among them, in the order in which questions try them: a declared one
    /// before the first with all its dimensions and more, since it has fewer cells, and one of months before all others.
    public static func inOrder(_ declared: [KeptRollup]) -> [KeptRollup] {
        var rollups = RollupDeclaration.defaults.map { KeptRollup($0) }
        for own in declared where !own.declaration.isMonthly {
            let dimensions = Set(own.declaration.dimensions)
            let place = rollups.firstIndex { dimensions.isStrictSubset(of: $0.declaration.dimensions) }
            rollups.insert(own, at: place ?? rollups.count)
        }
        return declared.filter(\.declaration.isMonthly) + rollups
    }
}

extension KeptRollup: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, dimensions, measures, monthly, code, fill, failure
        case retentionDays = "retention_days"
        case keptFrom = "kept_from"
    }

    /// Reads the form that `encode` writes.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try RollupDeclaration(
                name: container.decode(String.self, forKey: .name), dimensions: container.vocabulary(.dimensions),
                measures: container.vocabulary(.measures), isMonthly: container.decode(Bool.self, forKey: .monthly)),
            code: try container.decodeIfPresent(UInt32.self, forKey: .code),
            retentionDays: try container.decodeIfPresent(Int.self, forKey: .retentionDays),
            keptFrom: try container.decodeIfPresent(Int32.self, forKey: .keptFrom).map(
                CalendarDay.init(daysSince1970:)),
            fill: try container.decodeIfPresent(Fill.self, forKey: .fill),
            failure: try container.decodeIfPresent(String.self, forKey: .failure))
    }

    /// `{"name": "cities", "dimensions": ["currency", "region"], "measures": ["amount"], "monthly": true, ...}`
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(declaration.name, forKey: .name)
        try container.encode(declaration.dimensions.map(\.name), forKey: .dimensions)
        try container.encode(declaration.measures.map(\.name), forKey: .measures)
        try container.encode(declaration.isMonthly, forKey: .monthly)
        try container.encodeIfPresent(code, forKey: .code)
        try container.encodeIfPresent(retentionDays, forKey: .retentionDays)
        try container.encodeIfPresent(keptFrom?.daysSince1970, forKey: .keptFrom)
        try container.encodeIfPresent(fill, forKey: .fill)
        try container.encodeIfPresent(failure, forKey: .failure)
    }
}
