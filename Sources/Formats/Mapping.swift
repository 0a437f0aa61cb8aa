import Transactions

/// How the columns of a CSV file or the keys of NDJSON objects become the fields of records; `docs/mapping.md` has the keys
/// of its JSON form.
///
/// Without any column of its own, a mapping expects the fields under their own names, in the form that `RecordWriter`
/// writes: the product's own form.
public struct Mapping: Equatable, Sendable {
    /// The zone of times that carry no offset.
    public var timeZone = "UTC"
    /// How times are written; nil: ISO 8601, RFC 3339 and plain dates.
    public var timeFormat: String?
    /// What stands between whole and fraction in amounts.
    public var decimalSeparator = "."
    /// What may stand between groups of digits in amounts; empty: nothing.
    public var thousandsSeparator = ""
    /// The unit of amounts.
    public var amountUnit = AmountUnit.major
    /// The unit of durations.
    public var durationUnit = DurationUnit.milliseconds
    /// What a negative amount means.
    public var negativeAmount = NegativeAmount.reject
    /// What stands between the fields of a CSV row: one ASCII character.
    public var separator = ","
    /// Values of fields that have no column, or whose column is empty.
    public var constants: [MappedField: String] = [:]
    /// The header or the (dotted) key from which each field comes; empty: each under its own name.
    public var columns: [MappedField: String] = [:]
    /// For each field, what some of its values are to be read as.
    public var values: [MappedField: [String: String]] = [:]
    /// The fields in which a value of digits alone is a code and no name; nil: all when `columns` is empty, else none.
    public var codes: Set<MappedField>?
    /// Which payees are people, whose names enter as tokens.
    public var personalPayee = PersonalPayee.never

    /// The product's own form.
    public init() {}

    /// Makes `source` the source of all rows; in the product's own form, of those that name none.
    public mutating func setSource(_ source: String) {
        constants[.source] = source
        columns[.source] = nil
    }

    /// The unit of amounts.
    public enum AmountUnit: String, CaseIterable, Sendable {
        /// Pounds, dong, dinars: `58397.63`.
        case major
        /// The currency's smallest unit, as an integer: `5839763`.
        case minor
    }

    /// The unit of durations.
    public enum DurationUnit: String, CaseIterable, Sendable {
        /// Thousandths of a second.
        case milliseconds
        /// Seconds, also with decimals.
        case seconds
    }

    /// What a negative amount means.
    public enum NegativeAmount: Equatable, Sendable {
        /// The row is rejected.
        case reject
        /// The row is this event, with the amount made positive.
        case event(Event)
    }

    /// Which payees are people.
    public enum PersonalPayee: Equatable, Sendable {
        /// None.
        case never
        /// All of them.
        case always
        /// Those of rows in which the column has one of the values.
        case column(String, values: Set<String>)
    }

    /// True when the fields are expected under their own names.
    var isOwnForm: Bool { columns.isEmpty }

    /// The column of a field, nil when it has none.
    func column(of field: MappedField) -> String? { isOwnForm ? field.name : columns[field] }

    /// True when a value of digits alone is a code in `field`.
    func takesCodes(_ field: MappedField) -> Bool { codes?.contains(field) ?? isOwnForm }
}
