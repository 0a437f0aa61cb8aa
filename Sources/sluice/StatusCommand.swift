import ArgumentParser
import Foundation
import Ledger
import Presentation
import Transactions

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What is in a ledger.",
        discussion: """
            Works with and without a running daemon. The receipt says what the ledger holds now, so that \
            'sluice verify --receipt' can prove later that it still does. Damage is what is known of it so far; \
            'sluice verify' looks for all.

            EXAMPLES
              sluice status --data ledger
              sluice status --data ledger --json
              sluice status --data ledger --receipt ledger.receipts
            """)

    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object.") var json = false
    @Option(help: "A file to which a receipt for all that is in the ledger is added.", completion: .file())
    var receipt: String?

    func run() async throws {
        try await reportingErrors {
            let access = try await LedgerAccess.open(try data.files())
            let status = try await access.status()
            await access.close()
            if let receipt { try add(status, to: receipt) }
            try emit(json ? try jsonText(status) : text(status))
        }
    }

    private func add(_ status: LedgerStatus, to path: String) throws {
        guard let receipt = status.receipt else {
            throw DamageError(damage: status.damage)
        }
        let file = try ReceiptFile(addingTo: path)
        try file.add([receipt])
        try file.synchronise()
    }

    private func text(_ status: LedgerStatus) -> String {
        let days = status.firstDay.map { "\(status.days), \($0) to \(status.lastDay ?? $0)" } ?? "none"
        let perRecord =
            status.records == 0 ? "" : String(format: " (%.1f a record)", Double(status.bytes) / Double(status.records))
        let names = NameSpace.allCases.compactMap { space -> String? in
            guard let count = status.names[space.name], count > 0 else { return nil }
            return counted(count, space.name)
        }
        let lines =
            [
                ("ledger", "\(status.ledger) in \(status.directory)"),
                ("business days", "\(status.timeZone), cut-over \(status.cutover)"),
                ("records", formatCount(status.records)),
                ("log", "\(formatBytes(status.bytes)) in \(counted(status.segments, "segment"))\(perRecord)"),
                ("derived files", formatBytes(status.derivedBytes)),
                ("days", days),
                ("names", names.isEmpty ? "none" : names.joined(separator: ", ")),
                ("statistics saved to", "sequence \(formatCount(status.checkpoint))"),
                ("chain", status.chain ?? "not known: damage"),
                ("daemon", status.isServed ? "running, \(formatBytes(Int(status.residentBytes))) of memory" : "none"),
            ] + status.damage.map { ("damage", "\($0)") }
        return lines.map { $0.padding(toLength: 20, withPad: " ", startingAt: 0) + harmless($1) + "\n" }.joined()
    }
}

/// A number and what is counted: `no fault`, `1 fault`, `2 faults`.
func counted(_ count: Int, _ noun: String) -> String {
    count == 0 ? "no \(noun)" : "\(formatCount(count)) \(noun)\(count == 1 ? "" : "s")"
}

/// A value as one line of JSON with its keys in order.
func jsonText(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
}
