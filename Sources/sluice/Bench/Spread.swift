import Foundation

/// Several measurements of one thing.
struct Spread: Encodable, Sendable {
    var min: Double
    var median: Double
    var max: Double

    /// - Parameter values: at least one.
    init(_ values: [Double]) {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        (min, max) = (sorted[0], sorted[sorted.count - 1])
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

func formatSeconds(_ seconds: Double) -> String { String(format: "%.2f s", seconds) }

func formatMilliseconds(_ milliseconds: Double) -> String {
    String(format: milliseconds < 10 ? "%.2f ms" : "%.1f ms", milliseconds)
}

/// Lines of a name and its figures, the figures below each other.
func aligned(_ lines: [(String, String)]) -> String {
    let width = lines.reduce(0) { max($0, $1.0.count) } + 2
    return lines.map { $0.padding(toLength: width, withPad: " ", startingAt: 0) + $1 + "\n" }.joined()
}
