import Rollups
import Transactions

/// Finds the name of a code; nil where it has none, then the code itself is shown.
public typealias NameLookup = (_ space: NameSpace, _ code: UInt32) -> String?

extension Dimension {
    /// A code in words: a date, a month such as `2026-07`, an hour such as `09`, a currency's letters, a band such as
    /// `10,000 to 50,000`, a name, or the number.
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
        case .amountBand: AmountBand(code: code)?.words ?? "\(code)"
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
        case .amountBand: AmountBand(words: text)?.code
        case .source, .payerInstitution, .payeeInstitution, .payee, .service, .region:
            text == "none" ? 0 : UInt32(text).flatMap { UInt64($0) >> UInt64(bitCount) == 0 ? $0 : nil }
        }
    }

    private func name(of code: UInt32, _ names: NameLookup) -> String {
        nameSpace.flatMap { names($0, code) } ?? (code == 0 ? "none" : "\(code)")
    }

    private func twoDigits(_ value: UInt32) -> String { value < 10 ? "0\(value)" : "\(value)" }
}

extension AmountBand {
    /// `under 10,000`, `10,000 to 50,000` (the second no more) or `50,000 and over`, in major units of the currency.
    fileprivate var words: String {
        switch (lowerEdge, upperEdge) {
        case (let lower?, let upper?): "\(formatCount(lower)) to \(formatCount(upper))"
        case (let lower?, nil): "\(formatCount(lower)) and over"
        case (nil, let upper?): "under \(formatCount(upper))"
        case (nil, nil): "all"
        }
    }

    /// The band that `words` stand for, with or without commas; nil when they stand for none.
    fileprivate init?(words: String) {
        let parts = words.replacing(",", with: "").split(separator: " ").map(String.init)
        switch (parts.first, parts.count) {
        case ("under"?, 2): self.init(from: nil, to: Int64(parts[1]) ?? 0)
        case (_, 3) where parts[1] == "to": self.init(from: Int64(parts[0]) ?? 0, to: Int64(parts[2]) ?? 0)
        case (_, 3) where parts[1] == "and" && parts[2] == "over": self.init(from: Int64(parts[0]) ?? 0, to: nil)
        default: return nil
        }
    }
}
