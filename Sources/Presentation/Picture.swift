import Analysis
import Rollups
import Transactions

/// A sheet's first figure as an SVG picture that stands alone: lines over days, months or hours, one for each group of the other
/// dimensions, else bars. Of more than six groups the six largest are drawn, of bars the first forty; the title says so.
public func picture(of sheet: Sheet, names: NameLookup) -> String {
    let report = Report(sheet, names: names)
    let drawing =
        sheet.dimensions.firstIndex { [.day, .month, .hour].contains($0) }.map { lines(sheet, report, timePlace: $0) }
        ?? bars(sheet, report)
    guard let start = drawing.firstIndex(of: ">"), drawing.hasPrefix("<svg") else {
        return
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 40\"><text x=\"20\" y=\"24\">no matching events</text></svg>\n"
    }
    return "<svg xmlns=\"http://www.w3.org/2000/svg\"" + drawing[drawing.index(drawing.startIndex, offsetBy: 4)...start]
        + "\n<style>\n\(pictureStyle)\n</style>" + drawing[drawing.index(after: start)...]
}

private let mostLines = 6
private let mostBars = 40

private func lines(_ sheet: Sheet, _ report: Report, timePlace: Int) -> String {
    let dimension = sheet.dimensions[timePlace]
    var groups: [String: [(x: Double, y: Double)]] = [:]
    var order: [String] = []
    for (row, shown) in zip(sheet.rows, report.rows) {
        let name = sheet.label(of: shown, leavingOut: timePlace)
        if groups[name] == nil { order.append(name) }
        let code = row.codes[timePlace]
        let x = dimension == .month ? Double(code / 100 * 12 + code % 100) : Double(Int32(bitPattern: code))
        groups[name, default: []].append((x, row.drawnValue(sheet)))
    }
    let largest = order.sorted { total(groups[$0]) > total(groups[$1]) }.prefix(mostLines)
    let shown = order.filter(largest.contains)
    let first = shown.compactMap { groups[$0]?.map(\.x).min() }.min() ?? 0
    let figure = sheet.columns[sheet.drawnColumn].name
    let title = figure + (order.count > shown.count ? ", the \(shown.count) largest of \(order.count)" : "")
    return Chart(
        title,
        x: .init(dimension.name, .span) { timeText(Int(($0 + first).rounded()), dimension) },
        y: .init(figure) { formatTick($0) },
        lines: shown.map { name in
            .init(name.isEmpty ? figure : name, (groups[name] ?? []).map { ($0.x - first, $0.y) })
        }
    ).svg()
}

private func total(_ points: [(x: Double, y: Double)]?) -> Double { points?.reduce(0) { $0 + abs($1.y) } ?? 0 }

private func timeText(_ value: Int, _ dimension: Dimension) -> String {
    let code =
        dimension == .month
        ? UInt32((value - 1) / 12 * 100 + (value - 1) % 12 + 1) : UInt32(bitPattern: Int32(truncatingIfNeeded: value))
    return dimension.text(of: code) { _, _ in nil }
}

private func bars(_ sheet: Sheet, _ report: Report) -> String {
    let shown = zip(sheet.rows, report.rows).prefix(mostBars)
    let figure = sheet.columns.isEmpty ? "" : sheet.columns[sheet.drawnColumn].name
    let title = figure + (sheet.rows.count > mostBars ? ", the first \(mostBars) of \(sheet.rows.count)" : "")
    return BarChart(
        title,
        shown.map { row, shown in
            (
                fitted(sheet.label(of: shown), to: 28), max(0, row.drawnValue(sheet)),
                shown[sheet.dimensions.count + sheet.drawnColumn].tableText
            )
        }
    ).svg()
}

extension Sheet.Row {
    /// What is drawn of the first figure: major units of money, percents.
    fileprivate func drawnValue(_ sheet: Sheet) -> Double {
        let value = Double(values[sheet.drawnColumn].magnitude)
        switch values[sheet.drawnColumn] {
        case .money, .estimate(.money):
            let digits = Currency(rawValue: UInt16(truncatingIfNeeded: sheet.currencyCode(of: self))).minorUnitDigits
            return (0..<digits).reduce(value) { value, _ in value / 10 }
        case .percent, .growth: return value / 100
        default: return value
        }
    }
}

/// `1.5 M`, `20 k`.
private func formatTick(_ value: Double) -> String {
    var (value, unit) = (value, 0)
    let units = ["", " k", " M", " G", " T", " P"]
    while abs(value) >= 1000, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
    let sign = value < 0 ? "-" : ""
    value = abs(value)
    let digits = value == value.rounded() ? 0 : value * 10 == (value * 10).rounded() ? 1 : 2
    return sign + fixedPoint(value, digits: digits) + units[unit]
}

private let pictureStyle = """
    svg { font: 12px system-ui, sans-serif; background: #fcfcfb; fill: #63625d; }
    .grid { stroke: #e4e3de; }
    .axis { stroke: #63625d; }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
    .line-1 { stroke: #2567b8; } .line-2 { stroke: #c2571a; } .line-3 { stroke: #23805a; }
    .line-4 { stroke: #8a4fb0; } .line-5 { stroke: #a8871a; } .line-6 { stroke: #4d4d4d; }
    .name { font-weight: 600; }
    .name-1 { fill: #2567b8; } .name-2 { fill: #c2571a; } .name-3 { fill: #23805a; }
    .name-4 { fill: #8a4fb0; } .name-5 { fill: #a8871a; } .name-6 { fill: #4d4d4d; }
    .marks circle { fill: transparent; }
    .bar { fill: #2567b8; }
    """
