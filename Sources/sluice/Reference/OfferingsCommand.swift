import ArgumentParser
import Foundation
import Ledger
import Presentation
import Reference
import Rollups
import Transactions

struct OfferingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offerings", abstract: "How many services are offered online at a level, against a target.",
        discussion: """
            Counts the offerings (an agency's service in a region) that are valid on a day, and those of them at \
            --level or above; 'full' is level 4, 'partial' is level 3. With --requests also those for whose service and \
            region at least one request was made between --from and --to, whatever came of it; an offering without a \
            region counts with requests from anywhere. Offerings come in with 'sluice reference import offerings'.

            EXAMPLES
              sluice offerings --data ledger --by agency --target 30%
              sluice offerings --by region --on 2026-06-30 --level 3
              sluice offerings --by agency --requests --from 2026-06-01 --to 2026-06-30
            """)

    @OptionGroup var data: DataOption
    @Option(help: "agency, region or service, or several with commas between.") var by = WordList(argument: "")
    @Option(help: "The business day (yyyy-MM-dd); --to, else today, when absent.") var on: CalendarDay?
    @Option(help: "The level that is asked for: 1 to 4, partial or full.") var level = OfferingLevel(number: 4)
    @Option(help: "The share that should be at the level, such as 30%.") var target: Share?
    @Flag(help: "Count the offerings with at least one request, too.") var requests = false
    @Option(help: "The first business day of requests.") var from: CalendarDay?
    @Option(help: "The last business day of requests, included.") var to: CalendarDay?
    @Option(help: "\(OutputFormat.words).") var format = OutputFormat.table
    @OptionGroup var damage: DamageOption

    func validate() throws {
        if !requests, from != nil || to != nil { throw ValidationError("--from and --to go with --requests") }
        for word in by.words where OfferingDimension(rawValue: word) == nil {
            throw ValidationError("--by \(word): expected agency, region or service")
        }
        guard Set(by.words).count == by.words.count else { throw ValidationError("--by: a dimension is named twice") }
    }

    func run() async throws {
        try await reportingErrors {
            let access = try await LedgerAccess.open(try data.files())
            let day = try await access.today(or: on ?? to)
            let book = try await access.book(of: [.offering])
            let dimensions = by.words.compactMap(OfferingDimension.init)
            let requested = try await requested(access)
            let counts = book.countOfferings(on: day, by: dimensions, level: level) { offering in
                requested.services.contains(
                    offering.region == 0 ? [offering.service] : [offering.service, offering.region])
            }
            var names = NameBook()
            for (place, dimension) in dimensions.enumerated() {
                try await names.fetch(Set(counts.map { $0.codes[place] }), dimension.space, from: access)
            }
            await access.close()
            let report = report(counts, dimensions, names, requested.answer)
            complain(of: report.damage)
            if format == .table, counts.isEmpty {
                try emit("no offerings on \(day)\n")
            } else {
                try emit(report.rendered(as: format, width: terminalWidth()))
            }
        }
    }

    /// The services that were requested, each alone and with each region that it was requested in.
    private func requested(_ access: LedgerAccess) async throws -> (services: Set<[UInt32]>, answer: Answer?) {
        guard requests else { return ([], nil) }
        let question: Question
        do {
            question = try Question(
                from: from, to: to, by: [.service, .region], filters: [.kind: [UInt32(Kind.request.rawValue)]],
                measures: [.attempts])
        } catch {
            throw UsageError("\(error)")
        }
        let answer = try await access.answer(question, despiteDamage: damage.despiteDamage)
        var services: Set<[UInt32]> = []
        for row in answer.rows where (row.values[0] ?? 0) > 0 {
            services.insert([row.codes[0]])
            services.insert(row.codes)
        }
        return (services, answer)
    }

    private func report(
        _ counts: [OfferingCount], _ dimensions: [OfferingDimension], _ names: NameBook, _ answer: Answer?
    ) -> Report {
        var columns = dimensions.map { Report.Column($0.rawValue, isNumeric: false) }
        columns += ["offerings", "at_level", "at_level_percent"].map { Report.Column($0, isNumeric: true) }
        if target != nil {
            columns += [.init("target_percent", isNumeric: true), .init("target_met", isNumeric: false)]
        }
        if requests {
            columns += ["requested", "requested_percent"].map { Report.Column($0, isNumeric: true) }
        }
        let rows = counts.map { count in
            var row = zip(dimensions, count.codes).map { dimension, code -> Report.Value in
                if dimension == .region, code == 0 { return .text("everywhere") }
                return .text(names.name(dimension.space, code) ?? "\(code)")
            }
            row += [
                .count(Int128(count.offerings)), .count(Int128(count.atLevel)),
                percent(count.atLevel, of: count.offerings),
            ]
            if let target {
                let isMet = target.isReached(by: count.atLevel, of: count.offerings)
                row += [
                    .percent(hundredths: Int128(target.hundredths), isSigned: false), .text(isMet ? "yes" : "no"),
                ]
            }
            if requests { row += [.count(Int128(count.requested)), percent(count.requested, of: count.offerings)] }
            return row
        }
        return Report(columns: columns, rows: rows, sequence: answer?.sequence, damage: answer?.damage ?? [])
    }

    /// To two digits, rounded half up from the whole numbers.
    private func percent(_ part: Int, of whole: Int) -> Report.Value {
        guard whole > 0 else { return .none }
        return .percent(hundredths: Int128((part * 20_000 + whole) / (2 * whole)), isSigned: false)
    }
}

/// A share in percent, as exact as it was written.
struct Share: ExpressibleByArgument {
    let hundredths: Int

    init?(argument: String) {
        guard let hundredths = hundredthsOfPercent(argument), hundredths <= 10_000 else { return nil }
        self.hundredths = hundredths
    }

    /// True when the part is at least the share of the whole.
    func isReached(by part: Int, of whole: Int) -> Bool { part * 10_000 >= hundredths * whole }
}

extension OfferingLevel: ExpressibleByArgument {
    /// 1 to 4, `partial` or `full`.
    public init?(argument: String) { self.init(argument) }

    /// The number.
    public var defaultValueDescription: String { "\(number)" }
}
