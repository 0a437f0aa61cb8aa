import Transactions

/// Which statistics are kept: the dimensions that make a cell and the measures that it holds, for each business day or month.
public struct RollupDeclaration: Hashable, Sendable {
    /// The span of time that one cell covers.
    public enum Grain: String, Sendable, CaseIterable {
        case hour
        case day
        case month
    }

    /// What it is called, 1 to 255 bytes of UTF-8.
    public let name: String
    /// What tells cells of a day apart, in the order in which they are sorted.
    public let dimensions: [Dimension]
    /// What each cell holds.
    public let measures: [Measure]
    /// A cell covers a calendar month of business days instead of one of them.
    public let isMonthly: Bool
    let key: KeyLayout

    /// Declares statistics.
    /// - Throws: `RollupError` when dimensions or measures repeat, when there is no measure or one that no rollup can hold, when
    ///   `day` or `month` (which every rollup knows) is among the dimensions, when the key needs more than 128 bits, or
    ///   when the name is too long.
    public init(
        name: String, dimensions: [Dimension], measures: [Measure], isMonthly: Bool = false
    ) throws(RollupError) {
        guard (1...255).contains(name.utf8.count) else { throw .name(byteCount: name.utf8.count) }
        guard !measures.isEmpty else { throw .noMeasure }
        if let twice = firstRepeated(dimensions) { throw .repeated(twice.name) }
        if let twice = firstRepeated(measures) { throw .repeated(twice.name) }
        if let collected = measures.first(where: { $0.form == .collected }) { throw .notKept(collected) }
        self.name = name
        self.dimensions = dimensions
        self.measures = measures
        self.isMonthly = isMonthly
        key = try KeyLayout(dimensions)
    }

    /// Month where it says so, else hour when the hour of the clock is a dimension, else day.
    public var grain: Grain { isMonthly ? .month : dimensions.contains(.hour) ? .hour : .day }

    /// The day that a chunk with events of `day` says it is of: the first of the month where cells cover months.
    func chunkDay(of day: CalendarDay) -> CalendarDay { isMonthly ? day.firstOfMonth : day }

    /// True when events of `day` are counted in the chunk that says it is of `chunkDay`.
    public func covers(_ day: CalendarDay, inChunkOf chunkDay: CalendarDay) -> Bool {
        self.chunkDay(of: day) == chunkDay
    }

    /// Columns of 64 bits that a chunk holds of its measures.
    var columnCount: Int { measures.reduce(0) { $0 + $1.columnCount } }

    /// Where the columns of `measure` begin among those of a chunk; nil when it is not declared.
    func firstColumn(of measure: Measure) -> Int? {
        guard let place = measures.firstIndex(of: measure) else { return nil }
        return measures[..<place].reduce(0) { $0 + $1.columnCount }
    }

    /// The statistics that a ledger keeps, those with the fewest cells first.
    public static let defaults: [RollupDeclaration] = [regions, services, hours, institutions, payees]

    /// Region and channel, by day.
    public static let regions = declare("regions", [.region, .channel], Measure.kept)
    /// Service and channel, by day.
    public static let services = declare("services", [.service, .channel], Measure.kept)
    /// Source, channel and outcome, by hour.
    public static let hours = declare("hours", [.hour, .source, .channel, .outcome], Measure.kept)
    /// Source and both institutions, by day.
    public static let institutions = declare(
        "institutions", [.source, .payerInstitution, .payeeInstitution], Measure.kept)
    /// Payee, by day, with the measures that a merchant's statement needs.
    public static let payees = declare(
        "payees", [.payee], [.attempts, .approved, .settled, .amount, .refunds, .refundAmount])

    private static func declare(_ name: String, _ own: [Dimension], _ measures: [Measure]) -> RollupDeclaration {
        do {
            return try RollupDeclaration(name: name, dimensions: [.kind, .currency] + own, measures: measures)
        } catch {
            preconditionFailure("the default rollup \(name): \(error)")
        }
    }
}

private func firstRepeated<Element: Hashable>(_ elements: [Element]) -> Element? {
    var seen: Set<Element> = []
    return elements.first { !seen.insert($0).inserted }
}
