/// Where a field's text comes from: an input column, a constant, or a column with a constant for its empty values.
struct TextSource: ~Copyable {
    let field: MappedField
    /// The input column; -1: none.
    let column: Int
    /// What error texts call the column; nil when it is called as the field, or there is none.
    let columnName: String?
    /// True when error texts must not show values of the column.
    let isSecret: Bool
    private let fallback: OwnedText

    init(_ field: MappedField, column: Int, columnName: String?, isSecret: Bool, fallback: String?) {
        self.field = field
        self.column = column
        self.columnName = columnName == field.name ? nil : columnName
        self.isSecret = isSecret
        self.fallback = OwnedText(fallback ?? "")
    }

    /// The text in a row without blanks at both ends, or the constant; empty when there is neither.
    @inline(__always)
    func text(_ texts: UnsafeBufferPointer<FieldText>) -> FieldText {
        if column >= 0 {
            let text = texts[column].trimmed
            if !text.isEmpty { return text }
        }
        return fallback.text
    }

    /// The text as it stands in the row.
    @inline(__always)
    func verbatim(_ texts: UnsafeBufferPointer<FieldText>) -> FieldText {
        column >= 0 && texts[column].count > 0 ? texts[column] : text(texts)
    }

    /// An error about a value; `message` follows the value.
    func fault(_ value: FieldText, _ message: String) -> RowFault {
        RowFault(field, (isSecret ? "the value" : Excerpt.quoted(value.bytes)) + " " + message + place)
    }

    /// An error about a value that is not there.
    var missing: RowFault { RowFault(field, "is missing" + place) }

    private var place: String { columnName.map { " (column \(Excerpt.quoted($0)))" } ?? "" }
}
