import Formats
import Foundation
import Presentation
import Transactions

/// Reads one input: several readers take its chunks at the same time; what they make of them has names and accounts resolved
/// and is sent on in the order of the file.
///
/// Memory is bounded by one chunk, and the records of one, for each reader.
final class Loading {
    private let format: FileFormat
    private let first: ChunkReader
    private let sink: any LoadSink
    private let receipts: ReceiptFile?
    private var newNames: NewNameLimit?
    private var order = ChunkOrder()
    private let progress = ProgressLine()
    private let start = ContinuousClock.now
    private(set) var rowCount = 0
    private(set) var rejects: [RowReject] = []
    private(set) var keysNeverSeen: [String] = []

    init(
        _ format: FileFormat, mapping: Mapping, sink: any LoadSink, receipts: ReceiptFile?, newNameLimit: Int?
    ) throws(FormatError) {
        self.format = format
        let periods = sink.tokenKeys?.periods ?? .unknown
        first = ChunkReader(
            try RowReader(format, mapping: mapping, tokenPeriods: periods), keys: sink.tokenKeys)
        self.sink = sink
        self.receipts = receipts
        newNames = newNameLimit.map { NewNameLimit($0) }
    }

    /// Reads the whole input.
    func load(_ file: FileHandle, name: String) async throws {
        defer { progress.finish() }
        var source = ChunkSource(file, name: name, format: format)
        while !first.reader.isReady, try source.next(first.chunk) {
            let batch = try order.readNext(first.chunk.bytes, &first.reader, nowMicroseconds: wallClockMicroseconds())
            try await take(batch, first)
        }
        let readers = try first.reader.isReady ? withSiblings() : [first]
        try await read(&source, with: readers)
        try await take(try order.finish(&first.reader, nowMicroseconds: wallClockMicroseconds()), first)
        keysNeverSeen = first.reader.keysNeverSeen.filter { key in
            readers.allSatisfy { $0.reader.keysNeverSeen.contains(key) }
        }
    }

    private func withSiblings() throws(FormatError) -> [ChunkReader] {
        var readers = [first]
        for _ in 1..<max(2, ProcessInfo.processInfo.activeProcessorCount) {
            readers.append(ChunkReader(try first.reader.sibling(), keys: sink.tokenKeys))
        }
        return readers
    }

    /// Each reader has a chunk or is free; those that have one are settled in turn.
    private func read(_ source: inout ChunkSource, with readers: [ChunkReader]) async throws {
        var free = readers
        var busy: [(reader: ChunkReader, batch: Task<Result<ParsedBatch, any Error>, Never>)] = []
        func settleFirst() async throws {
            let (reader, batch) = busy.removeFirst()
            try await settle(reader, await batch.value)
            free.append(reader)
        }
        while true {
            // Whoever writes to a pipe may take time: rows that are there do not wait for it.
            while !busy.isEmpty, free.isEmpty || !source.isReadable { try await settleFirst() }
            guard let reader = free.popLast(), try source.next(reader.chunk) else { break }
            busy.append((reader, Task.detached { reader.read() }))
        }
        while !busy.isEmpty { try await settleFirst() }
    }

    private func settle(_ reader: ChunkReader, _ result: Result<ParsedBatch, any Error>) async throws {
        var batch = try result.get()
        try order.settle(
            &batch, of: reader.chunk.bytes, &reader.reader, nowMicroseconds: wallClockMicroseconds())
        try await take(batch, reader)
    }

    private func take(_ parsed: ParsedBatch, _ reader: ChunkReader) async throws {
        var batch = parsed
        if !batch.accounts.isEmpty {
            reader.reader.supply(tokens: try await sink.tokens(for: batch.accounts), to: &batch)
        }
        if !batch.names.isEmpty { reader.reader.supply(codes: try await resolve(batch.names), to: &batch) }
        rowCount += batch.records.count + batch.rejects.count
        rejects += batch.rejects
        if !batch.records.isEmpty { try await sink.send(batch.records, rows: batch.rows) }
        try receipts?.add(sink.takeReceipts())
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        progress.show("loading: \(formatCount(rowCount)) rows, \(formatRate(rowCount, seconds: seconds))")
    }

    private func resolve(_ names: [Name]) async throws -> [NameResolution] {
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
