import CSQLite

/// A text of statements that end with `;`.
public struct StatementText {
    /// True when the text ends with a whole statement: what a prompt waits for. A `;` in a text, a comment or a name ends none.
    public static func isComplete(_ text: String) -> Bool { sqlite3_complete(text) != 0 }

    /// The statements of a text, in order; the last one may lack its `;`.
    public static func statements(of text: String) -> [String] {
        var statements: [String] = []
        var start = text.startIndex
        var end = text.startIndex
        while let semicolon = text[end...].firstIndex(of: ";") {
            end = text.index(after: semicolon)
            guard isComplete(String(text[start..<end])) else { continue }
            statements.append(String(text[start..<end]))
            start = end
        }
        statements.append(String(text[start...]))
        return statements.filter { !isBlank($0) }
    }

    /// True for a text of nothing but white space, comments and `;`.
    private static func isBlank(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while let first = rest.first {
            if rest.starts(with: "--".utf8) {
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            } else if rest.starts(with: "/*".utf8) {
                rest = rest.dropFirst(2)
                while !rest.isEmpty, !rest.starts(with: "*/".utf8) { rest = rest.dropFirst() }
                rest = rest.dropFirst(2)
            } else if first == UInt8(ascii: ";") || first == UInt8(ascii: " ") || 9...13 ~= first {
                rest = rest.dropFirst()
            } else {
                return false
            }
        }
        return true
    }
}
