import Testing
import Transactions

@Suite struct VocabularyTests {
    @Test func namesAreReadAgain() {
        for kind in Kind.allCases { #expect(Kind(name: kind.name) == kind) }
        for event in Event.allCases { #expect(Event(name: event.name) == event) }
        for code in UInt8(0x10)...0x5F { #expect(Outcome(name: Outcome(rawValue: code).name)?.rawValue == code) }
        for code in UInt8(0)...127 { #expect(Channel(name: Channel(rawValue: code).name)?.rawValue == code) }
        #expect(Set((0x10...0x5F).map { Outcome(rawValue: $0).name }).count == 80)
        #expect(Event.chargedBack.name == "charged_back")
        #expect(Outcome(name: "business_decline_16") == nil)
        #expect(Outcome(name: "nonsense_1") == nil)
        #expect(Channel(name: "channel_128") == nil)
        #expect(Kind(name: "Payment") == nil)
    }

    @Test func outcomesBelongToClasses() {
        #expect(Outcome.approved.outcomeClass == .approved)
        #expect(Outcome(name: "insufficient_funds")?.outcomeClass == .businessDecline)
        #expect(Outcome(name: "timeout")?.outcomeClass == .technicalDecline)
        #expect(Outcome(name: "received")?.outcomeClass == .pending)
        #expect(Outcome(name: "withdrawn")?.outcomeClass == .abandoned)
        #expect(Outcome(rawValue: 0x0F).outcomeClass == nil)
    }

    @Test func currenciesByEitherCode() {
        for (code, number, digits) in [
            ("VND", 704, 0), ("GBP", 826, 2), ("KWD", 414, 3), ("CLF", 990, 4), ("ALL", 8, 2),
        ] {
            let currency = Currency(code: code)
            #expect(currency?.rawValue == UInt16(number))
            #expect(currency?.minorUnitDigits == digits)
            #expect(currency?.code == code)
            #expect(Currency(code: String(repeating: "0", count: 3 - "\(number)".count) + "\(number)") == currency)
        }
        for code in ["", "gbp", "GB", "GBPX", "8", "0826", "000", "ZZZ"] {
            #expect(Currency(code: code) == nil, "\(code)")
        }
        #expect(!Currency(rawValue: 1).isKnown && !Currency(rawValue: 1000).isKnown)
        #expect(Currency(rawValue: 1).code == "1")
    }

    @Test func decimalsAreExact() {
        #expect(Currency.gbp.decimal(minorUnits: 5_839_763) == "58397.63")
        #expect(Currency.gbp.decimal(minorUnits: 5) == "0.05")
        #expect(Currency.gbp.decimal(minorUnits: -5) == "-0.05")
        #expect(Currency.vnd.decimal(minorUnits: 0) == "0")
        #expect(Currency.kwd.decimal(minorUnits: 1000) == "1.000")
        #expect(decimalText(.max, fractionDigits: 2) == "1701411834604692317316873037158841057.27")
        #expect(decimalText(.min, fractionDigits: 4) == "-17014118346046923173168730371588410.5728")
    }

    @Test func spacesHalveTheirCodes() {
        #expect(NameSpace.source.firstGivenCode == 0x8000)
        #expect(NameSpace.payee.firstGivenCode == 0x8000_0000)
        for space in NameSpace.allCases { #expect(NameSpace(name: space.name) == space) }
        for space in NameSpace.ofRecords {
            #expect(space.firstGivenCode == space.largestCode / 2 + 1)
        }
    }

    @Test func fieldsHaveTheirNames() {
        #expect(Field.payerInstitution.name == "payer_institution")
        #expect(Field.payeeInstitution.name == "payee_institution")
        #expect(Set(Field.allCases.map(\.name)).count == 18)
    }
}

@Suite struct CalendarDayTests {
    @Test func everyDayOfFourCenturiesFollowsTheLast() throws {
        var expected = try #require(CalendarDay(year: 1800, month: 1, day: 1)).daysSince1970
        #expect(expected == -62_091)
        for year in 1800..<2200 {
            for month in 1...12 {
                for day in 1...CalendarDay.dayCount(year: year, month: month) {
                    let date = try #require(CalendarDay(year: year, month: month, day: day))
                    #expect(date.daysSince1970 == expected)
                    let parts = date.components
                    #expect(parts == (year, month, day))
                    expected += 1
                }
            }
        }
        #expect(expected - -62_091 == 146_097)
    }

    @Test func textIsReadAgain() {
        for day in stride(from: Int32(-719_162), to: 2_932_896, by: 9973) {
            let date = CalendarDay(daysSince1970: day)
            #expect(CalendarDay(date.description) == date)
        }
        #expect(CalendarDay(daysSince1970: 0).description == "1970-01-01")
        #expect(CalendarDay("2024-02-29")?.daysSince1970 == 19_782)
    }

    @Test(arguments: [
        "2023-02-29", "1900-02-29", "2011-02-30", "2024-13-01", "2024-00-01", "2024-01-00", "2024-04-31", "0000-01-01",
        "2024-1-01", "24-01-01", "2024-01-01 ", "2024/01/01", "", "2024-01", "2024-01-01-01", "+024-01-01",
    ])
    func impossibleDatesAreNil(text: String) {
        #expect(CalendarDay(text) == nil)
    }

    @Test func earlierIsSmaller() {
        #expect(CalendarDay("1969-12-31")! < CalendarDay("1970-01-01")!)
        #expect(floorDivision(-1, 86_400) == -1)
        #expect(floorDivision(-86_400, 86_400) == -1)
        #expect(floorDivision(86_399, 86_400) == 0)
    }
}
