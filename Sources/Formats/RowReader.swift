import Transactions

/// Reads records from CSV, NDJSON or raw bytes that arrive in pieces of any size.
///
/// Feed it with `read` and, after the last piece, call `finish`. Every row becomes a record or a reject, and reading goes
/// on after a reject. Memory is bounded by the largest piece, the largest row (1 MiB) and the caches of names and
/// accounts. Names get their codes outside: see `ParsedBatch`. Not to be shared between threads.
///
/// Several readers can share an input: once `isReady`, `sibling` makes others, each takes chunks with `readChunk`, and
/// `ChunkOrder` puts together what they made of them.
public struct RowReader: ~Copyable {
    private var csv: CSVRows?
    private var ndjson: NDJSONRows?
    private var raw: RawRows?
    private var assembler: RowAssembler?
    private var batchNumber: UInt64 = 0
    private var failure: FormatError?
    private let mapping: Mapping
    private let tokenPeriods: TokenPeriods
    private var firstRow = 1
    /// A little less than the bytes of a row, as far as it is known.
    private var bytesOfRow = 1024

    /// The longest row, in bytes.
    public static let largestRowByteCount = InputBuffer.largestRowByteCount

    /// A reader of one input.
    /// - Parameter tokenPeriods: within which of them it may use a token again that it was supplied with.
    /// - Throws: what is wrong with the mapping.
    public init(
        _ format: FileFormat, mapping: Mapping = Mapping(), tokenPeriods: TokenPeriods = .unknown
    ) throws(FormatError) {
        self.mapping = mapping
        self.tokenPeriods = tokenPeriods
        switch format {
        case .csv: csv = CSVRows(mapping, tokenPeriods)
        case .ndjson:
            let input = InputColumns(mapping) { _ in true }
            assembler = try RowAssembler(mapping, input, tokenPeriods)
            ndjson = NDJSONRows(mapping, input)
        case .raw: raw = RawRows()
        }
    }

    /// Takes the next bytes in; they may end anywhere.
    /// - Parameter nowMicroseconds: the clock, microseconds since 1970-01-01 UTC; times more than a day ahead are rejected.
    /// - Returns: what came of the rows that ended in these bytes.
    /// - Throws: why the input cannot be read at all, such as a column that is missing; each later call throws it again.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, nowMicroseconds: Int64
    ) throws(FormatError) -> ParsedBatch {
        try advance(bytes, isLast: false, nowMicroseconds)
    }

    /// Takes note that the input has ended: a last row may lack its line break.
    public mutating func finish(nowMicroseconds: Int64) throws(FormatError) -> ParsedBatch {
        try advance(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true, nowMicroseconds)
    }

    /// Supplies the tokens of `batch.accounts`, in their order. Payees that are persons become names by it.
    public mutating func supply(tokens: [UInt64], to batch: inout ParsedBatch) {
        assembler?.supply(tokens: tokens, to: &batch)
    }

    /// Supplies the codes of `batch.names`, in their order. Rows whose names were refused become rejects.
    public mutating func supply(codes: [NameResolution], to batch: inout ParsedBatch) {
        assembler?.supply(codes: codes, to: &batch)
    }

    /// Begins with another input, as a new reader would, and knows what names and accounts stand for. For NDJSON and raw bytes:
    /// a header belongs to its own input.
    /// - Parameter mayHaveMark: whether a byte order mark at the beginning is passed over.
    public mutating func restart(mayHaveMark: Bool = true) {
        precondition(!hasHeader, "a reader of CSV reads one input")
        begin(after: .none, firstRow: 1)
        ndjson?.restart(mayHaveMark: mayHaveMark)
    }

    private var hasHeader: Bool {
        switch csv {
        case .some: true
        case .none: false
        }
    }

    // MARK: One of several readers

    /// A reader of further chunks of what `other`, which is ready, reads.
    private init(with other: borrowing RowReader) throws(FormatError) {
        mapping = other.mapping
        tokenPeriods = other.tokenPeriods
        switch other.csv {
        case .some(let rows):
            csv = CSVRows(under: rows)
            assembler = try RowAssembler(mapping, rows.input!, tokenPeriods)
        case .none where other.ndjson != nil:
            let input = InputColumns(mapping) { _ in true }
            assembler = try RowAssembler(mapping, input, tokenPeriods)
            ndjson = NDJSONRows(mapping, input, isFirst: false)
        case .none: raw = RawRows()
        }
    }

    /// True when the header, if the format has one, was read.
    public var isReady: Bool { assembler != nil || raw != nil }

    /// Another reader of the same input, which takes chunks from anywhere in it. This one must be ready.
    public borrowing func sibling() throws(FormatError) -> RowReader { try RowReader(with: self) }

    /// Reads bytes that begin with a row, its number taken for 1. What a chunk before left behind is forgotten.
    public mutating func readChunk(
        _ bytes: UnsafeRawBufferPointer, nowMicroseconds: Int64
    ) throws(FormatError) -> ParsedBatch {
        begin(after: .none, firstRow: 1)
        return try read(bytes, nowMicroseconds: nowMicroseconds)
    }

    /// Goes on where another reader stopped, with the row of that number.
    mutating func begin(after row: UnfinishedRow, firstRow: Int) {
        self.firstRow = firstRow
        csv?.begin(after: row, firstRow: firstRow)
        ndjson?.begin(after: row, firstRow: firstRow)
        raw?.begin(after: row, firstRow: firstRow)
    }

    /// Rows that ended since `begin`, with blank lines and all lines that quotes hold.
    var finishedRowCount: Int { nextRow - firstRow }

    private var nextRow: Int {
        switch csv {
        case .some(let rows): return rows.line
        case .none: break
        }
        switch ndjson {
        case .some(let rows): return rows.line
        case .none: break
        }
        switch raw {
        case .some(let rows): return rows.nextRow
        case .none: return firstRow
        }
    }

    /// What the chunk left behind.
    var unfinishedRow: UnfinishedRow {
        switch csv {
        case .some(let rows): return rows.unfinishedRow
        case .none: break
        }
        switch ndjson {
        case .some(let rows): return rows.unfinishedRow
        case .none: break
        }
        switch raw {
        case .some(let rows): return rows.unfinishedRow
        case .none: return .none
        }
    }

    /// The keys of NDJSON that a mapping with columns of its own names and that no object had. A mistyped key shows here, as
    /// objects may lack keys.
    public var keysNeverSeen: [String] {
        switch ndjson {
        case .some(let rows): rows.keysNeverSeen
        case .none: []
        }
    }

    private mutating func advance(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, _ nowMicroseconds: Int64
    ) throws(FormatError) -> ParsedBatch {
        if let failure { throw failure }
        batchNumber += 1
        var batch = ParsedBatch(number: batchNumber, likelyRowCount: bytes.count / bytesOfRow + 16)
        assembler?.trim()
        do throws(FormatError) {
            try csv?.read(bytes, isLast: isLast, nowMicroseconds: nowMicroseconds, &assembler, into: &batch)
            ndjson?.read(bytes, isLast: isLast, nowMicroseconds: nowMicroseconds, &assembler, into: &batch)
            raw?.read(bytes, isLast: isLast, nowMicroseconds: nowMicroseconds, into: &batch)
        } catch {
            failure = error
            throw error
        }
        // Rows of one input are mostly alike.
        if batch.records.count > 16 { bytesOfRow = max(1, bytes.count * 15 / 16 / batch.records.count) }
        return batch
    }
}
