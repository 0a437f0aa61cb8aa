import Reference
import Rollups
import Transactions

/// How a question about attributes becomes questions about dimensions, and their answers one answer.
///
/// The days are cut where a value changes. In each span a condition becomes the codes that have the value, and rows are asked
/// for by the attribute's dimension and folded by the value that each code has in that span.
public struct AttributePlan: Sendable {
    /// Days in which no value changes.
    struct Span: Sendable {
        /// What is asked about them.
        var question: Question
        /// For each attribute of the grouping and each filter, the value of each code that has one.
        var values: [Grouping: [UInt32: String]]
    }

    /// More codes do not go into a condition: then rows are asked for by the dimension, and taken by their values.
    static let mostCodesOfACondition = 4096

    let by: [Grouping]
    let filters: [AttributeFilter]
    let measures: [Measure]
    /// The values that rows stand for, all there ever were: so the same one has the same number in the answer to every
    /// question.
    let columns: [Dimension: AttributeColumn]
    let spans: [Span]
    /// The ledger itself puts codes with the same value together: something is asked that cannot be added up over codes.
    let isFoldedByLedger: Bool

    /// What to ask, span by span.
    public var questions: [Question] { spans.map(\.question) }

    /// - Parameters:
    ///   - question: the question by dimensions, some of whose places attributes take, with the conditions on dimensions.
    ///   - words: what the question's words say of attributes.
    ///   - book: what is known of the words' kinds.
    ///   - codes: those of the names on the words' paths.
    /// - Throws: `AttributeFault` when an attribute is not known, or a measure that cannot be added up over codes is asked for
    ///   by attributes of too many of them.
    public init(
        _ question: Question, _ words: AttributeWords, book: ReferenceBook, codes: [Name: UInt32]
    ) throws(AttributeFault) {
        for path in words.paths {
            guard let fault = book.fault(of: path) else { continue }
            throw AttributeFault(
                description: "nothing is known of a \(fault.kind.name)'s '\(fault.attribute)'; there are "
                    + fault.known.joined(separator: ", "))
        }
        (filters, measures) = (words.filters, question.measures)
        by = question.by.map { words.attributes[$0] ?? .dimension($0) }
        columns = words.attributes.mapValues { grouping in
            AttributeColumn(name: grouping.name, texts: book.everyValue(at: grouping.path!).sorted() + ["none"])
        }
        isFoldedByLedger = measures.contains { !$0.form.canBeFolded }
        let groupings = (by + filters.map(\.grouping)).filter { $0.path != nil }
        var spans: [Span] = []
        for days in Self.spans(of: question, cutAt: groupings.map { book.changes(of: $0.path!) }) {
            let day = days.to ?? days.from ?? CalendarDay(daysSince1970: 0)
            let values = groupings.reduce(into: [:]) { values, grouping in
                values[grouping] = book.values(at: grouping.path!, on: day, codes: codes)
            }
            var asked = question
            (asked.from, asked.to) = days
            if let last = spans.last, last.values == values {
                spans[spans.count - 1].question.to = days.to
            } else {
                spans.append(Span(question: asked, values: values))
            }
        }
        for number in spans.indices { Self.restrict(&spans[number], words.filters) }
        if isFoldedByLedger { for number in spans.indices { try Self.fold(&spans[number], by, columns, filters) } }
        self.spans = spans
    }

    /// Lets the ledger make values of codes, by their numbers in the columns.
    private static func fold(
        _ span: inout Span, _ by: [Grouping], _ columns: [Dimension: AttributeColumn], _ filters: [AttributeFilter]
    ) throws(AttributeFault) {
        // Rows that are taken by their values come by codes, and could only be added up.
        if let filter = filters.first(where: { span.question.filters[$0.grouping.dimension] == nil }) {
            throw .cannotBeTaken(filter)
        }
        for grouping in by {
            guard let values = span.values[grouping], let texts = columns[grouping.dimension]?.texts else { continue }
            let numbers = Dictionary(uniqueKeysWithValues: texts.enumerated().map { ($1, UInt32($0)) })
            guard texts.count <= 1 << grouping.dimension.bitCount else { throw .cannotBeFolded(grouping) }
            span.question.folds[grouping.dimension] = CodeFold(
                values.mapValues { numbers[$0]! }, others: numbers["none"]!)
        }
        // The whole question has to fit into a query of 64 KiB.
        let foldedCount = span.question.folds.values.reduce(0) { $0 + $1.codes.count }
        let filteredCount = span.question.filters.values.reduce(0) { $0 + $1.count }
        guard 2 * foldedCount + filteredCount <= mostCodesOfACondition else {
            throw .cannotBeFolded(by.first { $0.path != nil } ?? by[0])
        }
    }

    /// The question's days, cut before each day on which something changes.
    private static func spans(
        of question: Question, cutAt changes: [Set<CalendarDay>]
    ) -> [(from: CalendarDay?, to: CalendarDay?)] {
        let cuts = changes.reduce(into: Set()) { $0.formUnion($1) }.sorted().filter { cut in
            (question.from.map { $0 < cut } ?? true) && (question.to.map { cut <= $0 } ?? true)
        }
        var spans: [(from: CalendarDay?, to: CalendarDay?)] = []
        var from = question.from
        for cut in cuts {
            spans.append((from, CalendarDay(daysSince1970: cut.daysSince1970 - 1)))
            from = cut
        }
        return spans + [(from, question.to)]
    }

    /// Puts conditions into a span's question: as codes, else as a dimension whose rows are taken by their values.
    private static func restrict(_ span: inout Span, _ filters: [AttributeFilter]) {
        for filter in filters {
            let dimension = filter.grouping.dimension
            var codes = Set(span.values[filter.grouping]!.filter { filter.values.contains($0.value) }.keys)
            if let others = span.question.filters[dimension] { codes.formIntersection(others) }
            if filter.values.contains("none") || codes.count > mostCodesOfACondition {
                if !span.question.by.contains(dimension) { span.question.by.append(dimension) }
            } else {
                span.question.filters[dimension] = codes
            }
        }
    }
}

extension Measure.Form {
    /// True when the values of several groups give that of all of them together.
    var canBeFolded: Bool {
        switch self {
        case .count, .sum, .smallest, .largest: true
        case .collected: false
        }
    }
}

extension AttributeFault {
    fileprivate static func cannotBeFolded(_ grouping: Grouping) -> AttributeFault {
        AttributeFault(
            description:
                "distinct payers, percentiles, deviations and peaks by \(grouping.name) are for at most "
                + "\(AttributePlan.mostCodesOfACondition / 2) \(grouping.dimension.name)s that have a value, and fewer beside "
                + "conditions: ask for one value at a time, with a condition instead of a grouping")
    }

    fileprivate static func cannotBeTaken(_ filter: AttributeFilter) -> AttributeFault {
        AttributeFault(
            description:
                "distinct payers, percentiles, deviations and peaks cannot be taken of a \(filter.grouping.dimension.name) "
                + "by a condition on \(filter.grouping.name) that is 'none', or that more than "
                + "\(AttributePlan.mostCodesOfACondition) of them fulfil")
    }
}
