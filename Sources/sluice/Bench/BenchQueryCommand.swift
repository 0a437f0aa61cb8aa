import ArgumentParser
import Foundation
import Ledger
import Presentation
import ReferenceDay
import Rollups
import Transactions

struct BenchQueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Time questions about a year of days and about one raw day.",
        discussion: """
            Makes a ledger of --days generated days, the last of them with --count records and each other one with \
            --year-count, or takes the one that --data names: its last day, and the year that ends with it. Questions \
            about the year are answered from the statistics that are kept; those about the day are such that none of \
            them can answer, so that every record of the day is read.

            Each question is asked in this process, over a ledger that is open already, and by a whole 'sluice daily', \
            from the start of the process to its end. Every question is asked once before it is timed.

            The ledger is made by the engine as any other is, about a million records a second: a year of 10,000 records \
            a day takes seconds, one of 300,000 takes minutes and 4 GB.

            EXAMPLES
              sluice bench query --count 5000000
              sluice bench query --data ledger --repeat 21 --json
            """)

    @Option(help: "Records of the last day.") var count = 1_000_000
    @Option(help: "Records of each other day of the year.") var yearCount = 10_000
    @Option(help: "Days of the year.") var days = 365
    @Option(
        help: "A ledger to ask, which no daemon holds, instead of a generated one; nothing in it is changed.",
        completion: .directory)
    var data: String?
    @Option(name: .customLong("repeat"), help: "How often each question is asked.") var runCount = 11
    @Option(help: "The last of the generated days.") var day = CalendarDay("2026-11-20")!
    @Option(help: "Another seed gives other days.") var seed: UInt64 = 1
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var report: ReportOption

    func validate() throws {
        guard 1..<1 << 32 ~= count, 1..<1 << 32 ~= yearCount, 1...10_000 ~= days, runCount > 0 else {
            throw ValidationError(
                "--count and --year-count are 1 to 4,294,967,295, --days 1 to 10,000, --repeat 1 or more")
        }
    }

    func run() async throws {
        try await reportingErrors {
            try report.prepare()
            let progress = BenchProgress()
            defer { progress.finish() }
            let result: QueryReport
            if let data {
                result = try measure(data, progress)
            } else {
                result = try await withTemporaryDirectory { directory in
                    try make(directory + "/ledger", progress)
                    return try measure(directory + "/ledger", progress)
                }
            }
            progress.finish()
            try report.write("query", html: result.page, json: try jsonText(result))
            try emit(json ? try jsonText(result) : result.text)
        }
    }

    private func make(_ data: String, _ progress: BenchProgress) throws {
        let files = LedgerFiles(directory: data)
        try files.create(timeZone: "UTC", cutoverMinutes: 0)
        let ledger = try Ledger(files)
        defer { ledger.close() }
        let uploader = Uploader(ledger)
        let total = count + (days - 1) * yearCount
        complain("making a ledger of \(counted(days, "day")) with \(formatCount(total)) records")
        let start = ContinuousClock.now
        var sent = 0
        let buffer = UnsafeMutableBufferPointer<Record>.allocate(capacity: 65_536)
        defer { buffer.deallocate() }
        for back in (0..<days).reversed() {
            let date = CalendarDay(daysSince1970: day.daysSince1970 - Int32(back))
            var generator = ReferenceDay(day: date, count: back == 0 ? count : yearCount, seed: seed)
            while case let filled = generator.fill(buffer), filled > 0 {
                try uploader.send(UnsafeBufferPointer(rebasing: buffer[..<filled]))
                sent += filled
                let rate = formatRate(sent, seconds: (ContinuousClock.now - start) / .seconds(1))
                progress.show(
                    "making a ledger: \(formatCount(sent)) of \(formatCount(total)) records, \(rate), "
                        + "\(counted(back, "day")) to go")
            }
        }
        _ = try uploader.finish()
        progress.finish()
    }

    private func measure(_ data: String, _ progress: BenchProgress) throws -> QueryReport {
        let reader = try LedgerReader(LedgerFiles(directory: data))
        let status = try reader.status()
        guard let last = status.lastDay.flatMap({ CalendarDay($0) }) else {
            throw UsageError("\(data) has no records to ask about")
        }
        let results = try QuestionSet(dayCount: days, lastDay: last).questions.map { name, question in
            progress.show("asking: \(name)")
            return QueryResult(
                name: name, rows: try reader.answer(question, despiteDamage: false).rows.count,
                inProcess: try timed { _ = try reader.answer(question, despiteDamage: false) },
                command: try timed { try ask(data, question) })
        }
        return QueryReport(
            records: Int(status.records), days: status.days, lastDay: last.description, repeats: runCount,
            questions: results)
    }

    /// Milliseconds that `work` takes, after one time that does not count.
    private func timed(_ work: () throws -> Void) rethrows -> Spread {
        try work()
        return Spread(
            try (0..<runCount).map { _ in
                let start = ContinuousClock.now
                try work()
                return (ContinuousClock.now - start) / .milliseconds(1)
            })
    }

    private func ask(_ data: String, _ question: Question) throws {
        var words = ["daily", "--data", data, "--format", "csv"]
        words += ["--by", question.by.map(\.name).joined(separator: ",")]
        words += ["--measures", question.measures.map(\.name).joined(separator: ",")]
        for (option, day) in [("--from", question.from), ("--to", question.to)] {
            if let day { words += [option, day.description] }
        }
        let command = try OwnProcess(words)
        _ = try command.wholeOutput()
        guard command.wait().code == 0 else { throw InputOutputError(command.messages) }
    }
}

