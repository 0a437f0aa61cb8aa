import Access
import ArgumentParser
import Foundation
import Ledger
import Presentation
import Transactions

struct TokenKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token-key", abstract: "Rotate the keys that account tokens are made with.",
        discussion: """
            An account is never stored; what stands for it is a token, made with the key that is in force on the UTC \
            date of the record's time. A key that is added comes into force on a date ahead and stays in the file for \
            ever: a record that is sent again years later gets the token that it had. The same account has another \
            token under another key.

            EXAMPLES
              sluice token-key add --data ledger --from 2027-01-01
              sluice token-key list --data ledger
            """,
        subcommands: [TokenKeyAddCommand.self, TokenKeyListCommand.self])
}

struct TokenKeyAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a key that comes into force on a date.",
        discussion: """
            The date is the day after tomorrow or later, in UTC, as records come up to a day ahead. A key is drawn, or is \
            in the environment of whoever holds the ledger. A running daemon sees a key in the file by itself; its \
            environment is that of its start.

            EXAMPLES
              sluice token-key add --data ledger --from 2027-01-01
              sluice token-key add --data ledger --from 2027-01-01 --id 2027 \\
                --env SLUICE_TOKEN_KEY_2027
            """)

    @OptionGroup var data: DataOption
    @Option(help: ArgumentHelp("The UTC date from whose first moment on it is in force.", valueName: "date"))
    var from: CalendarDay
    @Option(help: "What people call it: up to 32 letters, digits, dots, hyphens and underscores; the date when absent.")
    var id: String?
    @Option(
        help: ArgumentHelp(
            "A variable of the environment with the key, 64 hexadecimal digits; absent: one is drawn.",
            valueName: "variable"), transform: variableName)
    var env: String?

    func run() async throws {
        try await reportingErrors {
            let files = try data.files().existing()
            let name = id ?? "\(from)"
            try files.tokenKeyFile().add(
                id: name, firstDay: from, secret: env.map { .variable($0) },
                nowMicroseconds: wallClockMicroseconds()
            ) {
                // Noted before it is done: an act without its note cannot be.
                try AuditLog(path: files.auditLog).note(
                    .tokenKeyAdded, by: currentUser(), subject: name, detail: "from \(from)")
            }
            complain("the key \(name) is in force from \(from) on (UTC); keep a copy of \(files.tokenKey)")
        }
    }
}

struct TokenKeyListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the keys' ids and dates, and never a key.",
        discussion: """
            EXAMPLES
              sluice token-key list --data ledger
              sluice token-key list --data ledger --format json
            """)

    @OptionGroup var data: DataOption
    @Option(help: "How to print it.") var format = OutputFormat.table

    func run() async throws {
        try await reportingErrors {
            let entries = try data.files().existing().tokenKeyFile().entries()
            let today = CalendarDay(utcDayOf: wallClockMicroseconds())
            let current = entries.last { ($0.firstDay ?? .first) <= today }?.id
            let report = Report(
                columns: ["id", "in_force_from", "state", "kept_in"].map { .init($0, isNumeric: false) },
                rows: entries.map { entry in
                    let isComing = (entry.firstDay ?? .first) > today
                    return [
                        .text(entry.id), entry.firstDay.map { .text("\($0)") } ?? .none,
                        .text(entry.id == current ? "in force" : isComing ? "coming" : "past"),
                        .text("\(entry.secret)"),
                    ]
                })
            try emit(report.rendered(as: format))
        }
    }
}
