import Foundation
import Transactions

/// Reads the times of a mapping as microseconds since 1970-01-01 UTC.
package struct TimeReader: ~Copyable {
    private enum Form {
        case iso
        case pattern(TimePattern)
        /// Microseconds of one unit: seconds may have decimals, the others are integers.
        case unix(microseconds: Int64)
    }

    private let form: Form
    private let expected: String
    private var clock: LocalClock
    /// The date that `plainMicroseconds` met last, in its ten characters, and its days since 1970-01-01.
    private var date: (first: UInt64, last: UInt64, day: Int64) = (0, .max, 0)
    private let isISO: Bool

    package init(_ mapping: Mapping) throws(FormatError) {
        guard let zone = TimeZone(identifier: mapping.timeZone) else {
            let suggestion = Nearest.suggestion(mapping.timeZone, among: TimeZone.knownTimeZoneIdentifiers)
            throw FormatError("mapping: timeZone: \"\(mapping.timeZone)\" is no known zone\(suggestion)")
        }
        switch mapping.timeFormat {
        case nil:
            form = .iso
            expected = "a date or time such as 2024-05-31, 2024-05-31 23:59:59 or 2024-05-31T23:59:59.123456Z"
        case "unix":
            form = .unix(microseconds: 1_000_000)
            expected = "seconds since 1970-01-01 UTC"
        case "unixMilliseconds":
            form = .unix(microseconds: 1000)
            expected = "milliseconds since 1970-01-01 UTC"
        case "unixMicroseconds":
            form = .unix(microseconds: 1)
            expected = "microseconds since 1970-01-01 UTC"
        case let pattern?:
            form = .pattern(try TimePattern(pattern))
            expected = "the form \(Excerpt.quoted(pattern))"
        }
        clock = LocalClock(zone)
        isISO = mapping.timeFormat == nil
    }

    /// Reads a time of a row.
    @inline(__always)
    mutating func microseconds(of text: FieldText) throws(TimeFault) -> Int64 {
        if isISO, let time = plainMicroseconds(text) { return time }
        return try microseconds(text.bytes)
    }

    /// `2024-05-31T23:59:59`, also with a fraction of up to six digits, and `Z` or nothing; nil for all other texts and for
    /// times that do not exist. Rows that follow each other mostly have the same date, so the last one is remembered.
    private mutating func plainMicroseconds(_ text: FieldText) -> Int64? {
        guard text.count >= 19, text.start[10] == UInt8(ascii: "T") || text.start[10] == UInt8(ascii: " "),
            let second = text.secondOfDay(at: 11)
        else { return nil }
        let first = text.word(at: 0)
        let last = text.word(at: 8) & 0xFFFF
        if first != date.first || last != date.last {
            guard let day = TimeReader.day(text.part(0..<10)) else { return nil }
            date = (first, last, day)
        }
        let isUTC = text.start[text.count - 1] == UInt8(ascii: "Z")
        let end = text.count - (isUTC ? 1 : 0)
        var fraction: Int64 = 0
        if end > 19 {
            guard text.start[19] == UInt8(ascii: "."), let digits = text.part(20..<max(20, end)).fractionMicroseconds
            else { return nil }
            fraction = digits
        }
        let local = date.day * 86_400 + second
        if isUTC { return local * 1_000_000 + fraction }
        guard case .at(let seconds) = clock.moment(localSeconds: local) else { return nil }
        return seconds * 1_000_000 + fraction
    }

    /// The days since 1970-01-01 of `2024-05-31`; nil when it is no date.
    private static func day(_ text: FieldText) -> Int64? {
        guard text.start[4] == UInt8(ascii: "-"), text.start[7] == UInt8(ascii: "-"),
            let year = text.part(0..<4).shortNumber, let month = text.part(5..<7).shortNumber,
            let day = text.part(8..<10).shortNumber,
            let date = CalendarDay(year: Int(year), month: Int(month), day: Int(day))
        else { return nil }
        return Int64(date.daysSince1970)
    }

    /// Reads a time.
    /// - Throws: what is wrong, in words that follow the value.
    package mutating func microseconds(_ text: UnsafeBufferPointer<UInt8>) throws(TimeFault) -> Int64 {
        let parts: TimeParts?
        switch form {
        case .iso: parts = TimeReader.isoParts(text)
        case .pattern(let pattern): parts = pattern.parts(text)
        case .unix(let unit): return try unixMicroseconds(text, unit: unit)
        }
        guard let parts else { throw TimeFault("is not \(expected)") }
        let local = try parts.localSeconds()
        if let offset = parts.offsetSeconds {
            return (local - Int64(offset)) * 1_000_000 + Int64(parts.microsecond)
        }
        switch clock.moment(localSeconds: local) {
        case .at(let seconds): return seconds * 1_000_000 + Int64(parts.microsecond)
        case .skipped(let next):
            guard parts.hasTimeOfDay else { return next * 1_000_000 }
            throw TimeFault("does not exist in its time zone: the clocks were put forward over it")
        }
    }

    /// `yyyy-MM-dd`, and after `T`, `t` or a blank `HH:mm`, `:ss`, a fraction after a point or comma, and an offset.
    private static func isoParts(_ text: UnsafeBufferPointer<UInt8>) -> TimeParts? {
        var cursor = TextCursor(text)
        var parts = TimeParts()
        guard let year = cursor.number(4, 4), cursor.take(UInt8(ascii: "-")), let month = cursor.number(2, 2),
            cursor.take(UInt8(ascii: "-")), let day = cursor.number(2, 2)
        else { return nil }
        (parts.year, parts.month, parts.day) = (year, month, day)
        if cursor.isAtEnd { return parts }
        guard cursor.take(UInt8(ascii: "T")) || cursor.take(UInt8(ascii: " ")) || cursor.take(UInt8(ascii: "t")),
            let hour = cursor.number(2, 2), cursor.take(UInt8(ascii: ":")), let minute = cursor.number(2, 2)
        else { return nil }
        (parts.hour, parts.minute, parts.hasTimeOfDay) = (hour, minute, true)
        if cursor.take(UInt8(ascii: ":")) {
            guard let second = cursor.number(2, 2) else { return nil }
            parts.second = second
            if cursor.take(UInt8(ascii: ".")) || cursor.take(UInt8(ascii: ",")) {
                guard let fraction = cursor.microseconds() else { return nil }
                parts.microsecond = fraction
            }
        }
        if cursor.isAtEnd { return parts }
        parts.offsetSeconds = cursor.offsetSeconds()
        return parts.offsetSeconds != nil && cursor.isAtEnd ? parts : nil
    }

    private func unixMicroseconds(_ text: UnsafeBufferPointer<UInt8>, unit: Int64) throws(TimeFault) -> Int64 {
        var cursor = TextCursor(text)
        // 17 digits reach the year 5138 in microseconds; more would not fit in 64 bits after scaling.
        guard let whole = cursor.number(1, 17) else { throw TimeFault("is not \(expected)") }
        var fraction = 0
        if unit == 1_000_000, cursor.take(UInt8(ascii: ".")) {
            guard let digits = cursor.microseconds() else { throw TimeFault("is not \(expected)") }
            fraction = digits
        }
        let (scaled, overflow) = Int64(whole).multipliedReportingOverflow(by: unit)
        let (sum, carry) = scaled.addingReportingOverflow(Int64(fraction))
        guard cursor.isAtEnd, !overflow, !carry else { throw TimeFault("is not \(expected)") }
        return sum
    }
}
