/// A date of the proleptic Gregorian calendar, without a zone.
@frozen
public struct CalendarDay: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
    /// Days since 1970-01-01.
    public var daysSince1970: Int32

    /// The date that many days after 1970-01-01.
    @inlinable
    public init(daysSince1970: Int32) { self.daysSince1970 = daysSince1970 }

    /// The date in UTC of a moment in microseconds since 1970-01-01 UTC.
    @inlinable
    public init(utcDayOf microseconds: Int64) {
        self.init(daysSince1970: Int32(truncatingIfNeeded: floorDivision(microseconds, 86_400_000_000)))
    }

    /// A date from its parts; nil when there is no such date. Years 1 to 9999.
    ///
    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1 else { return nil }
        guard day <= CalendarDay.dayCount(year: year, month: month) else { return nil }
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.init(daysSince1970: Int32(era * 146_097 + dayOfEra - 719_468))
    }

    /// Reads `yyyy-MM-dd`; nil when it is anything else or no date.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
            parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// 0001-01-01.
    public static let first = CalendarDay(daysSince1970: -719_162)
    /// 9999-12-31.
    public static let last = CalendarDay(daysSince1970: 2_932_896)

    /// The day so many days later, no further than the first and the last that can be written.
    public func movedBy(days: Int) -> CalendarDay {
        let moved = Int(daysSince1970) + days
        let range = Int(CalendarDay.first.daysSince1970)...Int(CalendarDay.last.daysSince1970)
        return CalendarDay(daysSince1970: Int32(min(max(moved, range.lowerBound), range.upperBound)))
    }

    /// The first day of its month.
    public var firstOfMonth: CalendarDay { CalendarDay(daysSince1970: daysSince1970 - Int32(components.day - 1)) }

    /// The last day of its month.
    public var lastOfMonth: CalendarDay {
        let (year, month, day) = components
        return CalendarDay(daysSince1970: daysSince1970 + Int32(CalendarDay.dayCount(year: year, month: month) - day))
    }

    /// Days of a month.
    public static func dayCount(year: Int, month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Year, month and day. Source: Hinnant, civil_from_days.
    public var components: (year: Int, month: Int, day: Int) {
        let shifted = Int(daysSince1970) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// `yyyy-MM-dd`.
    public var description: String {
        let (year, month, day) = components
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    /// Earlier dates are smaller.
    @inlinable
    public static func < (a: CalendarDay, b: CalendarDay) -> Bool { a.daysSince1970 < b.daysSince1970 }
}
