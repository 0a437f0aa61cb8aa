import ArgumentParser
import Formats
import Foundation
import Ledger
import Presentation
import ReferenceDay
import Transactions

struct BenchLoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Load files of the reference day with 'sluice load' and time it.",
        discussion: """
            Writes the generated day to files, then runs 'sluice load FILE' on each into a fresh ledger, without a \
            daemon. The time is the command's own: from its start to the last receipt, with names resolved, \
            duplicates checked, statistics kept and every block flushed. The files were just written, so the \
            system still has them in memory. The first load of each format is the warm-up and does not count.

            EXAMPLES
              sluice bench load --count 5000000
              sluice bench load --count 1000000 --format csv,ndjson --repeat 5 --json
              sluice bench load --count 1000000 --report report
            """)

    @Option(help: "Records of the day.") var count = 1_000_000
    @Option(help: "Formats, with commas between: raw, csv, ndjson.") var format = WordList(
        argument: "raw,csv,ndjson")
    @Option(name: .customLong("repeat"), help: "Loads of each format after the warm-up.") var runCount = 3
    @Option(help: "The UTC date of the day.") var day = CalendarDay("2026-11-20")!
    @Option(help: "Another seed gives another day.") var seed: UInt64 = 1
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var report: ReportOption
    @Flag(help: "Without the warm-up.") var cold = false

    func validate() throws {
        guard 1..<1 << 32 ~= count, runCount > 0 else {
            throw ValidationError("--count is 1 to 4,294,967,295, --repeat 1 or more")
        }
        guard !format.words.isEmpty, format.words.allSatisfy({ FileFormat(rawValue: $0) != nil }) else {
            throw ValidationError("--format is a list of raw, csv and ndjson")
        }
    }

    func run() async throws {
        try await reportingErrors {
            try report.prepare()
            let progress = BenchProgress()
            defer { progress.finish() }
            var results: [LoadResult] = []
            for format in format.words.compactMap(FileFormat.init(rawValue:)) {
                results.append(try await measure(format, progress))
            }
            progress.finish()
            let result = LoadReport(count: count, day: day.description, seed: seed, loads: results)
            try report.write("load", html: result.page, json: try jsonText(result))
            try emit(json ? try jsonText(result) : result.text)
        }
    }

    private func measure(_ format: FileFormat, _ progress: BenchProgress) async throws -> LoadResult {
        try await withTemporaryDirectory { directory in
            let path = directory + "/day.\(format.rawValue)"
            progress.show("writing \(formatCount(count)) records as \(format.rawValue)")
            let byteCount = try write(format, to: path)
            var runs: [LoadRun] = []
            for number in (cold ? 1 : 0)...runCount {
                progress.show("\(format.rawValue): " + (number == 0 ? "warming up" : "load \(number) of \(runCount)"))
                let run = try LoadRun(of: path, into: directory + "/ledger")
                if number > 0 { runs.append(run) }
            }
            return LoadResult(format: format, fileBytes: byteCount, runs: runs)
        }
    }

    private func write(_ format: FileFormat, to path: String) throws -> Int {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw InputOutputError("cannot write to \(path): \(String(cString: strerror(errno)))") }
        try ReferenceDay(day: day, count: count, seed: seed).write(as: format, to: file)
        // So that the system does not write it while loads are timed.
        try file.synchronize()
        return Int(try file.offset())
    }
}

/// One load of a file by a `sluice load` of its own.
struct LoadRun: Encodable, Sendable {
    var rows: Int
    var accepted: Int
    var duplicates: Int
    var conflicts: Int
    var rejected: Int
    /// From the start of loading to the last receipt.
    var seconds: Double
    var recordsPerSecond: Double
    var cpu: CPUSeconds
    var peakResidentBytes: Int
    var bytesPerRecord: Double

    private enum CodingKeys: String, CodingKey {
        case rows, accepted, duplicates, conflicts, rejected, seconds
        case recordsPerSecond = "records_per_second"
        case cpu = "cpu_seconds"
        case peakResidentBytes = "peak_resident_bytes"
        case bytesPerRecord = "bytes_per_record"
    }

    /// Loads into a ledger that is removed afterwards.
    init(of path: String, into data: String) throws {
        defer { try? FileManager.default.removeItem(atPath: data) }
        try LedgerFiles(directory: data).createInUTCIfAbsent()
        let command = try OwnProcess(["load", path, "--data", data, "--json"])
        let output = try command.wholeOutput()
        let end = command.wait()
        // 1: the day has conflicts.
        guard end.code <= 1 else { throw InputOutputError("loading failed: \(command.messages)") }
        let summary = try JSONDecoder().decode(LoadSummary.self, from: output)
        (rows, accepted, duplicates) = (summary.rows, summary.accepted, summary.duplicates)
        (conflicts, rejected, seconds) = (summary.conflicts, summary.rejected, summary.seconds)
        recordsPerSecond = Double(rows) / seconds
        cpu = end.cpu
        peakResidentBytes = end.peakResidentBytes
        bytesPerRecord = Double(try logByteCount(of: data)) / Double(max(1, accepted))
    }
}

/// The loads of one format.
struct LoadResult: Encodable, Sendable {
    var format: FileFormat
    var fileBytes: Int
    var runs: [LoadRun]

    private enum CodingKeys: String, CodingKey {
        case format, runs
        case fileBytes = "file_bytes"
        case recordsPerSecond = "records_per_second"
    }

    var recordsPerSecond: Spread { Spread(runs.map(\.recordsPerSecond)) }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(format.rawValue, forKey: .format)
        try container.encode(fileBytes, forKey: .fileBytes)
        try container.encode(recordsPerSecond, forKey: .recordsPerSecond)
        try container.encode(runs, forKey: .runs)
    }

    var text: String {
        let (rate, first) = (recordsPerSecond, runs[0])
        func perSecond(_ value: Double) -> String { formatRate(Int(value), seconds: 1) }
        return "\(perSecond(rate.median)) (\(perSecond(rate.min)) to \(perSecond(rate.max))), file of "
            + "\(formatBytes(fileBytes)), \(formatSeconds(Spread(runs.map(\.cpu.total)).median)) of processor time, "
            + "\(formatBytes(first.peakResidentBytes)) resident at most"
    }
}

/// What `bench load` says.
struct LoadReport: Encodable, Sendable {
    var count: Int
    var day: String
    var seed: UInt64
    var loads: [LoadResult]
    var machine = MachineFacts()

    var page: String {
        var page = Page(
            "sluice bench load",
            summary:
                "The day of \(formatCount(count)) records, loaded from files into a fresh ledger without a daemon; "
                + "medians of \(counted(loads[0].runs.count, "load")).")
        page.addPicture(
            "Records a second", note: "From the start of loading to the last receipt.",
            svg: BarChart(
                "Records a second",
                loads.map { load in
                    let rate = load.recordsPerSecond.median
                    return (load.format.rawValue, rate, formatRate(Int(rate), seconds: 1))
                }
            ).svg())
        page.addTable("All figures", header: [], rows: loads.map { [$0.format.rawValue, $0.text] })
        page.addTable("Machine", header: [], rows: machine.rows)
        return page.html()
    }

    var text: String {
        let runs = loads[0].runs.count
        return aligned(
            [("records", "\(formatCount(count)); median of \(counted(runs, "load")) and their spread")]
                + loads.map { ($0.format.rawValue, $0.text) })
    }
}
