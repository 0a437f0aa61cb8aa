import Rollups
import Transactions

/// The cells of a rollup that the ledger keeps: a row for each day, or month, and each combination of its dimensions.
final class RollupTable: VirtualTable {
    private let rollup: RollupDeclaration
    private let session: QuerySession
    private let answerColumns: [AnswerColumn]

    /// The table's name; the names of dimensions alone are those of the reference tables.
    static func name(of rollup: RollupDeclaration) -> String { "rollup_" + rollup.name }

    /// The time that a cell covers.
    static func span(of rollup: RollupDeclaration) -> Rollups.Dimension { rollup.isMonthly ? .month : .day }

    /// The day or month, the dimensions, the measures.
    static func answerColumns(of rollup: RollupDeclaration) -> [AnswerColumn] {
        var columns = AnswerColumn.columns(of: span(of: rollup))
        for dimension in rollup.dimensions { columns += AnswerColumn.columns(of: dimension) }
        for measure in rollup.measures { columns.append(.measure(measure)) }
        return columns
    }

    init(_ rollup: RollupDeclaration, _ session: QuerySession) {
        (self.rollup, self.session) = (rollup, session)
        answerColumns = RollupTable.answerColumns(of: rollup)
        super.init(columns: answerColumns.map(\.declaration))
    }

    /// Nobody knows beforehand how many cells there are.
    private static let expectedRowCount = 100_000.0

    override func plan(_ plan: inout IndexPlan) {
        var share = 1.0
        for constraint in plan.constraints {
            guard let column = constraint.column, AnswerFilter.takes(constraint, answerColumns[column]) else {
                continue
            }
            plan.take(constraint)
            share *= constraint.comparison == .equal ? 0.05 : 0.3
        }
        // Cells are decoded whatever else is asked.
        plan.cost(RollupTable.expectedRowCount * (0.2 + share), rows: RollupTable.expectedRowCount * share)
    }

    override func cursor() throws -> TableCursor { Cursor(self) }

    private final class Cursor: AnswerCursor {
        private let table: RollupTable

        init(_ table: RollupTable) {
            self.table = table
            super.init(table.session, columns: table.answerColumns)
        }

        override func filter(_ request: FilterRequest) throws {
            var filter = AnswerFilter()
            for bound in request.bounds {
                if let column = bound.column { filter.apply(bound, table.answerColumns[column], session) }
            }
            let measures = table.answerColumns.enumerated().compactMap { place, column -> Measure? in
                guard case .measure(let measure) = column, request.needs(place) else { return nil }
                return measure
            }
            let question = try Question(
                by: [RollupTable.span(of: table.rollup)] + table.rollup.dimensions,
                measures: measures.isEmpty ? [table.rollup.measures[0]] : measures)
            try ask(filter.isEmpty ? nil : filter.narrowed(question))
        }
    }
}
