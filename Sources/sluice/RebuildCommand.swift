import ArgumentParser
import Foundation
import Ledger
import Presentation

struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Make catalogue and index anew from the log alone.",
        discussion: """
            The log is the truth; names, statistics and identities come from it. With --time-zone or --cutover the \
            business days change with it; identities do not depend on them. Stop the daemon first. All of the log is \
            read before anything is removed: when it is not whole, every fault is named and nothing changes.

            EXAMPLES
              sluice rebuild --data ledger
              sluice rebuild --data ledger --time-zone Asia/Ho_Chi_Minh --cutover 23:00
            """)

    @OptionGroup var data: DataOption
    @Option(help: "A new time zone for business days.") var timeZone: String?
    @Option(help: "A new cut-over, HH:MM; 00:00 for none.") var cutover: Cutover?

    func run() async throws {
        try await reportingErrors {
            let files = try data.files()
            let clock = ContinuousClock()
            let duration = try clock.measure { try files.rebuild(timeZone: timeZone, cutoverMinutes: cutover?.minutes) }
            let status = try LedgerReader(files).status()
            complain(
                "rebuilt statistics and identities of \(formatCount(status.records)) records in \(String(format: "%.1f", duration / .seconds(1))) s"
            )
        }
    }
}
