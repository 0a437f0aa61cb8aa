extension Report {
    /// Columns that line up on a terminal, numbers on the right; a sentence when there are no rows.
    /// - Parameter width: columns of the terminal; where the table is wider its headings are broken at underscores, which
    ///   makes it as narrow as its values; where that is too wide as well, each row is a block of lines. Nil: headings stay
    ///   whole, as where no one looks.
    func table(width: Int? = nil) -> String {
        guard !rows.isEmpty else { return "no matching events" + asOf + "\n" }
        let cells = rows.map { $0.map(\.tableText) }
        let contents = columns.indices.map { column in cells.reduce(1) { max($0, displayWidth($1[column])) } }
        let headings = headings(above: contents, width: width)
        let widths = zip(contents, headings).map { content, heading in
            heading.reduce(content) { max($0, displayWidth($1)) }
        }
        if let width, widths.reduce(-2, { $0 + $1 + 2 }) > width { return blocks(cells) }
        func line(_ texts: [String]) -> String {
            let fields = columns.indices.map { padded(texts[$0], to: widths[$0], onTheLeft: columns[$0].isNumeric) }
            var line = fields.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }
        let headingLines = headings.map(\.count).max() ?? 0
        let head = (0..<headingLines).map { number in
            line(headings.map { number + $0.count < headingLines ? "" : $0[number + $0.count - headingLines] })
        }
        let rule = line(widths.map { String(repeating: "─", count: $0) })
        return head.joined() + rule + cells.map(line).joined() + footer
    }

    /// A line for each value, its heading before it, and an empty one between rows.
    private func blocks(_ cells: [[String]]) -> String {
        let width = columns.map { displayWidth($0.name) }.max() ?? 0
        return cells.map { row in
            zip(columns, row).map { padded($0.name, to: width, onTheLeft: false) + "  " + $1 + "\n" }.joined() + "\n"
        }.joined() + footer
    }

    private var footer: String { "\(formatCount(rows.count)) \(rows.count == 1 ? "row" : "rows")\(asOf)\n" }

    /// The lines of each column's heading.
    private func headings(above contents: [Int], width: Int?) -> [[String]] {
        let whole = zip(columns, contents).reduce(0) { $0 + max(displayWidth($1.0.name), $1.1) + 2 } - 2
        guard let width, whole > width else { return columns.map { [$0.name] } }
        return zip(columns, contents).map { column, content in broken(column.name, to: content) }
    }

    /// A heading in lines of at most `width`, where its words allow that.
    private func broken(_ name: String, to width: Int) -> [String] {
        var lines: [String] = []
        for word in name.split(separator: "_") {
            if let last = lines.last, displayWidth(last) + displayWidth(String(word)) + 1 <= width {
                lines[lines.count - 1] = last + "_" + word
            } else {
                if let last = lines.last { lines[lines.count - 1] = last + "_" }
                lines.append(String(word))
            }
        }
        return lines
    }

    private var asOf: String { sequence.map { ", as of sequence \(formatCount($0))" } ?? "" }
}

extension Report.Value {
    var tableText: String {
        switch self {
        case .text(let text): harmless(text)
        case .count(let count): formatCount(count)
        case .estimate(let value): "≈" + value.tableText
        case .percent(let hundredths, let isSigned):
            (isSigned && hundredths > 0 ? "+" : "") + groupedThousands(plainText)
        case .decimal(let decimal): groupedThousands(decimal)
        case .number(let digits): digits
        case .none: "-"
        }
    }
}
