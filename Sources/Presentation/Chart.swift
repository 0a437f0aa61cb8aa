import Foundation

/// Lines over two axes, as SVG that takes its colours from the page around it (`Page`).
public struct Chart {
    /// How an axis maps values to places.
    public enum Scale: Sendable {
        /// From 0 on, or from the least value where that is less.
        case linear
        /// From 0 on, in steps of powers of two.
        case bytes
        /// From 0 to the largest value, such as a time that ends.
        case span
        /// By factors; values are more than 0.
        case logarithmic
        /// Percents by how few are beyond: 0, 90, 99 and 99.9 are equally far from each other.
        case percentile
    }

    /// What one direction means.
    public struct Axis: Sendable {
        var title: String
        var scale: Scale
        var format: @Sendable (Double) -> String

        /// An axis.
        /// - Parameter format: how values are written, with their unit.
        public init(_ title: String, _ scale: Scale = .linear, format: @escaping @Sendable (Double) -> String) {
            (self.title, self.scale, self.format) = (title, scale, format)
        }
    }

    /// Points that belong together, from left to right.
    public struct Line {
        var name: String
        var points: [(x: Double, y: Double)]

        /// A line with its name.
        public init(_ name: String, _ points: [(x: Double, y: Double)]) { (self.name, self.points) = (name, points) }
    }

    let title: String
    let x: Axis
    let y: Axis
    let lines: [Line]

    /// A chart; lines without points are left out.
    public init(_ title: String, x: Axis, y: Axis, lines: [Line]) {
        (self.title, self.x, self.y) = (title, x, y)
        self.lines = lines.filter { !$0.points.isEmpty }
    }

    static let size = (width: 720.0, height: 300.0)
    private static let plot = (left: 72.0, top: 12.0, right: 600.0, bottom: 252.0)

    /// The picture; nothing when there are no points.
    public func svg() -> String {
        let points = lines.flatMap(\.points)
        guard !points.isEmpty else { return "" }
        let horizontal = AxisScale(x.scale, points.map(\.x), from: Chart.plot.left, to: Chart.plot.right)
        let vertical = AxisScale(y.scale, points.map(\.y), from: Chart.plot.bottom, to: Chart.plot.top)
        var parts = [
            #"<svg viewBox="0 0 \#(place(Chart.size.width)) \#(place(Chart.size.height))" role="img">"#,
            "<title>\(escaped(title))</title>",
        ]
        for tick in vertical.ticks {
            let y = vertical.place(of: tick)
            parts.append(rule(Chart.plot.left, y, Chart.plot.right, y, kind: "grid"))
            parts.append(label(Chart.plot.left - 8, y + 4, self.y.format(tick), anchor: "end"))
        }
        for tick in horizontal.ticks {
            let x = horizontal.place(of: tick)
            parts.append(rule(x, Chart.plot.bottom, x, Chart.plot.bottom + 4, kind: "axis"))
            parts.append(label(x, Chart.plot.bottom + 18, self.x.format(tick), anchor: "middle"))
        }
        parts.append(rule(Chart.plot.left, Chart.plot.bottom, Chart.plot.right, Chart.plot.bottom, kind: "axis"))
        parts.append(label((Chart.plot.left + Chart.plot.right) / 2, Chart.size.height - 8, x.title, anchor: "middle"))
        parts += zip(lines.indices, lines).map { self.path($1, number: $0 + 1, horizontal, vertical) }
        parts += names(vertical)
        return parts.joined(separator: "\n") + "\n</svg>\n"
    }

    private func path(_ line: Line, number: Int, _ horizontal: AxisScale, _ vertical: AxisScale) -> String {
        let places = line.points.map { (horizontal.place(of: $0.x), vertical.place(of: $0.y)) }
        let corners = places.map { "\(place($0.0)),\(place($0.1))" }.joined(separator: " ")
        let marks = zip(line.points, places).map { point, at in
            let text = "\(line.name): \(y.format(point.y)) at \(x.format(point.x))"
            return #"<circle cx="\#(place(at.0))" cy="\#(place(at.1))" r="5"><title>\#(escaped(text))</title></circle>"#
        }
        if let (x, y) = places.first, places.count == 1 {
            let dot = #"<circle class="name-\#(number)" cx="\#(place(x))" cy="\#(place(y))" r="4">"#
            return dot + "<title>\(escaped("\(line.name): \(self.y.format(line.points[0].y))"))</title></circle>"
        }
        return #"<polyline class="line line-\#(number)" points="\#(corners)"/>"#
            + "\n<g class=\"marks marks-\(number)\">"
            + marks.joined() + "</g>"
    }

