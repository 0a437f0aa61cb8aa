import Transactions

/// Reads records from CSV, NDJSON or raw bytes that arrive in pieces of any size.
///
/// Feed it with `read` and, after the last piece, call `finish`. Every row becomes a record or a reject, and reading goes
/// on after a reject. Memory is bounded by the largest piece, the largest row (1 MiB) and the caches of names and
/// accounts. Names get their codes outside: see `ParsedBatch`. Not to be shared between threads.
public struct RowReader: ~Copyable {
    private var csv: CSVRows?
    private var ndjson: NDJSONRows?
    private var raw: RawRows?
    private var assembler: RowAssembler?
    private var batchNumber: UInt64 = 0
    private var failure: FormatError?

    /// A reader of one input.
    /// - Throws: what is wrong with the mapping.
    public init(_ format: FileFormat, mapping: Mapping = Mapping()) throws(FormatError) {
        switch format {
        case .csv: csv = CSVRows(mapping)
        case .ndjson:
            let input = InputColumns(mapping) { _ in true }
            assembler = try RowAssembler(mapping, input)
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

    private mutating func advance(
        _ bytes: UnsafeRawBufferPointer, isLast: Bool, _ nowMicroseconds: Int64
    ) throws(FormatError) -> ParsedBatch {
        if let failure { throw failure }
        batchNumber += 1
        var batch = ParsedBatch(number: batchNumber)
        assembler?.trim()
        do throws(FormatError) {
            try csv?.read(bytes, isLast: isLast, nowMicroseconds: nowMicroseconds, &assembler, into: &batch)
            ndjson?.read(bytes, isLast: isLast, nowMicroseconds: nowMicroseconds, &assembler, into: &batch)
            raw?.read(bytes, isLast: isLast, nowMicroseconds: nowMicroseconds, into: &batch)
        } catch {
            failure = error
            throw error
        }
        return batch
    }
}
