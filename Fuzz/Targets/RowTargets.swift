import Formats
import Transactions

extension FuzzTarget {
    /// CSV, by a mapping that the first byte chooses.
    static let csv = rows(.csv, seeds: RowSeeds.csv)
    /// NDJSON, by a mapping that the first byte chooses.
    static let ndjson = rows(.ndjson, seeds: RowSeeds.ndjson)
    /// Records of 64 bytes.
    static let raw = rows(.raw, seeds: RowSeeds.raw)

    /// A mapping's JSON form, a zero byte, and rows that are read by it as CSV and as NDJSON.
    static let mappings = FuzzTarget(name: "mappings", largestByteCount: 768, repair: nil, seeds: RowSeeds.mappings) {
        { bytes in
            let end = bytes.firstIndex(of: 0) ?? bytes.count
            guard let mapping = try? Mapping(json: bytes[..<end]) else { return false }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[min(bytes.count, end + 1)...])
            for format in [FileFormat.csv, .ndjson] { try Reading(rest, format, mapping).check() }
            return true
        }
    }

    /// Where a reader can read several inputs, it knows names and accounts the second time; which comes first follows from the
    /// bytes. What it was in the middle of before is forgotten.
    private static func readTwice(
        _ bytes: UnsafeRawBufferPointer, _ format: FileFormat, _ mapping: Mapping
    ) throws -> (whole: Reading, cut: Reading) {
        guard format != .csv else {
            return (Reading(bytes, format, mapping), Reading(bytes, format, mapping, isCut: true))
        }
        var reader = try RowReader(format, mapping: mapping)
        let isCutFirst = bytes.count.isMultiple(of: 2)
        let first = Reading(bytes, with: &reader, isCut: isCutFirst)
        _ = try reader.read(bytes, nowMicroseconds: Reading.nowMicroseconds)
        let second = Reading(bytes, with: &reader, isCut: !isCutFirst)
        return isCutFirst ? (second, first) : (first, second)
    }

    private static func rows(_ format: FileFormat, seeds: @escaping @Sendable () -> [[UInt8]]) -> FuzzTarget {
        FuzzTarget(name: format.rawValue, largestByteCount: 768, repair: nil, seeds: seeds) {
            let mappings = RowSeeds.mappingTexts.map { text -> Mapping in
                do { return try Mapping(json: text.utf8) } catch { preconditionFailure("\(error)") }
            }
            // Making a writer costs more than what it writes, so there is one for all inputs.
            var writer = RecordWriter(format)
            let header = writer.take()
            return { bytes in
                guard let first = bytes.first else { return false }
                let mapping = mappings[Int(first) % mappings.count]
                let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
                let (whole, cut) = try readTwice(rest, format, mapping)
                try whole.check()
                try require(whole == cut, "in one piece: \(whole)\nin many: \(cut)")
                if format == .ndjson { try countLines(rest, whole) }
                guard !whole.records.isEmpty else { return false }
                writer.write(whole.records)
                let again = (header + writer.take()).withUnsafeBytes { Reading($0, format) }
                try require(
                    again.records == whole.records, "\(whole.records) became \(again) when written and read again")
                return true
            }
        }
    }

    /// Every line is a record, a reject or blank.
    private static func countLines(_ bytes: UnsafeRawBufferPointer, _ reading: Reading) throws(BrokenProperty) {
        var lines = bytes.count { $0 == UInt8(ascii: "\n") }
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        if bytes.count > start, bytes.last != UInt8(ascii: "\n") { lines += 1 }
        let found = reading.records.count + reading.rejects.count + reading.blankLineCount
        try require(found == lines, "\(found) of \(lines) lines are accounted for")
    }
}

private enum RowSeeds {
    /// Mappings that together use every key.
    static let mappingTexts = [
        "{}",
        #"""
        {"source": "shop", "timeFormat": "dd/MM/yyyy HH:mm:ss", "timeZone": "Europe/London", "separator": ";",
         "decimalSeparator": ",", "thousandsSeparator": ".", "negativeAmount": "refunded",
         "columns": {"id": "Ref", "time": "When", "amount": "Sum", "currency": "Cur", "payee": "To", "payer": "From"},
         "values": {"currency": {"£": "GBP"}}, "personalPayee": {"column": "Type", "values": ["person", "P"]}}
        """#,
        #"""
        {"constants": {"source": 7, "currency": "VND", "kind": "transfer", "test": true}, "timeFormat": "unixMilliseconds",
         "amountUnit": "minor", "durationUnit": "seconds", "personalPayee": true, "codes": ["service"],
         "columns": {"id": "a.id", "time": "a.t", "amount": "b", "service": "a.s.c", "duration": "d", "payee": "p"}}
        """#,
    ]

    private static func written(_ format: FileFormat) -> [UInt8] {
        let records = Samples.mixedRecords(count: 4)
        let names: NameLookup = { space, code in space == .region ? "Huế, \"\(code)\"\nx" : nil }
        var writer = RecordWriter(format, names: names)
        writer.write(records)
        return writer.take()
    }

    private static let shopCSV = #"""
        Ref;When;Sum;Cur;To;From;Type
        A-1;31/05/2024 23:59:59;1.234,56;£;Shop;12345678;B
        A-2;01/06/2024 00:00:00;-5;GBP;"A ""Person""";token:0123456789ab;person

        A-3;31/03/2024 01:30:00;7;GBP;X;;
        """#

    private static let nestedNDJSON = """
        {"a":{"id":"r1","t":1717149600000,"s":{"c":5411}},"b":12,"d":1.5,"p":"4111 1111"}
        {"a.id":"r2","a":{"t":"1717149600001","s":{"c":"x"},"n":null},"b":"3","p":"token:0123456789ab","z":[1,{"y":true}]}

        """

    @Sendable static func csv() -> [[UInt8]] {
        [[0] + written(.csv), [1] + shopCSV.utf8, [0, 0xEF, 0xBB, 0xBF] + Array("id,time\n".utf8)]
    }

    @Sendable static func ndjson() -> [[UInt8]] { [[0] + written(.ndjson), [2] + nestedNDJSON.utf8] }

    @Sendable static func raw() -> [[UInt8]] { [[0] + written(.raw), [0] + written(.raw).dropLast(10)] }

    @Sendable static func mappings() -> [[UInt8]] {
        let texts = mappingTexts.map { Array($0.utf8) }
        return [
            texts[0] + [0] + written(.csv), texts[1] + [0] + shopCSV.utf8, texts[2] + [0] + nestedNDJSON.utf8,
            texts[0] + [0] + written(.ndjson),
        ]
    }
}
