import Foundation
import Presentation
import SluiceClient
import Synchronization

/// When each batch was sent and receipted.
final class LatencyMeter: Sendable {
    private struct State {
        var sent: [ContinuousClock.Instant] = []
        var milliseconds: [Double] = []
        var accepted = 0
        var duplicates = 0
        var conflicts = 0
        var rejected = 0
        var refused = 0
    }

    private let state: Mutex<State>

    init(batchCount: Int) {
        var initial = State()
        initial.sent.reserveCapacity(batchCount)
        initial.milliseconds.reserveCapacity(batchCount)
        state = Mutex(initial)
    }

    func send() { state.withLock { $0.sent.append(.now) } }

    func take(_ result: BatchResult) {
        state.withLock { state in
            state.milliseconds.append((ContinuousClock.now - state.sent[Int(result.number) - 1]) / .milliseconds(1))
            switch result.outcome {
            case .failure: state.refused += result.recordCount
            case .success(let receipt):
                state.accepted += receipt.accepted
                state.duplicates += receipt.duplicates
                state.conflicts += receipt.conflicts
                state.rejected += receipt.rejected
            }
        }
    }

    /// Latency in milliseconds that `share` of the batches did not exceed.
    func percentile(_ share: Double) -> Double {
        state.withLock { state in
            let sorted = state.milliseconds.sorted()
            guard !sorted.isEmpty else { return 0 }
            return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }
    }

    var counts: (accepted: Int, duplicates: Int, conflicts: Int, rejected: Int) {
        state.withLock { ($0.accepted, $0.duplicates, $0.conflicts, $0.rejected + $0.refused) }
    }
}

/// What a run of `bench ingest` measured.
struct IngestResult: Encodable {
    struct Latency: Encodable {
        var p50: Double
        var p90: Double
        var p99: Double
        var p999: Double
        var max: Double
    }

    var records: Int
    var accepted: Int
    var duplicates: Int
    var conflicts: Int
    var rejected: Int
    var seconds: Double
    var recordsPerSecond: Double
    var latencyMilliseconds: Latency
    var bytesPerRecord: Double
    var peakResidentBytes: Int

    private enum CodingKeys: String, CodingKey {
        case records, accepted, duplicates, conflicts, rejected, seconds
        case recordsPerSecond = "records_per_second"
        case latencyMilliseconds = "latency_ms"
        case bytesPerRecord = "bytes_per_record"
        case peakResidentBytes = "peak_resident_bytes"
    }

    init(records: Int, seconds: Double, meter: LatencyMeter, residentBytes: Int, logBytes: Int) {
        self.records = records
        self.seconds = seconds
        (accepted, duplicates, conflicts, rejected) = meter.counts
        recordsPerSecond = Double(records) / seconds
        latencyMilliseconds = Latency(
            p50: meter.percentile(0.5), p90: meter.percentile(0.9), p99: meter.percentile(0.99),
            p999: meter.percentile(0.999), max: meter.percentile(1))
        bytesPerRecord = accepted == 0 ? 0 : Double(logBytes) / Double(accepted)
        peakResidentBytes = residentBytes
    }

    var text: String {
        func milliseconds(_ value: Double) -> String { String(format: "%.2f ms", value) }
        let latency = latencyMilliseconds
        let lines = [
            (
                "records",
                "\(formatCount(records)) in \(String(format: "%.2f", seconds)) s: \(formatRate(records, seconds: seconds))"
            ),
            (
                "receipts",
                "\(formatCount(accepted)) accepted, \(formatCount(duplicates)) duplicates, \(formatCount(conflicts)) conflicts, "
                    + "\(formatCount(rejected)) rejected"
            ),
            (
                "batch latency",
                "p50 \(milliseconds(latency.p50)), p90 \(milliseconds(latency.p90)), p99 \(milliseconds(latency.p99)), "
                    + "p99.9 \(milliseconds(latency.p999)), max \(milliseconds(latency.max))"
            ),
            ("log", String(format: "%.1f bytes a record", bytesPerRecord)),
            ("memory", "\(formatBytes(peakResidentBytes)) resident at most"),
        ]
        return lines.map { $0.padding(toLength: 15, withPad: " ", startingAt: 0) + $1 + "\n" }.joined()
    }
}
