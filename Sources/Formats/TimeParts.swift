import Transactions

/// Date, time of day and offset as they were written, before they are known to exist.
struct TimeParts {
    var year = 1970
    var month = 1
    var day = 1
    var hour = 0
    var minute = 0
    var second = 0
    var microsecond = 0
    /// Seconds east of UTC; nil when the text gives none.
    var offsetSeconds: Int?
    var hasTimeOfDay = false

    /// Seconds from 1970-01-01 00:00 on the same clock; throws words that follow "the time ... ".
    func localSeconds() throws(TimeFault) -> Int64 {
        guard let date = CalendarDay(year: year, month: month, day: day) else {
            throw TimeFault("is on a date that does not exist")
        }
        guard hour < 24, minute < 60, second < 60 else { throw TimeFault("is no time of day") }
        return Int64(date.daysSince1970) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }
}

/// What is wrong with a time, in words that follow the value.
package struct TimeFault: Error {
    var message: String
    init(_ message: String) { self.message = message }
}

/// Reads digits and single bytes from a text, front to back.
struct TextCursor {
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }
    var next: UInt8 { isAtEnd ? 0 : bytes[position] }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte, !isAtEnd else { return false }
        position += 1
        return true
    }

    /// A number of `fewest` to `most` digits; nil when there are fewer.
    mutating func number(_ fewest: Int, _ most: Int) -> Int? {
        var value = 0
        var count = 0
        while count < most, position < bytes.count, isDigit(bytes[position]) {
            value = value * 10 + Int(bytes[position] - UInt8(ascii: "0"))
            position += 1
            count += 1
        }
        return count < fewest ? nil : value
    }

    /// Microseconds from the digits of a fraction, at least one; digits beyond the sixth are cut off.
    mutating func microseconds() -> Int? {
        let start = position
        guard var value = number(1, 6) else { return nil }
        for _ in (position - start)..<6 { value *= 10 }
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
        return value
    }

    /// Seconds east of UTC from `Z`, `+hh`, `+hhmm` or `+hh:mm`.
    mutating func offsetSeconds() -> Int? {
        if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
        let sign: Int
        if take(UInt8(ascii: "+")) { sign = 1 } else if take(UInt8(ascii: "-")) { sign = -1 } else { return nil }
        guard let hours = number(2, 2), hours < 24 else { return nil }
        let hasColon = take(UInt8(ascii: ":"))
        guard hasColon || isDigit(next) else { return sign * hours * 3600 }
        guard let minutes = number(2, 2), minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
