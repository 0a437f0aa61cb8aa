import Rollups
import Transactions

extension AttributePlan {
    /// One answer of those to the plan's questions, in their order. It is true as of the earliest of their sequences.
    /// - Throws: `AttributeFault` when a measure would have to be added up that cannot be.
    public func answer(_ answers: [Answer]) throws(AttributeFault) -> Answer {
        precondition(answers.count == spans.count, "an answer for each question")
        var folding = Folding(self)
        for (span, answer) in zip(spans, answers) {
            for row in answer.rows { try folding.add(row, of: answer, in: span) }
        }
        var whole = folding.answer()
        whole.sequence = answers.map(\.sequence).min() ?? 0
        for mark in answers.flatMap(\.damage) where !whole.damage.contains(mark) { whole.damage.append(mark) }
        return whole
    }
}

/// Rows by what they stand for in the end.
private struct Folding {
    /// A value in a row's key: a code, or an attribute's value; nil: none.
    private enum Part: Hashable {
        case code(UInt32)
        case text(String?)
    }

    private let plan: AttributePlan
    private var rows: [[Part]: [Int128?]] = [:]

    init(_ plan: AttributePlan) { self.plan = plan }

    mutating func add(_ row: Answer.Row, of answer: Answer, in span: AttributePlan.Span) throws(AttributeFault) {
        func code(_ dimension: Dimension) -> UInt32 { row.codes[answer.dimensions.firstIndex(of: dimension)!] }
        for filter in plan.filters where answer.dimensions.contains(filter.grouping.dimension) {
            let value = span.values[filter.grouping]![code(filter.grouping.dimension)]
            guard filter.values.contains(value ?? "none") else { return }
        }
        var key = plan.by.map { grouping -> Part in
            let code = code(grouping.dimension)
            guard let values = span.values[grouping] else { return .code(code) }
            return .text(plan.isFoldedByLedger ? plan.columns[grouping.dimension]!.texts[Int(code)] : values[code])
        }
        if plan.addsCurrency { key.append(.code(code(.currency))) }
        guard let known = rows[key] else {
            rows[key] = row.values
            return
        }
        var folded: [Int128?] = []
        for (measure, (a, b)) in zip(plan.measures, zip(known, row.values)) {
            folded.append(try fold(a, b, of: measure))
        }
        rows[key] = folded
    }

    private func fold(_ a: Int128?, _ b: Int128?, of measure: Measure) throws(AttributeFault) -> Int128? {
        switch measure.form {
        case .count, .sum: return (a ?? 0) + (b ?? 0)
        case .smallest: return [a, b].compactMap(\.self).min()
        case .largest: return [a, b].compactMap(\.self).max()
        default:
            throw AttributeFault(
                description: "\(measure.name) cannot be added up over days between which values of "
                    + "\(plan.changing.joined(separator: ", ")) change: ask for those before and "
                    + "after the change apart")
        }
    }

    /// Values of attributes have numbers in their order, `none` the last, by which rows are sorted as by codes.
    func answer() -> Answer {
        let numbers = plan.columns.mapValues { column in
            Dictionary(uniqueKeysWithValues: column.texts.enumerated().map { ($1, UInt32($0)) })
        }
        let coded = rows.map { key, values in
            let codes = key.enumerated().map { place, part -> UInt32 in
                switch part {
                case .code(let code): code
                case .text(let text): numbers[plan.by[place].dimension]![text ?? "none"]!
                }
            }
            return Answer.Row(codes: codes, values: values)
        }
        var answer = Answer(
            dimensions: plan.by.map(\.dimension) + (plan.addsCurrency ? [.currency] : []), measures: plan.measures,
            rows: coded.sorted { $0.codes.lexicographicallyPrecedes($1.codes) }, sequence: 0)
        answer.attributes = plan.columns.filter { plan.by.map(\.dimension).contains($0.key) }
        return answer
    }
}

extension AttributePlan {
    /// The attributes whose values cut the days.
    fileprivate var changing: [String] { (by + filters.map(\.grouping)).filter { $0.path != nil }.map(\.name) }

    /// True when rows are for each currency though nobody asked for it: different ones are never added up.
    fileprivate var addsCurrency: Bool {
        measures.contains(where: \.isMoney) && !by.contains(.dimension(.currency))
    }
}
