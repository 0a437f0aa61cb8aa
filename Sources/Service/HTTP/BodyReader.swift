import Access
import Formats
import Foundation
import Ledger
import NIOCore
import Transactions

/// Reads the transactions of one body after the other, each as it arrives. It is used by one task at a time.
final class BodyReader: @unchecked Sendable {
    /// How a body is written.
    enum Format: Hashable {
        case array
        case rows(FileFormat)

        /// By the media type of a request; nil when that is none that is known.
        init?(contentType: String) {
            // Nearly all are written just so, and to take one apart costs more than to read a small body.
            let plain = { contentType.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased() }
            guard let format = Format(mediaType: contentType) ?? Format(mediaType: plain()) else { return nil }
            self = format
        }

        private init?(mediaType: String) {
            switch mediaType {
            case "application/json": self = .array
            case "application/x-ndjson", "application/ndjson", "application/jsonl": self = .rows(.ndjson)
            case "text/csv": self = .rows(.csv)
            case "application/octet-stream": self = .rows(.raw)
            default: return nil
            }
        }

        static let contentTypes = "application/json, application/x-ndjson, text/csv or application/octet-stream"
    }

    private var content = BodyContent()
    let format: Format
    private let ledger: Ledger
    private let tokenPeriods: TokenPeriods
    private var nowMicroseconds: Int64 = 0
    private var reader: RowReader
    private var splitter: JSONArraySplitter?
    private var permissions = Permissions.everything
    /// A source in the body that is not the client's; its records are rejected.
    private(set) var refusedSource: String?

    /// A reader of a first body.
    init(_ format: Format, mapping: Mapping, ledger: Ledger) throws(FormatError) {
        self.format = format
        self.ledger = ledger
        tokenPeriods = ledger.tokenKeys.periods
        switch format {
        case .array: reader = try RowReader(.ndjson, mapping: mapping, tokenPeriods: tokenPeriods)
        case .rows(let format): reader = try RowReader(format, mapping: mapping, tokenPeriods: tokenPeriods)
        }
    }

    /// True when another body can follow: there is no header, no name is known as one that is not given, and for new dates
    /// tokens are still remembered.
    var isReusable: Bool { format != .rows(.csv) && refusedSource == nil && tokenPeriods == ledger.tokenKeys.periods }

    /// Begins with a body of a client with these permissions.
    func begin(for permissions: Permissions, nowMicroseconds: Int64) {
        self.permissions = permissions
        self.nowMicroseconds = nowMicroseconds
        splitter = format == .array ? JSONArraySplitter() : nil
        // The lines of an array are no text of their own.
        if format != .rows(.csv) { reader.restart(mayHaveMark: format != .array) }
        content = BodyContent()
    }

    /// Items that were read so far.
    var itemCount: Int { content.itemCount }

    func read(_ bytes: ByteBuffer) async throws {
        let batch = try bytes.withUnsafeReadableBytes { bytes in
            guard let lines = try splitter?.split(bytes) else { return try readRows(bytes) }
            return try lines.withUnsafeBytes(readRows)
        }
        try await add(batch)
    }

    private func readRows(_ bytes: UnsafeRawBufferPointer) throws(FormatError) -> ParsedBatch {
        try reader.read(bytes, nowMicroseconds: nowMicroseconds)
    }

    /// Takes note of the body's end.
    func finish() async throws -> BodyContent {
        try splitter?.finish()
        try await add(try reader.finish(nowMicroseconds: nowMicroseconds))
        return content
    }

    private func add(_ parsed: ParsedBatch) async throws {
        var batch = parsed
        if !batch.accounts.isEmpty { reader.supply(tokens: try ledger.tokens(for: batch.accounts), to: &batch) }
        if !batch.names.isEmpty { reader.supply(codes: try await resolutions(of: batch.names), to: &batch) }
        content.records += batch.records
        content.items += batch.rows
        content.rejects += batch.rejects
    }
}

extension BodyReader {
    /// Codes of names; the name of a source that is not the client's is not even entered.
    private func resolutions(of names: [Name]) async throws -> [NameResolution] {
        func isAllowed(_ name: Name) -> Bool { name.space != .source || permissions.maySend(for: name.text) }
        let allowed = names.filter(isAllowed)
        refusedSource = refusedSource ?? names.first { !isAllowed($0) }?.text
        var codes = try await ledger.codes(for: allowed).makeIterator()
        return names.map { isAllowed($0) ? .code(codes.next()!) : .refused(Reason.foreignSource.explanation) }
    }
}

/// What a body held.
struct BodyContent {
    var records: [Record] = []
    /// Where each record came from: the item of an array, the line of a text, the number of a raw record; from 1.
    var items: [Int] = []
    /// The items that became no record.
    var rejects: [RowReject] = []

    var itemCount: Int { records.count + rejects.count }
}
