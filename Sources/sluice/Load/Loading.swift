import Formats
import Foundation
import Presentation
import Transactions

/// Reads one input piece by piece, has names and accounts resolved, and sends the records on.
struct Loading: ~Copyable {
    private var reader: RowReader
    private let sink: any LoadSink
    private let receipts: ReceiptFile?
    private var newNames: NewNameLimit?
    private let progress = ProgressLine()
    private let start = ContinuousClock.now
    private(set) var rowCount = 0
    private(set) var rejects: [RowReject] = []
    private(set) var keysNeverSeen: [String] = []

    private static let pieceByteCount = 1 << 20

    init(
        _ format: FileFormat, mapping: Mapping, sink: any LoadSink, receipts: ReceiptFile?, newNameLimit: Int?
    ) throws(FormatError) {
        reader = try RowReader(format, mapping: mapping)
        self.sink = sink
        self.receipts = receipts
        newNames = newNameLimit.map { NewNameLimit($0) }
    }

    /// Reads the whole input.
    mutating func load(_ file: FileHandle) async throws {
        defer { progress.finish() }
        while let piece = try file.read(upToCount: Loading.pieceByteCount), !piece.isEmpty {
            let batch = try piece.withUnsafeBytes { try reader.read($0, nowMicroseconds: now) }
            try await take(batch)
        }
        try await take(try reader.finish(nowMicroseconds: now))
    }

    private var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }

    private mutating func take(_ parsed: ParsedBatch) async throws {
        var batch = parsed
        if !batch.accounts.isEmpty {
            let accounts = batch.accounts.indices.map { batch.accounts.withBytes(at: $0) { Array($0) } }
            let tokens = try await sink.tokens(for: accounts)
            reader.supply(tokens: tokens, to: &batch)
        }
        if !batch.names.isEmpty {
            let codes = try await resolve(batch.names)
            reader.supply(codes: codes, to: &batch)
        }
        rowCount += batch.records.count + batch.rejects.count
        rejects += batch.rejects
        keysNeverSeen += batch.keysNeverSeen
        if !batch.records.isEmpty { try await sink.send(batch.records, rows: batch.rows) }
        try receipts?.add(sink.takeReceipts())
        let rows = rowCount
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        progress.show("loading: \(formatCount(rows)) rows, \(formatRate(rows, seconds: seconds))")
    }

    private mutating func resolve(_ names: [Name]) async throws -> [NameResolution] {
        guard newNames != nil else { return try await sink.codes(for: names).map { .code($0) } }
        let known = try await sink.knownCodes(for: names)
        var resolutions: [NameResolution?] = zip(names, known).map { name, code in
            code.map { .code($0) } ?? newNames?.admit(name)
        }
        let missing = names.indices.filter { resolutions[$0] == nil }
        let codes = try await sink.codes(for: missing.map { names[$0] })
        for (place, code) in zip(missing, codes) { resolutions[place] = .code(code) }
        return resolutions.compactMap(\.self)
    }
}
