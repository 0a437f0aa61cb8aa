import Formats
import Transactions

/// A stand-in for the ledger's names and token key, and what a reader made of an input with it.
struct Loading {
    /// 2026-01-01 in UTC, so that tests do not depend on the clock.
    static let now: Int64 = 1_767_225_600_000_000

    var records: [Record] = []
    var rows: [Int] = []
    var rejects: [RowReject] = []
    var blankLineCount = 0
    var keysNeverSeen: [String] = []
    var codes: [Name: UInt32] = [:]
    var limit = NewNameLimit(.max)
    private let tokeniser = AccountTokeniser(key: [UInt8](repeating: 0x5A, count: 32))

    /// Reads a whole input in pieces of `pieceByteCount`.
    init(
        _ bytes: some Sequence<UInt8>, _ format: FileFormat = .csv, _ mapping: Mapping = Mapping(),
        pieceByteCount: Int = 1 << 18, newNames: Int = .max
    ) throws {
        limit = NewNameLimit(newNames)
        var reader = try RowReader(format, mapping: mapping)
        try Array(bytes).withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
                let piece = bytes[start..<min(start + pieceByteCount, bytes.count)]
                let batch = try reader.read(UnsafeRawBufferPointer(rebasing: piece), nowMicroseconds: Loading.now)
                settle(&reader, batch)
            }
        }
        settle(&reader, try reader.finish(nowMicroseconds: Loading.now))
    }

    init(
        _ text: String, _ format: FileFormat = .csv, _ mapping: Mapping = Mapping(), pieceByteCount: Int = 1 << 18,
        newNames: Int = .max
    ) throws {
        try self.init(text.utf8, format, mapping, pieceByteCount: pieceByteCount, newNames: newNames)
    }

    func token(of account: String) -> UInt64 {
        Array(account.utf8).withUnsafeBytes { tokeniser.token(of: $0) }
    }

    func code(_ space: NameSpace, _ text: String) -> UInt32? { codes[Name(space, text)] }

    private mutating func settle(_ reader: inout RowReader, _ batch: ParsedBatch) {
        var batch = batch
        reader.supply(tokens: tokeniser.tokens(of: batch.accounts), to: &batch)
        let answers = batch.names.map { name -> NameResolution in
            if let known = codes[name] { return .code(known) }
            if let refusal = limit.admit(name) { return refusal }
            let code = name.space.firstGivenCode + UInt32(codes.count)
            codes[name] = code
            return .code(code)
        }
        reader.supply(codes: answers, to: &batch)
        records += batch.records
        rows += batch.rows
        rejects += batch.rejects
        blankLineCount += batch.blankLineCount
        keysNeverSeen += batch.keysNeverSeen
    }
}
