import Formats
import Foundation
import Ledger
import NIOCore
import Transactions

/// Reads the transactions of one body as it arrives. It is used by one task.
final class BodyReader {
    /// How a body is written.
    enum Format {
        case array
        case rows(FileFormat)

        /// By the media type of a request; nil when that is none that is known.
        init?(contentType: String) {
            let type = contentType.split(separator: ";").first?.trimmingCharacters(in: .whitespaces).lowercased()
            switch type {
            case "application/json": self = .array
            case "application/x-ndjson", "application/ndjson", "application/jsonl": self = .rows(.ndjson)
            case "text/csv": self = .rows(.csv)
            case "application/octet-stream": self = .rows(.raw)
            default: return nil
            }
        }

        static let contentTypes = "application/json, application/x-ndjson, text/csv or application/octet-stream"
    }

    private(set) var records: [Record] = []
    /// Where each record came from: the item of an array, the line of a text, the number of a raw record; from 1.
    private(set) var items: [Int] = []
    /// The items that became no record.
    private(set) var rejects: [RowReject] = []
    private let ledger: Ledger
    private let nowMicroseconds: Int64
    private var reader: RowReader
    private var splitter: JSONArraySplitter?

    init(_ format: Format, mapping: Mapping, ledger: Ledger, nowMicroseconds: Int64) throws(FormatError) {
        self.ledger = ledger
        self.nowMicroseconds = nowMicroseconds
        switch format {
        case .array:
            splitter = JSONArraySplitter()
            reader = try RowReader(.ndjson, mapping: mapping)
        case .rows(let format): reader = try RowReader(format, mapping: mapping)
        }
    }

    var itemCount: Int { records.count + rejects.count }

    func read(_ bytes: ByteBuffer) async throws {
        let batch = try bytes.withUnsafeReadableBytes { bytes in
            guard let lines = try splitter?.split(bytes) else {
                return try reader.read(bytes, nowMicroseconds: nowMicroseconds)
            }
            return try lines.withUnsafeBytes { try reader.read($0, nowMicroseconds: nowMicroseconds) }
        }
        try await add(batch)
    }

    func finish() async throws {
        try splitter?.finish()
        try await add(try reader.finish(nowMicroseconds: nowMicroseconds))
    }

    private func add(_ parsed: ParsedBatch) async throws {
        var batch = parsed
        if !batch.accounts.isEmpty { reader.supply(tokens: ledger.tokens(for: batch.accounts), to: &batch) }
        if !batch.names.isEmpty {
            reader.supply(codes: try await ledger.codes(for: batch.names).map { .code($0) }, to: &batch)
        }
        records += batch.records
        items += batch.rows
        rejects += batch.rejects
    }
}
