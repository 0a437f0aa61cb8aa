import ArgumentParser
import Foundation
import Ledger
import Presentation
import SluiceClient
import Transactions

struct BenchRecoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover", abstract: "Kill a daemon in the middle of a day and time its return.",
        discussion: """
            Streams the generated day to a daemon of its own, kills it (kill -9) when --at of the records are \
            receipted, starts it again on the same ledger, and times until it welcomes a client. Then it sends on \
            from the first record without a receipt, as a gateway would, and checks that the ledger has every record \
            of the day once. The system itself does not stop, so what the daemon reads back is still in its memory.

            'read back' are the records between the last checkpoint of the statistics and the log's end; 'unreceipted' \
            those that were found on disk although their receipts never left.

            EXAMPLES
              sluice bench recover --count 26000000
              sluice bench recover --count 5000000 --at 0.9 --repeat 5 --json
            """)

    @Option(help: "Records of the day.") var count = 1_000_000
    @Option(help: "The share of them after which the daemon is killed.") var at = 0.5
    @Option(name: .customLong("repeat"), help: "How often, each time with a fresh ledger.") var runCount = 1
    @Option(help: "The UTC date of the day.") var day = CalendarDay("2026-11-20")!
    @Option(help: "Another seed gives another day.") var seed: UInt64 = 1
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var report: ReportOption

    func validate() throws {
        guard 1..<1 << 32 ~= count, runCount > 0, 0..<1 ~= at else {
            throw ValidationError("--count is 1 to 4,294,967,295, --at 0 up to less than 1, --repeat 1 or more")
        }
    }

    func run() async throws {
        try await reportingErrors {
            try report.prepare()
            let progress = BenchProgress()
            defer { progress.finish() }
            progress.show("generating \(formatCount(count)) records")
            let records = GeneratedDay(day: day, count: count, seed: seed)
            var runs: [Recovery] = []
            for number in 1...runCount {
                progress.show(runCount == 1 ? "streaming" : "run \(number) of \(runCount)")
                runs.append(try await withTemporaryDirectory { try await recovery(of: records, data: $0 + "/ledger") })
            }
            progress.finish()
            let result = RecoverReport(count: count, at: at, day: day.description, seed: seed, runs: runs)
            try report.write("recover", html: result.page, json: try jsonText(result))
            try emit(json ? try jsonText(result) : result.text)
        }
    }

    private func recovery(of records: GeneratedDay, data: String) async throws -> Recovery {
        let (receipted, accepted) = try await streamUntilKilled(records, data: data)
        let start = ContinuousClock.now
        let daemon = try DaemonProcess(data: data)
        defer { daemon.stop() }
        try await SluiceClient.connect(to: daemon.address).close()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let cpu = daemon.cpuSeconds
        let status = try await status(of: data)
        if receipted < count {
            let plan = StreamPlan(firstRecord: receipted, recordCount: count - receipted)
            let run = try await StreamRun(to: daemon.address, plan: plan)
            _ = try await run.stream(records)
            await run.close()
        }
        let end = try await self.status(of: data).records
        guard end == records.distinctCount else {
            throw InputOutputError(
                "the ledger has \(formatCount(end)) records, the day \(formatCount(records.distinctCount))")
        }
        return Recovery(
            receipted: receipted, found: Int(status.records), unreceipted: Int(status.records) - accepted,
            readBack: Int(status.records - status.checkpoint),
            seconds: seconds, cpu: cpu, records: Int(end))
    }

    /// Streams the day, kills the daemon in its middle, and says how many records have a receipt, and how many of these were
    /// accepted. They are the first ones, because one connection's batches are answered in their order.
    private func streamUntilKilled(
        _ records: GeneratedDay, data: String
    ) async throws -> (receipted: Int, accepted: Int) {
        let daemon = try DaemonProcess(data: data)
        defer { daemon.stop() }
        let run = try await StreamRun(to: daemon.address, plan: StreamPlan(recordCount: count))
        let wanted = Int(Double(count) * at)
        let killer = Task {
            while run.receiptedCount < wanted { try await Task.sleep(for: .milliseconds(1)) }
            daemon.crash()
        }
        do {
            _ = try await run.stream(records)
        } catch ClientError.lost where run.receiptedCount >= wanted {
            // As it was meant to.
        } catch {
            killer.cancel()
            throw error
        }
        // A short day may be done before.
        try await killer.value
        await run.close()
        return (run.receiptedCount, run.totals.accepted)
    }

    private func status(of data: String) async throws -> LedgerStatus {
        let access = try await LedgerAccess.open(LedgerFiles(directory: data))
        let status = try await access.status()
        await access.close()
        return status
    }
}

