import Formats
import Testing
import Transactions

@Suite struct NDJSONTests {
    private func mapping() throws -> Mapping {
        try Mapping(
            json: #"""
                {"source": "gate", "decimalSeparator": ",", "timeFormat": "unixMilliseconds",
                 "columns": {"id": "tx.id", "time": "tx.at", "amount": "tx.amount.value", "currency": "tx.amount.ccy",
                             "payee": "shop", "test": "tx.test", "region": "geo.code"}}
                """#.utf8)
    }

    private func object(_ fields: String) -> String {
        #"{"id":"A","time":"2024-05-31","amount":"1.00","currency":"GBP","source":7"# + fields + "}"
    }

    @Test(arguments: [1, 5, 1 << 18])
    func nestedKeysAndEscapes(pieceByteCount: Int) throws {
        let text = #"""
            {"tx":{"id":"\u0041\"\\\/1","at":1717149600123,"amount":{"value":12.5,"ccy":"GBP","net":[1,{"x":null}]},"test":true},"shop":"Ph\u1edf \ud83c\udf5c"}

            { "tx" : { "id" : 42, "at" : "1717149600123", "amount" : { "value" : "12,50", "ccy" : 826 } , "test":null} , "shop" : null }
            """#
        let loading = try Loading(text, .ndjson, mapping(), pieceByteCount: pieceByteCount)
        #expect(loading.rejects.isEmpty)
        #expect(loading.records.map(\.id.description) == ["A\"\\/1", "42"])
        #expect(loading.rows == [1, 3])
        #expect(loading.blankLineCount == 1)
        #expect(loading.records.map(\.amountMinorUnits) == [1250, 1250])
        #expect(loading.records.map(\.timeMicroseconds) == [1_717_149_600_123_000, 1_717_149_600_123_000])
        #expect(loading.records.map(\.payee) == [loading.code(.payee, "Phở 🍜"), 0])
        #expect(loading.records.map(\.isTest) == [true, false])
        #expect(loading.keysNeverSeen == ["geo.code"])
    }

    /// Whatever it was in the middle of: a row, a row that is too long, half a record.
    @Test func aRestartedReaderIsAsANewOne() throws {
        func read(_ bytes: [UInt8], _ reader: inout RowReader) throws -> ParsedBatch {
            try bytes.withUnsafeBytes { try reader.read($0, nowMicroseconds: Loading.now) }
        }
        let long = [UInt8](repeating: 0x20, count: RowReader.largestRowByteCount + 10)
        let row = Array((object(#","region":"3""#) + "\n").utf8)
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        var reader = try RowReader(.ndjson)
        for before in [Array(row.dropLast(9)), long, row + row, mark] {
            _ = try read(before, &reader)
            reader.restart()
            let batch = try read(mark + row, &reader)
            #expect(batch.records.count == 1 && batch.rows == [1] && batch.rejects.isEmpty)
        }
        reader.restart(mayHaveMark: false)
        let marked = try read(mark + row, &reader)
        #expect(marked.records.isEmpty && marked.rejects.map(\.row) == [1])

        var mapped = try RowReader(.ndjson, mapping: mapping())
        _ = try read(Array(#"{"geo":{"code":"3"}}"#.utf8) + [0x0A], &mapped)
        #expect(!mapped.keysNeverSeen.contains("geo.code"))
        mapped.restart()
        #expect(mapped.keysNeverSeen.contains("geo.code"))

        var raw = try RowReader(.raw)
        let record = withUnsafeBytes(of: try #require(Loading(row, .ndjson).records.first)) { Array($0) }
        _ = try read(record + record.dropLast(1), &raw)
        raw.restart()
        #expect(try read(record, &raw).rows == [1])
        #expect(try raw.finish(nowMicroseconds: Loading.now).rejects.isEmpty)
    }

    @Test func aDottedKeyMayBeLiteral() throws {
        let text = #"{"tx.id":"A","tx":{"at":1,"amount.value":"3","amount":{"value":"2","ccy":"GBP"}}}"#
        let loading = try Loading(text, .ndjson, mapping())
        #expect(loading.records.map(\.id.description) == ["A"])
        #expect(loading.records.map(\.amountMinorUnits) == [200])
    }

    @Test func numbersKeepAllTheirDigits() throws {
        let text = #"{"id":"A","time":"2024-05-31","amount":92233720368547758.07,"currency":"GBP","source":7}"#
        #expect(try Loading(text, .ndjson).records.map(\.amountMinorUnits) == [.max])
        let beyond = #"{"id":"A","time":"2024-05-31","amount":0.123456789012345678,"currency":"GBP","source":7}"#
        #expect(try Loading(beyond, .ndjson).rejects.first?.message.contains("has more than 2 decimals") == true)
        let exponent = #"{"id":"A","time":"2024-05-31","amount":1E+2,"currency":"GBP","source":7}"#
        #expect(try Loading(exponent, .ndjson).rejects.first?.message.contains("is not a decimal number") == true)
    }

    @Test(arguments: [
        (#"{"id":"A""#, "expected a comma or a closing brace"), (#"{"id":"A"#, "the text ends inside a string"),
        (#"{"id" "A"}"#, "expected a colon"), (#"{"id":"A",}"#, "expected a string"), ("[]", "expected an object"),
        ("{} {}", "text after the end of the value"), ("\"A\"", "expected an object"),
        ("nonsense", "expected an object"),
        (#"{"id":"A","id":"B"}"#, "the key \"id\" comes twice"), (#"{"id":tru}"#, "expected a value"),
        (#"{"id":01}"#, "leading zero"), (#"{"id":1.}"#, "without digits after its point"),
        (#"{"id":-}"#, "expected a value"),
        (#"{"id":1e}"#, "without digits in its exponent"), (#"{"id":"\x"}"#, "unknown escape"),
        (#"{"id":"\ud800"}"#, "surrogate"), (#"{"id":"\ud800\u0041"}"#, "surrogate"),
        (#"{"id":"\udc00"}"#, "surrogate"),
        (#"{"id":"\u12g4"}"#, "hexadecimal"), ("{\"id\":\"a\tb\"}", "control character"),
        (#"{"id":{"x":1}}"#, "expected a string or a number for \"id\", found an object"),
        (#"{"id":[1]}"#, "found an array"), (#"{"chanel":"card"}"#, "no field; did you mean \"channel\"?"),
    ])
    func brokenLinesAreNamedWithTheirPlace(line: String, message: String) throws {
        let loading = try Loading(object("") + "\n" + line + "\n" + object(""), .ndjson)
        #expect(loading.rows == [1, 3])
        #expect(loading.rejects.map(\.row) == [2])
        let found = loading.rejects.first?.message ?? ""
        #expect(found.contains(message) && found.hasPrefix("character "), "\(found)")
    }

    @Test func everyCutOfALineIsSeen() throws {
        let line = object(#","payee":"caf\u00e9","step":3,"overdue":true"#)
        for cut in 1..<line.utf8.count {
            let loading = try Loading(Array(line.utf8.prefix(cut)), .ndjson)
            #expect(loading.records.isEmpty)
            #expect(loading.rejects.map(\.row) == [1])
        }
        #expect(try Loading(line, .ndjson).records.count == 1)
    }

    @Test func keysThatNoColumnReadsMustNotComeTwiceEither() throws {
        let twice = #"{"tx":{"id":"A","at":1,"x":1,"x":2,"amount":{"value":"2","ccy":"GBP"}}}"#
        #expect(try Loading(twice, .ndjson, mapping()).rejects.first?.message.contains("\"x\" comes twice") == true)
        let apart = #"{"x":1,"tx":{"id":"A","at":1,"x":1,"amount":{"value":"2","ccy":"GBP","x":3}},"y":{"x":1}}"#
        #expect(try Loading(apart, .ndjson, mapping()).rejects.isEmpty)
    }

    @Test func depthAndWidthAreBounded() throws {
        let deep = #"{"a":"# + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000) + "}"
        #expect(try Loading(deep, .ndjson, mapping()).rejects.first?.message.contains("nested too deep") == true)
        let wide = "{" + (0..<2000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"
        #expect(try Loading(wide, .ndjson, mapping()).rejects.first?.message.contains("too many keys") == true)
        let long = "{\"x\":\"" + String(repeating: "y", count: 1 << 20) + "\"}\n" + object("")
        for pieceByteCount in [1 << 16, 1 << 22] {
            let loading = try Loading(long, .ndjson, pieceByteCount: pieceByteCount)
            #expect(loading.rejects.map(\.row) == [1])
            #expect(loading.rows == [2])
        }
    }

    @Test func badUTF8IsNamed() throws {
        let bad = Array(#"{"id":"A"#.utf8) + [0xC3, 0x28] + Array("\"}\n".utf8)
        let loading = try Loading(bad + Array(object("").utf8), .ndjson)
        #expect(loading.rejects.map(\.description) == ["row 1: is not UTF-8"])
        #expect(loading.rows == [2])
    }
}
