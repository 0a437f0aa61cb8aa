import Formats
import Foundation
import Testing
import Transactions

@Suite struct CSVTests {
    private let header = "id,time,amount,currency,source"

    @Test func aPlainRowTakesTheDefaults() throws {
        let loading = try Loading("\(header)\nA-1,2024-05-31T10:00:00Z,12.5,GBP,gateway\n")
        var expected = Record(
            id: RecordID(reference: "A-1")!, timeMicroseconds: 1_717_149_600_000_000, amountMinorUnits: 1250,
            currency: .gbp, source: 0)
        expected.source = UInt16(loading.code(.source, "gateway")!)
        #expect(loading.records == [expected])
        #expect(loading.rows == [2])
        #expect(loading.rejects.isEmpty)
    }

    @Test(arguments: [1, 2, 3, 7, 64, 1 << 18])
    func piecesMayEndAnywhere(pieceByteCount: Int) throws {
        let text =
            "\u{FEFF}\"id\",time,amount,currency,source,payee\r\n"
            + "\"A,\"\"1\"\"\",2024-05-31,1,GBP,g,\"two\r\nlines\"\r\n\r\n"
            + "  \nA2,2024-05-31,2,GBP,g,\"\"\"\"\"\"\nA3,2024-05-31,3,GBP,g,Phở"
        let loading = try Loading(text, pieceByteCount: pieceByteCount)
        #expect(loading.records.map(\.id.description) == ["A,\"1\"", "A2", "A3"])
        #expect(loading.rows == [2, 6, 7])
        #expect(loading.rejects.isEmpty)
        #expect(loading.blankLineCount == 2)
        #expect(
            loading.records.map(\.payee) == [
                loading.code(.payee, "two\r\nlines"), loading.code(.payee, "\"\""), loading.code(.payee, "Phở"),
            ])
    }

    @Test func brokenRowsAreNamedAndTheRestGoesOn() throws {
        let text = """
            \(header)
            A1,2024-05-31,1,GBP,g
            A2,2024-05-31,1,GBP
            A3,2024-05-31,1,GBP,g,more
            ,,,,
            A"4,2024-05-31,1,GBP,g
            "A5"x,2024-05-31,1,GBP,g
            "A6,2024-05-31,1,GBP,g
            A7,2024-05-31,1,GBP,g
            """
        let loading = try Loading(text)
        #expect(loading.records.map(\.id.description) == ["A1", "A7"])
        #expect(loading.rows == [2, 9])
        #expect(
            loading.rejects.map(\.description) == [
                "row 3: has 4 columns, the header has 5",
                "row 4: has 6 columns, the header has 5",
                "row 5: currency: is missing",
                "row 6: a quote inside a field that does not begin with one",
                "row 7: text after a field's closing quote",
                "row 8: a quote that is never closed",
            ])
    }

    @Test func aFileCutInTheMiddleRejectsItsLastRow() throws {
        let whole = "\(header),region\nA1,2024-05-31,1,GBP,g,north\nA2,2024-05-31,1,GBP,g,\"north\"\n"
        let firstRowEnd = whole.utf8.count - "A2,2024-05-31,1,GBP,g,\"north\"\n".utf8.count
        // Without its last line break a row is whole; any cut before its last character is seen.
        for cut in (firstRowEnd + 1)..<(whole.utf8.count - 1) {
            let loading = try Loading(Array(whole.utf8.prefix(cut)))
            let isEmptyRegion = cut == whole.utf8.count - "\"north\"\n".utf8.count
            #expect(loading.records.count == (isEmptyRegion ? 2 : 1))
            #expect(loading.rejects.map(\.row) == (isEmptyRegion ? [] : [3]))
        }
    }

    @Test func badUTF8IsNamedByRowAndColumn() throws {
        var bytes = Array("\(header)\nA1,2024-05-31,1,GBP,g\nA2,2024-05-31,1,GBP,caf".utf8)
        bytes += [0xE9, 0x0A]
        bytes += Array("A3,2024-05-31,1,GBP,café\n".utf8)
        let loading = try Loading(bytes)
        #expect(loading.rows == [2, 4])
        #expect(loading.rejects.map(\.description) == ["row 3: column \"source\" is not UTF-8"])
    }

    @Test func rowsBeyondTheLimitAreLeftAside() throws {
        let long = String(repeating: "x", count: (1 << 20) + 1)
        let text = "\(header)\nA1,2024-05-31,1,GBP,\(long)\nA2,2024-05-31,1,GBP,g\n"
        for pieceByteCount in [1 << 16, 1 << 22] {
            let loading = try Loading(text, pieceByteCount: pieceByteCount)
            #expect(loading.records.map(\.id.description) == ["A2"])
            #expect(loading.rows == [3])
            #expect(loading.rejects.map(\.row) == [2])
            #expect(loading.rejects.first?.message.contains("1048576 bytes") == true)
        }
    }

    @Test func anUnclosedQuoteCostsOneLine() throws {
        var text = "\(header)\nA1,2024-05-31,1,GBP,g\n\"A2,2024-05-31,1,GBP,g\n"
        for row in 0..<60_000 { text += "B\(row),2024-05-31,1,GBP,g\n" }
        let loading = try Loading(text, pieceByteCount: 1 << 16)
        #expect(loading.records.count == 60_001)
        #expect(loading.rejects.map(\.row) == [3])
        #expect(loading.rows.last == 60_003)
    }

    @Test(arguments: [
        ("", "the input has no header: it is empty"),
        ("\n \n", "the input has no header: it is empty"),
        ("id,time,amount,curency,source\n", "there is no column \"currency\", the nearest is \"curency\""),
        ("id,time,amount,currency,source,chanel\n", "\"chanel\" is no field; did you mean \"channel\"?"),
        ("id,time,amount,currency,source,id\n", "the column \"id\" comes 2 times"),
        ("4111111111111111,2024-05-31,x\n", "\"****************\""),
        ("12345678,2024-05-31,x\n", "\"********\""), ("\"id,time\n", "the header has a quote that is never closed"),
        ("\u{FEFF}", "the input has no header"),
    ])
    func wrongHeadersAreRefused(text: String, message: String) {
        let error = #expect(throws: FormatError.self) { try Loading(text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func utf16IsRefused() {
        let error = #expect(throws: FormatError.self) { try Loading([0xFF, 0xFE, 0x69, 0x00]) }
        #expect(error?.description == "the input is UTF-16; UTF-8 was expected")
    }

    @Test func aMappedColumnThatIsMissingIsNamedWithTheHeader() throws {
        let mapping = try Mapping(
            json:
                #"{"source": "s", "constants": {"currency": "GBP"}, "columns": {"id": "ref", "time": "at", "amount": "amount_gbp"}}"#
                .utf8)
        let error = #expect(throws: FormatError.self) { try Loading("ref,at,amount_gpb,other\n", .csv, mapping) }
        #expect(
            error?.description
                == "the header in line 1: there is no column \"amount_gbp\", the nearest is \"amount_gpb\"; "
                + "the columns found are \"ref\", \"at\", \"amount_gpb\", \"other\"")
    }

    @Test func aFailureIsThrownAgain() throws {
        var reader = try RowReader(.csv)
        for _ in 0..<2 {
            do {
                _ = try Array("nothing\n".utf8).withUnsafeBytes { try reader.read($0, nowMicroseconds: Loading.now) }
                Issue.record("a wrong header was taken")
            } catch {
                #expect("\(error)".contains("there is no column"))
            }
        }
    }

    /// Twelve rows with the answer worked out by hand: sums by currency and event in minor units.
    @Test func theHandWrittenSet() throws {
        let mapping = try Mapping(
            json: #"""
                {"timeZone": "Asia/Ho_Chi_Minh", "timeFormat": "dd/MM/yyyy HH:mm", "decimalSeparator": ",",
                 "thousandsSeparator": ".", "negativeAmount": "refunded", "separator": ";",
                 "columns": {"id": "Ref", "time": "When", "amount": "Amount", "currency": "Ccy", "source": "Gateway",
                             "outcome": "RC", "payer": "Account", "region": "Province"},
                 "values": {"outcome": {"00": "approved", "51": "insufficient_funds", "91": "timeout"}}}
                """#.utf8)
        let text = """
            Ref;When;Amount;Ccy;Gateway;RC;Account;Province
            T01;31/05/2024 06:59;150.000;VND;G1;00;9704001;Hà Nội
            T02;31/05/2024 07:00;1.250.000;VND;G1;00;9704001;Huế
            T03;31/05/2024 08:15;12,50;USD;G1;00;9704002;Hà Nội
            T04;31/05/2024 08:16;0,750;KWD;G2;00;;
            T05;31/05/2024 08:17;99.000;VND;G2;51;9704003;Huế
            T06;31/05/2024 08:18;10,5;VND;G2;00;9704003;Huế
            T02;31/05/2024 07:00;1.250.000;VND;G1;00;9704001;Huế
            T02;31/05/2024 07:00;1.250.001;VND;G1;00;9704001;Huế
            T03;31/05/2024 09:00;-2,50;USD;G1;00;9704002;Hà Nội
            T07;31/05/2024 09:05;20.000;VND;G2;91;9704004;Huế
            T08;30/02/2024 09:05;20.000;VND;G2;00;9704004;Huế
            T01;31/05/2024 07:01;150.000;VND;G1;00;9704001;Hà Nội
            """
        let loading = try Loading(text, .csv, mapping)
        #expect(
            loading.rejects.map(\.description) == [
                "row 7: amount: \"10,5\" must be a whole number (currency VND) (column \"Amount\")",
                "row 12: time: \"30/02/2024 09:05\" is on a date that does not exist (column \"When\")",
            ])
        let verdicts = Verdicts(loading.records)
        // 06:59 in Viet Nam is 30 May, 23:59 UTC; so T01 at 07:01 is another identity. Row 9 differs in its amount.
        #expect((verdicts.accepted.count, verdicts.duplicates, verdicts.conflicts) == (8, 1, 1))
        func sum(_ currency: Currency, _ event: Event) -> Int64 {
            verdicts.accepted
                .filter { $0.currency == currency && $0.event == event && $0.outcome == .approved }
                .reduce(0) { $0 + $1.amountMinorUnits }
        }
        #expect(sum(.vnd, .initiated) == 150_000 + 1_250_000 + 150_000)
        #expect(sum(.usd, .initiated) == 1250)
        #expect(sum(.usd, .refunded) == 250)
        #expect(sum(.kwd, .initiated) == 750)
        #expect(verdicts.accepted.count { $0.outcome == Outcome(rawValue: 0x21) } == 1)
        #expect(verdicts.accepted.count { $0.outcome == Outcome(rawValue: 0x31) } == 1)
        #expect(verdicts.accepted[0].timeMicroseconds == 1_717_113_540_000_000)
        #expect(verdicts.accepted.first { $0.currency == .kwd }?.payer == 0)
        #expect(verdicts.accepted[0].payer == loading.token(of: "9704001"))
    }
}

/// The ledger's verdicts by its rule: the first record of an identity is accepted, its equals are duplicates, others conflict.
struct Verdicts {
    private struct Identity: Hashable {
        var day: Int32
        var source: UInt16
        var kindAndEvent: UInt8
        var step: UInt8
        var id: RecordID
    }

    var accepted: [Record] = []
    var duplicates = 0
    var conflicts = 0

    init(_ records: [Record]) {
        var first: [Identity: Record] = [:]
        for record in records {
            let identity = Identity(
                day: record.utcDay, source: record.source, kindAndEvent: record.kindAndEvent, step: record.step,
                id: record.id)
            if let known = first[identity] {
                if known == record { duplicates += 1 } else { conflicts += 1 }
            } else {
                first[identity] = record
                accepted.append(record)
            }
        }
    }
}
