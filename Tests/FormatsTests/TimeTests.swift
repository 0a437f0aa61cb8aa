import Formats
import Foundation
import Testing
import Transactions

@Suite struct TimeTests {
    private func read(_ text: String, format: String? = nil, zone: String = "UTC") throws -> Result<Int64, RowReject> {
        var mapping = Mapping()
        mapping.timeFormat = format
        mapping.timeZone = zone
        mapping.separator = ";"
        let loading = try Loading("id;amount;currency;source;time\nA;1;GBP;7;\(text)\n", .csv, mapping)
        return loading.rejects.first.map { .failure($0) } ?? .success(loading.records[0].timeMicroseconds)
    }

    /// The moment that Foundation's own parser finds, in microseconds.
    private func moment(_ text: String) throws -> Int64 {
        Int64(try Date.ISO8601FormatStyle().parse(text).timeIntervalSince1970) * 1_000_000
    }

    @Test(arguments: [
        ("2024-05-31", "2024-05-31T00:00:00Z", 0), ("2024-05-31T23:59:59Z", "2024-05-31T23:59:59Z", 0),
        ("2024-05-31 23:59", "2024-05-31T23:59:00Z", 0), ("2024-02-29t01:02:03z", "2024-02-29T01:02:03Z", 0),
        ("2024-05-31T23:59:59.123456Z", "2024-05-31T23:59:59Z", 123_456),
        ("2024-05-31T23:59:59,5Z", "2024-05-31T23:59:59Z", 500_000),
        ("2024-05-31T23:59:59.1234569Z", "2024-05-31T23:59:59Z", 123_456),
        ("2024-05-31T23:59:59+07:00", "2024-05-31T16:59:59Z", 0),
        ("2024-05-31T23:59:59-0330", "2024-06-01T03:29:59Z", 0), ("2024-05-31T23:59:59+07", "2024-05-31T16:59:59Z", 0),
    ])
    func isoTimesNeedNoFormat(text: String, expected: String, microseconds: Int64) throws {
        #expect(try read(text).get() == moment(expected) + microseconds)
    }

    @Test(arguments: [
        "2011-02-30", "2011-02-30 25:00", "2023-02-29", "2024-13-01", "2024-00-10", "2024-01-00",
        "2024-05-31T25:00:00Z",
        "2024-05-31T24:00:00Z", "2024-05-31T23:60:00Z", "2024-05-31T23:59:60Z", "2024-5-31", "31/05/2024",
        "2024-05-31T",
        "2024-05-31T23", "2024-05-31T23:59:59.Z", "2024-05-31T23:59:59+25:00", "2024-05-31T23:59:59Zx", "yesterday",
        "0000-01-01", "2024-05-31  10:00",
    ])
    func impossibleTimesAreNamed(text: String) throws {
        guard case .failure(let reject) = try read(text) else {
            Issue.record("\(text) was taken")
            return
        }
        #expect(reject.field == "time")
        #expect(reject.message.hasPrefix("\"\(text)\" is "))
    }

    @Test(arguments: [
        ("yyyy-MM-dd HH:mm:ss", "2010-12-01 08:26:00", "2010-12-01T08:26:00Z"),
        ("dd/MM/yyyy HH:mm", "01/12/2010 08:26", "2010-12-01T08:26:00Z"),
        ("d.M.yy H:mm", "1.12.10 8:26", "2010-12-01T08:26:00Z"), ("d.M.yy", "1.2.99", "1999-02-01T00:00:00Z"),
        ("yyyyMMddHHmmss", "20101201082600", "2010-12-01T08:26:00Z"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2010-12-01T08:26:00+01:00", "2010-12-01T07:26:00Z"),
        ("dd-MMM-yyyy h:mm a", "01-Dec-2010 8:26 pm", "2010-12-01T20:26:00Z"),
        ("MM/dd/yyyy hh:mm a", "12/01/2010 12:26 AM", "2010-12-01T00:26:00Z"),
        ("yyyy 'o''clock' ''MM dd", "2010 o'clock '12 01", "2010-12-01T00:00:00Z"),
    ])
    func patterns(pattern: String, text: String, expected: String) throws {
        #expect(try read(text, format: pattern).get() == moment(expected))
    }

    /// The pattern is the operator's, but a text that shows no long numbers shows none.
    @Test func anErrorNamesTheFormAndMasksItsDigits() throws {
        func message(_ format: String) throws -> String? {
            guard case .failure(let reject) = try read("31/05/2024", format: format) else { return nil }
            return reject.message
        }
        #expect(try message("dd.MM.yyyy")?.hasSuffix("is not the form \"dd.MM.yyyy\"") == true)
        let masked = "is not the form \"dd.MM.************.yyyy\""
        #expect(try message("dd.MM.888888888888.yyyy")?.hasSuffix(masked) == true)
    }

    @Test func fractionsAndUnixTimes() throws {
        #expect(try read("2010-12-01 08:26:00.25", format: "yyyy-MM-dd HH:mm:ss.SSS").get() == 1_291_191_960_250_000)
        #expect(try read("1291191960", format: "unix").get() == 1_291_191_960_000_000)
        #expect(try read("1291191960.000001", format: "unix").get() == 1_291_191_960_000_001)
        #expect(try read("1291191960123", format: "unixMilliseconds").get() == 1_291_191_960_123_000)
        #expect(try read("1291191960123456", format: "unixMicroseconds").get() == 1_291_191_960_123_456)
        for (text, format) in [
            ("99999999999999999", "unix"), ("1291191960.5", "unixMilliseconds"), ("-1", "unix"), ("", "unix"),
            ("123456789012345678", "unixMicroseconds"),
        ] {
            #expect(throws: RowReject.self) { try read(text, format: format).get() }
        }
    }

    @Test(arguments: ["yyyy-MM", "yyyy-MM-dd QQ", "yyyy-MM-dd hh:mm", "dd/MM/yyyy 'x", "yyyyy-MM-dd", "yyyy-MM-dd dd"])
    func patternsThatSayTooLittleAreRefused(pattern: String) {
        let error = #expect(throws: FormatError.self) { try read("2010-12-01", format: pattern) }
        #expect(error?.description.hasPrefix("mapping: timeFormat: ") == true)
    }

    @Test func clocksPutForwardAndBack() throws {
        // Berlin: 31 March 2024 02:00 became 03:00; 27 October 2024 03:00 became 02:00.
        #expect(try read("2024-03-31 01:59:59", zone: "Europe/Berlin").get() == moment("2024-03-31T00:59:59Z"))
        #expect(try read("2024-03-31 03:00:00", zone: "Europe/Berlin").get() == moment("2024-03-31T01:00:00Z"))
        guard case .failure(let reject) = try read("2024-03-31 02:30:00", zone: "Europe/Berlin") else {
            Issue.record("a time that no clock showed was taken")
            return
        }
        #expect(
            reject.message
                == "\"2024-03-31 02:30:00\" does not exist in its time zone: the clocks were put forward over it")
        #expect(try read("2024-10-27 02:30:00", zone: "Europe/Berlin").get() == moment("2024-10-27T00:30:00Z"))
        #expect(try read("2024-10-27 03:00:00", zone: "Europe/Berlin").get() == moment("2024-10-27T02:00:00Z"))
        #expect(try read("2024-10-27 02:30:00+01:00", zone: "Europe/Berlin").get() == moment("2024-10-27T01:30:00Z"))
        // Beirut: 31 March 2024 began at 01:00, so its date begins with the first moment that there was.
        #expect(try read("2024-03-31", zone: "Asia/Beirut").get() == moment("2024-03-30T22:00:00Z"))
        // Lord Howe moves by half an hour, Kathmandu lies on a quarter.
        #expect(try read("2024-10-06 02:30", zone: "Australia/Lord_Howe").get() == moment("2024-10-05T15:30:00Z"))
        #expect(throws: RowReject.self) { try read("2024-10-06 02:29", zone: "Australia/Lord_Howe").get() }
        #expect(try read("2024-01-01 05:45", zone: "Asia/Kathmandu").get() == moment("2024-01-01T00:00:00Z"))
    }

