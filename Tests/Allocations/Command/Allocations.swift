import AllocationCounter
import ArgumentParser
import Foundation
import Ledger
import ReferenceDay
import Transactions

/// Counts what the engine allocates while a ledger takes in records, once everything is warm.
@main
struct Allocations: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allocations", abstract: "Count the heap allocations of a ledger that takes in records.",
        discussion: """
            Sends records of a reference day in batches to a ledger of this process, and prints allocations a batch, thread by
            thread. Exit code 1 when there are more than --most in all. About half of them go into comparing conflicts, of
            which a thousand records have one, with what the log holds.

            EXAMPLES
              allocations
              allocations --records 10000000 --batch 100
            """)

    @Option(help: "Records that are counted.") var records = 1_000_000
    @Option(help: "Records before those, until the tables have their size.") var warmUp = 2_000_000
    @Option(help: "Records of a batch.") var batch = 1024
    @Option(help: "Allocations that a batch may cost.") var most = 20.0

    func run() throws {
        let directory = NSTemporaryDirectory() + "/sluice-allocations-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let files = LedgerFiles(directory: directory)
        try files.create(timeZone: "UTC", cutoverMinutes: 0)
        let ledger = try Ledger(files)
        defer { ledger.close() }

        let stream = UnsafeMutableBufferPointer<Record>.allocate(capacity: warmUp + records)
        defer { stream.deallocate() }
        var day = ReferenceDay(day: CalendarDay("2026-11-20")!, count: stream.count, seed: 1)
        _ = day.fill(stream)
        let sender = Sender(ledger)
        try sender.send(stream[..<warmUp], batch: batch)
        let before = AllocationCounts()
        try sender.send(stream[warmUp...], batch: batch)
        let counts = AllocationCounts() - before
        let batchCount = (records + batch - 1) / batch
        counts.print(batchCount: batchCount)
        guard Double(counts.count) <= most * Double(batchCount) else {
            print("more than \(most) a batch")
            throw ExitCode(1)
        }
    }
}
