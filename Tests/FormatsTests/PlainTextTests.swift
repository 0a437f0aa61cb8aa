import Chance
import Formats
import Testing
import Transactions

/// Texts that are read eight bytes at a time give what the readers for all texts give, and nothing else.
@Suite struct PlainTextTests {
    private static let marks = Array("0123456789afgAFG-:.TZz+ /\u{80}\0".utf8)

    /// A text with some bytes replaced, put in or taken away.
    private func changed(_ text: String, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let position = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1: bytes[position] = PlainTextTests.marks.randomElement(using: &random)!
            case 2: bytes.insert(PlainTextTests.marks.randomElement(using: &random)!, at: position)
            default: if bytes.count > 1 { bytes.remove(at: position) }
            }
        }
        // Fields are read without blanks at their ends, and must be UTF-8.
        while bytes.first == 0x20 { bytes.removeFirst() }
        while bytes.last == 0x20 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self).utf8.map { $0 }
    }

    /// Holds what a row's field becomes against what it should; nil for a reject.
    private func compare<Value: Equatable>(
        _ texts: [String], count: Int = 3000, _ mapping: Mapping = Mapping(), row: ([UInt8]) -> [UInt8],
        found: (Record) -> Value, expected: (UnsafeBufferPointer<UInt8>) -> Value?
    ) throws {
        var random = SeededGenerator(seed: 9)
        var inputs: [[UInt8]] = []
        while inputs.count < count {
            let text = changed(texts.randomElement(using: &random)!, &random)
            if !text.isEmpty { inputs.append(text) }
        }
        let header = Array("id,time,amount,currency,source,payer\n".utf8)
        let loading = try Loading(header + inputs.flatMap { row($0) + [0x0A] }, .csv, mapping)
        let values = Dictionary(uniqueKeysWithValues: zip(loading.rows, loading.records.map(found)))
        var readCount = 0
        for (number, input) in inputs.enumerated() {
            let value = input.withUnsafeBufferPointer(expected)
            #expect(values[number + 2] == value, "\(String(decoding: input, as: UTF8.self))")
            if value != nil { readCount += 1 }
        }
        #expect(readCount > count / 4)
    }

    @Test(arguments: ["UTC", "Europe/London"])
    func times(zone: String) throws {
        var mapping = Mapping()
        mapping.timeZone = zone
        var reader = try TimeReader(mapping)
        try compare(
            [
                "2024-05-31T23:59:59.123456Z", "2024-05-31 00:00:00", "2024-05-31T07:08:09Z", "2024-03-31T01:30:00",
                "2023-02-28T10:20:30.5", "2024-05-31", "2024-05-31T10:00:00+07:00", "2024-05-31T10:00:00.1234567Z",
            ], mapping, row: { Array("A,".utf8) + $0 + Array(",1,GBP,7,".utf8) }, found: \.timeMicroseconds,
            expected: { text in
                let time = try? reader.microseconds(text)
                return time.flatMap { $0 >= 0 && $0 <= Loading.now + Record.largestLeadMicroseconds ? $0 : nil }
            })
    }

    @Test(arguments: [Currency.vnd, .gbp, .kwd])
    func amounts(currency: Currency) throws {
        try compare(
            ["1", "12345678", "123456789", "1234567890123456", "0.50", "12.5", "1.000", "99999999999999999", "7.00"],
            row: { Array("A,2024-05-31,".utf8) + $0 + Array(",\(currency.code),7,".utf8) }, found: \.amountMinorUnits,
            expected: { text in
                let amount = try? DecimalReader.plain.integer(text, fractionDigits: currency.minorUnitDigits)
                return amount.flatMap { $0 >= 0 ? $0 : nil }
            })
    }

    @Test func ids() throws {
        // The product's own form reads ids verbatim.
        try compare(
            [
                "26cccd17-f398-4fc5-ad14-3fee4730607d", "26CCCD17-F398-4FC5-AD14-3FEE4730607D", "A", "REF-12345",
                "1234567890123456", "12345678901234567", "12345678", "00000000-0000-0000-0000-000000000000",
            ], row: { $0 + Array(",2024-05-31,1,GBP,7,".utf8) }, found: \.id,
            expected: { RecordID(utf8: $0) })
    }

    @Test func tokens() throws {
        let tokeniser = AccountTokeniser(key: [UInt8](repeating: 0x5A, count: 32))
        try compare(
            ["token:89e9e15a652f", "token:89E9E15A652F", "token:000000000000", "token:0123456789ab"],
            row: { Array("A,2024-05-31,1,GBP,7,".utf8) + $0 }, found: \.payer,
            expected: { TokenText.token(String(decoding: $0, as: UTF8.self)) ?? tokeniser.token(of: .init($0)) })
    }

    @Test func codes() throws {
        try compare(
            ["1", "65535", "65536", "4294967295", "12345678", "0"],
            row: { Array("A,2024-05-31,1,GBP,".utf8) + $0 + Array(",".utf8) },
            found: { $0.source >= 0x8000 ? 0 : $0.source },
            expected: { text in
                let isNumber = text.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                let code = UInt64(String(decoding: text, as: UTF8.self))
                guard isNumber else { return 0 }
                guard let code, code > 0, code <= 0xFFFF else { return nil }
                return code >= 0x8000 ? 0 : UInt16(code)
            })
    }
}
