import Formats
import Foundation
import Transactions

/// A reader with the chunk that it reads next. It is used by one task at a time, which hands it on with its result.
final class ChunkReader: @unchecked Sendable {
    let chunk = Chunk()
    var reader: RowReader
    private let tokenise: (@Sendable (AccountNumbers) -> [UInt64])?

    /// - Parameter tokenise: makes tokens of accounts at once, from any thread; nil where a server makes them.
    init(_ reader: consuming RowReader, tokenise: (@Sendable (AccountNumbers) -> [UInt64])?) {
        self.reader = reader
        self.tokenise = tokenise
    }

    /// Reads the chunk, and supplies the tokens of its accounts where that needs no server.
    func read() -> Result<ParsedBatch, FormatError> {
        do throws(FormatError) {
            var batch = try reader.readChunk(chunk.bytes, nowMicroseconds: wallClockMicroseconds())
            if let tokenise, !batch.accounts.isEmpty { reader.supply(tokens: tokenise(batch.accounts), to: &batch) }
            return .success(batch)
        } catch {
            return .failure(error)
        }
    }
}

/// Microseconds since 1970-01-01 UTC.
func wallClockMicroseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
