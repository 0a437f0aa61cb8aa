import Foundation

/// Assigns each moment its business day: the calendar day in a time zone, or the next one from a cut-over on.
///
/// It matters to statistics only: identities go by the UTC date. Look-ups cost a comparison while successive moments lie
/// between the same two changes of the zone's offset, and a search in the zone's rules otherwise.
public struct BusinessCalendar: Sendable {
    /// The zone whose days count.
    public let timeZone: TimeZone
    /// Minutes after midnight from which on a moment belongs to the next date; 0: the day begins at midnight.
    public let cutoverMinutes: Int

    private let cutoverSeconds: Int64
    private var offsetSeconds: Int64 = 0
    private var validSeconds: Range<Int64> = 0..<0

    /// A calendar of `timeZone`.
    /// - Parameter cutoverMinutes: 0 to 1,439.
    public init(timeZone: TimeZone, cutoverMinutes: Int = 0) {
        precondition((0..<1440).contains(cutoverMinutes), "a cut-over is a minute of the day")
        self.timeZone = timeZone
        self.cutoverMinutes = cutoverMinutes
        self.cutoverSeconds = cutoverMinutes == 0 ? 0 : Int64(86_400 - cutoverMinutes * 60)
    }

    /// Midnight of UTC.
    public static let utc = BusinessCalendar(timeZone: TimeZone(secondsFromGMT: 0)!)

    /// The business day and the hour of the clock (0 to 23, in the zone) of a moment.
    ///
    /// With a cut-over of 23:00, 23:30 is hour 23 of the next day: hours stay those that a clock on the wall showed.
    public mutating func dayAndHour(ofMicroseconds time: Int64) -> (day: CalendarDay, hour: UInt8) {
        let seconds = floorDivision(time, 1_000_000)
        if !validSeconds.contains(seconds) { findOffset(at: seconds) }
        let local = seconds + offsetSeconds
        let day = floorDivision(local + cutoverSeconds, 86_400)
        let secondOfDay = local - floorDivision(local, 86_400) * 86_400
        return (CalendarDay(daysSince1970: Int32(day)), UInt8(secondOfDay / 3600))
    }

    /// The moments that may belong to `day`: a superset, a day wider on both sides than any zone or cut-over reaches.
    public static func microsecondsThatMayBelong(to days: ClosedRange<CalendarDay>) -> Range<Int64> {
        let microsecondsPerDay: Int64 = 86_400_000_000
        return (Int64(days.lowerBound.daysSince1970) - 2) * microsecondsPerDay
            ..< (Int64(days.upperBound.daysSince1970) + 3) * microsecondsPerDay
    }

    private mutating func findOffset(at seconds: Int64) {
        let moment = Date(timeIntervalSince1970: TimeInterval(seconds))
        offsetSeconds = Int64(timeZone.secondsFromGMT(for: moment))
        // Zones change their offset on whole quarters of an hour, so such a quarter has one offset throughout.
        var lower = floorDivision(seconds, 900) * 900
        var upper = lower + 900
        // Widen to the surrounding day where no change falls into it.
        let dayStart = floorDivision(seconds, 86_400) * 86_400
        let atStart = timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(dayStart)))
        let next = timeZone.nextDaylightSavingTimeTransition(after: Date(timeIntervalSince1970: TimeInterval(dayStart)))
        if Int64(atStart) == offsetSeconds, Int64(next?.timeIntervalSince1970 ?? .greatestFiniteMagnitude / 2, clamped: ())
            >= dayStart + 86_400,
            Int64(timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(dayStart + 86_399))))
                == offsetSeconds
        {
            lower = dayStart
            upper = dayStart + 86_400
        }
        validSeconds = lower..<upper
    }
}

extension Int64 {
    fileprivate init(_ value: Double, clamped: Void) {
        self = value >= 9e18 ? .max : value <= -9e18 ? .min : Int64(value)
    }
}

/// Rounds towards minus infinity, so that moments before 1970 fall into the right day.
@inlinable
public func floorDivision(_ value: Int64, _ divisor: Int64) -> Int64 {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
}
