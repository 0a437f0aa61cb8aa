import Analysis
import ArgumentParser
import Foundation
import Presentation
import Rollups

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "An open-data package without the figures of few.",
        discussion: """
            Writes into a new or empty directory: figures and totals as CSV and JSON, dictionary.csv that says what each \
            column is, and datapackage.json (Frictionless Data Package), with which tools read the CSV as it is meant.

            Rows that stand for fewer than --threshold events, or accounts where any are known, are withheld, and so many others of the same period that \
            none can be found from the totals: 'withheld' says which. docs/statistics.md has the rules. Nothing \
            but figures is written: no ids, no payers.

            EXAMPLES
              sluice publish out --data ledger --by month,region \\
                --measures attempts,settled,amount
              sluice publish out --data ledger --by day,service --where kind=request \\
                --threshold 20 \\
                --title "Hồ sơ dịch vụ công theo ngày"
            """)

    @Argument(help: "The directory, which is made where there is none.", completion: .directory) var directory: String
    @OptionGroup var options: QuestionOptions
    @Option(help: "Dimensions, with commas between.") var by = WordList(argument: "month,region")
    @Option(help: "Figures, with commas between.") var measures = WordList(argument: "attempts,settled,amount")
    @Option(help: "The least number of events that is told.") var threshold = 10
    @Flag(help: "Look at numbers of events only: quick, as no record is read, and one account may have many.")
    var eventsOnly = false
    @Option(help: "The package's title.") var title = "Transactions by day"
    @Option(help: "The package's name: lower case letters, digits, '-', '_' and '.'.") var name = "transactions"

    func validate() throws {
        guard options.plot == nil, options.format == .table else {
            throw ValidationError("a package has its own files: --plot and --format do not go with it")
        }
        guard 2...1_000_000 ~= threshold else { throw ValidationError("--threshold is 2 to 1,000,000") }
        guard !name.isEmpty,
            name.utf8.allSatisfy({ Array("abcdefghijklmnopqrstuvwxyz0123456789-_.".utf8).contains($0) })
        else { throw ValidationError("--name has lower case letters, digits, '-', '_' and '.' only") }
    }

    func run() async throws {
        try await Analyst.with(options) { analyst in
            if let attribute = by.words.first(where: { $0.contains(".") }) {
                throw UsageError("a publication goes by dimensions, and \(attribute) is an attribute of one")
            }
            let inquiry = try await analyst.inquiry(options.text(by: by.words, measures: measures.words))
            let publication = try Publication(inquiry, threshold: threshold, countsAccounts: !eventsOnly)
            let (rows, totals, withheld) = publication.tables(try await analyst.answers(publication.questions))
            try checkDirectory()
            let tables = [("figures", rows), ("totals", totals)]
            for (name, sheet) in tables {
                let report = Report(sheet, names: try await analyst.names(of: sheet))
                try write(report.rendered(as: .csv), to: name + ".csv")
                try write(report.rendered(as: .json), to: name + ".json")
            }
            try write(dictionary(tables, inquiry).rendered(as: .csv), to: "dictionary.csv")
            let package = DataPackage(
                name: name, title: title, sequence: rows.sequence,
                tables: tables.map { ($0.0, fields(of: $0.1, inquiry)) })
            try write(package.json(), to: "datapackage.json")
            complain(of: rows.damage)
            complain(
                "\(directory): \(formatCount(rows.rows.count)) rows, of which \(formatCount(withheld)) are withheld, "
                    + "as of sequence \(formatCount(rows.sequence))")
        }
    }

    private func checkDirectory() throws {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            guard try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty else {
                throw UsageError("\(directory) is not empty: name a new directory")
            }
        } catch let error as UsageError {
            throw error
        } catch {
            throw InputOutputError("\(directory): \(reason(of: error))")
        }
    }

    private func write(_ text: String, to file: String) throws {
        let path = directory + "/" + file
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) } catch {
            throw InputOutputError("\(path): \(reason(of: error))")
        }
    }

    private func fields(of sheet: Sheet, _ inquiry: Inquiry) -> [DataPackage.Field] {
        sheet.dimensions.map(DataPackage.Field.init)
            + sheet.columns.map { column in
                guard column.name != "withheld" else {
                    return .init(
                        name: "withheld", type: "boolean", unit: "",
                        description: "true where figures are left out because they stand for too few")
                }
                let figure = Figure(name: column.name) ?? Figure(name: String(column.name.dropLast("_error".count)))
                return figure.map { DataPackage.Field($0, column: column.name) }
                    ?? .init(name: column.name, type: "any", unit: "", description: "")
            }
    }

    private func dictionary(_ tables: [(String, Sheet)], _ inquiry: Inquiry) -> Report {
        let rows = tables.flatMap { name, sheet in
            fields(of: sheet, inquiry).map { field in
                [name, field.name, field.type, field.unit, field.description].map(Report.Value.text)
            }
        }
        return Report(
            columns: ["table", "column", "type", "unit", "description"].map { .init($0, isNumeric: false) }, rows: rows)
    }
}
