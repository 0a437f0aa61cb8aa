import Foundation
import Testing

/// The published set of half a million rows, where it is there: `SLUICE_DATA_SETS`, else `../shared/data` beside the package.
@Suite struct RealInputTests {
    private static let folder: String = {
        if let path = ProcessInfo.processInfo.environment["SLUICE_DATA_SETS"] { return path + "/online-retail" }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return package.deletingLastPathComponent().appending(path: "shared/data/online-retail").path
    }()

    private static var isThere: Bool { FileManager.default.fileExists(atPath: folder + "/transactions.csv.gz") }

    private static let mapping = #"""
        {"source": "online-retail", "timeZone": "UTC", "timeFormat": "yyyy-MM-dd HH:mm:ss",
         "constants": {"currency": "GBP", "kind": "payment"},
         "columns": {"id": "invoice_line", "time": "invoiced_at", "amount": "amount_gbp", "event": "kind",
                     "payer": "customer", "service": "stock_code", "region": "country"},
         "values": {"event": {"payment": "initiated", "refund": "refunded"}}}
        """#

    /// Key, payments, pounds, refunds and pounds of a published table, whose amounts are in pence.
    private func published(_ name: String) throws -> Set<[String]> {
        let text = try String(contentsOfFile: Self.folder + "/" + name, encoding: .utf8)
        return Set(
            try text.split(whereSeparator: \.isNewline).dropFirst().map { line in
                let fields = line.split(separator: ",").map(String.init)
                return [fields[0], fields[1], try pounds(fields[2]), fields[3], try pounds(fields[4])]
            })
    }

    private func pounds(_ pence: String) throws -> String {
        let number = try #require(Int(pence))
        return "\(number / 100).\(number % 100 < 10 ? "0" : "")\(number % 100)"
    }

    private func checkAnswers(_ workshop: Workshop) async throws {
        for (dimension, name) in [("day", "expected-daily.csv"), ("region", "expected-by-country.csv")] {
            let answer = try await workshop.run(
                "daily", "--data", workshop.data, "--by", dimension, "--measures",
                "settled,amount,refunds,refund_amount",
                "--format", "csv")
            #expect(answer.rows.allSatisfy { $0[1] == "GBP" })
            let rows = answer.rows.map { [$0[0]] + $0[2...] }
            #expect(Set(rows) == (try published(name)))
            #expect(Set(rows).count == rows.count)
        }
    }

    private static let first = LoadCounts(531_223, 5131, 5553, 2)
    /// What was a conflict is one again, what was accepted is a duplicate.
    private static let second = LoadCounts(0, 531_223 + 5131, 5553, 2)

    /// Loads the set into a directory, or through a daemon, and then once more through a daemon.
    @Test(.enabled(if: isThere), arguments: [false, true])
    func theFiguresAreThePublishedOnes(isStreamed: Bool) async throws {
        try await Workshop.open { workshop in
            let unpacked = try await workshop.run(program: [
                "sh", "-c", "gunzip -c '\(Self.folder)/transactions.csv.gz' > '\(workshop.path)/retail.csv'",
            ])
            try #require(unpacked.code == 0)
            if !isStreamed { try await load(workshop, into: ["--data", workshop.data], Self.first) }
            try await workshop.withDaemon { daemon in
                try await load(workshop, into: ["--server", daemon.address], isStreamed ? Self.first : Self.second)
            }
        }
    }

    private func load(_ workshop: Workshop, into place: [String], _ expected: LoadCounts) async throws {
        let mapping = try workshop.write("retail.json", Self.mapping)
        let load = ["load", workshop.path + "/retail.csv", "--mapping", mapping, "--json"]
        let loaded = try await workshop.run(program: [Workshop.executable] + load + place)
        #expect(loaded.code == 1)
        #expect(try loaded.counts() == expected)
        try await checkAnswers(workshop)
    }
}
