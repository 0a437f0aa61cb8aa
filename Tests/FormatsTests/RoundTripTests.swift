import Chance
import Formats
import Testing
import Transactions

@Suite struct RoundTripTests {
    /// Valid records that reach into every corner of every field.
    private func records(_ count: Int, seed: UInt64) -> [Record] {
        var random = SeededGenerator(seed: seed)
        let currencies = ["VND", "GBP", "KWD", "CLF", "XXX", "JPY", "ALL"].map { Currency(code: $0)! }
        let outcomes = (0...255).map { Outcome(rawValue: $0) }.filter { $0.outcomeClass != nil }
        let texts = ["A", " ", "a,b", "\"", "x\"y\nz", "0", "sha256:", "\\u0041", "\u{1}", "=1+1", "0123456789abcdef"]
        func corner<Value: FixedWidthInteger>(_ largest: Value) -> Value {
            Bool.random(using: &random)
                ? Value.random(in: 0...largest, using: &random) : [0, 1, largest].randomElement(using: &random)!
        }
        return (0..<count).map { _ in
            let id =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: RecordID(reference: texts.randomElement(using: &random)!)!
                case 1: RecordID(reference: "reference \(random.next()) of more than sixteen bytes")!
                case 2: RecordID(low: random.next() & ~(0xF0 << 48) | 0x70 << 48, high: random.next() & ~0xC0 | 0x80)
                default: RecordID(low: random.next() | 1, high: random.next())
                }
            var record = Record(
                id: id, timeMicroseconds: corner(Loading.now), amountMinorUnits: corner(.max),
                currency: currencies.randomElement(using: &random)!, source: max(1, corner(UInt16.max)),
                kind: Kind.allCases.randomElement(using: &random)!,
                event: Event.allCases.randomElement(using: &random)!,
                step: corner(15), outcome: outcomes.randomElement(using: &random)!,
                channel: Channel(rawValue: corner(127)))
            if record.event == .resolved { record.outcome = .approved }
            record.payer = corner((1 << 48) - 1)
            record.payerInstitution = corner(.max)
            record.payee = corner(.max)
            record.payeeInstitution = corner(.max)
            record.service = corner(.max)
            record.region = corner(.max)
            record.duration = PackedDuration(rawValue: corner(.max))
            record.flags |= UInt8.random(in: 0..<4, using: &random)
            return record
        }
    }

    private func written(_ records: [Record], _ format: FileFormat, names: NameLookup? = nil) -> [UInt8] {
        var writer = RecordWriter(format, names: names)
        writer.write(records)
        return writer.take()
    }

    @Test(arguments: FileFormat.allCases)
    func whatIsWrittenIsReadAgain(format: FileFormat) throws {
        let records = records(5000, seed: 11)
        #expect(records.allSatisfy { $0.fault(nowMicroseconds: Loading.now) == nil })
        for pieceByteCount in [61, 4099, 1 << 20] {
            let loading = try Loading(written(records, format), format, pieceByteCount: pieceByteCount)
            #expect(loading.rejects.isEmpty, "\(loading.rejects.first?.description ?? "")")
            #expect(loading.records == records)
            #expect(loading.codes.isEmpty)
        }
    }

    @Test(arguments: [FileFormat.csv, .ndjson])
    func namesAreReadAgainAsNames(format: FileFormat) throws {
        let texts = [
            "plain", "5411", "#7", "name:x", "token:0123456789ab", "a,b", "say \"hi\"", "two\nlines", "Huế", "#", "0",
            "\t", " x",
            "back\\slash",
        ]
        let records = texts.indices.map { position in
            var record = Record(
                id: RecordID(reference: "R\(position)")!, timeMicroseconds: 1, amountMinorUnits: 1, currency: .vnd,
                source: 9)
            record.service = UInt32(position + 1)
            return record
        }
        let names: NameLookup = { space, code in space == .service ? texts[Int(code) - 1] : nil }
        let loading = try Loading(written(records, format, names: names), format)
        #expect(loading.rejects.isEmpty)
        // Names that begin or end with a blank are written as their codes.
        let readAsCode: Set = ["\t", " x"]
        for (position, text) in texts.enumerated() {
            let expected = readAsCode.contains(text) ? UInt32(position + 1) : loading.code(.service, text)
            #expect(loading.records[position].service == expected, "\(text)")
        }
        #expect(Set(loading.codes.keys.map(\.text)) == Set(texts).subtracting(readAsCode))
    }

    @Test func theWrittenForms() {
        var record = Record(
            id: RecordID(reference: "0190163d-8694-739b-aea5-966c26f8ad90")!, timeMicroseconds: 1_717_149_600_000_001,
            amountMinorUnits: 5, currency: .gbp, source: 3, kind: .request, event: .refunded, step: 2,
            outcome: Outcome(rawValue: 0x21), channel: .qr)
        record.payer = 0xAB89_6745_2301
        record.region = 79
        record.duration = PackedDuration(rawValue: 1 << 31 | 9)
        record.flags |= 1
        #expect(
            String(
                decoding: written([record], .csv) { $0 == .region && $1 == 79 ? "Huế, \"cố đô\"" : nil }, as: UTF8.self)
                    == """
                    id,time,amount,currency,kind,event,step,outcome,channel,source,payer,payer_institution,payee,\
                    payee_institution,service,region,duration,overdue,test
                    0190163d-8694-739b-aea5-966c26f8ad90,2024-05-31T10:00:00.000001Z,0.05,GBP,request,refunded,2,\
                    insufficient_funds,qr,3,token:0123456789ab,,,,,"Huế, ""cố đô""\",9s,true,

                    """)
        #expect(
            String(decoding: written([record], .ndjson), as: UTF8.self) == #"""
                {"id":"0190163d-8694-739b-aea5-966c26f8ad90","time":"2024-05-31T10:00:00.000001Z","amount":"0.05",\#
                "currency":"GBP","kind":"request","event":"refunded","step":2,"outcome":"insufficient_funds","channel":"qr",\#
                "source":3,"payer":"token:0123456789ab","region":79,"duration":"9s","overdue":true}

                """#)
    }

    @Test func rawRecordsAreCheckedAndCounted() throws {
        var records = records(3, seed: 5)
        records[1].flags |= 0b100
        let bytes = written(records, .raw)
        for pieceByteCount in [1, 63, 64, 1000] {
            let loading = try Loading(bytes + bytes.prefix(10), .raw, pieceByteCount: pieceByteCount)
            #expect(loading.records == [records[0], records[2]])
            #expect(loading.rows == [1, 3])
            #expect(
                loading.rejects.map(\.description) == [
                    "row 2: flags: has bits set that must be 0",
                    "row 4: the input ends inside a record, after 10 of its 64 bytes",
                ])
        }
    }

    @Test func rejectsAreWrittenWithoutTheirRows() {
        var writer = RejectsWriter()
        writer.write([
            RowReject(row: 3, field: "amount", message: "\"1,5\" is negative"),
            RowReject(row: 9, field: nil, message: "is cut"),
            RowReject(row: 12, fault: Fault(.payerInstitution, .unknownCode)),
        ])
        #expect(
            String(decoding: writer.take(), as: UTF8.self)
                == """
                row,field,reason
                3,amount,\"""1,5"" is negative"
                9,,is cut
                12,payer_institution,is not a known code

                """)
        #expect(writer.take().isEmpty)
    }

    @Test func formatsAreToldByTheFileName() {
        #expect(FileFormat(fileName: "day.CSV") == .csv)
        #expect(FileFormat(fileName: "/a.b/day.csv.gz") == .csv)
        #expect(FileFormat(fileName: "x.ndjson") == .ndjson)
        #expect(FileFormat(fileName: "x.jsonl.gz") == .ndjson)
        #expect(FileFormat(fileName: "x.bin") == .raw)
        #expect(FileFormat(fileName: "x.raw") == .raw)
        #expect(FileFormat(fileName: "csv") == nil)
        #expect(FileFormat(fileName: "x.txt") == nil)
        #expect(FileFormat(fileName: "x.gz") == nil)
    }
}
