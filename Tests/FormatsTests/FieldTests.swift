import Formats
import Foundation
import Testing
import Transactions

@Suite struct FieldTests {
    /// Reads one value of one field in an otherwise good row.
    private func read(
        _ field: String, _ value: String, _ change: (inout Mapping) -> Void = { _ in }
    ) throws -> Result<Record, RowReject> {
        var mapping = Mapping()
        change(&mapping)
        var row = ["id": "A", "time": "2024-05-31", "amount": "1", "currency": "GBP", "source": "7"]
        row[field] = value
        let keys = row.keys.sorted()
        let line = keys.map { "\"" + row[$0]!.replacingOccurrences(of: "\"", with: "\"\"") + "\"" }.joined(
            separator: ",")
        let loading = try Loading("\(keys.joined(separator: ","))\n\(line)\n", .csv, mapping)
        #expect(loading.records.count + loading.rejects.count == 1)
        return loading.rejects.first.map { .failure($0) } ?? .success(loading.records[0])
    }

    private func amount(_ text: String, _ change: (inout Mapping) -> Void = { _ in }) throws -> Int64? {
        try? read("amount", text, change).get().amountMinorUnits
    }

    private func fault(
        _ field: String, _ value: String, _ change: (inout Mapping) -> Void = { _ in }
    ) throws -> String? {
        if case .failure(let reject) = try read(field, value, change) { return reject.message }
        return nil
    }

    @Test func amountsAreExact() throws {
        #expect(try amount("58397.63") == 5_839_763)
        #expect(try amount("0") == 0)
        #expect(try amount("-0.00") == 0)
        #expect(try amount("+7") == 700)
        #expect(try amount(" 7.1 ") == 710)
        #expect(try amount(".5") == 50)
        #expect(try amount("5.") == 500)
        #expect(try amount("1.5000000000000000000000000") == 150)
        #expect(try amount("92233720368547758.07") == .max)
        #expect(try amount("000000000000000000000000001") == 100)
    }

    @Test(arguments: [
        ("12.345", "\"12.345\" has more than 2 decimals (currency GBP)"),
        ("92233720368547758.08", "is beyond 64 bits (currency GBP)"),
        ("99999999999999999999999", "is beyond 64 bits (currency GBP)"),
        ("1e3", "\"1e3\" is not a decimal number (currency GBP)"),
        ("(12.00)", "is not a decimal number"), ("1,000", "is not a decimal number"), ("£5", "is not a decimal number"),
        ("--5", "is not a decimal number"), (".", "is not a decimal number"), ("-", "is not a decimal number"),
        ("NaN", "is not a decimal number"), ("1.2.3", "is not a decimal number"), ("0x10", "is not a decimal number"),
        ("-5", "\"-5\" is negative"), ("", "is missing"),
    ])
    func badAmountsAreNamed(text: String, message: String) throws {
        let found = try fault("amount", text)
        #expect(found?.contains(message) == true, "\(found ?? "no fault")")
    }

    @Test func separatorsAreTheMappingsOwn() throws {
        func european(_ mapping: inout Mapping) {
            mapping.decimalSeparator = ","
            mapping.thousandsSeparator = "."
        }
        #expect(try amount("1.234.567,89", european) == 123_456_789)
        #expect(try amount("1234567,89", european) == 123_456_789)
        #expect(try fault("amount", "12.5", european)?.contains("thousands separators in wrong places") == true)
        #expect(try fault("amount", "1.23.456", european) == nil)
        #expect(try fault("amount", "1234.567", european)?.contains("wrong places") == true)
        #expect(try fault("amount", "1..234", european)?.contains("wrong places") == true)
        #expect(try amount("1\u{A0}234", { $0.thousandsSeparator = "\u{A0}" }) == 123_400)
        #expect(try amount("1234", { $0.amountUnit = .minor }) == 1234)
        #expect(try amount("1234.00", { $0.amountUnit = .minor }) == 1234)
        #expect(try fault("amount", "1234.5", { $0.amountUnit = .minor })?.contains("must be a whole number") == true)
    }

