import Foundation
import Presentation

/// What `bench ingest` was asked to do.
struct IngestSettings: Encodable, Sendable {
    var connections: Int
    var batch: Int
    var window: Int
    /// Batches are sent compressed.
    var compress: Bool
    /// Records a second that are offered; nil in a closed loop.
    var rate: Double?
    var day: String
    var seed: UInt64
    var replay: String?

    var text: String {
        let loop = rate.map { "open loop at \(formatRate(Int($0), seconds: 1))" } ?? "closed loop"
        return "\(loop), \(counted(connections, "connection")), batches of \(formatCount(batch)), "
            + "\(formatCount(window)) of them on their way at most" + (compress ? ", compressed" : "")
    }
}

/// What `bench ingest` says: every run, and as its own figures those of the middle one.
struct IngestReport: Encodable, Sendable {
    var settings: IngestSettings
    var runs: [IngestResult]
    var machine = MachineFacts()

    private enum CodingKeys: String, CodingKey {
        case settings, runs, spread, machine
    }

    private enum SpreadKeys: String, CodingKey {
        case recordsPerSecond = "records_per_second"
        case p99 = "latency_p99_ms"
        case replayRecordsPerSecond = "replay_records_per_second"
    }

    /// The run in the middle: by rate, in an open loop by the latency of 99 %.
    var middle: IngestResult {
        let sorted = runs.sorted {
            settings.rate == nil
                ? $0.pass.recordsPerSecond < $1.pass.recordsPerSecond : $0.pass.latency.p99 < $1.pass.latency.p99
        }
        return sorted[(sorted.count - 1) / 2]
    }

    private var rates: Spread { Spread(runs.map(\.pass.recordsPerSecond)) }
    private var tails: Spread { Spread(runs.map(\.pass.latency.p99)) }

    func encode(to encoder: any Encoder) throws {
        try middle.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(settings, forKey: .settings)
        try container.encode(machine, forKey: .machine)
        guard runs.count > 1 else { return }
        try container.encode(runs, forKey: .runs)
        var spread = container.nestedContainer(keyedBy: SpreadKeys.self, forKey: .spread)
        try spread.encode(rates, forKey: .recordsPerSecond)
        try spread.encode(tails, forKey: .p99)
        let replays = runs.compactMap(\.replay?.recordsPerSecond)
        if !replays.isEmpty { try spread.encode(Spread(replays), forKey: .replayRecordsPerSecond) }
    }

    var text: String {
        var lines = [("offered", settings.text)] + middle.lines
        if runs.count > 1 {
            func rate(_ value: Double) -> String { formatRate(Int(value), seconds: 1) }
            lines.append(
                (
                    "\(runs.count) runs",
                    "median \(rate(rates.median)), \(rate(rates.min)) to \(rate(rates.max)); p99 median "
                        + "\(formatMilliseconds(tails.median)), \(formatMilliseconds(tails.min)) to "
                        + "\(formatMilliseconds(tails.max)); above is the middle one"
                ))
        }
        return aligned(lines)
    }
}
