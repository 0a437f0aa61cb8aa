import Transactions

/// Writes records as CSV in the product's own form: a header of all fields, one row for each record.
///
/// Writers collect bytes; the caller takes them out as often as it likes with `take`.
public struct CSVWriter {
    private var text: RecordText
    private let fields = MappedField.allCases
    private var buffer = TextBuffer()

    /// A writer, with the header written.
    /// - Parameter names: finds names for codes; without it, and for codes without a name, numbers are written.
    public init(names: NameLookup? = nil) {
        text = RecordText(.csv, names: names)
        buffer.append(MappedField.allCases.map(\.name).joined(separator: ",") + "\n")
    }

    /// Writes valid records.
    public mutating func write(_ records: some Sequence<Record>) {
        for record in records {
            for field in fields {
                if field != .id { buffer.append(UInt8(ascii: ",")) }
                if !RecordText.isDefault(field, of: record) { text.append(field, of: record, to: &buffer) }
            }
            buffer.append(UInt8(ascii: "\n"))
        }
    }

    /// Takes out the bytes written since the last call.
    public mutating func take() -> [UInt8] { buffer.take() }
}

/// Writes records as NDJSON in the product's own form: one object on each line, without the fields that have their default.
public struct NDJSONWriter {
    private var text: RecordText
    private var buffer = TextBuffer()
    private let fields = MappedField.allCases.map { (field: $0, key: Array("\"\($0.name)\":".utf8)) }

    /// A writer of nothing yet.
    /// - Parameter names: finds names for codes; without it, and for codes without a name, numbers are written.
    public init(names: NameLookup? = nil) { text = RecordText(.json, names: names) }

    /// Writes valid records.
    public mutating func write(_ records: some Sequence<Record>) {
        for record in records {
            for (field, key) in fields where !RecordText.isDefault(field, of: record) {
                buffer.append(field == .id ? UInt8(ascii: "{") : UInt8(ascii: ","))
                buffer.append(contentsOf: key)
                text.append(field, of: record, to: &buffer)
            }
            buffer.append("}\n")
        }
    }

    /// Takes out the bytes written since the last call.
    public mutating func take() -> [UInt8] { buffer.take() }
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
