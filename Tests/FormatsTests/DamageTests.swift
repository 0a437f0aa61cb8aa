import Chance
import Formats
import Testing
import Transactions

/// Inputs with bytes changed, removed and doubled at random: nothing traps, every line is accounted for, and it makes no
/// difference in which pieces the input came.
@Suite struct DamageTests {
    private func good(_ format: FileFormat) -> [UInt8] {
        let records = (0..<12).map { number in
            var record = Record(
                id: RecordID(reference: "ref, \"\(number)\"")!, timeMicroseconds: Int64(number) * 1_000_003,
                amountMinorUnits: Int64(number) * 77, currency: .gbp, source: 3, outcome: .failed, channel: .card)
            record.payer = UInt64(number) * 99
            record.region = 5
            return record
        }
        let names: NameLookup = { space, _ in space == .region ? "Thừa Thiên\nHuế" : nil }
        var writer = RecordWriter(format, names: names)
        writer.write(records)
        return writer.take()
    }

    private func damaged(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        let marks = Array("\",\n\r\\{}[]:x0 \t".utf8) + [0x00, 0x80, 0xC3, 0xFF]
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let position = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[position] = marks.randomElement(using: &random)!
            case 1: bytes.insert(marks.randomElement(using: &random)!, at: position)
            case 2: bytes.remove(at: position)
            default: bytes.insert(contentsOf: bytes[position..<min(position + 40, bytes.count)], at: position)
            }
        }
        return bytes
    }

    private func outcome(_ bytes: [UInt8], _ format: FileFormat, pieceByteCount: Int) -> String {
        do {
            let loading = try Loading(bytes, format, pieceByteCount: pieceByteCount)
            let accounts = zip(loading.rows, loading.records).map {
                "\($0) \($1.id) \($1.amountMinorUnits) \($1.payer)"
            }
            return (accounts + loading.rejects.map(\.description) + ["\(loading.blankLineCount)"]).joined(
                separator: "\n")
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [FileFormat.csv, .ndjson])
    func piecesMakeNoDifference(format: FileFormat) {
        let good = good(format)
        var random = SeededGenerator(seed: 4)
        for _ in 0..<400 {
            let bytes = damaged(good, &random)
            let whole = outcome(bytes, format, pieceByteCount: bytes.count)
            for pieceByteCount in [1, 2, 17, 200] {
                #expect(outcome(bytes, format, pieceByteCount: pieceByteCount) == whole)
            }
        }
    }

    @Test func everyLineOfNDJSONIsAccountedFor() throws {
        let good = good(.ndjson)
        var random = SeededGenerator(seed: 6)
        for _ in 0..<400 {
            let bytes = damaged(good, &random)
            let loading = try Loading(bytes, .ndjson)
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).count
            let isLastEmpty = bytes.last == UInt8(ascii: "\n")
            let found = loading.records.count + loading.rejects.count + loading.blankLineCount
            #expect(found == lines - (isLastEmpty ? 1 : 0))
        }
    }
}
