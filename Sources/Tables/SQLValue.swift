import CSQLite

/// A value as SQLite has them.
public enum SQLValue: Hashable, Sendable {
    /// Nothing is known.
    case null
    /// A whole number of 64 bits.
    case integer(Int64)
    /// A number that may have lost digits.
    case real(Double)
    /// Words.
    case text(String)
    /// Bytes.
    case blob([UInt8])
}

extension SQLValue {
    /// Copies a value of SQLite's.
    init(_ value: OpaquePointer?) {
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER: self = .integer(sqlite3_value_int64(value))
        case SQLITE_FLOAT: self = .real(sqlite3_value_double(value))
        case SQLITE_TEXT:
            let start = sqlite3_value_text(value)
            self = .text(
                String(
                    decoding: UnsafeBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))), as: UTF8.self)
            )
        case SQLITE_BLOB:
            let start = sqlite3_value_blob(value)
            self = .blob(Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))))
        default: self = .null
        }
    }

    /// Gives the value as a result.
    func show(in context: OpaquePointer?) {
        switch self {
        case .null: sqlite3_result_null(context)
        case .integer(let number): sqlite3_result_int64(context, number)
        case .real(let number): sqlite3_result_double(context, number)
        case .text(let text): showTransient(text, in: context)
        case .blob(let bytes):
            bytes.withUnsafeBytes {
                sqlite3_result_blob64(context, $0.baseAddress, UInt64($0.count), transientResult)
            }
        }
    }
}

/// SQLITE_TRANSIENT: SQLite copies what it is given.
let transientResult = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// Gives a text as a result; SQLite copies it.
func showTransient(_ text: String, in context: OpaquePointer?) {
    var text = text
    text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) {
            sqlite3_result_text(context, $0.baseAddress, Int32($0.count), transientResult)
        }
    }
}

/// Gives a short text as a result, which `write` makes and says the length of; SQLite copies it.
@inline(__always)
func showTransient(
    in context: OpaquePointer?, capacity: Int, _ write: (UnsafeMutableBufferPointer<UInt8>) -> Int
) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { bytes in
        let count = write(bytes)
        UnsafeMutableRawBufferPointer(bytes).withMemoryRebound(to: CChar.self) {
            sqlite3_result_text(context, $0.baseAddress, Int32(count), transientResult)
        }
    }
}
