import Transactions

/// Why a whole input or a mapping cannot be read: a text that names the place and what was expected.
public struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The place, what was found and what was expected.
    public var description: String

    /// An error with a complete text.
    public init(_ description: String) { self.description = description }
}

/// A row that became no record, and why. The text never holds an account number.
public struct RowReject: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line on which the row begins, from 1 (for raw records: the record's number, from 1).
    public var row: Int
    /// The field that is at fault, by its name in mappings; nil when the row as a whole is.
    public var field: String?
    /// What is wrong, with the column's name where it differs from the field's.
    public var message: String

    /// A reject from its parts.
    public init(row: Int, field: String?, message: String) {
        self.row = row
        self.field = field
        self.message = message
    }

    /// The reject of a row whose record the ledger did not take.
    public init(row: Int, fault: Fault) {
        self.init(row: row, field: fault.field.name, message: fault.reason.explanation)
    }

    /// `row 17: amount: ...`.
    public var description: String {
        "row \(row): \(field.map { $0 + ": " } ?? "")\(message)"
    }
}

/// What is wrong inside a row, before its number is known.
struct RowFault: Error {
    var field: MappedField?
    var message: String

    init(_ field: MappedField?, _ message: String) {
        self.field = field
        self.message = message
    }
}
