import CSQLite

/// Why a statement was not run, or not to its end.
public struct SQLFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// SQLite's result code.
    public var code: Int32
    /// What is wrong, in words.
    public var description: String

    /// A fault with a code.
    public init(_ code: Int32, _ description: String) { (self.code, self.description) = (code, description) }

    /// True when a limit or the user ended the statement.
    public var isStopped: Bool { code == SQLITE_INTERRUPT || code == SQLITE_NOMEM || code == SQLITE_TOOBIG }
}
