import ArgumentParser
import Foundation
import Ledger
import Presentation
import Transactions

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What is in a ledger.",
        discussion: """
            Works with and without a running daemon.

            EXAMPLES
              sluice status --data ledger
              sluice status --data ledger --json
            """)

    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object.") var json = false

    func run() async throws {
        try await reportingErrors {
            let access = try await LedgerAccess.open(try data.files())
            let status = try await access.status()
            await access.close()
            try emit(json ? try jsonText(status) : text(status))
        }
    }

    private func text(_ status: LedgerStatus) -> String {
        let days = status.firstDay.map { "\(status.days), \($0) to \(status.lastDay ?? $0)" } ?? "none"
        let perRecord =
            status.records == 0 ? "" : String(format: " (%.1f a record)", Double(status.bytes) / Double(status.records))
        let names = NameSpace.allCases.map { "\(formatCount(status.names[$0.name] ?? 0)) of \($0.name)" }
        let lines = [
            ("ledger", "\(status.ledger) in \(status.directory)"),
            ("business days", "\(status.timeZone), cut-over \(status.cutover)"),
            ("records", formatCount(status.records)),
            ("log", "\(formatBytes(status.bytes)) in \(formatCount(status.segments)) segment(s)\(perRecord)"),
            ("derived files", formatBytes(status.derivedBytes)),
            ("days", days),
            ("names", names.joined(separator: ", ")),
            ("statistics saved to", "sequence \(formatCount(status.checkpoint))"),
            ("chain", status.chain),
            ("daemon", status.isServed ? "running, \(formatBytes(Int(status.residentBytes))) of memory" : "none"),
        ]
        return lines.map { $0.padding(toLength: 20, withPad: " ", startingAt: 0) + harmless($1) + "\n" }.joined()
    }
}

/// A value as one line of JSON with its keys in order.
func jsonText(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
}
