import ArgumentParser
import Formats
import Foundation
import Ledger
import Presentation
import Reference
import Transactions

struct ReferenceImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take a CSV file of reference data in.",
        discussion: """
            A row is about one entry: the one with its name (column 'name', or --name), which becomes known when it \
            is not; with --code it gets the user's own code, a number below half of the range. All other columns are \
            attributes, whose values are valid from the day in the column 'from', else --from, else always. An empty \
            field says nothing.

            Rows of offerings have the columns agency, service, level (1 to 4, partial, full) and, where there are \
            some, region (empty: everywhere), from, to (the last day).

            When any row is wrong, all wrong ones are named and nothing is imported. A file that was imported \
            before adds nothing. Works with and without a running daemon.

            EXAMPLES
              sluice reference import institutions banks.csv --data ledger
              sluice reference import regions provinces.csv --name province --code number
              sluice reference import offerings portal.csv --from 2025-01-01
            """)

    @Argument(help: "What the rows are about, such as regions.") var kind: ReferenceKind
    @Argument(help: "A CSV file; '-' is standard input.", completion: .file(extensions: ["csv"])) var file: String
    @OptionGroup var data: DataOption
    @Option(help: ArgumentHelp("The column of names.", valueName: "column")) var name: String?
    @Option(help: ArgumentHelp("The column of the user's own codes.", valueName: "column")) var code: String?
    @Option(help: "The first business day of the values (yyyy-MM-dd) where a row names none; always when absent.")
    var from: CalendarDay?

    func run() async throws {
        try await reportingErrors {
            let bytes = try read()
            let table: CSVTable
            let columns: ReferenceColumns
            do throws(FormatError) {
                table = try CSVTable(bytes)
                columns = try ReferenceColumns(kind, header: table.header, name: name, code: code)
            } catch {
                throw FormatError("\(file): \(error)")
            }
            let rows = ReferenceImport(table, columns, from: from)
            try await LedgerAccess.with(data, forWriting: true) { try await take(rows, $0) }
        }
    }

    private func take(_ rows: ReferenceImport, _ access: LedgerAccess) async throws {
        var rows = rows
        var codes = try await access.knownCodes(for: Set(rows.names))
        if let space = kind.space {
            rows.check(codes: codes, holders: try await access.names(of: rows.ownCodes, in: space))
        }
        guard rows.rejects.isEmpty else {
            for reject in rows.rejects { complain(harmless("\(file): \(reject)")) }
            throw FormatError(
                "\(counted(rows.rejects.count, "row")) of \(formatCount(rows.rowCount)) in \(file) cannot be taken: "
                    + "nothing was imported")
        }
        let book = try await access.book(of: [kind])
        let new = rows.definitions.filter { codes[$0.name] == nil }
        for (definition, code) in zip(new, try await access.define(new)) { codes[definition.name] = code }
        let statements = rows.statements(codes: codes, beyond: book, momentMicroseconds: nowMicroseconds())
        try await access.state(statements)
        try emit(
            "\(counted(rows.rowCount, "row")) of \(kind.name)s: \(counted(new.count, "new name")), "
                + "\(counted(statements.count, "new value"))\n")
    }

    private func read() throws -> [UInt8] {
        do {
            let input = file == "-" ? .standardInput : try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
            return Array(try input.readToEnd() ?? Data())
        } catch {
            throw InputOutputError("cannot read \(file): \(reason(of: error))")
        }
    }
}
