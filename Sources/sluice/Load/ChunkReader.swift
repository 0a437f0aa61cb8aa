import Formats
import Foundation
import Ledger
import Transactions

/// A reader with the chunk that it reads next. It is used by one task at a time, which hands it on with its result.
final class ChunkReader: @unchecked Sendable {
    let chunk = Chunk()
    var reader: RowReader
    private let keys: TokenKeys?

    /// - Parameter keys: nil where a server makes the tokens of accounts.
    init(_ reader: consuming RowReader, keys: TokenKeys?) {
        self.reader = reader
        self.keys = keys
    }

    /// Reads the chunk, and supplies the tokens of its accounts where that needs no server.
    func read() -> Result<ParsedBatch, any Error> {
        do {
            var batch = try reader.readChunk(chunk.bytes, nowMicroseconds: wallClockMicroseconds())
            if let keys, !batch.accounts.isEmpty {
                reader.supply(tokens: try keys.tokens(for: batch.accounts), to: &batch)
            }
            return .success(batch)
        } catch {
            return .failure(error)
        }
    }
}

/// Microseconds since 1970-01-01 UTC.
func wallClockMicroseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
