/// Spans of dates within each of which an account has one token, for those who remember tokens.
public struct TokenPeriods: Sendable, Hashable {
    /// First dates of the keys but the first.
    private let laterFirstDays: [CalendarDay]
    /// A key may still be added for dates behind it.
    private let lastKnownDay: CalendarDay
    /// Microseconds since 1970-01-01 UTC; what is before is of period 0.
    @usableFromInline let endOfFirst: Int64

    /// Nothing is known of the keys: each date is its own period.
    public static let unknown = TokenPeriods(laterFirstDays: [], lastKnownDay: .first)

    /// The periods of a ring.
    /// - Parameter lastKnownDay: no key is added any more for a date up to this one.
    public init(_ ring: TokenKeyRing, lastKnownDay: CalendarDay) {
        self.init(laterFirstDays: ring.keys.compactMap(\.firstDay), lastKnownDay: lastKnownDay)
    }

    private init(laterFirstDays: [CalendarDay], lastKnownDay: CalendarDay) {
        self.laterFirstDays = laterFirstDays
        self.lastKnownDay = lastKnownDay
        let end = min(laterFirstDays.first ?? .last, lastKnownDay.movedBy(days: 1))
        endOfFirst = Int64(end.daysSince1970) * 86_400_000_000
    }

    /// The period of a record's time.
    @inlinable
    public func period(ofMicroseconds time: Int64) -> UInt32 { time < endOfFirst ? 0 : laterPeriod(time) }

    @usableFromInline
    func laterPeriod(_ time: Int64) -> UInt32 {
        let day = CalendarDay(utcDayOf: time)
        // The top bit tells a date of its own from the number of a key.
        guard day <= lastKnownDay else { return UInt32(bitPattern: day.daysSince1970) | 1 << 31 }
        return UInt32(laterFirstDays.prefix { $0 <= day }.count)
    }
}
