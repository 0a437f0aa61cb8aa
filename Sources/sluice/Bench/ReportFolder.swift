import ArgumentParser
import Foundation

/// `--report`.
struct ReportOption: ParsableArguments {
    @Option(
        help: "A directory for a page with figures and plots, readable without a network.", completion: .directory)
    var report: String?

    /// Writes the page as `NAME.html`, and the JSON beside it.
    func write(_ name: String, html: String, json: String) throws {
        guard let report else { return }
        let folder = URL(fileURLWithPath: report)
        do {
            for (ending, text) in [("html", html), ("json", json)] {
                try Data(text.utf8).write(to: folder.appending(path: "\(name).\(ending)"))
            }
        } catch {
            throw InputOutputError("cannot write the report to \(report): \(reason(of: error))")
        }
        complain("wrote \(report)/\(name).html")
    }

    /// Makes the directory before anything is measured, so that a place that cannot be written costs nothing.
    func prepare() throws {
        guard let report else { return }
        do {
            try FileManager.default.createDirectory(atPath: report, withIntermediateDirectories: true)
        } catch {
            throw InputOutputError("cannot write the report to \(report): \(reason(of: error))")
        }
    }
}
