import Chance
import Foundation
import Testing
import Transactions

@Suite struct BusinessCalendarTests {
    private static let zones = [
        "UTC", "Europe/London", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Ho_Chi_Minh",
        "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia",
    ]

    @Test(arguments: zones)
    func agreesWithFoundationAtRandomMoments(zone: String) throws {
        var calendar = BusinessCalendar(timeZone: try #require(TimeZone(identifier: zone)))
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let time = Int64.random(in: 0..<4_100_000_000_000_000, using: &generator)
            expectAgreement(&calendar, time)
        }
    }

    @Test(arguments: zones)
    func agreesWithFoundationAroundEveryChange(zone: String) throws {
        let timeZone = try #require(TimeZone(identifier: zone))
        var calendar = BusinessCalendar(timeZone: timeZone)
        var moment = Date(timeIntervalSince1970: 0)
        while let change = timeZone.nextDaylightSavingTimeTransition(after: moment), change.timeIntervalSince1970 < 2e9
        {
            let micros = Int64(change.timeIntervalSince1970) * 1_000_000
            for delta: Int64 in [-3_600_000_000, -1, 0, 1, 1_800_000_000, 3_600_000_000] {
                expectAgreement(&calendar, micros + delta)
            }
            moment = change
        }
    }

    @Test func oneCalendarKeepsItsPlaceWhenTimesJump() throws {
        let timeZone = try #require(TimeZone(identifier: "Australia/Lord_Howe"))
        var calendar = BusinessCalendar(timeZone: timeZone, cutoverMinutes: 23 * 60)
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let time = 1_791_000_000_000_000 + Int64.random(in: -400_000_000_000...400_000_000_000, using: &generator)
            var fresh = BusinessCalendar(timeZone: timeZone, cutoverMinutes: 23 * 60)
            let (expected, actual) = (fresh.dayAndHour(ofMicroseconds: time), calendar.dayAndHour(ofMicroseconds: time))
            #expect(expected == actual)
        }
    }

    // Clocks in London go from 01:00 to 02:00 on 2026-03-29 and from 02:00 to 01:00 on 2026-10-25, both at 01:00 UTC.
    @Test func londonSpringAndAutumn() throws {
        let zone = try #require(TimeZone(identifier: "Europe/London"))
        expect(zone, 0, "2026-03-29T00:59:59Z", day: "2026-03-29", hour: 0)
        expect(zone, 0, "2026-03-29T01:00:00Z", day: "2026-03-29", hour: 2)
        expect(zone, 0, "2026-10-24T23:00:00Z", day: "2026-10-25", hour: 0)
        expect(zone, 0, "2026-10-25T00:59:59Z", day: "2026-10-25", hour: 1)
        expect(zone, 0, "2026-10-25T01:00:00Z", day: "2026-10-25", hour: 1)
        expect(zone, 0, "2026-10-25T23:59:59Z", day: "2026-10-25", hour: 23)
    }

    // Lord Howe moves by half an hour: on 2026-04-05 from +11:00 to +10:30, at 15:00 UTC of the day before.
    @Test func lordHoweHalfHour() throws {
        let zone = try #require(TimeZone(identifier: "Australia/Lord_Howe"))
        expect(zone, 0, "2026-04-04T14:59:59Z", day: "2026-04-05", hour: 1)
        expect(zone, 0, "2026-04-04T15:00:00Z", day: "2026-04-05", hour: 1)
        expect(zone, 0, "2026-04-04T15:30:00Z", day: "2026-04-05", hour: 2)
        expect(zone, 0, "2026-04-05T13:29:59Z", day: "2026-04-05", hour: 23)
        expect(zone, 0, "2026-04-05T13:30:00Z", day: "2026-04-06", hour: 0)
    }

    @Test func cutoverMovesTheEveningToTheNextDay() throws {
        let zone = try #require(TimeZone(identifier: "Asia/Ho_Chi_Minh"))
        expect(zone, 23 * 60, "2026-07-01T15:59:59Z", day: "2026-07-01", hour: 22)
        expect(zone, 23 * 60, "2026-07-01T16:00:00Z", day: "2026-07-02", hour: 23)
        expect(zone, 23 * 60, "2026-07-01T17:00:00Z", day: "2026-07-02", hour: 0)
        expect(zone, 0, "2026-07-01T16:00:00Z", day: "2026-07-01", hour: 23)
    }

    @Test(arguments: [0, 90, 23 * 60, 1439])
    func anHourHasOneDayAndOneHourOfTheClock(cutoverMinutes: Int) throws {
        for zone in ["Australia/Lord_Howe", "America/St_Johns", "Asia/Ho_Chi_Minh", "Asia/Kathmandu"] {
            let timeZone = try #require(TimeZone(identifier: zone))
            var calendar = BusinessCalendar(timeZone: timeZone, cutoverMinutes: cutoverMinutes)
            var time: Int64 = 1_773_000_000_123_456
            while time < 1_779_000_000_000_000 {
                let hour = calendar.span(containingMicroseconds: time).hour(aroundMicroseconds: time)
                let expected = calendar.dayAndHour(ofMicroseconds: time)
                #expect(hour.contains(time))
                #expect(calendar.dayAndHour(ofMicroseconds: hour.lowerBound) == expected)
                #expect(calendar.dayAndHour(ofMicroseconds: hour.upperBound - 1) == expected)
                let (before, after) = (hour.lowerBound - 1, hour.upperBound)
                let changes = [before, after].map { moment in
                    calendar.dayAndHour(ofMicroseconds: moment) != expected
                        || calendar.span(containingMicroseconds: moment).startSeconds
                            != calendar.span(containingMicroseconds: time).startSeconds
                }
                #expect(changes == [true, true])
                time = hour.upperBound + 1_234_567
            }
        }
    }

    @Test func momentsBeyondTheListedOnes() {
        var calendar = BusinessCalendar.utc
        #expect(calendar.dayAndHour(ofMicroseconds: -1) == (CalendarDay(daysSince1970: -1), 23))
        #expect(calendar.dayAndHour(ofMicroseconds: .max) == (CalendarDay(daysSince1970: 106_751_991), 4))
        for time in [Int64.min, .max] {
            let hour = calendar.span(containingMicroseconds: time).hour(aroundMicroseconds: time)
            #expect(hour.isEmpty || hour.contains(time))
        }
        #expect(calendar.dayAndHour(ofMicroseconds: .min) == (CalendarDay(daysSince1970: -106_751_992), 19))
    }

    private func expect(_ zone: TimeZone, _ cutover: Int, _ text: String, day: String, hour: UInt8) {
        var calendar = BusinessCalendar(timeZone: zone, cutoverMinutes: cutover)
        let moment = ISO8601DateFormatter().date(from: text)!
        let (actualDay, actualHour) = calendar.dayAndHour(
            ofMicroseconds: Int64(moment.timeIntervalSince1970) * 1_000_000)
        #expect(actualDay.description == day, "\(text) in \(zone.identifier)")
        #expect(actualHour == hour, "\(text) in \(zone.identifier)")
    }

    private func expectAgreement(_ calendar: inout BusinessCalendar, _ time: Int64) {
        let (day, hour) = calendar.dayAndHour(ofMicroseconds: time)
        var gregorian = Calendar(identifier: .gregorian)
        gregorian.timeZone = calendar.timeZone
        let moment = Date(timeIntervalSince1970: TimeInterval(floorDivision(time, 1_000_000)))
        let parts = gregorian.dateComponents([.year, .month, .day, .hour], from: moment)
        #expect(
            day == CalendarDay(year: parts.year!, month: parts.month!, day: parts.day!),
            "\(calendar.timeZone.identifier) \(time)")
        #expect(Int(hour) == parts.hour, "\(calendar.timeZone.identifier) \(time)")
    }
}
