extension Report {
    /// Columns that line up on a terminal, numbers on the right; a sentence when there are no rows.
    /// - Parameter width: columns of the terminal; where the table is wider its headings are broken at underscores, which
    ///   makes it as narrow as its values; where that is too wide as well, each row is a block of lines. Nil: headings stay
    ///   whole, as where no one looks.
    func table(width: Int? = nil) -> String {
        guard !rows.isEmpty else { return "no matching events" + asOf + "\n" }
        let cells = rows.map { $0.map { Cell($0.tableText) } }
        let contents = columns.indices.map { column in cells.reduce(1) { max($0, $1[column].width) } }
        let headings = headings(above: contents, width: width)
        let widths = zip(contents, headings).map { content, heading in
            heading.reduce(content) { max($0, displayWidth($1)) }
        }
        if let width, widths.reduce(-2, { $0 + $1 + 2 }) > width { return blocks(cells) }
        var table: [UInt8] = []
        let headingLines = headings.map(\.count).max() ?? 0
        for number in 0..<headingLines {
            let parts = headings.map { number + $0.count < headingLines ? "" : $0[number + $0.count - headingLines] }
            addLine(parts.map(Cell.init), widths, to: &table)
        }
        addLine(widths.map { Cell(String(repeating: "─", count: $0)) }, widths, to: &table)
        for row in cells { addLine(row, widths, to: &table) }
        return String(decoding: table, as: UTF8.self) + footer
    }

    /// What a field shows, and how many columns of a terminal that takes.
    private struct Cell {
        let text: String
        let width: Int

        init(_ text: String) { (self.text, width) = (text, displayWidth(text)) }
    }

    /// Adds a line, without blanks at its end.
    private func addLine(_ cells: [Cell], _ widths: [Int], to table: inout [UInt8]) {
        var blankCount = 0
        for (column, cell) in cells.enumerated() {
            if column > 0 { blankCount += 2 }
            let padding = widths[column] - cell.width
            if columns[column].isNumeric { blankCount += padding }
            if !cell.text.isEmpty {
                table.append(contentsOf: repeatElement(UInt8(ascii: " "), count: blankCount))
                blankCount = 0
                table.append(contentsOf: cell.text.utf8)
            }
            if !columns[column].isNumeric { blankCount += padding }
        }
        while table.last == UInt8(ascii: " ") { table.removeLast() }
        table.append(UInt8(ascii: "\n"))
    }

    /// A line for each value, its heading before it, and an empty one between rows.
    private func blocks(_ cells: [[Cell]]) -> String {
        let width = columns.map { displayWidth($0.name) }.max() ?? 0
        return cells.map { row in
            zip(columns, row).map { padded($0.name, to: width, onTheLeft: false) + "  " + $1.text + "\n" }.joined()
                + "\n"
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
        case .count(let count): groupedThousands(digits(of: count))
        case .estimate(let value): "≈" + value.tableText
        case .percent(let hundredths, let isSigned):
            (isSigned && hundredths > 0 ? "+" : "") + groupedThousands(plainText)
        case .decimal(let decimal): groupedThousands(decimal)
        case .number(let digits): digits
        case .none: "-"
        }
    }
}
