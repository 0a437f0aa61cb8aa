import ArgumentParser
import Foundation
import Ledger
import Presentation

struct CompactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact", abstract: "Rewrite sealed segments of small blocks into full ones now.",
        discussion: """
            The daemon does this by itself, in the background; this is for who cannot wait. Stop the daemon first. Only \
            sealed segments are rewritten: the last one, which the next records go to, stays as it is. Everything that \
            is read is checked, and a segment that is damaged is named and left alone. It can be stopped at any time. \
            Exit code 65 when there is damage.

            EXAMPLE
              sluice compact --data ledger
            """)

    @OptionGroup var data: DataOption

    func run() async throws {
        try await reportingErrors {
            let progress = ProgressLine()
            defer { progress.finish() }
            let report = try data.files().compact { done, total in
                progress.show("compacting: \(formatCount(done)) of \(formatCount(total)) records")
            }
            progress.finish()
            for fault in report.faults { try emit(fault + "\n") }
            try emit(
                "rewrote \(formatCount(report.rewritten)) of \(counted(report.segments, "sealed segment")): "
                    + "the log took \(formatBytes(report.bytesBefore)), now \(formatBytes(report.bytesAfter))\n")
            if !report.faults.isEmpty { throw ExitCode.damage }
        }
    }
}
