import Transactions

/// Which statistics are kept: the dimensions that make a cell and the measures that it holds, for each business day.
public struct RollupDeclaration: Hashable, Sendable {
    /// The span of time that one cell covers.
    public enum Grain: String, Sendable {
        case hour
        case day
    }

    /// What it is called, 1 to 255 bytes of UTF-8.
    public let name: String
    /// What tells cells of a day apart, in the order in which they are sorted.
    public let dimensions: [Dimension]
    /// What each cell holds.
    public let measures: [Measure]
    let key: KeyLayout

    /// Declares statistics.
    /// - Throws: `RollupError` when dimensions or measures repeat, when there is no measure or one that no rollup can hold, when
    ///   `day` or `month` (which every rollup knows) is among the dimensions, when the key needs more than 128 bits, or
    ///   when the name is too long.
    public init(name: String, dimensions: [Dimension], measures: [Measure]) throws(RollupError) {
        guard (1...255).contains(name.utf8.count) else { throw .name(byteCount: name.utf8.count) }
        guard !measures.isEmpty else { throw .noMeasure }
        if let twice = firstRepeated(dimensions) { throw .repeated(twice.name) }
        if let twice = firstRepeated(measures) { throw .repeated(twice.name) }
        if let collected = measures.first(where: { $0.form == .collected }) { throw .notKept(collected) }
        self.name = name
        self.dimensions = dimensions
        self.measures = measures
        key = try KeyLayout(dimensions)
    }

    /// Hour when the hour of the clock is a dimension, else day.
    public var grain: Grain { dimensions.contains(.hour) ? .hour : .day }

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