/// What is asked: about a year of days, and about its last day.
struct QuestionSet {
    let questions: [(name: String, question: Question)]

    init(dayCount: Int, lastDay: CalendarDay) throws(RollupError) {
        let firstDay = CalendarDay(daysSince1970: lastDay.daysSince1970 - Int32(dayCount) + 1)
        let measures: [Measure] = [.attempts, .amount]
        func year(_ dimensions: Rollups.Dimension...) throws(RollupError) -> Question {
            try Question(from: firstDay, to: lastDay, by: dimensions, measures: measures)
        }
        func day(_ dimensions: Rollups.Dimension..., measures: [Measure] = measures) throws(RollupError) -> Question {
            try Question(from: lastDay, to: lastDay, by: dimensions, measures: measures)
        }
        questions = [
            ("year by region", try year(.region)), ("year by service", try year(.service)),
            ("year by source", try year(.source)), ("year by day", try year(.day)),
            ("raw day by region and outcome", try day(.region, .outcome)),
            ("raw day by source and service", try day(.source, .service)),
            ("distinct payers by region", try day(.region, measures: [.payers])),
        ]
    }
}

/// How long a question takes, in milliseconds.
struct QueryResult: Encodable, Sendable {
    var name: String
    var rows: Int
    var inProcess: Spread
    var command: Spread

    private enum CodingKeys: String, CodingKey {
        case name, rows
        case inProcess = "in_process_ms"
        case command = "command_ms"
    }

    var text: String {
        func range(_ spread: Spread) -> String {
            "\(formatMilliseconds(spread.median)) (\(formatMilliseconds(spread.min)) to \(formatMilliseconds(spread.max)))"
        }
        return "\(range(inProcess)); whole command \(range(command)); \(counted(rows, "row"))"
    }
}

/// What `bench query` says.
struct QueryReport: Encodable, Sendable {
    var records: Int
    var days: Int
    var lastDay: String
    var repeats: Int
    var questions: [QueryResult]
    var machine = MachineFacts()

    private enum CodingKeys: String, CodingKey {
        case records, days, repeats, questions, machine
        case lastDay = "last_day"
    }

    private var summary: String {
        "\(formatCount(records)) records of \(counted(days, "day")), the last \(lastDay); medians of \(repeats) and their "
            + "spread"
    }

    var text: String { aligned([("ledger", summary)] + questions.map { ($0.name, $0.text) }) }

    var page: String {
        func bars(_ title: String, _ spread: (QueryResult) -> Spread) -> String {
            BarChart(
                title,
                questions.map { question in
                    let median = spread(question).median
                    return (question.name, median, formatMilliseconds(median))
                }
            ).svg()
        }
        var page = Page("sluice bench query", summary: summary + ".")
        page.addPicture(
            "In this process", note: "The ledger is open already.", svg: bars("In this process", \.inProcess))
        page.addPicture(
            "As a whole command", note: "'sluice daily', from the start of the process to its end.",
            svg: bars("As a whole command", \.command))
        page.addTable("All figures", header: [], rows: questions.map { [$0.name, $0.text] })
        page.addTable("Machine", header: [], rows: machine.rows)
        return page.html()
    }
}
