import Foundation
import Testing
import Transactions

/// `kill -9` with batches outstanding and receipts issued: nothing receipted is missing, nothing is there twice.
@Suite(.timeLimit(.minutes(2))) struct KilledTests {
    /// Where a daemon is killed.
    enum Strike {
        /// Whenever the client has seen so many receipts.
        case afterReceipts(Int)
        /// At the beginning of a system call on a file of the ledger.
        case at(call: String, number: Int, file: String)
        /// The same, but while the daemon is being stopped.
        case stoppingAt(call: String, number: Int, file: String)
    }

    private static let log = "log/00000000000000000001.log"

    static let lives: [[Strike]] = [
        [.afterReceipts(40), .at(call: "fdatasync", number: 9, file: log), .afterReceipts(3), .afterReceipts(120)],
        [
            .at(call: "pwrite64", number: 12, file: log),
            .stoppingAt(call: "pwrite64", number: 2, file: "catalogue.sqlite-wal"),
            .stoppingAt(call: "ftruncate", number: 1, file: log), .at(call: "pwrite64", number: 1, file: log),
            .afterReceipts(25),
        ],
    ]

    @Test(arguments: lives.indices)
    func killedAndStartedAgain(life: Int) async throws {
        try await Workshop.open { workshop in
            let sender = Sender(seed: UInt64(life + 1))
            for strike in Self.lives[life] {
                try await liveAndDie(workshop, sender, strike)
                try await workshop.withDaemon { try await sender.checkThatNothingReceiptedIsMissing($0) }
            }
            try await workshop.withDaemon { try await sender.finish($0) }
            try await checkFigures(workshop, recordCount: sender.recordCount)
        }
    }

    private func liveAndDie(_ workshop: Workshop, _ sender: Sender, _ strike: Strike) async throws {
        switch strike {
        case .afterReceipts(let count):
            let daemon = try await Daemon(workshop, data: workshop.data)
            try await sender.stream(to: daemon, receipts: count)
            daemon.crash()
        case .at(let call, let number, let file):
            let wrapper = try Strace.killing(
                at: call, number: number, path: "\(workshop.data)/\(file)", output: workshop.path + "/trace")
            do {
                let daemon = try await Daemon(workshop, data: workshop.data, wrapper: wrapper)
                try await sender.stream(to: daemon, receipts: 2000)
                daemon.terminate()
                #expect(try await daemon.wait() == 128 + SIGKILL)
            } catch let error as Daemon.DidNotStart {
                // It was struck while it brought the log's end in order.
                #expect(error.exitCode == 128 + SIGKILL)
            }
        case .stoppingAt(let call, let number, let file):
            let wrapper = try Strace.killing(
                at: call, number: number, path: "\(workshop.data)/\(file)", output: workshop.path + "/trace")
            let daemon = try await Daemon(workshop, data: workshop.data, wrapper: wrapper)
            try await sender.stream(to: daemon, receipts: 20)
            daemon.terminate()
            #expect(try await daemon.wait() == 128 + SIGKILL)
        }
        try sender.takeLastReceipts()
    }

    private func checkFigures(_ workshop: Workshop, recordCount: Int) async throws {
        let status = try await workshop.run("status", "--data", workshop.data, "--json").object()
        #expect(status["records"] as? Int == recordCount)
        let verified = try await workshop.run("verify", "--data", workshop.data, "--json")
        #expect(verified.code == 0, "\(verified.output)")
        var recount: [String: (count: Int, amount: Int64)] = [:]
        for record in (1...recordCount).map({ payment($0) }) {
            recount[CalendarDay(daysSince1970: record.utcDay).description, default: (0, 0)].count += 1
            recount[CalendarDay(daysSince1970: record.utcDay).description]!.amount += record.amountMinorUnits
        }
        let expected = recount.map { [$0.key, "VND", "\($0.value.count)", "\($0.value.amount)"] }.sorted {
            $0[0] < $1[0]
        }
        let daily = try await workshop.run(
            "daily", "--data", workshop.data, "--measures", "attempts,amount", "--format", "csv")
        #expect(daily.rows == expected)
    }

    /// `init` killed at each of its system calls that changes a file, one after the other: a second `init` makes what is
    /// missing.
    @Test(arguments: ["mkdir", "openat", "pwrite64", "fdatasync", "rename,renameat,renameat2", "fsync"])
    func aLedgerWhoseMakingWasKilled(call: String) async throws {
        try await Workshop.open { workshop in
            for number in 1...40 {
                let data = "\(workshop.data)-\(number)"
                let wrapper = try Strace.wrapper([
                    "-o", workshop.path + "/trace", "-e", "trace=\(call)",
                    // Opening libraries and time zones is not of interest.
                    "-P", data, "-P", data + "/log", "-P", data + "/index", "-P", data + "/token.key",
                    "-P", data + "/token.key.new", "-P", data + "/LOCK", "-P", data + "/" + Self.log,
                    "-P", data + "/" + Self.log + ".new", "-e", "inject=\(call):signal=KILL:when=\(number)",
                ])
                let made = try await workshop.run(program: wrapper + [Workshop.executable, "init", "--data", data])
                let again = try await workshop.run("init", "--data", data)
                #expect(again.code == 0 || again.errors.contains("already"), "\(call) \(number): \(again.errors)")
                try await workshop.withDaemon(data: data) { daemon in
                    let peer = try await StreamPeer.open(daemon)
                    #expect(try await peer.exchange(1, [payment(1)]).counts == LoadCounts(1))
                    try await peer.finish()
                }
                if made.code == 0 {
                    #expect(number > 1, "\(call) was never struck")
                    return
                }
                #expect(made.code == 128 + SIGKILL, "\(made.errors)")
            }
            Issue.record("\(call) never came to an end")
        }
    }
}
