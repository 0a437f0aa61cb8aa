import Chance
import Formats
import Testing
import Transactions

/// Inputs whose chunks several readers read ahead: what comes of them is what one reader of the whole makes.
@Suite struct ChunkTests {
    private static let header = "id,time,amount,currency,source,payee,payer\n"

    private static let quoted =
        header + "A1,2024-05-31,1,GBP,g,\"two\nlines\",111\r\nA2,2024-05-31,2,GBP,h,\"a \"\"b\"\", c\",\n\n"
        + "A3,2024-05-31,x,GBP,g,bad,222\nA4,2024-05-31T10:00:00Z,4,GBP,g,\"\n\n\",\"333\"\r\nA5,2024-05-31,5,GBP,g,Phở,"

    /// A quote inside a plain field, one that is never closed, text behind a closing quote, a byte that is no UTF-8.
    private static let broken =
        Array((header + "A1,2024-05-31,1,GBP,g\"x,a,\nA2,2024-05-31,1,GBP,\"g,a,1\nA3,2024-05-31,1,GBP,g,a,\n").utf8)
        + Array("\"A4\"z,2024-05-31,1,GBP,g,a,\nA5,2024-05-31,1,GBP,g,".utf8) + [0xE9]
        + Array(",\nA6,2024-05-31,1,GBP,\"g\",b,4\n".utf8)

    private static let objects =
        #"{"id":"A1","time":"2024-05-31","amount":1,"currency":"GBP","source":"g","payee":"x"}"# + "\n\r\n"
        + #"{"id":"A2","time":"2024-05-31","amount":"2.5","currency":"GBP","source":"g","payer":"111"}"# + "\r\n{\n"
        + #"{"id":"A\n3","time":"2024-05-31","amount":1.5,"currency":"GBP","source":"g","payee":"\u1EDF"}"#

    private func expectSame(_ bytes: [UInt8], _ format: FileFormat, chunkByteCount: Int, readerCount: Int = 3) {
        func outcome(_ load: () throws -> Loading) -> String {
            do {
                let loading = try load()
                let records = zip(loading.rows, loading.records).map { "\($0) \($1)" }
                let names = loading.codes.sorted { $0.value < $1.value }.map { "\($0.value) \($0.key.text)" }
                let rest = loading.rejects.map(\.description) + ["\(loading.blankLineCount)"]
                return (records + names + rest).joined(separator: "\n")
            } catch {
                return "\(error)"
            }
        }
        let whole = outcome { try Loading(bytes, format, newNames: 3) }
        let chunked = outcome {
            try Loading(bytes, format, chunkByteCount: chunkByteCount, readerCount: readerCount, newNames: 3)
        }
        #expect(chunked == whole, "chunks of \(chunkByteCount) by \(readerCount) readers")
    }

    @Test(arguments: [1, 3, 5])
    func bordersMayBeAnywhere(readerCount: Int) {
        let inputs: [(bytes: [UInt8], format: FileFormat)] = [
            (Array(ChunkTests.quoted.utf8), .csv), ([0xEF, 0xBB, 0xBF] + ChunkTests.quoted.utf8, .csv),
            (ChunkTests.broken, .csv), (Array(ChunkTests.objects.utf8), .ndjson),
            ([0xEF, 0xBB, 0xBF] + ChunkTests.objects.utf8, .ndjson), (Array("\n\nid,time\nA".utf8), .csv),
        ]
        for (bytes, format) in inputs {
            // Three readers meet every border; one and five each seventh.
            for chunkByteCount in stride(from: 1, through: bytes.count + 1, by: readerCount == 3 ? 1 : 7) {
                expectSame(bytes, format, chunkByteCount: chunkByteCount, readerCount: readerCount)
            }
        }
    }

    @Test func recordsAreReadInChunks() {
        var writer = RecordWriter(.raw)
        let records = (1...20).map {
            Record(
                id: RecordID(low: UInt64($0), high: 0), timeMicroseconds: 1, amountMinorUnits: $0 == 9 ? -1 : 1,
                currency: .gbp, source: 1)
        }
        writer.write(records)
        let bytes = writer.take() + [1, 2, 3]
        for chunkByteCount in [1, 63, 64, 65, 500, 5000] { expectSame(bytes, .raw, chunkByteCount: chunkByteCount) }
    }

    @Test func anErrorInAMiddleChunkIsNamedByItsRow() throws {
        var text = ChunkTests.header
        for row in 2...3000 {
            let amount = row == 1700 ? "one" : "1"
            text +=
                row % 10 == 0
                ? "A\(row),2024-05-31,\(amount),GBP,g,\"x\",\n" : "A\(row),2024-05-31,\(amount),GBP,g,x,\n"
        }
        let loading = try Loading(Array(text.utf8), chunkByteCount: 4096, readerCount: 3)
        #expect(loading.records.count == 2998)
        #expect(loading.rows == (2...3000).filter { $0 != 1700 })
        #expect(
            loading.rejects.map(\.description) == ["row 1700: amount: \"one\" is not a decimal number (currency GBP)"])
    }

    @Test func damagedInputsAreReadTheSame() {
        var random = SeededGenerator(seed: 12)
        let marks = Array("\",\n\r\\{}[]:x0 \t".utf8) + [0x00, 0xC3, 0xFF]
        for (text, format) in [(ChunkTests.quoted, FileFormat.csv), (ChunkTests.objects, .ndjson)] {
            for _ in 0..<600 {
                var bytes = Array(text.utf8)
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let position = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: bytes[position] = marks.randomElement(using: &random)!
                    case 1: bytes.insert(marks.randomElement(using: &random)!, at: position)
                    default: bytes.remove(at: position)
                    }
                }
                expectSame(
                    bytes, format, chunkByteCount: Int.random(in: 1...200, using: &random),
                    readerCount: Int.random(in: 1...4, using: &random))
            }
        }
    }

    @Test(arguments: [FileFormat.csv, .ndjson])
    func aRowBeyondTheLimitMayTakeManyChunks(format: FileFormat) {
        let long = String(repeating: "x", count: RowReader.largestRowByteCount + 100_000)
        let row = { (id: String, payee: String) in
            format == .csv
                ? "\(id),2024-05-31,1,GBP,g,\(payee),\n"
                : #"{"id":"\#(id)","time":"2024-05-31","amount":1,"currency":"GBP","source":"g","payee":"\#(payee)"}"#
                    + "\n"
        }
        let text =
            (format == .csv ? ChunkTests.header : "") + row("A", "x") + row("B", long) + row("C", "y") + row("D", "z")
        for chunkByteCount in [100_000, 700_000] {
            expectSame(Array(text.utf8), format, chunkByteCount: chunkByteCount)
        }
    }

    @Test func rowsEndOutsideOfQuotes() {
        func wholeRows(_ text: String, _ format: FileFormat = .csv) -> Int {
            Array(text.utf8).withUnsafeBytes { format.wholeRowByteCount($0) }
        }
        #expect(wholeRows("") == 0)
        #expect(wholeRows("ab") == 0)
        #expect(wholeRows("a\nb\nc") == 4)
        #expect(wholeRows("a\n\"b\nc") == 2)
        #expect(wholeRows("a\n\"b\nc\"\nd") == 8)
        #expect(wholeRows("a\n\"b\n\"\"\nc\nd") == 2)
        // Only wrong input has no such line feed; the last is as good as any.
        #expect(wholeRows("\"b\nc\nd") == 5)
        #expect(wholeRows("{\"\n{", .ndjson) == 3)
        #expect(wholeRows(String(repeating: "r", count: 130), .raw) == 128)
    }
}
