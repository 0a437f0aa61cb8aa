import Transactions

/// Bytes of text that a writer collects.
struct TextBuffer {
    private(set) var bytes: [UInt8] = []

    /// Takes out what was collected.
    mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func append(contentsOf other: [UInt8]) { bytes.append(contentsOf: other) }

    /// `value` in digits, with leading zeros up to `width`.
    mutating func append(_ value: UInt64, width: Int = 1) {
        var count = 1
        var rest = value / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        count = max(count, width)
        for _ in 0..<count { bytes.append(UInt8(ascii: "0")) }
        rest = value
        for position in 1...count where rest > 0 {
            bytes[bytes.count - position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// `value` x 10^-`fractionDigits`, for values of 0 or more.
    mutating func append(decimal value: UInt64, fractionDigits: Int) {
        append(value, width: fractionDigits + 1)
        if fractionDigits > 0 { bytes.insert(UInt8(ascii: "."), at: bytes.count - fractionDigits) }
    }

    /// RFC 3339 in UTC with microseconds: `2024-05-31T23:59:59.123456Z`.
    mutating func append(microseconds: Int64) {
        let day = floorDivision(microseconds, 86_400_000_000)
        let ofDay = UInt64(microseconds - day * 86_400_000_000)
        let (year, month, dayOfMonth) = CalendarDay(daysSince1970: Int32(day)).components
        append(UInt64(year), width: 4)
        append(UInt8(ascii: "-"))
        append(UInt64(month), width: 2)
        append(UInt8(ascii: "-"))
        append(UInt64(dayOfMonth), width: 2)
        append(UInt8(ascii: "T"))
        append(ofDay / 3_600_000_000, width: 2)
        append(UInt8(ascii: ":"))
        append(ofDay / 60_000_000 % 60, width: 2)
        append(UInt8(ascii: ":"))
        append(ofDay / 1_000_000 % 60, width: 2)
        append(UInt8(ascii: "."))
        append(ofDay % 1_000_000, width: 6)
        append(UInt8(ascii: "Z"))
    }

    /// A UUID in lower case.
    mutating func append(uuid id: RecordID) {
        for position in 0..<16 {
            if position == 4 || position == 6 || position == 8 || position == 10 { append(UInt8(ascii: "-")) }
            append(hexadecimal: id.byte(position))
        }
    }

    /// The bytes of a textual id up to its padding.
    mutating func append(plain id: RecordID) {
        for position in 0..<16 where id.byte(position) != 0 { append(id.byte(position)) }
    }

    /// As `TokenText` writes it.
    mutating func append(token: UInt64) {
        append("token:")
        for position in 0..<6 { append(hexadecimal: UInt8(truncatingIfNeeded: token >> (8 * UInt64(position)))) }
    }

    mutating func append(hexadecimal byte: UInt8) {
        append(TextBuffer.hexadecimalDigit(byte >> 4))
        append(TextBuffer.hexadecimalDigit(byte & 15))
    }

    private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

extension RecordID {
    /// One of the 16 bytes.
    func byte(_ position: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (position < 8 ? low : high) >> (8 * UInt64(position & 7)))
    }
}
