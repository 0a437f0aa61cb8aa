import ArgumentParser
import Foundation
import Presentation
import ReferenceDay
import SluiceClient
import StreamProtocol
import Synchronization
import Transactions

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure this machine.", subcommands: [BenchIngestCommand.self])
}

struct BenchIngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest", abstract: "Stream the reference day into a daemon of its own and time it.",
        discussion: """
            Starts a daemon on loopback over a fresh ledger, streams the generated day to it (resends and conflicts included),
            and waits for the last receipt; each receipt came after the flush that covers it. The day is generated beforehand and
            takes 64 bytes of memory a record. A warm-up of a tenth goes first, into a ledger that is thrown away. Latencies are of
            batches in a closed loop: from the send to the receipt, with up to --window batches on their way.

            EXAMPLES
              sluice bench ingest --count 1000000
              sluice bench ingest --count 26000000 --json
              sluice bench ingest --count 26000000 --data kept-ledger
            """)

    @Option(help: "Records to stream.") var count = 1_000_000
    @Option(help: "Records of a batch, 1 to 1,024.") var batch = 1024
    @Option(help: "Batches without a receipt at a time.") var window = 256
    @Option(help: "The UTC date of the day.") var day = CalendarDay("2026-11-20")!
    @Option(help: "Another seed gives another day.") var seed: UInt64 = 1
    @Option(help: "Keep the ledger in this directory, which must not hold one; else a temporary one is removed.")
    var data: String?
    @Flag(help: "One JSON object.") var json = false
    @Flag(help: "Without the warm-up.") var cold = false

    func validate() throws {
        guard count > 0, (1...1024).contains(batch), (1...65_535).contains(window) else {
            throw ValidationError("--count is 1 or more, --batch 1 to 1,024, --window 1 to 65,535")
        }
    }

    func run() async throws {
        try await reportingErrors {
            let progress = ProgressLine()
            progress.show("generating \(formatCount(count)) records")
            let records = GeneratedDay(day: day, count: count, seed: seed)
            if !cold {
                progress.show("warming up")
                _ = try await measure(records.prefix(max(1, count / 10)), directory: nil)
            }
            progress.show("streaming")
            let result = try await measure(records.prefix(count), directory: data)
            progress.finish()
            try emit(json ? try jsonText(result) : result.text)
        }
    }

    private func measure(_ records: UnsafeRawBufferPointer, directory: String?) async throws -> IngestResult {
        let place = directory ?? NSTemporaryDirectory() + "/sluice-bench-\(UUID().uuidString)"
        defer { if directory == nil { try? FileManager.default.removeItem(atPath: place) } }
        let daemon = try DaemonProcess(data: place)
        defer { daemon.stop() }
        let meter = LatencyMeter(batchCount: (records.count / Record.byteCount + batch - 1) / batch)
        var configuration = ClientConfiguration(sources: ReferenceDay.sources.map { .code(UInt16($0.code)) })
        configuration.windowBatches = window
        let client = try await SluiceClient.connect(to: daemon.address, configuration: configuration) { meter.take($0) }
        let start = ContinuousClock.now
        var offset = 0
        while offset < records.count {
            let end = min(offset + batch * Record.byteCount, records.count)
            meter.send()
            try await client.sendBatch(UnsafeRawBufferPointer(rebasing: records[offset..<end]))
            offset = end
        }
        try await client.settle()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        await client.close()
        let residentBytes = daemon.peakResidentBytes
        daemon.stop()
        return IngestResult(
            records: records.count / Record.byteCount, seconds: seconds, meter: meter, residentBytes: residentBytes,
            logBytes: try DaemonProcess.logBytes(in: place))
    }
}

/// Records generated ahead, so that generating takes nothing from what is measured.
private final class GeneratedDay {
    private let buffer: UnsafeMutableBufferPointer<Record>

    init(day: CalendarDay, count: Int, seed: UInt64) {
        buffer = .allocate(capacity: count)
        var generator = ReferenceDay(day: day, count: count, seed: seed)
        var filled = 0
        while filled < count {
            let more = generator.fill(UnsafeMutableBufferPointer(rebasing: buffer[filled...]))
            precondition(more > 0, "the reference day has as many records as were asked for")
            filled += more
        }
    }

    deinit { buffer.deallocate() }

    func prefix(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[..<count]))
    }
}
