/// Values of named things as bars from 0 on, the name before and the figure behind each, as SVG for a `Page`.
public struct BarChart {
    /// A name, a value of 0 or more, and the value in words.
    public typealias Bar = (name: String, value: Double, text: String)

    private let title: String
    private let bars: [Bar]

    /// A chart of bars from top to bottom.
    public init(_ title: String, _ bars: [Bar]) { (self.title, self.bars) = (title, bars) }

    private static let barHeight = 24.0
    private static let plot = (left: 200.0, right: 560.0)

    /// The picture; nothing when there are no bars.
    public func svg() -> String {
        guard !bars.isEmpty else { return "" }
        let largest = max(bars.map(\.value).max() ?? 0, .leastNormalMagnitude)
        let height = Double(bars.count) * BarChart.barHeight + 8
        let rows = bars.enumerated().map { number, bar in
            let top = Double(number) * BarChart.barHeight + 4
            let width = bar.value / largest * (BarChart.plot.right - BarChart.plot.left)
            let baseline = place(top + 15)
            return """
                <text x="\(place(BarChart.plot.left - 8))" y="\(baseline)" text-anchor="end">\(escaped(bar.name))</text>
                <rect class="bar" x="\(place(BarChart.plot.left))" y="\(place(top + 3))" width="\(place(max(1, width)))" \
                height="16" rx="2"/>
                <text x="\(place(BarChart.plot.left + max(1, width) + 8))" y="\(baseline)">\(escaped(bar.text))</text>
                """
        }
        return """
            <svg viewBox="0 0 \(place(Chart.size.width)) \(place(height))" role="img">
            <title>\(escaped(title))</title>
            \(rows.joined(separator: "\n"))
            </svg>

            """
    }
}
