import Columns
import Ledger
import Transactions

/// What the table `transactions` makes of the constraints that it took: a selection that holds at least all rows that satisfy
/// them. SQLite looks at each row again.
struct TransactionFilter {
    var selection = RecordSelection()
    /// Only records with one of these ids.
    var ids: [RecordID]?
    /// Nothing can satisfy the constraints.
    var isEmpty = false
    /// Rows to leave out at the beginning.
    var offset = 0

    /// True when the table takes such a constraint.
    static func takes(_ constraint: IndexPlan.Constraint) -> Bool {
        guard constraint.comparison != .limit, constraint.comparison != .offset else { return false }
        guard let place = constraint.column else { return true }
        switch TransactionColumn(rawValue: place)!.content {
        case .sequence, .microseconds, .amount, .code, .currencyNumeric, .byteNumber: return true
        case .byteText, .day, .time, .currency: return constraint.isBinary
        case .name, .payer, .id: return constraint.isBinary && constraint.comparison == .equal
        case .hour, .duration: return false
        }
    }

    init(_ request: FilterRequest, _ session: QuerySession) {
        selection.isDescending = request.isDescending
        for bound in request.bounds {
            if bound.comparison == .offset {
                if case .integer(let count) = bound.values[0] { offset = Int(max(0, count)) }
            } else if bound.comparison != .limit {
                apply(bound, session)
            }
        }
    }

    private mutating func apply(_ bound: FilterRequest.Bound, _ session: QuerySession) {
        // NULL compares with nothing.
        let values = bound.values.filter { $0 != .null }
        guard !values.isEmpty else { return isEmpty = true }
        let comparison = bound.comparison
        let numbers = { NumberBounds(comparison, anyOf: values) }
        switch bound.column.map({ TransactionColumn(rawValue: $0)!.content }) ?? .sequence {
        case .sequence: narrowSequences(numbers())
        case .microseconds: narrowTimes(numbers())
        case .time: narrowTimes(TextBounds.range(comparison, anyOf: values, in: MomentTexts()))
        case .day: narrowDays(TextBounds.range(comparison, anyOf: values, in: DayTexts()))
        case .amount:
            narrow(.amount, numbers()) { RecordScan.stored($0) }
        case .code(let column):
            if comparison == .equal, let codes = integers(values) {
                // 0 stands for none, which is NULL.
                include(column, Set(codes.filter { $0 > 0 }.map { UInt64(bitPattern: $0) }))
            } else {
                narrowCodes(column, numbers(), from: 1)
            }
        case .currencyNumeric: narrowCodes(.currency, numbers(), from: 0)
        case .byteNumber(let column, let number):
            let each = values.map { NumberBounds(comparison, $0) }
            include(
                column,
                Set(
                    (UInt8.min...UInt8.max).filter { byte in
                        each.contains { $0.contains(number(byte)) }
                    }.map(UInt64.init)))
        case .byteText(let column, let text):
            include(column, codes(0...255, comparison, values) { text(UInt8($0)) })
        case .currency:
            include(.currency, codes(0...999, comparison, values) { Currency(rawValue: UInt16($0)).code })
        case .name(let space, let column):
            guard let texts = texts(values) else { return }
            include(column, Set(texts.flatMap { session.codes(shownAs: $0, in: space) }.map(UInt64.init)))
        case .payer:
            guard let texts = texts(values) else { return }
            include(.payer, Set(texts.compactMap { TokenText.token($0) }))
        case .id:
            guard ids == nil, let texts = texts(values) else { return }
            ids = Array(Set(texts.compactMap { RecordID(printed: $0) }))
        case .hour, .duration: break
        }
    }

    private func texts(_ values: [SQLValue]) -> [String]? {
        var texts: [String] = []
        for value in values {
            guard case .text(let text) = value else { return nil }
            texts.append(text)
        }
        return texts
    }

    private func integers(_ values: [SQLValue]) -> [Int64]? {
        var integers: [Int64] = []
        for value in values {
            guard case .integer(let number) = value else { return nil }
            integers.append(number)
        }
        return integers
    }

    /// The codes whose text compares so with one of the values; nil when a value is no text.
    private func codes(
        _ all: ClosedRange<UInt32>, _ comparison: Comparison, _ values: [SQLValue], text: (UInt32) -> String?
    ) -> Set<UInt64>? {
        guard let texts = texts(values)?.map({ Array($0.utf8) }) else { return nil }
        return Set(
            all.filter { code in
                guard let own = text(code).map({ Array($0.utf8) }) else { return false }
                return texts.contains { other in
                    switch comparison {
                    case .equal: own == other
                    case .greater: other.lexicographicallyPrecedes(own)
                    case .greaterOrEqual: !own.lexicographicallyPrecedes(other)
                    case .less: own.lexicographicallyPrecedes(other)
                    case .lessOrEqual: !other.lexicographicallyPrecedes(own)
                    case .limit, .offset: true
                    }
                }
            }.map(UInt64.init))
    }

    private mutating func include(_ column: Column, _ codes: Set<UInt64>?) {
        guard let codes else { return }
        if codes.isEmpty { isEmpty = true }
        selection.conditions.append((column, .codes(codes)))
    }

    private mutating func narrow(_ column: Column, _ bounds: NumberBounds, stored: (Int64) -> UInt64) {
        switch bounds {
        case .any: break
        case .none: isEmpty = true
        case .range(let range):
            selection.conditions.append((column, .range(stored(range.lowerBound)...stored(range.upperBound))))
        }
    }

    private mutating func narrowCodes(_ column: Column, _ bounds: NumberBounds, from first: Int64) {
        if case .range(let range) = bounds, range.upperBound < first { return isEmpty = true }
        narrow(column, bounds) { UInt64(max(first, $0)) }
    }

    private mutating func narrowSequences(_ bounds: NumberBounds) {
        switch bounds {
        case .any: break
        case .none: isEmpty = true
        case .range(let range):
            guard range.upperBound >= 1 else { return isEmpty = true }
            let wanted = UInt64(max(1, range.lowerBound))..<UInt64(range.upperBound) + 1
            selection.sequences = selection.sequences.clamped(to: wanted)
            if selection.sequences.isEmpty { isEmpty = true }
        }
    }

    private mutating func narrowTimes(_ bounds: NumberBounds) {
        switch bounds {
        case .any: break
        case .none: isEmpty = true
        case .range(let range):
            guard selection.times.overlaps(range) else { return isEmpty = true }
            selection.times = selection.times.clamped(to: range)
        }
    }

    private mutating func narrowDays(_ bounds: NumberBounds) {
        switch bounds {
        case .any: break
        case .none: isEmpty = true
        case .range(let range):
            let wanted =
                CalendarDay(
                    daysSince1970: Int32(range.lowerBound))...CalendarDay(
                    daysSince1970: Int32(range.upperBound))
            let own = selection.days ?? wanted
            guard own.overlaps(wanted) else { return isEmpty = true }
            selection.days = own.clamped(to: wanted)
        }
    }
}
