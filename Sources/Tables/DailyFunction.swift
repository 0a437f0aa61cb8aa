import Analysis
import CSQLite
import Foundation
import Presentation
import Rollups
import Transactions

/// `daily(by, from, to, where)`: statistics grouped by the ledger itself, from the smallest rollup that can, else by counting
/// records on all processors, where SQLite would fetch them one by one.
///
/// Measures are those that the statement names. Dimensions that are not in `by` are NULL.
final class DailyFunction: VirtualTable {
    static let name = "daily"

    private let session: QuerySession

    /// The parameters, in the order in which they are given.
    private enum Parameter: Int, CaseIterable {
        case by, from, to, conditions

        var name: String { self == .conditions ? "where" : "\(self)" }
    }

    /// Every dimension, then every measure, then codes. SQLite tells of the columns from the 64th on only whether any of them
    /// is used: these are codes, which cost nothing, and no measures, which then would all be counted.
    private static let answerColumns: [AnswerColumn] = {
        var (columns, codes): ([AnswerColumn], [AnswerColumn]) = ([], [])
        for dimension in Rollups.Dimension.allCases {
            let own = AnswerColumn.columns(of: dimension)
            columns.append(own[0])
            codes += own.dropFirst()
        }
        for measure in Measure.allCases { columns.append(.measure(measure)) }
        precondition(Parameter.allCases.count + columns.count < 64, "a measure that SQLite cannot tell from others")
        return columns + codes
    }()

    /// Hidden columns take the arguments in turn: the parameters have to be the first of them.
    static let columns: [TableColumn] = {
        var columns = Parameter.allCases.map { TableColumn(name: $0.name, affinity: .text, isHidden: true) }
        for column in answerColumns { columns.append(column.declaration) }
        return columns
    }()

    init(_ session: QuerySession) {
        self.session = session
        super.init(columns: DailyFunction.columns)
    }

    private static let parameterCount = Parameter.allCases.count

    override func plan(_ plan: inout IndexPlan) {
        for column in 0..<DailyFunction.parameterCount where plan.waits(for: column) { plan.isImpossible = true }
        var share = 1.0
        for constraint in plan.constraints {
            guard let column = constraint.column else { continue }
            if column < DailyFunction.parameterCount {
                if constraint.comparison == .equal { plan.take(constraint, isExact: true) }
            } else if AnswerFilter.takes(constraint, DailyFunction.answerColumns[column - DailyFunction.parameterCount])
            {
                plan.take(constraint)
                share *= constraint.comparison == .equal ? 0.05 : 0.3
            }
        }
        plan.cost(10_000 * (0.2 + share), rows: 1000 * share)
    }

    override func cursor() throws -> TableCursor { Cursor(self) }

    private final class Cursor: AnswerCursor {
        private let function: DailyFunction
        private var arguments: [Parameter: SQLValue] = [:]

        init(_ function: DailyFunction) {
            self.function = function
            super.init(function.session, columns: DailyFunction.answerColumns)
        }

        override func filter(_ request: FilterRequest) throws {
            arguments = [:]
            var filter = AnswerFilter()
            for bound in request.bounds {
                guard let column = bound.column else { continue }
                if let parameter = Parameter(rawValue: column) {
                    arguments[parameter] = bound.values[0]
                } else {
                    filter.apply(bound, DailyFunction.answerColumns[column - DailyFunction.parameterCount], session)
                }
            }
            let question = try question(measures: measures(request))
            try ask(filter.isEmpty ? nil : filter.narrowed(question))
        }

        private func measures(_ request: FilterRequest) -> [String] {
            let named = DailyFunction.answerColumns.enumerated().compactMap { place, column -> String? in
                guard case .measure(let measure) = column, request.needs(place + DailyFunction.parameterCount) else {
                    return nil
                }
                return measure.name
            }
            return named.isEmpty ? [Measure.attempts.name] : named
        }

        private func question(measures: [String]) throws -> Question {
            var text = QuestionText()
            text.measures = measures
            text.by = try words(.by, separator: ",") ?? ["day"]
            text.from = try day(.from)
            text.to = try day(.to)
            text.conditions = try words(.conditions, separator: ";") ?? []
            do throws(QuestionText.Fault) {
                let names = Array(try text.names())
                let codes = zip(names, session.ledger.knownCodes(for: names)).compactMap { name, code in
                    code.map { (name, $0) }
                }
                return try text.inquiry(codes: Dictionary(uniqueKeysWithValues: codes)).question
            } catch {
                throw SQLFault(SQLITE_ERROR, "daily: \(error)")
            }
        }

        /// Nil when the argument is absent or NULL.
        private func text(_ parameter: Parameter) throws -> String? {
            switch arguments[parameter] {
            case nil, .null?: return nil
            case .text(let text)?: return text
            default: throw SQLFault(SQLITE_ERROR, "daily: \(parameter.name) is no text")
            }
        }

        private func words(_ parameter: Parameter, separator: Character) throws -> [String]? {
            try text(parameter)?.split(separator: separator).map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { !$0.isEmpty }
        }

        private func day(_ parameter: Parameter) throws -> CalendarDay? {
            guard let text = try text(parameter) else { return nil }
            guard let day = CalendarDay(text) else {
                throw SQLFault(SQLITE_ERROR, "daily: \(parameter.name) '\(text)' is no date yyyy-MM-dd")
            }
            return day
        }

        override func show(_ column: Int, in context: OpaquePointer?) throws {
            guard let parameter = Parameter(rawValue: column) else {
                return try super.show(column - DailyFunction.parameterCount, in: context)
            }
            (arguments[parameter] ?? .null).show(in: context)
        }
    }
}
