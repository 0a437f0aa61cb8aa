import Ledger

/// Figures in the text format of Prometheus, version 0.0.4.
struct MetricsText {
    private(set) var text = ""

    typealias Labels = [(name: String, value: String)]

    /// Adds a figure that goes up and down.
    mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
        family(name, "gauge", help, [([], String(value))])
    }

    /// Adds a figure that goes up and down, once for each value of a label.
    mutating func gauges(_ name: String, _ help: String, label: String, _ values: [(String, some BinaryInteger)]) {
        family(name, "gauge", help, values.map { ([(label, $0)], String($1)) })
    }

    /// Adds a count that only grows; the name ends with `_total`.
    mutating func counter(_ name: String, _ help: String, _ value: some BinaryInteger) {
        family(name, "counter", help, [([], String(value))])
    }

    /// Adds counts that only grow, each with its labels.
    mutating func counters(_ name: String, _ help: String, _ values: [(Labels, UInt64)]) {
        family(name, "counter", help, values.map { ($0, String($1)) })
    }

    /// Adds histograms, each with its labels.
    mutating func histograms(_ name: String, _ help: String, _ values: [(Labels, Histogram)]) {
        header(name, "histogram", help)
        for (labels, histogram) in values {
            var count: UInt64 = 0
            for (bound, more) in zip(histogram.bounds.map { "\($0)" } + ["+Inf"], histogram.counts) {
                count += more
                sample(name + "_bucket", labels + [("le", bound)], String(count))
            }
            sample(name + "_sum", labels, "\(histogram.sum)")
            sample(name + "_count", labels, String(count))
        }
    }

    private mutating func family(_ name: String, _ type: String, _ help: String, _ samples: [(Labels, String)]) {
        header(name, type, help)
        for (labels, value) in samples { sample(name, labels, value) }
    }

    private mutating func header(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func sample(_ name: String, _ labels: Labels, _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    private func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
