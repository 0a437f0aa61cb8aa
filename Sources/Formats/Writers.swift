import Transactions

/// Writes records in one of the formats, in the product's own form.
///
/// Writers collect bytes; the caller takes them out as often as it likes with `take`.
public struct RecordWriter {
    private var csv: CSVWriter?
    private var ndjson: NDJSONWriter?
    private var raw: [UInt8] = []

    /// A writer; in CSV, with the header written.
    /// - Parameter names: finds names for codes; without it, and for codes without a name, numbers are written.
    public init(_ format: FileFormat, names: NameLookup? = nil) {
        switch format {
        case .csv: csv = CSVWriter(names: names)
        case .ndjson: ndjson = NDJSONWriter(names: names)
        case .raw: break
        }
    }

    /// Writes valid records.
    public mutating func write(_ records: UnsafeBufferPointer<Record>) {
        if csv != nil {
            csv!.write(records)
        } else if ndjson != nil {
            ndjson!.write(records)
        } else {
            raw.append(contentsOf: UnsafeRawBufferPointer(records))
        }
    }

    /// Writes valid records.
    public mutating func write(_ records: [Record]) { records.withUnsafeBufferPointer { write($0) } }

    /// Takes out the bytes written since the last call.
    public mutating func take() -> [UInt8] {
        if csv != nil { return csv!.take() }
        if ndjson != nil { return ndjson!.take() }
        defer { raw.removeAll(keepingCapacity: true) }
        return raw
    }
}

/// Writes a header of all fields, and one row for each record.
struct CSVWriter {
    private var text: RecordText
    private let fields = MappedField.allCases
    private var buffer = TextBuffer()

    init(names: NameLookup?) {
        text = RecordText(.csv, names: names)
        buffer.append(MappedField.allCases.map(\.name).joined(separator: ",") + "\n")
    }

    mutating func write(_ records: some Sequence<Record>) {
        for record in records {
            for field in fields {
                if field != .id { buffer.append(UInt8(ascii: ",")) }
                if !RecordText.isDefault(field, of: record) { text.append(field, of: record, to: &buffer) }
            }
            buffer.append(UInt8(ascii: "\n"))
        }
    }

    mutating func take() -> [UInt8] { buffer.take() }
}

/// Writes one object on each line, without the fields that have their default.
struct NDJSONWriter {
    private var text: RecordText
    private var buffer = TextBuffer()
    private let fields = MappedField.allCases.map { (field: $0, key: Array("\"\($0.name)\":".utf8)) }

    init(names: NameLookup?) { text = RecordText(.json, names: names) }

    mutating func write(_ records: some Sequence<Record>) {
        for record in records {
            for (field, key) in fields where !RecordText.isDefault(field, of: record) {
                buffer.append(field == .id ? UInt8(ascii: "{") : UInt8(ascii: ","))
                buffer.append(contentsOf: key)
                text.append(field, of: record, to: &buffer)
            }
            buffer.append("}\n")
        }
    }

    mutating func take() -> [UInt8] { buffer.take() }
}

/// Writes the rows that became no record as CSV: row, field, reason. The rows themselves are not repeated, as they may hold
/// account numbers.
public struct RejectsWriter {
    private var buffer = TextBuffer()

    /// A writer, with the header written.
    public init() { buffer.append("row,field,reason\n") }

    /// Writes rejects.
    public mutating func write(_ rejects: some Sequence<RowReject>) {
        for reject in rejects {
            buffer.append(UInt64(reject.row))
            buffer.append(UInt8(ascii: ","))
            RecordText.append(reject.field ?? "", .csv, to: &buffer)
            buffer.append(UInt8(ascii: ","))
            RecordText.append(reject.message, .csv, to: &buffer)
            buffer.append(UInt8(ascii: "\n"))
        }
    }

    /// Takes out the bytes written since the last call.
    public mutating func take() -> [UInt8] { buffer.take() }
}
