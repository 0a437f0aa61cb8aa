/// Looks whether bytes are one JSON document in which no object has a key twice; what decoders make of one that has is not said.
/// - Throws: the line and column of what is wrong.
public func checkJSON(_ bytes: some Sequence<UInt8>) throws(FormatError) { _ = try JSONValue.read(bytes) }

/// A JSON document as a tree: for mappings, which are small.
enum JSONValue {
    case object([(key: String, value: JSONValue)])
    case array([JSONValue])
    case string(String)
    case number(String)
    case bool(Bool)
    case null

    /// Reads a whole document; keys must not come twice in one object.
    static func read(_ bytes: some Sequence<UInt8>) throws(FormatError) -> JSONValue {
        var text = Array(bytes)
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
        let original = text
        guard original.withUnsafeBufferPointer(isUTF8) else { throw FormatError("the text is not UTF-8") }
        text += [UInt8](repeating: 0, count: FieldText.slackByteCount)
        let result = text.withUnsafeMutableBufferPointer { text -> Result<JSONValue, JSONFault> in
            var cursor = JSONCursor(UnsafeMutableBufferPointer(rebasing: text[..<original.count]))
            do throws(JSONFault) {
                let value = try JSONValue(&cursor, depth: 0)
                try cursor.expectEnd()
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let value): return value
        case .failure(let fault):
            let before = original.prefix(fault.offset)
            let line = before.count { $0 == UInt8(ascii: "\n") } + 1
            let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count + 1
            throw FormatError("line \(line), column \(column): \(fault.message)")
        }
    }

    private init(_ cursor: inout JSONCursor, depth: Int) throws(JSONFault) {
        guard depth < JSONCursor.largestDepth else { throw cursor.fault("nested too deep") }
        switch cursor.peek() {
        case UInt8(ascii: "{"): self = .object(try JSONValue.members(&cursor, depth: depth))
        case UInt8(ascii: "["): self = .array(try JSONValue.elements(&cursor, depth: depth))
        case UInt8(ascii: "\""): self = .string(String(decoding: try cursor.string().bytes, as: UTF8.self))
        case UInt8(ascii: "t"), UInt8(ascii: "f"): self = .bool(try cursor.word().count == 4)
        case UInt8(ascii: "n"):
            _ = try cursor.word()
            self = .null
        default: self = .number(String(decoding: try cursor.number().bytes, as: UTF8.self))
        }
    }

    private static func members(
        _ cursor: inout JSONCursor, depth: Int
    ) throws(JSONFault) -> [(key: String, value: JSONValue)] {
        var members: [(key: String, value: JSONValue)] = []
        var keys: Set<String> = []
        _ = cursor.take(UInt8(ascii: "{"))
        if cursor.take(UInt8(ascii: "}")) { return members }
        repeat {
            let key = String(decoding: try cursor.string().bytes, as: UTF8.self)
            guard keys.insert(key).inserted else { throw cursor.fault("the key \"\(key)\" comes twice") }
            try cursor.expect(UInt8(ascii: ":"), "a colon")
            members.append((key, try JSONValue(&cursor, depth: depth + 1)))
        } while cursor.take(UInt8(ascii: ","))
        try cursor.expect(UInt8(ascii: "}"), "a comma or a closing brace")
        return members
    }

    private static func elements(_ cursor: inout JSONCursor, depth: Int) throws(JSONFault) -> [JSONValue] {
        var elements: [JSONValue] = []
        _ = cursor.take(UInt8(ascii: "["))
        if cursor.take(UInt8(ascii: "]")) { return elements }
        repeat {
            elements.append(try JSONValue(&cursor, depth: depth + 1))
        } while cursor.take(UInt8(ascii: ","))
        try cursor.expect(UInt8(ascii: "]"), "a comma or a closing bracket")
        return elements
    }

    /// What it is and, where it is small, its value: for error texts.
    var description: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string(let text): Excerpt.quoted(text)
        case .number(let text): "the number \(text)"
        case .bool(let value): "\(value)"
        case .null: "null"
        }
    }
}
