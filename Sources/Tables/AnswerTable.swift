import CSQLite
import Ledger
import Presentation
import Rollups
import Transactions

/// A column of a table that is an answer: a dimension or a measure.
enum AnswerColumn: Sendable {
    /// A dimension in words.
    case words(Rollups.Dimension)
    /// A dimension's code.
    case code(Rollups.Dimension)
    case measure(Measure)

    /// A dimension's columns: words, and the code where words stand for one.
    static func columns(of dimension: Rollups.Dimension) -> [AnswerColumn] {
        switch dimension {
        case .day, .month, .amountBand: [.words(dimension)]
        case .hour: [.code(dimension)]
        default: [.words(dimension), .code(dimension)]
        }
    }

    var declaration: TableColumn {
        switch self {
        case .words(let dimension): TableColumn(name: dimension.name, affinity: .text)
        case .code(.hour): TableColumn(name: "hour", affinity: .integer)
        case .code(.currency): TableColumn(name: "currency_numeric", affinity: .integer)
        case .code(let dimension): TableColumn(name: dimension.name + "_code", affinity: .integer)
        // Counted from the records, which takes its time: only where it is asked for by name.
        case .measure(let measure):
            TableColumn(name: measure.name, affinity: .integer, isHidden: !Measure.kept.contains(measure))
        }
    }

    /// The dimension; nil for a measure.
    var dimension: Rollups.Dimension? {
        switch self {
        case .words(let dimension), .code(let dimension): dimension
        case .measure: nil
        }
    }
}

/// What constraints on dimensions leave of a question.
struct AnswerFilter {
    var filters: [Rollups.Dimension: Set<UInt32>] = [:]
    var days: ClosedRange<Int64>?
    /// Nothing can satisfy the constraints.
    var isEmpty = false

    /// True when `apply` can make use of the constraint.
    static func takes(_ constraint: IndexPlan.Constraint, _ column: AnswerColumn) -> Bool {
        switch column {
        case .words(.day): constraint.isBinary && constraint.comparison != .limit && constraint.comparison != .offset
        case .words: constraint.isBinary && constraint.comparison == .equal
        case .code: constraint.comparison == .equal
        case .measure: false
        }
    }

    mutating func apply(_ bound: FilterRequest.Bound, _ column: AnswerColumn, _ session: QuerySession) {
        let values = bound.values.filter { $0 != .null }
        guard !values.isEmpty else { return isEmpty = true }
        switch column {
        case .words(.day): narrowDays(TextBounds.range(bound.comparison, anyOf: values, in: DayTexts()))
        case .words(let dimension):
            var codes: Set<UInt32> = []
            for value in values {
                guard case .text(let text) = value else { return }
                codes.formUnion(AnswerFilter.codes(shownAs: text, in: dimension, session))
            }
            keep(dimension, codes)
        case .code(let dimension):
            var codes: Set<UInt32> = []
            for value in values {
                guard case .integer(let number) = value else { return }
                if let code = UInt32(exactly: number), code > 0 || dimension.nameSpace == nil { codes.insert(code) }
            }
            keep(dimension, codes)
        case .measure: break
        }
    }

    private static func codes(
        shownAs text: String, in dimension: Rollups.Dimension, _ session: QuerySession
    ) -> [UInt32] {
        if let space = dimension.nameSpace { return session.codes(shownAs: text, in: space) }
        return dimension.code(of: text).map { [$0] } ?? []
    }

    private mutating func keep(_ dimension: Rollups.Dimension, _ codes: Set<UInt32>) {
        let kept = filters[dimension].map(codes.intersection) ?? codes
        filters[dimension] = kept
        if kept.isEmpty { isEmpty = true }
    }

    private mutating func narrowDays(_ bounds: NumberBounds) {
        switch bounds {
        case .any: break
        case .none: isEmpty = true
        case .range(let range):
            let own = days ?? range
            guard own.overlaps(range) else { return isEmpty = true }
            days = own.clamped(to: range)
        }
    }

    /// The question with this in it.
    func narrowed(_ question: Question) -> Question {
        var question = question
        if let days {
            let (first, last) = (
                CalendarDay(daysSince1970: Int32(days.lowerBound)), CalendarDay(daysSince1970: Int32(days.upperBound))
            )
            question.from = question.from.map { max($0, first) } ?? first
            question.to = question.to.map { min($0, last) } ?? last
        }
        question.filters.merge(filters) { $0.intersection($1) }
        return question
    }
}

/// A place among the rows of an answer.
class AnswerCursor: TableCursor {
    let session: QuerySession
    private let columns: [AnswerColumn]
    private var answer: Answer?
    /// Where an answer has the column's values; nil where it has none.
    private var places: [Int?] = []
    private var row = 0

    init(_ session: QuerySession, columns: [AnswerColumn]) { (self.session, self.columns) = (session, columns) }

    /// Asks; nil: nothing can be found.
    final func ask(_ question: Question?) throws {
        (answer, row) = (nil, 0)
        guard let question, question.filters.allSatisfy({ !$0.value.isEmpty }),
            question.from.map({ from in question.to.map { from <= $0 } ?? true }) ?? true
        else { return }
        try session.check()
        let answer = try session.ledger.answer(question, despiteDamage: session.despiteDamage)
        session.note(answer.damage)
        places = columns.map { column in
            switch column {
            case .words(let dimension), .code(let dimension): answer.dimensions.firstIndex(of: dimension)
            case .measure(let measure): answer.measures.firstIndex(of: measure)
            }
        }
        self.answer = answer
    }

    override final func advance() throws { row += 1 }

    override final var isAtEnd: Bool { row >= answer?.rows.count ?? 0 }

    override final var rowID: Int64 { Int64(row) + 1 }

    override func show(_ column: Int, in context: OpaquePointer?) throws {
        guard let place = places[column], let row = answer?.rows[row] else { return sqlite3_result_null(context) }
        switch columns[column] {
        case .words(let dimension):
            if let space = dimension.nameSpace {
                session.texts(of: space).text(of: row.codes[place]).show(in: context)
            } else {
                showTransient(dimension.text(of: row.codes[place]) { _, _ in nil }, in: context)
            }
        case .code(let dimension):
            let code = row.codes[place]
            let isNone = code == 0 && dimension.nameSpace != nil
            if isNone { sqlite3_result_null(context) } else { sqlite3_result_int64(context, Int64(code)) }
        case .measure(let measure):
            guard let value = row.values[place] else { return sqlite3_result_null(context) }
            guard let number = Int64(exactly: value) else {
                throw SQLFault(
                    SQLITE_ERROR,
                    "\(measure.name) is \(value), which is beyond 64 bits: ask for shorter spans, or 'sluice daily'")
            }
            sqlite3_result_int64(context, number)
        }
    }
}
