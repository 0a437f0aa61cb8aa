import ArgumentParser
import Foundation
import Ledger
import Presentation
import Service
import Storage
import Transactions

struct BenchIngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest", abstract: "Stream the reference day into a daemon of its own and time it.",
        discussion: """
            Starts a daemon on loopback over a fresh ledger, streams the generated day to it (resends and conflicts \
            included), and waits for the last receipt; each receipt came after the flush that covers it. The day is \
            generated beforehand and takes 64 bytes of memory a record. Client and daemon share this machine: the \
            processor time that each takes is told.

            Without --rate the loop is closed: a connection sends its next batch as soon as fewer than --window are \
            without a receipt. That gives the highest rate; its latencies are from send to receipt. A warm-up of a \
            tenth goes first, into a ledger that is thrown away.

            With --rate the loop is open: records come on a schedule that does not care for receipts, and the latency \
            of each counts from its scheduled moment, so that no waiting is hidden. The first two seconds are the \
            warm-up. 'sent late by' is how far the bench itself, or a full window, was behind the schedule.

            Several connections are like instances of one gateway behind a balancer: the batches of the day are dealt \
            out to them in order. A resend may then overtake the record that it repeats, so that the counts of \
            duplicates and conflicts differ a little from run to run.

            EXAMPLES
              sluice bench ingest --count 1000000
              sluice bench ingest --count 26000000 --repeat 5 --json
              sluice bench ingest --count 26000000 --connections 8 --batch 100
              sluice bench ingest --rate 100000 --seconds 60 --report report
              sluice bench ingest --count 26000000 --replay shuffled
              sluice bench ingest --count 26000000 --data kept-ledger
            """)

    /// How the day is sent again.
    enum Replay: String, CaseIterable, ExpressibleByArgument {
        case inOrder = "in-order"
        case shuffled
    }

    @Option(help: "Records to stream (1,000,000 when absent; with --rate: as many as --seconds take).") var count: Int?
    @Option(help: "Connections to the daemon.") var connections = 1
    @Option(help: "Records a second that come, whatever the daemon does: an open loop.") var rate: Double?
    @Option(help: "With --rate: how long records come (10 when absent).") var seconds: Double?
    @Option(help: "Records of a batch, 1 to 1,024 (1,024 when absent; with --rate: those of a millisecond).")
    var batch: Int?
    @Option(
        help: """
            Batches of a connection without a receipt at a time (256 when absent; of batches of less than 1,024 \
            records so many more, at most 1,024).
            """)
    var window: Int?
    @Flag(help: "Send batches compressed (LZ4).") var compress = false
    @Option(help: "Afterwards time the same day once more into the same ledger: in-order or shuffled.")
    var replay: Replay?
    @Option(name: .customLong("repeat"), help: "Runs after the warm-up, each with a fresh ledger.") var runCount = 1
    @Option(help: "The UTC date of the day.") var day = CalendarDay("2026-11-20")!
    @Option(help: "Another seed gives another day.") var seed: UInt64 = 1
    @Option(help: "Keep the ledger in this directory, which must not hold one; else a temporary one is removed.")
    var data: String?
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var report: ReportOption
    @Flag(help: "Without the warm-up.") var cold = false

    func validate() throws {
        func require(_ condition: Bool, _ message: String) throws {
            guard condition else { throw ValidationError(message) }
        }
        try require(count ?? 1 > 0, "--count is 1 or more")
        try require(1...1024 ~= batch ?? 1, "--batch is 1 to 1,024")
        try require(1...65_535 ~= window ?? 1, "--window is 1 to 65,535")
        try require(1...10_000 ~= connections, "--connections is 1 to 10,000")
        try require(runCount > 0, "--repeat is 1 or more")
        try require(0.1...1e9 ~= rate ?? 1, "--rate is 0.1 to 1,000,000,000 records a second")
        try require(seconds ?? 1 > 0, "--seconds is more than 0")
        try require(rate != nil || seconds == nil, "--seconds goes with --rate")
        try require(count == nil || seconds == nil, "--count and --seconds: name one of them")
        try require(rate == nil || replay == nil, "--replay is for a closed loop")
        try require(data == nil || runCount == 1, "--data keeps the ledger of one run: not with --repeat")
        try require(measuredCount < 1 << 32, "a day has less than 4,294,967,296 records")
    }

    private static let warmUpSeconds = 2.0

    private var measuredCount: Int {
        count ?? rate.map { max(1, Int(min(1e12, $0 * (seconds ?? 10)))) } ?? 1_000_000
    }

    private var plan: StreamPlan {
        let warmUpCount = rate.map { cold ? 0 : Int($0 * BenchIngestCommand.warmUpSeconds) } ?? 0
        var plan = StreamPlan(recordCount: warmUpCount + measuredCount, warmUpRecordCount: warmUpCount)
        plan.connections = connections
        plan.compressesBatches = compress
        plan.batchRecordCount = batch ?? rate.map(OpenLoopSchedule.naturalBatchRecordCount) ?? 1024
        plan.windowBatches = window ?? min(1024, 256 * 1024 / plan.batchRecordCount)
        plan.schedule = rate.map {
            OpenLoopSchedule(
                recordsPerSecond: $0, recordCount: plan.recordCount, batchRecordCount: plan.batchRecordCount)
        }
        return plan
    }

    func run() async throws {
        try await reportingErrors {
            if let data, try LedgerFiles(directory: data).exist(in: DiskFileSystem()) {
                throw UsageError("\(data) holds a ledger already: name a directory without one")
            }
            try report.prepare()
            StreamServer.raiseDescriptorLimit()
            let plan = plan
            let progress = BenchProgress()
            progress.show("generating \(formatCount(plan.recordCount)) records")
            let records = GeneratedDay(day: day, count: plan.recordCount, seed: seed)
            let again = replay == .shuffled ? GeneratedDay(shuffling: records, seed: seed) : records
            let bench = IngestBench(plan: plan, day: records, replay: replay == nil ? nil : again, progress: progress)
            if !cold, rate == nil { try await bench.warmUp(recordCount: max(1, plan.recordCount / 10)) }
            var runs: [IngestResult] = []
            for number in 1...runCount {
                let title = runCount == 1 ? "streaming" : "run \(number) of \(runCount)"
                runs.append(try await bench.run(title, data: data))
            }
            progress.finish()
            let result = IngestReport(settings: settings(plan), runs: runs)
            try report.write("ingest", html: IngestPage(report: result).html(), json: try jsonText(result))
            try emit(json ? try jsonText(result) : result.text)
        }
    }

    private func settings(_ plan: StreamPlan) -> IngestSettings {
        IngestSettings(
            connections: connections, batch: plan.batchRecordCount, window: plan.windowBatches, compress: compress,
            rate: rate,
            day: day.description,
            seed: seed, replay: replay?.rawValue)
    }
}
