import Formats
import Foundation
import Transactions

extension FuzzTarget {
    /// Single texts of records: a pattern of times, a zero byte, a text, a zero byte, a zone.
    static let texts = FuzzTarget(name: "texts", largestByteCount: 256, repair: nil, seeds: TextRun.seeds) {
        { try TextRun.run($0) }
    }
}

private enum TextRun {
    static func run(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false).map(Array.init)
        let pattern = String(decoding: parts[0], as: UTF8.self)
        let text = parts.count > 1 ? parts[1] : parts[0]
        let zone = parts.count > 2 ? String(decoding: parts[2], as: UTF8.self) : "UTC"
        try checkReferences(text, bytes)
        try checkWords(String(decoding: text, as: UTF8.self))
        let results = [
            try checkDecimal(text), try readTime(text, as: nil, zone), try readTime(text, as: "unix", zone),
            try readTime(text, as: pattern, zone),
        ]
        return results.contains(true)
    }

    /// What an id prints enters as the same id.
    private static func checkReferences(_ text: [UInt8], _ bytes: UnsafeRawBufferPointer) throws(BrokenProperty) {
        var ids: [RecordID] = []
        text.withUnsafeBufferPointer { if let id = RecordID(utf8: $0) { ids.append(id) } }
        if bytes.count >= 16 { ids.append(bytes.loadUnaligned(as: RecordID.self)) }
        for id in ids where id != .none {
            let again = RecordID(printed: id.description)
            try require(again == id, "the id \(id) enters as \(again.map(\.description) ?? "nothing")")
        }
    }

    private static func checkWords(_ text: String) throws(BrokenProperty) {
        if let day = CalendarDay(text) { try require(day.description == text, "the day \(text) is \(day)") }
        if let outcome = Outcome(name: text) {
            try require(Outcome(name: outcome.name) == outcome, "the outcome \(text) is \(outcome.name)")
        }
        if let channel = Channel(name: text) {
            try require(Channel(name: channel.name) == channel, "the channel \(text) is \(channel.name)")
        }
        if let currency = Currency(code: text) {
            try require(Currency(code: currency.code) == currency, "the currency \(text) is \(currency.code)")
        }
        if let token = TokenText.token(text) {
            try require(token > 0 && token >> 48 == 0, "the token \(text) is \(token)")
            try require(TokenText.token(TokenText.text(of: token)) == token, "the token \(text) is \(token)")
        }
    }

    /// A number that was read is written and read as the same, with any number of decimals.
    private static func checkDecimal(_ text: [UInt8]) throws(BrokenProperty) -> Bool {
        var isNumber = false
        for (reader, digits) in [
            (DecimalReader.plain, 0), (.plain, 3), (DecimalReader(decimalSeparator: ",", thousandsSeparator: "."), 2),
            (DecimalReader(decimalSeparator: "·", thousandsSeparator: "\u{202F}"), 4),
        ] {
            guard let value = text.withUnsafeBufferPointer({ try? reader.integer($0, fractionDigits: digits) }) else {
                continue
            }
            isNumber = true
            let written = Array(decimalText(Int128(value), fractionDigits: digits).utf8)
            let again = written.withUnsafeBufferPointer { try? DecimalReader.plain.integer($0, fractionDigits: digits) }
            try require(
                again == value, "\(value) with \(digits) decimals becomes \(again.map { "\($0)" } ?? "nothing")")
        }
        return isNumber
    }

    /// A time that was read is the same when it is read again, by this reader and by another that has read nothing else.
    private static func readTime(_ text: [UInt8], as format: String?, _ zone: String) throws(BrokenProperty) -> Bool {
        var mapping = Mapping()
        mapping.timeFormat = format
        mapping.timeZone = zone
        // An unknown zone costs a search for the nearest name, which finds nothing here.
        guard TimeZone(identifier: zone) != nil, var reader = try? TimeReader(mapping) else { return false }
        func read(_ reader: inout TimeReader) -> Int64? {
            text.withUnsafeBufferPointer { try? reader.microseconds($0) }
        }
        guard let time = read(&reader) else { return false }
        try require(read(&reader) == time, "the time \(time) is another when it is read again")
        // Years 0 to 10,000; times of other units than days may lie further away.
        let isDate = format != "unix" && format != "unixMilliseconds" && format != "unixMicroseconds"
        let bound: Int64 = 8030 * 366 * 86_400_000_000
        try require(!isDate || abs(time) < bound, "the time \(time) lies beyond the calendar")
        return true
    }

    @Sendable static func seeds() -> [[UInt8]] {
        [
            "yyyy-MM-dd HH:mm:ss.SSSXXX\u{0}2024-05-31 23:59:59.123+07:00\u{0}Asia/Ho_Chi_Minh",
            "dd MMM yy, hh:mm a\u{0}05 Jun 24, 11:30 PM\u{0}Europe/London", "'T'''yyyyMMdd\u{0}T'20240229\u{0}UTC",
            "\u{0}1717149600.5\u{0}UTC", "\u{0}-1.234.567,89\u{0}", "\u{0}0190163d-8694-739b-aea5-966c26f8ad90\u{0}",
            "\u{0}sha256:00112233445566778899aabbccddeeff", "\u{0}token:0123456789ab", "\u{0}insufficient_funds",
            "\u{0}channel_99", "\u{0}GBP",
        ].map { Array($0.utf8) }
    }
}
