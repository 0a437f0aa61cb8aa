import Formats
import Testing
import Transactions

@testable import Reference

@Suite struct ReferenceImportTests {
    private func rows(
        _ kind: ReferenceKind, _ text: String, name: String? = nil, code: String? = nil, from: String? = nil
    ) throws -> ReferenceImport {
        let table = try CSVTable(Array(text.utf8))
        return ReferenceImport(
            table, try ReferenceColumns(kind, header: table.header, name: name, code: code), from: from.map(day))
    }

    @Test func theSameFileAgainSaysNothing() throws {
        let text = "name,bin,from\nABBANK,970425,\nACB,,\nACB,970416,2020-01-01\n"
        let rows = try rows(.institution, text)
        #expect(rows.rejects == [] && rows.rowCount == 3)
        #expect(rows.definitions == [NameDefinition(.institution, "ABBANK"), NameDefinition(.institution, "ACB")])
        let codes: [Name: UInt32] = [Name(.institution, "ABBANK"): 0x8000, Name(.institution, "ACB"): 0x8001]
        var book = ReferenceBook()
        let statements = rows.statements(codes: codes, beyond: book, momentMicroseconds: 5)
        #expect(
            statements.map(\.text) == [
                "institution\t32768\tbin\t970425\t\t5", "institution\t32769\tbin\t970416\t2020-01-01\t5",
            ])
        statements.forEach { book.add($0) }
        #expect(rows.statements(codes: codes, beyond: book, momentMicroseconds: 6) == [])
        // Back to what it was: the moment makes it another statement.
        let changed = try self.rows(.institution, "name,bin\nABBANK,1\n")
        changed.statements(codes: codes, beyond: book, momentMicroseconds: 7).forEach { book.add($0) }
        let again = rows.statements(codes: codes, beyond: book, momentMicroseconds: 8)
        #expect(again.map(\.text) == ["institution\t32768\tbin\t970425\t\t8"])
    }

    @Test func wrongRowsAreAllNamed() throws {
        let text = """
            code,name,area,from
            1,Hà Nội,north,
            x,Huế,centre,
            2,,centre,
            3,Đà Nẵng,centre,2025-13-01
            1,Cần Thơ,south,
            4,Hà Nội,north,2026-01-01
            5,Vinh
            6,Vũng Tàu,"so
            uth",
            40000,Sa Pa,north,
            7,Đồng Tháp,south,
            7,Đồng Tháp,south,

            """
        let rows = try rows(.region, text, code: "code")
        #expect(
            rows.rejects.map { "\($0)" } == [
                "row 3: code: 'x' is no own code of a region; expected a number from 1 to 32767",
                "row 4: name: is empty",
                "row 5: from: '2025-13-01' is no date yyyy-MM-dd",
                "row 6: code: 1 is 'Hà Nội' in row 2; it can be 'Cần Thơ' from a day on, which the row does not name",
                "row 7: code: 'Hà Nội' has the code 1 in row 2",
                "row 8: has 2 columns, the header has 4",
                "row 9: area: has a line break or another control character",
                "row 11: code: '40000' is no own code of a region; expected a number from 1 to 32767",
                "row 13: is about the same region as row 12",
            ])
    }

    @Test func ownCodesAreHeldAgainstTheLedger() throws {
        var rows = try rows(.region, "name,n\nHà Nội,1\nHuế,2\nVinh,3\n", code: "n")
        #expect(rows.ownCodes == [1, 2, 3])
        rows.check(
            codes: [Name(.region, "Hà Nội"): 0x8000, Name(.region, "Vinh"): 3], holders: [2: "Đà Nẵng", 3: "Vinh"])
        #expect(
            rows.rejects.map { "\($0)" } == [
                "row 2: n: 'Hà Nội' has the code 32768 already and cannot have 1",
                "row 3: n: 2 is 'Đà Nẵng' already; it can be 'Huế' from a day on, which the row does not name",
            ])
    }

    /// Codes keep the names by which records find them; what they are called from a day on is an attribute.
    @Test func aCodeIsCalledOtherwiseFromADayOn() throws {
        var rows = try rows(
            .region, "n,name,from\n4,Cao Bằng,\n4,Tỉnh Cao Bằng,2025-07-01\n8,Tỉnh Tuyên Quang,2025-07-01\n", code: "n")
        rows.check(codes: [Name(.region, "Tỉnh Tuyên Quang"): 0x8000], holders: [8: "Tuyên Quang"])
        #expect(rows.rejects == [])
        #expect(rows.definitions == [NameDefinition(.region, "Cao Bằng", code: 4)])
        let statements = rows.statements(
            codes: [Name(.region, "Cao Bằng"): 4], beyond: ReferenceBook(), momentMicroseconds: 5)
        #expect(
            statements.map(\.text) == [
                "region\t4\tname\tTỉnh Cao Bằng\t2025-07-01\t5", "region\t8\tname\tTỉnh Tuyên Quang\t2025-07-01\t5",
            ])
        var book = ReferenceBook()
        book.addNames([4: "Cao Bằng", 5: "Lai Châu"], of: .region)
        statements.forEach { book.add($0) }
        let path = AttributePath(.region, ["name"])
        #expect(path.namedKinds == [.region])
        #expect(book.values(at: path, on: day("2025-06-30"), codes: [:]) == [4: "Cao Bằng", 5: "Lai Châu"])
        #expect(
            book.values(at: path, on: day("2025-07-01"), codes: [:])
                == [4: "Tỉnh Cao Bằng", 5: "Lai Châu", 8: "Tỉnh Tuyên Quang"])
    }

    @Test func headersAreChecked() {
        func fault(_ kind: ReferenceKind, _ header: String, name: String? = nil, code: String? = nil) -> String? {
            do {
                _ = try rows(kind, header + "\n", name: name, code: code)
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(fault(.region, "nam,area") == "there is no column 'name'; did you mean \"nam\"?; there are nam, area")
        #expect(fault(.region, "name,full name")?.contains("'full name' is no name for an attribute") == true)
        #expect(fault(.region, "name,name") == "line 1: the header has 'name' twice")
        #expect(fault(.channel, "name,code", code: "code")?.contains("are fixed") == true)
        #expect(fault(.offering, "agency,service") != nil)
        #expect(fault(.offering, "agency,service,level") == nil)
        #expect(fault(.region, "code,area", code: "code") == nil)
        #expect(fault(.region, "") == "the input has no header: it is empty")
    }

    @Test func offeringsEndAndGoOn() throws {
        let text = """
            agency,service,region,level,from,to
            A,S,R,3,2024-01-01,2024-12-31
            A,S,R,4,2025-01-01,
            A,T,,full,2025-01-01,2025-06-30
            A,U,R,5,2025-01-01,
            A,V,R,4,2025-02-01,2025-01-01
            A,T,,partial,2025-06-30,

            """
        var rows = try rows(.offering, text)
        #expect(
            rows.rejects.map { "\($0)" } == [
                "row 5: level: '5' is no level; expected 1, 2, 3, 4, partial, full",
                "row 6: to: is before the first day, 2025-02-01",
                "row 7: is about the same offering as row 4",
            ])
        rows = try self.rows(.offering, text.split(separator: "\n")[..<4].joined(separator: "\n"))
        let codes: [Name: UInt32] = [
            Name(.payee, "A"): 1, Name(.service, "S"): 2, Name(.service, "T"): 3, Name(.region, "R"): 4,
        ]
        #expect(Set(rows.names) == Set(codes.keys))
        var book = ReferenceBook()
        let statements = rows.statements(codes: codes, beyond: book, momentMicroseconds: 5)
        #expect(
            statements.map(\.text) == [
                "offering\t1/2/4\tlevel\t3\t2024-01-01\t5", "offering\t1/2/4\tlevel\t4\t2025-01-01\t5",
                "offering\t1/3/0\tlevel\tfull\t2025-01-01\t5", "offering\t1/3/0\tlevel\t\t2025-07-01\t5",
            ])
        statements.forEach { book.add($0) }
        #expect(rows.statements(codes: codes, beyond: book, momentMicroseconds: 6) == [])
        #expect(book.offerings(on: day("2025-06-30")).map(\.level.number) == [4, 4])
        #expect(book.offerings(on: day("2025-07-01")).map(\.service) == [2])
    }
}
