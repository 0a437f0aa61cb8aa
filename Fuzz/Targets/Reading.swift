import CPlatform
import Formats
import Transactions

/// What a reader of rows made of an input, with a stand-in for the ledger's names and token key.
struct Reading: Equatable {
    /// 2026-12-01 in UTC.
    static let nowMicroseconds: Int64 = 1_796_083_200_000_000
    private static let keys = TokenKeyRing([
        .init(id: "first", firstDay: nil, secret: [UInt8](repeating: 0x5A, count: AccountTokeniser.keyByteCount))
    ])

    private(set) var records: [Record] = []
    private(set) var rows: [Int] = []
    private(set) var rejects: [String] = []
    private(set) var blankLineCount = 0
    private(set) var failure: String?

    /// Reads the bytes in one piece, or in pieces that they decide, by a reader of their own.
    init(_ bytes: UnsafeRawBufferPointer, _ format: FileFormat, _ mapping: Mapping = Mapping(), isCut: Bool = false) {
        do throws(FormatError) {
            var reader = try RowReader(format, mapping: mapping)
            try read(bytes, &reader, isCut: isCut)
        } catch {
            failure = error.description
            // A header that fails takes along what its own piece held before it: blank lines, and nothing else.
            blankLineCount = 0
        }
    }

    /// Reads the bytes by a reader that has read others, as the bodies of requests are.
    init(_ bytes: UnsafeRawBufferPointer, with reader: inout RowReader, isCut: Bool = false) {
        reader.restart()
        do throws(FormatError) {
            try read(bytes, &reader, isCut: isCut)
        } catch {
            failure = error.description
        }
    }

    private mutating func read(
        _ bytes: UnsafeRawBufferPointer, _ reader: inout RowReader, isCut: Bool
    ) throws(FormatError) {
        if isCut {
            var pieces = Pieces(of: bytes)
            var fault: FormatError?
            while fault == nil,
                pieces.next({ piece in
                    do throws(FormatError) {
                        settle(&reader, try reader.read(piece, nowMicroseconds: Reading.nowMicroseconds))
                    } catch { fault = error }
                })
            {}
            if let fault { throw fault }
        } else {
            settle(&reader, try reader.read(bytes, nowMicroseconds: Reading.nowMicroseconds))
        }
        settle(&reader, try reader.finish(nowMicroseconds: Reading.nowMicroseconds))
    }

    /// A name decides by itself which code it gets, or that it gets none: neither may depend on the pieces.
    private mutating func settle(_ reader: inout RowReader, _ batch: ParsedBatch) {
        var batch = batch
        reader.supply(tokens: Reading.keys.tokens(of: batch.accounts), to: &batch)
        let answers = batch.names.map { name -> NameResolution in
            let text = Array(name.text.utf8)
            let hash = sluice_crc32c(0, text, text.count)
            return hash % 8 == 0 ? .refused("is one name too many") : .code(name.space.firstGivenCode + hash % 0x8000)
        }
        reader.supply(codes: answers, to: &batch)
        records += batch.records
        rows += batch.rows
        rejects += batch.rejects.map(\.description)
        blankLineCount += batch.blankLineCount
    }

    /// Throws unless the input was read as the documentation promises.
    func check() throws(BrokenProperty) {
        try require(records.count == rows.count, "\(records.count) records of \(rows.count) rows")
        try require(zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 }, "rows out of order: \(rows)")
        for record in records {
            let fault = record.fault(nowMicroseconds: Reading.nowMicroseconds)
            try require(fault == nil, "the record \(record) was made: \(fault.map(\.description) ?? "")")
        }
        for text in rejects + [failure].compactMap(\.self) {
            try require(!Reading.showsAccount(text), "an error text that may show an account number: \(text)")
        }
    }

    /// Twelve digits in a row.
    private static func showsAccount(_ text: String) -> Bool {
        var run = 0
        for byte in text.utf8 {
            run = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? run + 1 : 0
            if run == 12 { return true }
        }
        return false
    }
}
