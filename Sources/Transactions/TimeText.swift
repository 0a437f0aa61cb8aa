/// Moments as RFC 3339 in UTC with microseconds, such as `2026-11-20T02:12:31.000000Z`. Until the year 9999 the order of the
/// texts is that of the moments.
///
/// Successive moments of one day share its date, which is made once.
public struct TimeText {
    private var day: Int64?
    private var bytes: [UInt8] = []
    private var clockStart = 0

    /// Has made none yet.
    public init() {}

    /// Shows `body` the text of a moment in microseconds since 1970-01-01 UTC.
    public mutating func withBytes<Result>(
        ofMicroseconds time: Int64, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        let day = floorDivision(time, 86_400_000_000)
        if day != self.day {
            self.day = day
            bytes = Array("\(CalendarDay(daysSince1970: Int32(truncatingIfNeeded: day)))T00:00:00.000000Z".utf8)
            clockStart = bytes.count - 16
        }
        let ofDay = time &- day &* 86_400_000_000
        put(ofDay / 3_600_000_000, digits: 2, at: clockStart)
        put(ofDay / 60_000_000 % 60, digits: 2, at: clockStart + 3)
        put(ofDay / 1_000_000 % 60, digits: 2, at: clockStart + 6)
        put(ofDay % 1_000_000, digits: 6, at: clockStart + 9)
        return bytes.withUnsafeBufferPointer(body)
    }

    /// The text of a moment.
    public static func text(ofMicroseconds time: Int64) -> String {
        var text = TimeText()
        return text.withBytes(ofMicroseconds: time) { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func put(_ value: Int64, digits: Int, at place: Int) {
        var rest = value
        for position in stride(from: place + digits - 1, through: place, by: -1) {
            bytes[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