    /// The names of the lines beside their ends, moved apart where they would lie on each other.
    private func names(_ vertical: AxisScale) -> [String] {
        let ends = lines.indices.map {
            (line: $0, y: vertical.place(of: lines[$0].points[lines[$0].points.count - 1].y))
        }
        var lowest = -Double.infinity
        return ends.sorted { $0.y < $1.y }.map { end in
            let y = max(end.y + 4, lowest + 15)
            lowest = y
            return #"<text class="name name-\#(end.line + 1)" x="\#(place(Chart.plot.right + 8))" y="\#(place(y))">"#
                + "\(escaped(lines[end.line].name))</text>"
        }
    }

    private func rule(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, kind: String) -> String {
        #"<line class="\#(kind)" x1="\#(place(x1))" y1="\#(place(y1))" x2="\#(place(x2))" y2="\#(place(y2))"/>"#
    }

    private func label(_ x: Double, _ y: Double, _ text: String, anchor: String) -> String {
        #"<text x="\#(place(x))" y="\#(place(y))" text-anchor="\#(anchor)">\#(escaped(text))</text>"#
    }
}

/// Maps the values of one axis to places on the picture.
struct AxisScale {
    let ticks: [Double]
    private let scale: Chart.Scale
    private let (first, last): (Double, Double)
    private let (from, to): (Double, Double)

    init(_ scale: Chart.Scale, _ values: [Double], from: Double, to: Double) {
        (self.scale, self.from, self.to) = (scale, from, to)
        let (smallest, largest) = (values.min() ?? 0, values.max() ?? 0)
        switch scale {
        case .linear, .bytes:
            let range = max(largest, 0) - min(smallest, 0)
            let step = AxisScale.step(scale, atLeast: max(range, .leastNormalMagnitude) / 5)
            let count = max(1, Int((largest / step - 1e-9).rounded(.up)))
            let below = min(0, Int((smallest / step + 1e-9).rounded(.down)))
            ticks = (below...max(count, below + 1)).map { Double($0) * step }
            (first, last) = (Double(below) * step, Double(max(count, below + 1)) * step)
        case .span:
            let end = max(largest, .leastNormalMagnitude)
            let step = AxisScale.step(scale, atLeast: end / 8)
            ticks = (0...Int(end / step + 1e-9)).map { Double($0) * step }
            (first, last) = (0, end)
        case .logarithmic:
            let steps = AxisScale.roundNumbers(around: max(smallest, 1e-6)...max(largest, 2e-6))
            ticks = steps.count <= 8 ? steps : steps.filter { log10($0) == log10($0).rounded() }
            (first, last) = (log10(steps[0]), log10(steps[steps.count - 1]))
        case .percentile:
            let end = max(1, AxisScale.nines(largest).rounded(.up))
            ticks = [50] + (1...Int(end)).map { 100 - pow(10, 2 - Double($0)) }
            (first, last) = (0, end)
        }
    }

    func place(of value: Double) -> Double {
        let position =
            switch scale {
            case .linear, .bytes, .span: value
            case .logarithmic: log10(max(value, 1e-6))
            case .percentile: AxisScale.nines(value)
            }
        return from + (min(max(position, first), last) - first) / (last - first) * (to - from)
    }

    /// How many nines a percent begins with: 1 for 90, 2 for 99; no more than 6.
    private static func nines(_ percent: Double) -> Double { min(6, 2 - log10(max(1e-4, 100 - percent))) }

    /// 1, 2 or 5 times a power of ten, or a power of two.
    private static func step(_ scale: Chart.Scale, atLeast step: Double) -> Double {
        if scale == .bytes { return pow(2, log2(step).rounded(.up)) }
        let power = pow(10, log10(step).rounded(.down))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= step * (1 - 1e-9) } ?? step
    }

    /// 1, 2 and 5 times powers of ten, from the last one that is not above the range to the first that is not below it.
    private static func roundNumbers(around range: ClosedRange<Double>) -> [Double] {
        let powers = Int(log10(range.lowerBound).rounded(.down))...Int(log10(range.upperBound).rounded(.up))
        let all = powers.flatMap { power in [1, 2, 5].map { $0 * pow(10, Double(power)) } }
        let first = all.lastIndex { $0 <= range.lowerBound * (1 + 1e-9) } ?? 0
        let last = all.firstIndex { $0 >= range.upperBound * (1 - 1e-9) } ?? all.count - 1
        return Array(all[first...max(last, first + 1)])
    }
}

/// A place on a picture, to a tenth.
func place(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
}

/// Text for HTML and SVG.
func escaped(_ text: String) -> String {
    harmless(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
        .replacing("\"", with: "&quot;")
}
