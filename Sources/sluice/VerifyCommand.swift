import ArgumentParser
import Foundation
import Ledger
import Presentation
import Transactions

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check every checksum, the chain, and each rollup against a recount.",
        discussion: """
            Reads the whole ledger at rest and changes nothing; stop the daemon first. Each fault is named with its \
            file, offset and sequences on a line of its own. Exit code 65 when there is any.

            With --receipt only the chain is checked: from the origin over all records up to the last receipt, without \
            rollups, index and catalogue. A record that was changed, dropped or inserted since is found even when all \
            checksums were made anew. The files are those of 'sluice load --receipt' and 'sluice status --receipt', \
            one JSON object a line (docs/protocol.md).

            EXAMPLES
              sluice verify --data ledger
              sluice verify --data ledger --receipt day.receipts
            """)

    @OptionGroup var data: DataOption
    @Option(help: "Check stored receipts instead; '-' is standard input. May be repeated.", completion: .file())
    var receipt: [String] = []
    @Flag(help: "One JSON object.") var json = false

    private struct Result: Encodable {
        var records: UInt64
        var blocks: Int
        var chunks: Int
        var chain: String?
        var faults: [String]
    }

    private struct ReceiptResult: Encodable {
        var receipts: Int
        var faults: [String]
    }

    func run() async throws {
        try await reportingErrors {
            let faults = try receipt.isEmpty ? verifyEverything() : verifyReceipts()
            if !faults.isEmpty { throw ExitCode.damage }
        }
    }

    private func verifyEverything() throws -> [String] {
        var verification = Verification(try data.files())
        let progress = ProgressLine()
        let report = try verification.run { done, total in
            progress.show("verifying: \(formatCount(done)) of \(formatCount(total)) records")
        }
        progress.finish()
        let chain = report.chain.map { hexadecimal($0.digest) }
        if json {
            let result = Result(
                records: report.records, blocks: report.blocks, chunks: report.chunks, chain: chain,
                faults: report.faults)
            try emit(try jsonText(result))
        } else {
            for fault in report.faults { try emit(fault + "\n") }
            try emit(
                "\(formatCount(report.records)) records in \(formatCount(report.blocks)) blocks, "
                    + "\(formatCount(report.chunks)) days of rollups compared with a recount\n"
                    + "chain \(chain ?? "not known: damage")\n\(counted(report.faults.count, "fault"))\n")
        }
        return report.faults
    }

    private func verifyReceipts() throws -> [String] {
        let stored = try receipt.flatMap { path in
            try ReceiptFile.receipts(in: path).map { (place: "\(path), line \($0.line)", receipt: $0.receipt) }
        }
        let progress = ProgressLine()
        let found = try ReceiptVerification(try data.files()).faults(of: stored.map(\.receipt)) { done, total in
            progress.show("verifying: \(formatCount(done)) of \(formatCount(total)) records")
        }
        progress.finish()
        let faults = zip(stored, found).compactMap { stored, fault in fault.map { "\(stored.place): \($0)" } }
        if json {
            try emit(try jsonText(ReceiptResult(receipts: stored.count, faults: faults)))
        } else {
            for fault in faults { try emit(fault + "\n") }
            let last = stored.map(\.receipt.chainSequence).max() ?? 0
            try emit(
                faults.isEmpty
                    ? "\(counted(stored.count, "receipt")) up to sequence \(formatCount(last)), all hold\n"
                    : "\(counted(stored.count, "receipt")), of which \(formatCount(faults.count)) not held\n")
        }
        return faults
    }
}
