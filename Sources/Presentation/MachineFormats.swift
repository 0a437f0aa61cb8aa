import Rollups

extension Report {
    /// RFC 4180: a header, lines that end with CR and LF, quotes where a value needs them.
    func csv() -> String {
        let header = columns.map { csvField($0.name) }.joined(separator: ",") + "\r\n"
        return header + rows.map { $0.map { csvField($0.plainText) }.joined(separator: ",") + "\r\n" }.joined()
    }

    /// One document with the sequence and the rows.
    func json() -> String {
        let objects = rows.map { "\n  " + jsonObject($0) }.joined(separator: ",")
        var frame = sequence.map { "\"sequence\": \($0), " } ?? ""
        if !damage.isEmpty { frame += "\"damage\": [\(damage.map(jsonObject).joined(separator: ", "))], " }
        return "{\(frame)\"rows\": [\(objects)\(rows.isEmpty ? "" : "\n")]}\n"
    }

    private func jsonObject(_ mark: DamageMark) -> String {
        var members = ["\"path\": \(jsonString(mark.path))", "\"offset\": \(mark.offset)"]
        if let sequences = mark.sequences {
            members += ["\"first_sequence\": \(sequences.lowerBound)", "\"last_sequence\": \(sequences.upperBound)"]
        }
        if let days = mark.days { members.append("\"days\": [\(days.map { "\"\($0)\"" }.joined(separator: ", "))]") }
        members += ["\"reason\": \(jsonString(mark.reason))", "\"left_out\": \(mark.isLeftOut)"]
        return "{" + members.joined(separator: ", ") + "}"
    }

    func jsonObject(_ row: [Value]) -> String {
        let members = zip(columns, row).map { "\(jsonString($0.name)): \($1.jsonText)" }
        return "{" + members.joined(separator: ", ") + "}"
    }
}

extension Report.Value {
    var plainText: String {
        switch self {
        case .text(let text), .decimal(let text): text
        case .count(let count): "\(count)"
        case .none: ""
        }
    }

    var jsonText: String {
        switch self {
        case .text(let text), .decimal(let text): jsonString(text)
        case .count(let count): "\(count)"
        case .none: "null"
        }
    }
}

private func csvField(_ text: String) -> String {
    let needsQuotes = text.utf8.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 13 || $0 == 10 }
    guard needsQuotes else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
}

/// A JSON string by RFC 8259, quotes included.
public func jsonString(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
