import Foundation
import Presentation

/// The report of `bench ingest` as one page.
struct IngestPage {
    let report: IngestReport

    /// Points of a line over time at most.
    private static let mostPoints = 80

    func html() -> String {
        let (middle, pass) = (report.middle, report.middle.pass)
        let runs = report.runs.count
        var page = Page(
            "sluice bench ingest",
            summary: "\(formatCount(pass.records)) records: \(report.settings.text)."
                + (runs > 1 ? " Of \(runs) runs, the one in the middle." : ""))
        page.addFigures([
            ("records a second", formatRate(pass.records, seconds: pass.seconds)),
            ("latency, 50 %", formatMilliseconds(pass.latency.p50)),
            ("latency, 99 %", formatMilliseconds(pass.latency.p99)),
            ("latency, 99.9 %", formatMilliseconds(pass.latency.p999)),
            ("bytes a record on disk", String(format: "%.1f", middle.bytesPerRecord)),
            ("memory at most", formatBytes(middle.peakResidentBytes)),
        ])
        add(pass, to: &page, title: "")
        if let replay = middle.replay { add(replay, to: &page, title: "The day again: ") }
        page.addPicture(
            "Bytes a record, by column", note: "What the log spends on each accepted record when the daemon has ended.",
            svg: bytes(middle))
        page.addTable("All figures", header: [], rows: middle.lines.map { [$0.0, $0.1] })
        if runs > 1 {
            page.addTable(
                "All runs", header: ["run", "records a second", "p50", "p99", "p99.9", "max", "memory"],
                rows: report.runs.enumerated().map { number, run in
                    let latency = run.pass.latency
                    return ["\(number + 1)", formatRate(run.pass.records, seconds: run.pass.seconds)]
                        + [latency.p50, latency.p99, latency.p999, latency.max].map(formatMilliseconds)
                        + [formatBytes(run.peakResidentBytes)]
                })
        }
        page.addTable("Machine", header: [], rows: report.machine.rows)
        return page.html()
    }

    private func add(_ pass: PassResult, to page: inout Page, title: String) {
        let isOpen = report.settings.rate != nil
        page.addPicture(
            title + "Rate over time",
            note: "Records whose receipts came, each after the flush that covers it, in equal steps of time.",
            svg: rate(pass))
        page.addPicture(
            title + "Latency by percentile",
            note: isOpen
                ? "From the moment at which a record was due until its receipt."
                : "From sending a batch until its receipt, with the window full: a closed loop's latency is the "
                    + "window's length, not the wait of a single payment.",
            svg: latencyByPercentile(pass))
        page.addPicture(
            title + "Latency over time", note: "For each fiftieth of the records.", svg: latencyOverTime(pass))
        page.addPicture(
            title + "Processors", note: "How many were busy for whom, without the system's own work.",
            svg: processors(pass))
        page.addPicture(
            title + "The daemon's threads",
            note: "Processor seconds of each, from the first record to the last receipt.",
            svg: BarChart(
                "The daemon's threads",
                pass.threads.filter { $0.seconds >= 0.005 }.map { ($0.name, $0.seconds, formatSeconds($0.seconds)) }
            ).svg())
        page.addPicture(
            title + "Memory and log", note: "Resident memory of the daemon, and all bytes of the log.",
            svg: sizes(pass))
    }

    private static let timeAxis = Chart.Axis("time", .span) { String(format: "%g s", $0) }

    private func rate(_ pass: PassResult) -> String {
        Chart(
            "Rate over time", x: IngestPage.timeAxis, y: .init("records") { formatRate(Int($0), seconds: 1) },
            lines: [.init("receipted", rates(pass.series.receiptedByCentisecond, seconds: pass.seconds))]
        ).svg()
    }

