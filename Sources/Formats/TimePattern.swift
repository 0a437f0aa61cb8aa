/// A way in which times are written, in the letters of Unicode's date format patterns (UTS 35).
///
/// | letters | meaning |
/// |---|---|
/// | `yyyy`, `yy` | year; of two digits 70 to 99 are 1970 to 1999 and the others 2000 to 2069 |
/// | `MM`, `M`, `MMM` | month: two digits, one or two, English in three letters |
/// | `dd`, `d` | day of the month |
/// | `HH`, `H`; `hh`, `h` with `a` | hour, 0 to 23; 1 to 12 with AM or PM |
/// | `mm`, `m`, `ss`, `s` | minute, second |
/// | `S` (one or more) | fraction of a second: any number of digits, cut to microseconds |
/// | `X`, `XX`, `XXX`, `x`, `xx`, `xxx`, `Z` | offset: `Z`, `+hh`, `+hhmm` or `+hh:mm` |
/// | `'T'`, `''` | the text between quotes; a quote |
/// | other than letters | itself |
struct TimePattern {
    private enum Item {
        case literal(UInt8)
        case year, shortYear
        case month(fewest: Int), monthName, day(fewest: Int)
        case hour(fewest: Int), halfDayHour(fewest: Int), halfDay, minute(fewest: Int), second(fewest: Int), fraction
        case offset
    }

    private var items: [Item] = []

    /// - Throws: an error that names the letters which are not understood.
    init(_ pattern: String) throws(FormatError) {
        var rest = Array(pattern.utf8)[...]
        while let letter = rest.first {
            if letter == UInt8(ascii: "'") {
                try addQuoted(&rest, of: pattern)
                continue
            }
            let run = rest.prefix { $0 == letter }
            rest = rest.dropFirst(run.count)
            if isLetter(letter) {
                try add(letter, count: run.count, of: pattern)
            } else {
                items += run.map { .literal($0) }
            }
        }
        try check(pattern)
    }

    /// Reads a text that is written so; nil when it is not.
    func parts(_ text: UnsafeBufferPointer<UInt8>) -> TimeParts? {
        var cursor = TextCursor(text)
        var parts = TimeParts()
        var isAfternoon: Bool?
        for item in items {
            guard TimePattern.read(item, &cursor, &parts, &isAfternoon) else { return nil }
        }
        guard cursor.isAtEnd else { return nil }
        if let isAfternoon {
            guard (1...12).contains(parts.hour) else { return nil }
            parts.hour = parts.hour % 12 + (isAfternoon ? 12 : 0)
        }
        return parts
    }

    private mutating func addQuoted(_ rest: inout ArraySlice<UInt8>, of pattern: String) throws(FormatError) {
        rest = rest.dropFirst()
        let text = rest.prefix { $0 != UInt8(ascii: "'") }
        rest = rest.dropFirst(text.count)
        guard !rest.isEmpty else { throw FormatError("mapping: timeFormat: \"\(pattern)\" has a quote without its end") }
        rest = rest.dropFirst()
        items += text.isEmpty ? [.literal(UInt8(ascii: "'"))] : text.map { .literal($0) }
    }

    private mutating func add(_ letter: UInt8, count: Int, of pattern: String) throws(FormatError) {
        switch (Character(Unicode.Scalar(letter)), count) {
        case ("y", 4), ("u", 4): items.append(.year)
        case ("y", 2): items.append(.shortYear)
        case ("M", 1...2): items.append(.month(fewest: count))
        case ("M", 3): items.append(.monthName)
        case ("d", 1...2): items.append(.day(fewest: count))
        case ("H", 1...2): items.append(.hour(fewest: count))
        case ("h", 1...2): items.append(.halfDayHour(fewest: count))
        case ("a", 1): items.append(.halfDay)
        case ("m", 1...2): items.append(.minute(fewest: count))
        case ("s", 1...2): items.append(.second(fewest: count))
        case ("S", _): items.append(.fraction)
        case ("X", 1...3), ("x", 1...3), ("Z", 1): items.append(.offset)
        default:
            throw FormatError(
                "mapping: timeFormat: \"\(String(repeating: Character(Unicode.Scalar(letter)), count: count))\" in "
                    + "\"\(pattern)\" is not understood; a pattern such as \"yyyy-MM-dd HH:mm:ss\", or \"unix\", "
                    + "\"unixMilliseconds\" or \"unixMicroseconds\", was expected")
        }
    }

    private func check(_ pattern: String) throws(FormatError) {
        func count(_ matches: (Item) -> Bool) -> Int { items.count(where: matches) }
        let years = count { if case .year = $0 { true } else if case .shortYear = $0 { true } else { false } }
        let months = count { if case .month = $0 { true } else if case .monthName = $0 { true } else { false } }
        let days = count { if case .day = $0 { true } else { false } }
        guard years == 1, months == 1, days == 1 else {
            throw FormatError("mapping: timeFormat: \"\(pattern)\" must have year, month and day, each once")
        }
        let halfDayHours = count { if case .halfDayHour = $0 { true } else { false } }
        let halfDays = count { if case .halfDay = $0 { true } else { false } }
        guard halfDayHours == halfDays else {
            throw FormatError("mapping: timeFormat: \"\(pattern)\" must have h and a (AM or PM) together, or H")
        }
    }

    private static func read(
        _ item: Item, _ cursor: inout TextCursor, _ parts: inout TimeParts, _ isAfternoon: inout Bool?
    ) -> Bool {
        switch item {
        case .literal(let byte): return cursor.take(byte)
        case .year: return assign(cursor.number(4, 4), &parts.year)
        case .shortYear: return assign(cursor.number(2, 2).map { $0 < 70 ? 2000 + $0 : 1900 + $0 }, &parts.year)
        case .month(let fewest): return assign(cursor.number(fewest, 2), &parts.month)
        case .monthName: return assign(monthNumber(&cursor), &parts.month)
        case .day(let fewest): return assign(cursor.number(fewest, 2), &parts.day)
        case .hour(let fewest), .halfDayHour(let fewest):
            parts.hasTimeOfDay = true
            return assign(cursor.number(fewest, 2), &parts.hour)
        case .halfDay:
            let letter = cursor.next | 0x20
            guard letter == UInt8(ascii: "a") || letter == UInt8(ascii: "p"), cursor.take(cursor.next) else { return false }
            isAfternoon = letter == UInt8(ascii: "p")
            return cursor.take(UInt8(ascii: "m")) || cursor.take(UInt8(ascii: "M"))
        case .minute(let fewest): return assign(cursor.number(fewest, 2), &parts.minute)
        case .second(let fewest): return assign(cursor.number(fewest, 2), &parts.second)
        case .fraction: return assign(cursor.microseconds(), &parts.microsecond)
        case .offset:
            parts.offsetSeconds = cursor.offsetSeconds()
            return parts.offsetSeconds != nil
        }
    }

    private static func assign(_ value: Int?, _ part: inout Int) -> Bool {
        guard let value else { return false }
        part = value
        return true
    }

    private static func monthNumber(_ cursor: inout TextCursor) -> Int? {
        var name = ""
        for _ in 0..<3 {
            name.unicodeScalars.append(Unicode.Scalar(cursor.next | 0x20))
            guard cursor.take(cursor.next) else { return nil }
        }
        let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        return names.firstIndex(of: name).map { $0 + 1 }
    }

    private func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
