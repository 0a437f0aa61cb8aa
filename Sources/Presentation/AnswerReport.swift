import Rollups
import Transactions

/// Finds the name of a code; nil where it has none, then the code itself is shown.
public typealias NameLookup = (_ space: NameSpace, _ code: UInt32) -> String?

extension Report {
    /// An answer in words: names for codes, and money as exact decimals in major units of its row's currency. Behind a measure
    /// that may be an estimate a column has its standard error, 0 where it is exact.
    public init(_ answer: Answer, names: NameLookup) {
        let dimensions = answer.dimensions.map { Column($0.name, isNumeric: false) }
        let measures = answer.measures.flatMap { measure in
            ([measure.name] + (measure.isEstimated ? [measure.name + "_error"] : [])).map {
                Column($0, isNumeric: true)
            }
        }
        let currencyPlace = answer.dimensions.firstIndex(of: .currency)
        let rows = answer.rows.map { row in
            let currency = currencyPlace.map { Currency(rawValue: UInt16(truncatingIfNeeded: row.codes[$0])) } ?? .none
            return zip(answer.dimensions, row.codes).map { Value.text($0.text(of: $1, names: names)) }
                + zip(answer.measures, row.values).flatMap { $0.presented($1, in: currency) }
        }
        self.init(columns: dimensions + measures, rows: rows, sequence: answer.sequence, damage: answer.damage)
    }
}

extension Dimension {
    /// A code in words: a date, a month such as `2026-07`, an hour such as `09`, a currency's letters, a name, or the number.
    public func text(of code: UInt32, names: NameLookup) -> String {
        switch self {
        case .day: CalendarDay(daysSince1970: Int32(bitPattern: code)).description
        case .month: twoDigits(code / 100) + "-" + twoDigits(code % 100)
        case .hour: twoDigits(code)
        case .kind: Kind(rawValue: UInt8(truncatingIfNeeded: code))?.name ?? "\(code)"
        case .event: Event(rawValue: UInt8(truncatingIfNeeded: code))?.name ?? "\(code)"
        case .currency: Currency(rawValue: UInt16(truncatingIfNeeded: code)).code
        case .channel: Channel(rawValue: UInt8(truncatingIfNeeded: code)).name
        case .outcome: Outcome(rawValue: UInt8(truncatingIfNeeded: code)).name
        case .source, .payerInstitution, .payeeInstitution, .payee, .service, .region: name(of: code, names)
        }
    }

    /// The code that words stand for, as `text` writes them; nil when there is none.
    ///
    /// Names given to codes are for the caller to look up; here they are nil.
    public func code(of text: String) -> UInt32? {
        switch self {
        case .day: CalendarDay(text).map(Dimension.code(of:))
        case .month: CalendarDay(text + "-01").map(Dimension.monthCode(of:))
        case .hour: UInt32(text).flatMap { $0 < 24 ? $0 : nil }
        case .kind: Kind(name: text).map { UInt32($0.rawValue) }
        case .event: Event(name: text).map { UInt32($0.rawValue) }
        case .currency: Currency(code: text).map { UInt32($0.rawValue) }
        case .channel: Channel(name: text).map { UInt32($0.rawValue) }
        case .outcome: Outcome(name: text).map { UInt32($0.rawValue) }
        case .source, .payerInstitution, .payeeInstitution, .payee, .service, .region:
            text == "none" ? 0 : UInt32(text).flatMap { UInt64($0) >> UInt64(bitCount) == 0 ? $0 : nil }
        }
    }

    private func name(of code: UInt32, _ names: NameLookup) -> String {
        nameSpace.flatMap { names($0, code) } ?? (code == 0 ? "none" : "\(code)")
    }

    private func twoDigits(_ value: UInt32) -> String { value < 10 ? "0\(value)" : "\(value)" }
}

extension Measure {
    fileprivate func presented(_ value: Int128?, in currency: Currency) -> [Report.Value] {
        guard let value else { return isEstimated ? [.none, .none] : [.none] }
        if self == .peakSecond { return [.text(secondText(Int64(truncatingIfNeeded: value)))] }
        func shown(_ value: Int128) -> Report.Value {
            isMoney ? .decimal(currency.decimal(minorUnits: value)) : .count(value)
        }
        guard let error = error(of: value) else { return [shown(value)] }
        return [error > 0 ? .estimate(shown(value)) : shown(value), shown(error)]
    }
}
