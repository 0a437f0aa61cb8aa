import Rollups
import Transactions

/// What a day, a month or a span is compared with.
public enum Comparison: String, CaseIterable, Sendable {
    /// The day or month before; for a whole span the one of the same length before it.
    case previous
    /// The same day of the week before.
    case week
    /// The same date of the month before, or its last day.
    case month
    /// The same date of the year before; for 29 February the 28th.
    case year

    /// All of them, for help and errors.
    public static let words = allCases.map(\.rawValue).joined(separator: ", ")

    /// The day that a day is compared with.
    func earlier(_ day: CalendarDay) -> CalendarDay {
        switch self {
        case .previous: day.movedBy(days: -1)
        case .week: day.movedBy(days: -7)
        case .month: day.movedBy(months: -1)
        case .year: day.movedBy(months: -12)
        }
    }

    /// The day that is compared with a day; nil where there is none.
    func later(_ day: CalendarDay) -> CalendarDay? {
        let later: CalendarDay =
            switch self {
            case .previous: day.movedBy(days: 1)
            case .week: day.movedBy(days: 7)
            case .month: day.movedBy(months: 1)
            case .year: day.movedBy(months: 12)
            }
        return earlier(later) == day ? later : nil
    }

    /// The codes of months that a month is compared with; nil for weeks.
    var months: Int? {
        switch self {
        case .previous, .month: 1
        case .week: nil
        case .year: 12
        }
    }
}

extension CalendarDay {
    /// The same day of a month that many months later, or its last one. Within the years 1 to 9999.
    public func movedBy(months: Int) -> CalendarDay {
        let (year, month, day) = components
        let index = min(max(year * 12 + month - 1 + months, 12), 9999 * 12 + 11)
        let last = CalendarDay.dayCount(year: index / 12, month: index % 12 + 1)
        return CalendarDay(year: index / 12, month: index % 12 + 1, day: min(day, last)) ?? self
    }
}

/// The code of a month that many months later: 202601 and -1 are 202512.
func monthCode(_ code: UInt32, movedBy months: Int) -> UInt32 {
    let index = Int(code / 100) * 12 + Int(code % 100) - 1 + months
    return UInt32(max(0, index / 12 * 100 + index % 12 + 1))
}
