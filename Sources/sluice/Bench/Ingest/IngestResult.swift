import Foundation
import Presentation

/// What one pass of a day through a daemon measured.
struct PassResult: Encodable, Sendable {
    /// Processor seconds.
    struct CPU: Encodable, Sendable {
        var client: CPUSeconds
        var daemon: CPUSeconds
    }

    /// Records that were measured.
    var records: Int
    /// Records that went before them in the same stream; the receipts count these too.
    var warmUpRecords: Int
    var accepted: Int
    var duplicates: Int
    var conflicts: Int
    var rejected: Int
    var seconds: Double
    var recordsPerSecond: Double
    var latency: LatencySummary
    /// Open loop only.
    var sendDelay: LatencySummary?
    var cpu: CPU
    /// Processor seconds of the daemon's threads, the busiest first.
    var threads: [(name: String, seconds: Double)]
    /// For the report; not among the figures.
    var series: PassSeries

    private enum CodingKeys: String, CodingKey {
        case records, accepted, duplicates, conflicts, rejected, seconds
        case warmUpRecords = "warm_up_records"
        case recordsPerSecond = "records_per_second"
        case latency = "latency_ms"
        case sendDelay = "send_delay_ms"
        case cpu = "cpu_seconds"
        case threads = "daemon_thread_seconds"
    }

    init(meter: StreamMeter, plan: StreamPlan, seconds: Double, samples: [RunSampler.Sample]) {
        records = plan.measuredRecordCount
        warmUpRecords = plan.warmUpRecordCount
        (accepted, duplicates) = (meter.totals.accepted, meter.totals.duplicates)
        (conflicts, rejected) = (meter.totals.conflicts, meter.totals.rejected)
        self.seconds = seconds
        recordsPerSecond = Double(records) / seconds
        latency = meter.latency.summary
        sendDelay = plan.schedule == nil ? nil : meter.sendDelay.summary
        let (first, last) = (samples[0], samples[samples.count - 1])
        cpu = CPU(client: last.client - first.client, daemon: last.daemon - first.daemon)
        threads = last.daemonThreads.map { ($0, $1 - first.daemonThreads[$0, default: 0]) }
            .sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
        series = PassSeries(meter: meter, samples: samples)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(records, forKey: .records)
        try container.encode(warmUpRecords, forKey: .warmUpRecords)
        try container.encode(accepted, forKey: .accepted)
        try container.encode(duplicates, forKey: .duplicates)
        try container.encode(conflicts, forKey: .conflicts)
        try container.encode(rejected, forKey: .rejected)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(recordsPerSecond, forKey: .recordsPerSecond)
        try container.encode(latency, forKey: .latency)
        try container.encodeIfPresent(sendDelay, forKey: .sendDelay)
        try container.encode(cpu, forKey: .cpu)
        try container.encode(Dictionary(uniqueKeysWithValues: threads.map { ($0.name, $0.seconds) }), forKey: .threads)
    }

    /// Lines of a name and its figures.
    var lines: [(String, String)] {
        func share(_ cpu: CPUSeconds) -> String {
            String(format: "%.2f s (%.2f of a core)", cpu.total, cpu.total / seconds)
        }
        var lines = [
            (
                "records",
                "\(formatCount(records)) in \(formatSeconds(seconds)): \(formatRate(records, seconds: seconds))"
            ),
            (
                "receipts",
                "\(formatCount(accepted)) accepted, \(formatCount(duplicates)) duplicates, "
                    + "\(formatCount(conflicts)) conflicts, \(formatCount(rejected)) rejected"
            ),
            ("latency", latency.text),
        ]
        if let sendDelay { lines.append(("sent late by", sendDelay.text)) }
        lines.append(("processor", "daemon \(share(cpu.daemon)), client \(share(cpu.client))"))
        return lines
    }
}

/// How a pass went over time.
struct PassSeries: Sendable {
    var latency: LatencyHistogram
    var receiptedByCentisecond: [Int]
    var slices: [StreamMeter.Slice]
    var samples: [RunSampler.Sample]

    init(meter: StreamMeter, samples: [RunSampler.Sample]) {
        latency = meter.latency
        receiptedByCentisecond = meter.receiptedByCentisecond
        slices = meter.slices
        self.samples = samples
    }
}

/// What a run of `bench ingest` measured.
struct IngestResult: Encodable, Sendable {
    var pass: PassResult
    /// The same day once more into the same ledger.
    var replay: PassResult?
    var bytesPerRecord: Double
    var composition: LogComposition
    var peakResidentBytes: Int

    private enum CodingKeys: String, CodingKey {
        case replay
        case bytesPerRecord = "bytes_per_record"
        case composition = "log_bytes"
        case peakResidentBytes = "peak_resident_bytes"
    }

    func encode(to encoder: any Encoder) throws {
        try pass.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(replay, forKey: .replay)
        try container.encode(bytesPerRecord, forKey: .bytesPerRecord)
        try container.encode(composition, forKey: .composition)
        try container.encode(peakResidentBytes, forKey: .peakResidentBytes)
    }

    var lines: [(String, String)] {
        pass.lines + [
            ("log", String(format: "%.1f bytes a record", bytesPerRecord)),
            ("memory", "\(formatBytes(peakResidentBytes)) resident at most"),
        ] + (replay?.lines.map { ("replay: " + $0, $1) } ?? [])
    }
}
