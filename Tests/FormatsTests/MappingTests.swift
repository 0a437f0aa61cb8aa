import Formats
import Testing
import Transactions

@Suite struct MappingTests {
    @Test func everyKeyIsRead() throws {
        let mapping = try Mapping(
            json: #"""
                {"source": "pos", "timeZone": "Asia/Ho_Chi_Minh", "timeFormat": "dd/MM/yyyy HH:mm",
                 "decimalSeparator": ",", "thousandsSeparator": ".", "amountUnit": "minor", "durationUnit": "seconds",
                 "negativeAmount": "reversed", "separator": ";", "constants": {"currency": "VND", "test": true, "step": 2},
                 "columns": {"id": "Ref", "time": "At", "amount": "Amt"}, "values": {"outcome": {"00": "approved"}},
                 "codes": ["service"], "personalPayee": {"column": "type", "values": ["P", 1]}}
                """#.utf8)
        var expected = Mapping()
        expected.timeZone = "Asia/Ho_Chi_Minh"
        expected.timeFormat = "dd/MM/yyyy HH:mm"
        expected.decimalSeparator = ","
        expected.thousandsSeparator = "."
        expected.amountUnit = .minor
        expected.durationUnit = .seconds
        expected.negativeAmount = .event(.reversed)
        expected.separator = ";"
        expected.constants = [.source: "pos", .currency: "VND", .test: "true", .step: "2"]
        expected.columns = [.id: "Ref", .time: "At", .amount: "Amt"]
        expected.values = [.outcome: ["00": "approved"]]
        expected.codes = [.service]
        expected.personalPayee = .column("type", values: ["P", "1"])
        #expect(mapping == expected)
        #expect(try Mapping(json: "{}".utf8) == Mapping())
    }

    @Test(arguments: [
        ("[]", "mapping: the mapping: expected an object, found an array"),
        ("{", "mapping: line 1, column 2: expected a string"),
        ("{\n \"source\": \"a\",\n \"source\": \"b\"}", "mapping: line 3, column 10: the key \"source\" comes twice"),
        (#"{"timezone": "UTC"}"#, "\"timezone\" is no known key; did you mean \"timeZone\"?"),
        (#"{"source": 7}"#, "mapping: source: expected a string, found the number 7"),
        (#"{"timeZone": "Europe/Berlim"}"#, "did you mean \"Europe/Berlin\"?"),
        (#"{"timeFormat": "QQ"}"#, "mapping: timeFormat: \"QQ\" in \"QQ\" is not understood"),
        (#"{"columns": {"amout": "a"}}"#, "mapping: columns: \"amout\" is no field; did you mean \"amount\"?"),
        (#"{"columns": {"id": 3}}"#, "mapping: columns.id: expected a string, found the number 3"),
        (#"{"columns": {"id": "a"}}"#, "the field \"time\" has neither a column nor a constant"),
        (#"{"constants": {"kind": ["x"]}}"#, "mapping: constants.kind: expected a string, a number, true or false"),
        (#"{"values": {"amount": {"a": "b"}}}"#, "the field \"amount\" takes no value map"),
        (#"{"values": {"event": {"": "b"}}}"#, "the empty value takes no map"),
        (#"{"values": {"event": "b"}}"#, "mapping: values.event: expected an object, found \"b\""),
        (#"{"negativeAmount": "refund"}"#, "mapping: negativeAmount: expected \"reject\" or an event (initiated, "),
        (#"{"amountUnit": "cents"}"#, "mapping: amountUnit: expected \"major\" or \"minor\", found \"cents\""),
        (#"{"decimalSeparator": ",", "thousandsSeparator": ","}"#, "are both \",\""),
        (#"{"decimalSeparator": ""}"#, "mapping: decimalSeparator: expected one character"),
        (#"{"decimalSeparator": "5"}"#, "one character that is no digit and no sign"),
        (#"{"separator": "é"}"#, "mapping: separator: expected one ASCII character"),
        (#"{"source": "a", "constants": {"source": "b"}}"#, "the source is given twice"),
        (#"{"personalPayee": "yes"}"#, "mapping: personalPayee: expected true, false, or an object"),
        (#"{"personalPayee": {"column": "c"}}"#, "mapping: personalPayee: expected true, false, or an object"),
        (#"{"codes": ["amount"]}"#, "mapping: codes[0]: expected a field that holds names"),
    ])
    func errorsNameTheKeyAndWhatWasExpected(json: String, message: String) {
        let error = #expect(throws: FormatError.self) { try Mapping(json: json.utf8) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func badConstantsAreRefusedBeforeAnyRow() {
        var mapping = Mapping()
        mapping.constants = [.kind: "gift"]
        let error = #expect(throws: FormatError.self) { _ = try RowReader(.ndjson, mapping: mapping) }
        #expect(error?.description.hasPrefix("mapping: constants.kind: \"gift\" is no known kind") == true)
    }

    @Test func constantsStandInForEmptyValues() throws {
        var mapping = Mapping()
        mapping.constants = [
            .source: "till", .currency: "VND", .channel: "qr", .region: "north", .time: "2024-05-31", .test: "true",
        ]
        let loading = try Loading(
            "id,amount,currency,channel,region,source\nA,1,,,,\nB,1.5,GBP,card,south,web\n", .csv, mapping)
        #expect(loading.rejects.isEmpty)
        #expect(loading.records.map(\.currency) == [.vnd, .gbp])
        #expect(loading.records.map(\.channel) == [.qr, .card])
        #expect(
            loading.records.map { UInt32($0.region) } == [
                loading.code(.region, "north"), loading.code(.region, "south"),
            ])
        #expect(
            loading.records.map { UInt32($0.source) } == [loading.code(.source, "till"), loading.code(.source, "web")])
        #expect(loading.records.allSatisfy { $0.isTest && $0.timeMicroseconds == 1_717_113_600_000_000 })
    }

    /// Dots lead into objects, and between two dots lies an empty key.
    @Test(arguments: [".", "..", "...", "a..", "..a", ".a.", "a..b..c", "......................................"])
    func keysOfDotsAreKeys(key: String) throws {
        var mapping = Mapping()
        mapping.columns = [.id: key, .time: "t", .amount: "a"]
        mapping.constants = [.currency: "VND", .source: "g"]
        let steps = key.split(separator: ".", omittingEmptySubsequences: false)
        let nested = steps.reversed().reduce("\"deep\"") { "{\"\($1)\":\($0)}" }.dropFirst().dropLast()
        let text = "{\"\(key)\":\"plain\",\"t\":\"2024-05-31\",\"a\":1}\n{\(nested),\"t\":\"2024-05-31\",\"a\":1}\n"
        let loading = try Loading(text, .ndjson, mapping)
        let expected = steps.count > 32 ? ["plain"] : ["plain", "deep"]
        #expect(loading.records.map(\.id.description) == expected, "\(loading.rejects)")
    }

    @Test func digitsAreNamesUnlessTheMappingSaysCodes() throws {
        var mapping = Mapping()
        mapping.columns = [.id: "i", .time: "t", .amount: "a", .currency: "c", .service: "s", .source: "g"]
        let text = "i,t,a,c,s,g\nA,2024-05-31,1,GBP,5411,g\n"
        let names = try Loading(text, .csv, mapping)
        #expect(names.records.map(\.service) == [names.code(.service, "5411")])
        mapping.codes = [.service]
        let codes = try Loading(text, .csv, mapping)
        #expect(codes.records.map(\.service) == [5411])
        #expect(codes.code(.service, "5411") == nil)
    }

    @Test func mappedNamesAreOneName() throws {
        var mapping = Mapping()
        mapping.values = [.region: ["UK": "United Kingdom"]]
        let text =
            "id,time,amount,currency,source,region\n"
            + "A,2024-05-31,1,GBP,g,UK\nB,2024-05-31,1,GBP,g,United Kingdom\nC,2024-05-31,1,GBP,g, UK \n"
        let loading = try Loading(text, .csv, mapping)
        #expect(Set(loading.records.map(\.region)).count == 1)
        #expect(loading.code(.region, "UK") == nil)
    }

    @Test func bothInstitutionsShareTheirNames() throws {
        let text =
            "id,time,amount,currency,source,payer_institution,payee_institution\n"
            + "A,2024-05-31,1,GBP,g,Bank A,Bank B\nB,2024-05-31,1,GBP,g,Bank B,Bank A\n"
        let loading = try Loading(text)
        #expect(loading.records[0].payerInstitution == loading.records[1].payeeInstitution)
        #expect(loading.records[0].payeeInstitution == loading.records[1].payerInstitution)
        #expect(loading.records[0].payerInstitution != loading.records[0].payeeInstitution)
        #expect(loading.codes.count == 3)
    }
}
