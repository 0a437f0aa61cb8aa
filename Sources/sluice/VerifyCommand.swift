import ArgumentParser
import Foundation
import Ledger
import Presentation
import Transactions

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check every checksum, the chain, and each rollup against a recount.",
        discussion: """
            Reads the whole ledger at rest and changes nothing; stop the daemon first. Each fault is named with its file, offset
            and sequences on a line of its own. Exit code 65 when there is any.

            EXAMPLE
              sluice verify --data ledger
            """)

    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object.") var json = false

    private struct Result: Encodable {
        var records: UInt64
        var blocks: Int
        var chunks: Int
        var chain: String
        var faults: [String]
    }

    func run() async throws {
        try await reportingErrors {
            var verification = Verification(try data.files())
            let progress = ProgressLine()
            let report = try verification.run { done, total in
                progress.show("verifying: \(formatCount(done)) of \(formatCount(total)) records")
            }
            progress.finish()
            let chain = hexadecimal(report.chain.digest)
            if json {
                let result = Result(
                    records: report.records, blocks: report.blocks, chunks: report.chunks, chain: chain,
                    faults: report.faults)
                try emit(try jsonText(result))
            } else {
                for fault in report.faults { try emit(fault + "\n") }
                try emit(
                    "\(formatCount(report.records)) records in \(formatCount(report.blocks)) blocks, "
                        + "\(formatCount(report.chunks)) days of rollups compared with a recount, chain \(chain)\n"
                        + (report.faults.isEmpty ? "no fault\n" : "\(report.faults.count) fault(s)\n"))
            }
            if !report.faults.isEmpty { throw ExitCode.damage }
        }
    }
}