/// How a daemon came back.
struct Recovery: Encodable, Sendable {
    /// Records with a receipt when it was killed.
    var receipted: Int
    /// Records that it found in its log.
    var found: Int
    /// Of these, accepted ones whose receipts never arrived.
    var unreceipted: Int
    /// Of these, those that came after the last checkpoint.
    var readBack: Int
    /// From the start of the process until a client was welcomed.
    var seconds: Double
    /// Processor time that this took.
    var cpu: CPUSeconds
    /// Records of the ledger once the whole day was sent.
    var records: Int

    private enum CodingKeys: String, CodingKey {
        case receipted, found, unreceipted, seconds, records
        case readBack = "read_back"
        case cpu = "cpu_seconds"
    }
}

/// What `bench recover` says.
struct RecoverReport: Encodable, Sendable {
    var count: Int
    var at: Double
    var day: String
    var seed: UInt64
    var runs: [Recovery]
    var machine = MachineFacts()

    private enum CodingKeys: String, CodingKey {
        case count, at, day, seed, runs, seconds, machine
    }

    private var seconds: Spread { Spread(runs.map(\.seconds)) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(count, forKey: .count)
        try container.encode(at, forKey: .at)
        try container.encode(day, forKey: .day)
        try container.encode(seed, forKey: .seed)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(runs, forKey: .runs)
        try container.encode(machine, forKey: .machine)
    }

    var page: String {
        var page = Page(
            "sluice bench recover",
            summary: "A daemon killed in the middle of a day of \(formatCount(count)) records, and started again.")
        page.addPicture(
            "Seconds until it is ready",
            note: "From the start of the process until a client was welcomed, in each run.",
            svg: BarChart(
                "Seconds until it is ready",
                runs.enumerated().map { number, run in
                    (
                        "run \(number + 1)", run.seconds,
                        "\(formatSeconds(run.seconds)), \(formatCount(run.readBack)) read back"
                    )
                }
            ).svg())
        page.addTable("All figures", header: [], rows: lines.map { [$0.0, $0.1] })
        page.addTable("Machine", header: [], rows: machine.rows)
        return page.html()
    }

    var text: String { aligned(lines) }

    private var lines: [(String, String)] {
        let slowest = runs.max { $0.seconds < $1.seconds }!
        var lines = [
            (
                "killed", "with \(formatCount(slowest.receipted)) of \(formatCount(count)) records receipted"
            ),
            (
                "found",
                "\(formatCount(slowest.found)) records, \(formatCount(slowest.readBack)) of them read back, "
                    + "\(formatCount(slowest.unreceipted)) unreceipted"
            ),
            ("ready after", "\(formatSeconds(slowest.seconds)), \(formatSeconds(slowest.cpu.total)) of processor time"),
            ("in the end", "\(formatCount(slowest.records)) records, each of the day's once"),
        ]
        if runs.count > 1 {
            lines.append(
                (
                    "\(runs.count) runs",
                    "ready after \(formatSeconds(seconds.median)) (median), \(formatSeconds(seconds.min)) to "
                        + "\(formatSeconds(seconds.max)); above is the slowest"
                ))
        }
        return lines
    }
}