    /// Every half hour of a year, against Foundation's calendar.
    @Test(arguments: ["America/New_York", "Asia/Ho_Chi_Minh", "Africa/Casablanca", "Pacific/Apia"])
    func aYearAgainstFoundation(zone: String) throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: zone)!
        let start = try moment("2011-01-01T00:00:00Z") / 1_000_000
        var text = "id,amount,currency,source,time\n"
        var expected: [Int64] = []
        var seen: Set<String> = []
        for step in 0..<(365 * 48) {
            let seconds = start + Int64(step) * 1800
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute], from: Date(timeIntervalSince1970: TimeInterval(seconds)))
            let local = String(
                format: "%04d-%02d-%02d %02d:%02d", parts.year!, parts.month!, parts.day!, parts.hour!, parts.minute!)
            // The second showing of a time is not what it means.
            guard seen.insert(local).inserted else { continue }
            text += "A\(step),1,GBP,7,\(local)\n"
            expected.append(seconds * 1_000_000)
        }
        var mapping = Mapping()
        mapping.timeZone = zone
        let loading = try Loading(text, .csv, mapping)
        #expect(loading.rejects.isEmpty)
        #expect(loading.records.map(\.timeMicroseconds) == expected)
    }

    /// More days than are remembered, far apart and in turn, some of them with a change of the clocks.
    @Test func daysInAnyOrderAgainstFoundation() throws {
        let zone = TimeZone(identifier: "Europe/London")!
        let days = [0, 2048, 4096, 11_323, 11_323 + 2048, 19_813, 19_813 - 2048, 20_023]
        var text = "id,amount,currency,source,time\n"
        var expected: [Int64] = []
        for round in 0..<3 {
            for (number, day) in days.enumerated() {
                let local = Date(timeIntervalSince1970: TimeInterval(day * 86_400 + 12 * 3600))
                text += "A\(round)-\(number),1,GBP,7,\(local.ISO8601Format().dropLast())\n"
                let offset = zone.secondsFromGMT(for: local)
                expected.append((Int64(local.timeIntervalSince1970) - Int64(offset)) * 1_000_000)
            }
        }
        var mapping = Mapping()
        mapping.timeZone = zone.identifier
        let loading = try Loading(text, .csv, mapping)
        #expect(loading.rejects.isEmpty)
        #expect(loading.records.map(\.timeMicroseconds) == expected)
    }

    /// Liberia put its clocks forward by 44 minutes and 30 seconds in 1972.
    @Test(arguments: [["00:40:00", "00:44:40"], ["00:44:40", "00:40:00"], ["00:44:29", "00:44:30"]])
    func aChangeInsideAQuarterOfAnHourDoesNotDependOnTheOrder(times: [String]) throws {
        var mapping = Mapping()
        mapping.timeZone = "Africa/Monrovia"
        let rows = times.map { "\($0),1,GBP,7,1972-01-07 \($0)\n" }.joined()
        let loading = try Loading("id,amount,currency,source,time\n" + rows, .csv, mapping)
        #expect(loading.records.map(\.id.description) == times.filter { $0 >= "00:44:30" })
        #expect(loading.rejects.count == times.count { $0 < "00:44:30" })
    }
}
