import Rollups
import Transactions

extension Report {
    /// RFC 4180: a header, lines that end with CR and LF, quotes where a value needs them.
    /// - Parameter isContinued: the header stands above other rows already.
    public func csv(isContinued: Bool = false) -> String {
        var text = isContinued ? "" : columns.map { csvField($0.name) }.joined(separator: ",") + "\r\n"
        for row in rows {
            for (place, value) in row.enumerated() {
                if place > 0 { text += "," }
                text += csvField(value.plainText)
            }
            text += "\r\n"
        }
        return text
    }

    /// One document with the sequence and the rows.
    func json() -> String {
        var text = "{"
        if let sequence { text += "\"sequence\": \(sequence), " }
        if !milliseconds.isEmpty {
            text += "\"milliseconds\": [\(milliseconds.map { fixedPoint($0, digits: 3) }.joined(separator: ", "))], "
        }
        if !damage.isEmpty { text += "\"damage\": [\(damage.map(jsonObject).joined(separator: ", "))], " }
        text += "\"rows\": ["
        appendObjects(to: &text, before: "\n  ", between: ",")
        return text + (rows.isEmpty ? "]}\n" : "\n]}\n")
    }

    /// One object a line.
    func ndjson() -> String {
        var text = ""
        appendObjects(to: &text, before: "", between: "\n")
        return rows.isEmpty ? "" : text + "\n"
    }

    /// A row for each row, and nothing else: it goes into a document as it is.
    func markdown() -> String {
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
        return line(columns.map { markdownCell($0.name) }) + line(columns.map { $0.isNumeric ? "---:" : "---" })
            + rows.map { line($0.map { markdownCell($0.plainText) }) }.joined()
    }

    /// Every row as an object. There may be a great many: each piece of text is appended where it belongs, once.
    private func appendObjects(to text: inout String, before: String, between: String) {
        let keys = columns.enumerated().map { place, column in
            (place == 0 ? "{" : ", ") + jsonString(column.name) + ": "
        }
        for (number, row) in rows.enumerated() {
            text += number == 0 ? before : between + before
            for (key, value) in zip(keys, row) {
                text += key
                text += value.jsonText
            }
            text += keys.isEmpty ? "{}" : "}"
        }
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
}

extension Report.Value {
    var plainText: String {
        switch self {
        case .text(let text), .decimal(let text), .number(let text): text
        case .count(let count): digits(of: count)
        case .estimate(let value): value.plainText
        case .percent(let hundredths, _): decimalText(hundredths, fractionDigits: 2)
        case .none: ""
        }
    }

    var jsonText: String {
        switch self {
        case .text(let text), .decimal(let text): jsonString(text)
        case .count(let count): digits(of: count)
        case .estimate(let value): value.jsonText
        case .percent: plainText
        case .number(let digits): digits
        case .none: "null"
        }
    }
}

/// Nearly all numbers fit into 64 bits, of which the digits are found faster.
func digits(of number: Int128) -> String { Int64(exactly: number).map { String($0) } ?? String(number) }

private func csvField(_ text: String) -> String {
    let needsQuotes = text.utf8.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 13 || $0 == 10 }
    guard needsQuotes else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
}

/// The text as a cell shows it, whatever Markdown or HTML it looks like.
private func markdownCell(_ text: String) -> String {
    let text = harmless(text)
    guard text.utf8.contains(where: { "\\`*_[]<>&|~".utf8.contains($0) }) else { return text }
    return text.reduce(into: "") { result, character in
        switch character {
        case "<": result += "&lt;"
        case "&": result += "&amp;"
        case "_" where result.last?.isLetter == true || result.last?.isNumber == true: result += "_"
        case "\\", "`", "*", "_", "[", "]", ">", "|", "~": result += "\\\(character)"
        default: result.append(character)
        }
    }
}

/// A JSON string by RFC 8259, quotes included.
public func jsonString(_ text: String) -> String {
    let needsEscapes = text.utf8.contains {
        $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
    }
    guard needsEscapes else { return "\"" + text + "\"" }
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