    @Test func negativeAmountsMayBeAnEvent() throws {
        let record = try read("amount", "-12.50") { $0.negativeAmount = .event(.refunded) }.get()
        #expect(record.amountMinorUnits == 1250)
        #expect(record.event == .refunded)
        #expect(
            try fault("amount", "-92233720368547758.08", { $0.negativeAmount = .event(.refunded) })?
                .contains("beyond 64 bits") == true)
    }

    @Test func digitsFollowTheCurrency() throws {
        let text = "id,time,amount,currency,source\n"
        let loading = try Loading(
            text + "A,2024-05-31,5,VND,7\nB,2024-05-31,5.123,KWD,7\nC,2024-05-31,5,704,7\nD,2024-05-31,5,36,7\n"
                + "E,2024-05-31,5,gbp,7\nF,2024-05-31,5,ABC,7\nG,2024-05-31,5.5,VND,7\nH,2024-05-31,5,000,7\n")
        #expect(loading.records.map(\.amountMinorUnits) == [5, 5123, 5, 500, 500])
        #expect(loading.records.map(\.currency.code) == ["VND", "KWD", "VND", "AUD", "GBP"])
        #expect(loading.rejects.map(\.row) == [7, 8, 9])
        #expect(loading.rejects[0].message.contains("\"ABC\" is no ISO 4217 currency"))
        #expect(loading.rejects[1].message.contains("must be a whole number (currency VND)"))
    }

    @Test func vocabulariesAndNumbers() throws {
        #expect(try read("kind", "request").get().kind == .request)
        #expect(try read("event", "charged_back").get().event == .chargedBack)
        #expect(try read("outcome", "business_decline_15").get().outcome.rawValue == 0x2F)
        #expect(try read("channel", "channel_127").get().channel == .largest)
        #expect(try read("step", "15").get().step == 15)
        #expect(try read("overdue", "yes").get().isOverdue)
        #expect(try read("test", "TRUE").get().isTest)
        #expect(try read("test", "0").get().flags == 0)
        #expect(try fault("step", "16")?.contains("expected a number from 0 to 15") == true)
        #expect(try fault("test", "maybe") == "\"maybe\" is neither true nor false")
        #expect(
            try fault("kind", "paiment")?.hasPrefix("\"paiment\" is no known kind; expected one of payment") == true)
        #expect(try fault("source", "0") == "is missing")
        #expect(try fault("region", "65536")?.contains("beyond the largest code") == true)
        #expect(try fault("payee", String(repeating: "é", count: 128))?.contains("longer than 255 bytes") == true)
    }

    @Test func contradictionsAreNamed() throws {
        let loading = try Loading(
            "id,time,amount,currency,source,event,outcome\nA,2024-05-31,5,VND,7,resolved,pending\n")
        #expect(loading.rejects.map(\.description) == ["row 2: outcome: contradicts another field"])
    }

    @Test func durations() throws {
        #expect(try read("duration", "2147483647").get().duration.rawValue == 2_147_483_647)
        #expect(try read("duration", "2147483648").get().duration.milliseconds == 2_147_483_000)
        #expect(try read("duration", "5s").get().duration.rawValue == 1 << 31 | 5)
        #expect(try read("duration", "1.25") { $0.durationUnit = .seconds }.get().duration.rawValue == 1250)
        #expect(try read("duration", "").get().duration == .unknown)
        #expect(try fault("duration", "-1") == "\"-1\" is negative")
        #expect(try fault("duration", "9999999999999")?.contains("longer than 68 years") == true)
        #expect(try fault("duration", "2147483647s")?.contains("is no number of seconds") == true)
    }

    @Test func referencesOfAnyLength() throws {
        #expect(try read("id", "0190163d-8694-739B-aea5-966c26f8ad90").get().id.isUUID)
        #expect(try read("id", " A ").get().id.description == " A ")
        let long = (1...40).map { String(repeating: "R", count: 60 + $0) }
        for reference in long {
            let id = try read("id", reference).get().id
            #expect(id == RecordID(reference: reference))
            #expect(try read("id", id.description).get().id == id)
        }
    }

    @Test func timesMoreThanADayAheadAreRejected() throws {
        #expect(try fault("time", "2026-01-02T00:00:00Z") == nil)
        #expect(try fault("time", "2026-01-02T00:00:00.000001Z") == "is more than a day ahead of the clock")
        #expect(try fault("time", "1969-12-31T23:59:59Z") == "is out of range")
    }
}
