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
    private let keys = TokenKeyRing([
        .init(id: "first", firstDay: nil, secret: [UInt8](repeating: 0x5A, count: 32))
    ])

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
        keysNeverSeen = reader.keysNeverSeen
    }

    init(
        _ text: String, _ format: FileFormat = .csv, _ mapping: Mapping = Mapping(), pieceByteCount: Int = 1 << 18,
        newNames: Int = .max
    ) throws {
        try self.init(text.utf8, format, mapping, pieceByteCount: pieceByteCount, newNames: newNames)
    }

    /// Reads an input as several readers do that are a few chunks ahead, as `sluice load` has them.
    init(
        _ bytes: [UInt8], _ format: FileFormat = .csv, _ mapping: Mapping = Mapping(), chunkByteCount: Int,
        readerCount: Int, newNames: Int = .max
    ) throws {
        limit = NewNameLimit(newNames)
        var readers = [Box(try RowReader(format, mapping: mapping))]
        var order = ChunkOrder()
        var chunks = Loading.chunks(of: bytes, format, byteCount: chunkByteCount)[...]
        while !readers[0].reader.isReady, let chunk = chunks.popFirst() {
            let batch = try chunk.withUnsafeBytes {
                try order.readNext($0, &readers[0].reader, nowMicroseconds: Loading.now)
            }
            settle(&readers[0].reader, batch)
        }
        while !chunks.isEmpty {
            var ahead: [(chunk: [UInt8], batch: ParsedBatch)] = []
            for (number, chunk) in chunks.prefix(readerCount).enumerated() {
                if number == readers.count { readers.append(Box(try readers[0].reader.sibling())) }
                let batch = try chunk.withUnsafeBytes {
                    try readers[number].reader.readChunk($0, nowMicroseconds: Loading.now)
                }
                ahead.append((chunk, batch))
            }
            chunks = chunks.dropFirst(readerCount)
            for (number, read) in ahead.enumerated() {
                var batch = read.batch
                try read.chunk.withUnsafeBytes {
                    try order.settle(&batch, of: $0, &readers[number].reader, nowMicroseconds: Loading.now)
                }
                settle(&readers[number].reader, batch)
            }
        }
        settle(&readers[0].reader, try order.finish(&readers[0].reader, nowMicroseconds: Loading.now))
    }

    /// Pieces of the size, cut where a row seems to end.
    private static func chunks(of bytes: [UInt8], _ format: FileFormat, byteCount: Int) -> [[UInt8]] {
        var chunks: [[UInt8]] = []
        var chunk: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: byteCount) {
            chunk += bytes[start..<min(start + byteCount, bytes.count)]
            let end = chunk.withUnsafeBytes { format.wholeRowByteCount($0) }
            guard end > 0 || chunk.count > RowReader.largestRowByteCount else { continue }
            let border = end > 0 ? end : chunk.count
            chunks.append(Array(chunk[..<border]))
            chunk.removeFirst(border)
        }
        return chunks + (chunk.isEmpty ? [] : [chunk])
    }

    func token(of account: String) -> UInt64 {
        Array(account.utf8).withUnsafeBytes { tokeniser.token(of: $0) }
    }

    func code(_ space: NameSpace, _ text: String) -> UInt32? { codes[Name(space, text)] }

    private mutating func settle(_ reader: inout RowReader, _ batch: ParsedBatch) {
        var batch = batch
        reader.supply(tokens: keys.tokens(of: batch.accounts), to: &batch)
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
    }
}

/// A reader that can be kept in an array.
private final class Box {
    var reader: RowReader

    init(_ reader: consuming RowReader) { self.reader = reader }
}
