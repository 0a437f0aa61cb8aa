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
            expected = "the form \(pattern)"
        }
        clock = LocalClock(zone)
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
