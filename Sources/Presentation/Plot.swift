import Analysis
import Transactions

/// A plot of a sheet's first figure over its rows: a label, a bar in steps of an eighth of a column, and the value.
///
/// Bars begin at 0 and the largest value takes the whole width; rows of different currencies are scaled apart, because
/// they are not to be compared. Where there is no figure or no row, there is no plot.
/// - Parameter width: columns of the terminal; the plot takes at least 40.
public func plot(_ sheet: Sheet, width: Int, names: NameLookup) -> String {
    guard !sheet.columns.isEmpty, !sheet.rows.isEmpty else { return "" }
    let drawn = sheet.drawnColumn
    let report = Report(sheet, names: names)
    let labels = report.rows.map { fitted(sheet.label(of: $0), to: max(16, width / 3)) }
    let values = report.rows.map { $0[sheet.dimensions.count + drawn].tableText }
    let labelWidth = labels.map(displayWidth).max() ?? 0
    let valueWidth = values.map(displayWidth).max() ?? 0
    let barWidth = max(8, max(40, width) - labelWidth - valueWidth - 2)
    let scales = largestValues(sheet)
    let lines = sheet.rows.enumerated().map { place, row in
        let largest = scales[sheet.currencyCode(of: row), default: 0]
        let bar = bar(row.values[drawn].magnitude, of: largest, width: barWidth)
        return padded(labels[place], to: labelWidth, onTheLeft: false) + " "
            + padded(bar, to: barWidth, onTheLeft: false) + " "
            + padded(values[place], to: valueWidth, onTheLeft: true)
    }
    return sheet.columns[drawn].name + "\n" + lines.joined(separator: "\n") + "\n"
}

private func largestValues(_ sheet: Sheet) -> [UInt32: Int128] {
    sheet.rows.reduce(into: [:]) { scales, row in
        let code = sheet.currencyCode(of: row)
        scales[code] = max(scales[code, default: 0], row.values[sheet.drawnColumn].magnitude)
    }
}

extension Sheet {
    /// What a row stands for: its codes and its words, as shown.
    /// - Parameter place: a dimension that is left out.
    func label(of shown: [Report.Value], leavingOut place: Int? = nil) -> String {
        let words = columns.indices.filter { !columns[$0].isNumeric }.map { $0 + dimensions.count }
        let places = dimensions.indices.filter { $0 != place } + words
        return places.map { shown[$0].tableText }.joined(separator: " ")
    }
}

extension Sheet.Value {
    /// What a bar or a line stands for; 0 where there is nothing to measure.
    var magnitude: Int128 {
        switch self {
        case .whole(let value), .money(let value), .percent(let value), .growth(let value): value
        case .estimate(let value): value.magnitude
        case .second, .text, .name, .none: 0
        }
    }
}

/// A bar of `value` / `largest` of the width, rounded to eighths of a column.
func bar(_ value: Int128, of largest: Int128, width: Int) -> String {
    guard value > 0, largest > 0 else { return "" }
    let eighths = Int((Double(value) / Double(largest) * Double(width * 8)).rounded())
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    return String(repeating: "█", count: eighths / 8) + partial
}
