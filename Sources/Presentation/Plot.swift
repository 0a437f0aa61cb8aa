import Rollups
import Transactions

/// A plot of an answer's first measure over its rows: a label, a bar in steps of an eighth of a column, and the value.
///
/// Bars begin at 0 and the largest value takes the whole width; rows of different currencies are scaled apart, because
/// they are not to be compared. Where there is no first measure or no row, there is no plot.
/// - Parameter width: columns of the terminal; the plot takes at least 40.
public func plot(_ answer: Answer, width: Int, names: NameLookup) -> String {
    guard let measure = answer.measures.first, !answer.rows.isEmpty else { return "" }
    let report = Report(answer, names: names)
    let labels = report.rows.map { row in
        fitted(row.prefix(answer.dimensions.count).map(\.tableText).joined(separator: " "), to: max(16, width / 3))
    }
    let values = report.rows.map { $0[answer.dimensions.count].tableText }
    let labelWidth = labels.map(displayWidth).max() ?? 0
    let valueWidth = values.map(displayWidth).max() ?? 0
    let barWidth = max(8, max(40, width) - labelWidth - valueWidth - 2)
    let scales = largestValues(answer)
    let lines = answer.rows.indices.map { row in
        let largest = scales[answer.currencyCode(row), default: 0]
        let bar = bar(answer.rows[row].values[0] ?? 0, of: largest, width: barWidth)
        return padded(labels[row], to: labelWidth, onTheLeft: false) + " " + padded(bar, to: barWidth, onTheLeft: false)
            + " " + padded(values[row], to: valueWidth, onTheLeft: true)
    }
    return measure.name + "\n" + lines.joined(separator: "\n") + "\n"
}

private func largestValues(_ answer: Answer) -> [UInt32: Int128] {
    answer.rows.indices.reduce(into: [:]) { scales, row in
        let code = answer.currencyCode(row)
        scales[code] = max(scales[code, default: 0], answer.rows[row].values[0] ?? 0)
    }
}

extension Answer {
    /// The currency of a row; 0 where rows have none.
    fileprivate func currencyCode(_ row: Int) -> UInt32 {
        dimensions.firstIndex(of: .currency).map { rows[row].codes[$0] } ?? 0
    }
}

/// A bar of `value` / `largest` of the width, rounded to eighths of a column.
func bar(_ value: Int128, of largest: Int128, width: Int) -> String {
    guard value > 0, largest > 0 else { return "" }
    let eighths = Int((Double(value) / Double(largest) * Double(width * 8)).rounded())
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    return String(repeating: "█", count: eighths / 8) + partial
}
