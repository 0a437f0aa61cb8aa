import Ledger
import Synchronization

/// How many requests there were, and how long they took. Memory is bounded: a request that meets no route has none of its own.
final class RequestFigures: Sendable {
    struct Key: Hashable {
        var method: String
        var route: String
    }

    private struct Figures {
        var byStatus: [Int: UInt64] = [:]
        var seconds = Histogram(bounds: Histogram.secondsBounds)
    }

    private let figures = Mutex<[Key: Figures]>([:])

    func add(_ key: Key, status: Int, seconds: Double) {
        figures.withLock { figures in
            figures[key, default: Figures()].byStatus[status, default: 0] += 1
            figures[key]!.seconds.add(seconds)
        }
    }

    func write(to metrics: inout MetricsText) {
        let figures = figures.withLock(\.self).sorted { ($0.key.route, $0.key.method) < ($1.key.route, $1.key.method) }
        func labels(_ key: Key) -> MetricsText.Labels { [("method", key.method), ("route", key.route)] }
        metrics.counters(
            "sluice_http_requests_total", "Requests that were answered.",
            figures.flatMap { key, figures in
                figures.byStatus.sorted { $0.key < $1.key }.map { (labels(key) + [("status", "\($0)")], $1) }
            })
        metrics.histograms(
            "sluice_http_request_seconds", "From a request's head to its answer.",
            figures.map { (labels($0), $1.seconds) })
    }
}
