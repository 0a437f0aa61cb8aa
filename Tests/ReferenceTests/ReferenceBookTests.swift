import Testing
import Transactions

@testable import Reference

@Suite struct ReferenceBookTests {
    @Test func aValueStaysUntilTheNextAndWhatWasBeforeIsKept() {
        var book = ReferenceBook(
            .region,
            [
                (1, "area", "north", nil), (1, "area", "centre", "2025-07-01"), (1, "area", "south", "2025-03-01"),
                (2, "area", "south", "2025-07-01"),
            ])
        func area(_ code: UInt32, _ date: String) -> String? {
            book.value(of: "area", of: ReferenceEntry(code), .region, on: day(date))
        }
        #expect(area(1, "2025-02-28") == "north" && area(1, "2025-03-01") == "south")
        #expect(
            area(1, "2025-06-30") == "south" && area(1, "2025-07-01") == "centre" && area(1, "2040-01-01") == "centre")
        #expect(area(2, "2025-06-30") == nil && area(2, "2025-07-01") == "south" && area(3, "2025-07-01") == nil)

        // What is said later for the same day holds; an empty value ends.
        book.say(.region, [(1, "area", "east", "2025-03-01"), (1, "area", "", "2026-01-01")])
        #expect(area(1, "2025-06-30") == "east" && area(1, "2025-12-31") == "centre" && area(1, "2026-01-01") == nil)
        #expect(
            book.history(of: "area", of: ReferenceEntry(1), .region).map(\.value) == ["north", "east", "centre", ""])
    }

    @Test func statementsAreOneLineOfTextEach() throws {
        let statement = ReferenceStatement(
            .offering, ReferenceEntry(agency: 0x8000_0000, service: 7, region: 0), "level", "4",
            from: day("2025-07-01"), momentMicroseconds: 1_795_900_000_000_000)
        #expect(statement.text == "offering\t2147483648/7/0\tlevel\t4\t2025-07-01\t1795900000000000")
        #expect(ReferenceStatement(text: statement.text) == statement)
        let always = ReferenceStatement(
            .region, ReferenceEntry(1), "area", "", from: nil, momentMicroseconds: 0)
        #expect(always.text == "region\t1\tarea\t\t\t0")
        #expect(ReferenceStatement(text: always.text) == always)
        let others = [
            "", "region\t1\tarea\tsouth\t", "region\t1/2\tarea\tsouth\t\t0", "moon\t1\tarea\tsouth\t\t0",
            "region\t01\tarea\tsouth\t\t0", "region\t1\tarea\tsouth\t2025-02-30\t0", "offering\t1\tlevel\t4\t\t0",
        ]
        for text in others { #expect(ReferenceStatement(text: text) == nil, "\(text)") }
        #expect(ReferenceBook(statements: others + [always.text]).entries(of: .region) == [ReferenceEntry(1)])
    }

    @Test func pathsLeadFromEntryToEntry() throws {
        var book = ReferenceBook(
            .region,
            [
                (1, "merged_into", "Tuyên Quang", "2025-07-01"), (2, "area", "north", nil),
                (1, "area", "mountains", nil),
            ])
        book.say(.service, [(5, "agency", "Bộ Công an", nil), (6, "agency", "Sở Y tế", nil)])
        book.say(.payee, [(9, "kind", "bộ", nil)])
        let merged = AttributePath(.region, ["merged_into", "area"])
        #expect(merged.kinds == [.region])
        #expect(book.names(on: merged) == [Name(.region, "Tuyên Quang")])
        let codes: [Name: UInt32] = [Name(.region, "Tuyên Quang"): 2, Name(.payee, "Bộ Công an"): 9]
        #expect(book.values(at: merged, on: day("2025-06-30"), codes: codes) == [:])
        #expect(book.values(at: merged, on: day("2025-07-01"), codes: codes) == [1: "north"])
        #expect(book.changes(of: merged) == [day("2025-07-01")])

        // An agency is a payee; one that is not known has nothing.
        let agency = AttributePath(.service, ["agency", "kind"])
        #expect(agency.kinds == [.service, .payee])
        #expect(book.values(at: agency, on: day("2025-07-01"), codes: codes) == [5: "bộ"])
        #expect(book.fault(of: agency) == nil)
        let fault = try #require(book.fault(of: AttributePath(.region, ["merged_into", "colour"])))
        #expect(fault.kind == .region && fault.attribute == "colour" && fault.known == ["merged_into", "area", "name"])
    }

    @Test func categoriesAndClassesAreBuiltIn() throws {
        #expect(MerchantCategory.all.count == 981)
        #expect(Set(MerchantCategory.all.map(\.code)).count == 981)
        let grocer = try #require(MerchantCategory(code: "5411"))
        #expect(grocer.name == "Grocery Stores, Supermarkets" && grocer.group == "Retail outlets")
        #expect(MerchantCategory(code: "9399")?.name == "Government Services (Not Elsewhere Classified)")
        #expect(MerchantCategory(code: "0742")?.group == "Agricultural services")
        #expect(MerchantCategory(code: "0000") == nil)

        var book = ReferenceBook(.service, [(5812, "category", "Phở", "2025-07-01")])
        book.addMerchantCategories([5411: grocer, 5812: try #require(MerchantCategory(code: "5812"))])
        let path = AttributePath(.service, ["category"])
        #expect(
            book.values(at: path, on: day("2025-06-30"), codes: [:])
                == [5411: "Grocery Stores, Supermarkets", 5812: "Eating places and Restaurants"])
        #expect(book.values(at: path, on: day("2025-07-01"), codes: [:])[5812] == "Phở")
        let classes = book.values(at: AttributePath(.outcome, ["class"]), on: day("2025-07-01"), codes: [:])
        #expect(
            classes[0x10] == "approved" && classes[0x21] == "business_decline" && classes[0x31] == "technical_decline")
    }

    @Test func offeringsAreCountedAsOfADay() {
        var book = ReferenceBook()
        func say(_ entry: ReferenceEntry, _ level: String, _ from: String?) {
            book.add(
                ReferenceStatement(.offering, entry, "level", level, from: from.map(day), momentMicroseconds: 1))
        }
        // Agency 1: one service everywhere, fully; another at 3, at 4 from July on; a third that ended in May.
        say(ReferenceEntry(agency: 1, service: 10, region: 0), "full", nil)
        say(ReferenceEntry(agency: 1, service: 11, region: 5), "3", "2025-01-01")
        say(ReferenceEntry(agency: 1, service: 11, region: 5), "4", "2025-07-01")
        say(ReferenceEntry(agency: 1, service: 12, region: 5), "4", "2025-01-01")
        say(ReferenceEntry(agency: 1, service: 12, region: 5), "", "2025-06-01")
        say(ReferenceEntry(agency: 2, service: 13, region: 6), "partial", nil)
        func counts(_ date: String, _ by: [OfferingDimension], _ level: Int = 4) -> [[Int]] {
            book.countOfferings(on: day(date), by: by, level: OfferingLevel(number: level)) { $0.service == 10 }.map {
                $0.codes.map(Int.init) + [$0.offerings, $0.atLevel, $0.requested]
            }
        }
        #expect(counts("2025-05-31", [.agency]) == [[1, 3, 2, 1], [2, 1, 0, 0]])
        #expect(counts("2025-06-30", [.agency]) == [[1, 2, 1, 1], [2, 1, 0, 0]])
        #expect(counts("2025-07-01", []) == [[3, 2, 1]])
        #expect(counts("2025-07-01", [], 3) == [[3, 3, 1]])
        #expect(counts("2024-12-31", [.region, .service]) == [[0, 10, 1, 1, 1], [6, 13, 1, 0, 0]])
        #expect(
            ReferenceBook().countOfferings(on: day("2025-01-01"), by: [], level: OfferingLevel(number: 4)) { _ in
                true
            } == [OfferingCount(codes: [])])
    }
}