    /// Records a second in steps of a fifth of a second or more, each at its end; the last one takes in what is left.
    private func rates(_ counts: [Int], seconds: Double) -> [(x: Double, y: Double)] {
        let width = max(20, (counts.count + IngestPage.mostPoints - 1) / IngestPage.mostPoints)
        let starts = Array(stride(from: 0, to: max(1, counts.count - width + 1), by: width))
        return starts.map { start in
            let isLast = start == starts.last
            let end = isLast ? max(seconds, Double(start + 1) / 100) : Double(start + width) / 100
            let records = counts[start..<(isLast ? counts.count : start + width)].reduce(0, +)
            return (x: end, y: Double(records) / (end - Double(start) / 100))
        }
    }

    private static let latencyFormat: @Sendable (Double) -> String = { value in
        value >= 1000 ? String(format: "%.3g s", value / 1000) : String(format: "%.3g ms", value)
    }

    private func latencyByPercentile(_ pass: PassResult) -> String {
        // Ten steps for each nine, up to where a single batch decides.
        let most = min(6, max(1, log10(Double(pass.records) / Double(report.settings.batch))))
        let percents = stride(from: 0, through: most, by: 0.1).map { 100 - pow(10, 2 - $0) }
        return Chart(
            "Latency by percentile", x: .init("share of the records", .percentile) { String(format: "%.7g %%", $0) },
            y: .init("latency", format: IngestPage.latencyFormat),
            lines: [
                .init(
                    "latency",
                    percents.map { (x: $0, y: pass.series.latency.milliseconds(atPercentile: $0)) })
            ]
        ).svg()
    }

    private func latencyOverTime(_ pass: PassResult) -> String {
        let slices = pass.series.slices.filter { !$0.latency.isEmpty }
        let lines = [("max", 100.0), ("99 %", 99), ("50 %", 50)].map { name, percent in
            Chart.Line(
                name,
                slices.map {
                    (x: Double($0.lastNanoseconds) / 1e9, y: max(1e-3, $0.latency.milliseconds(atPercentile: percent)))
                })
        }
        return Chart(
            "Latency over time", x: IngestPage.timeAxis,
            y: .init("latency", .logarithmic, format: IngestPage.latencyFormat), lines: lines
        ).svg()
    }

    private func processors(_ pass: PassResult) -> String {
        let samples = pass.series.samples
        // No finer than the clock tick, in which the daemon's time is told, allows.
        let step = max(2, samples.count / IngestPage.mostPoints)
        let taken = samples.indices.filter { $0 % step == 0 }.map { samples[$0] }
        func busy(_ cpu: (RunSampler.Sample) -> CPUSeconds) -> [(x: Double, y: Double)] {
            zip(taken, taken.dropFirst()).filter { $1.seconds - $0.seconds > 0.05 }.map { before, after in
                (x: after.seconds, y: (cpu(after) - cpu(before)).total / (after.seconds - before.seconds))
            }
        }
        return Chart(
            "Processors", x: IngestPage.timeAxis, y: .init("processors") { String(format: "%g", $0) },
            lines: [.init("daemon", busy(\.daemon)), .init("client", busy(\.client))]
        ).svg()
    }

    private func sizes(_ pass: PassResult) -> String {
        let samples = pass.series.samples
        return Chart(
            "Memory and log", x: IngestPage.timeAxis, y: .init("bytes", .bytes) { formatBytes(Int($0)) },
            lines: [
                .init("memory", samples.map { (x: $0.seconds, y: Double($0.residentBytes)) }),
                .init("log", samples.map { (x: $0.seconds, y: Double($0.logBytes)) }),
            ]
        ).svg()
    }

    private func bytes(_ result: IngestResult) -> String {
        let accepted = Double(max(1, result.pass.accepted))
        return BarChart(
            "Bytes a record, by column",
            result.composition.parts.filter { Double($0.bytes) / accepted >= 0.0005 }.map { part in
                let bytes = Double(part.bytes) / accepted
                return (part.name, bytes, String(format: bytes < 0.1 ? "%.3f" : "%.2f", bytes))
            }
        ).svg()
    }
}
