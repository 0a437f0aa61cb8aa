extension Report {
    /// Columns that line up on a terminal, numbers on the right; a sentence when there are no rows.
    func table() -> String {
        guard !rows.isEmpty else { return "no matching events" + asOf + "\n" }
        let cells = rows.map { $0.map(\.tableText) }
        let widths = columns.indices.map { column in
            cells.reduce(displayWidth(columns[column].name)) { max($0, displayWidth($1[column])) }
        }
        func line(_ texts: [String]) -> String {
            let fields = columns.indices.map { padded(texts[$0], to: widths[$0], onTheLeft: columns[$0].isNumeric) }
            var line = fields.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }
        let rule = line(widths.map { String(repeating: "─", count: $0) })
        return line(columns.map(\.name)) + rule + cells.map(line).joined()
            + "\(formatCount(rows.count)) \(rows.count == 1 ? "row" : "rows")\(asOf)\n"
    }

    private var asOf: String { sequence.map { ", as of sequence \(formatCount($0))" } ?? "" }
}

extension Report.Value {
    var tableText: String {
        switch self {
        case .text(let text): harmless(text)
        case .count(let count): formatCount(count)
        case .estimate(let count): "≈" + formatCount(count)
        case .decimal(let decimal): groupedThousands(decimal)
        case .number(let digits): digits
        case .none: "-"
        }
    }
}
