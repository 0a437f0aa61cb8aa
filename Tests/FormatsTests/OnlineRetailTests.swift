import Formats
import Foundation
import Testing
import Transactions

/// The real set of half a million rows, where it is there: `SLUICE_DATA_SETS`, else `../shared/data` beside the package.
@Suite struct OnlineRetailTests {
    private static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["SLUICE_DATA_SETS"] {
            return URL(fileURLWithPath: path).appending(path: "online-retail")
        }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return package.deletingLastPathComponent().appending(path: "shared/data/online-retail")
    }()

    private static var isThere: Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: "transactions.csv.gz").path)
    }

    private struct Totals: Equatable {
        var payments = 0
        var paymentPence: Int64 = 0
        var refunds = 0
        var refundPence: Int64 = 0

        mutating func add(_ record: Record) {
            if record.event == .initiated {
                payments += 1
                paymentPence += record.amountMinorUnits
            } else if record.event == .refunded {
                refunds += 1
                refundPence += record.amountMinorUnits
            }
        }
    }

    private func expected(_ file: String) throws -> [String: Totals] {
        let text = try String(contentsOf: Self.folder.appending(path: file), encoding: .utf8)
        var totals: [String: Totals] = [:]
        for line in text.split(separator: "\n").dropFirst() {
            let parts = line.split(separator: ",")
            totals[String(parts[0])] = Totals(
                payments: Int(parts[1])!, paymentPence: Int64(parts[2])!, refunds: Int(parts[3])!,
                refundPence: Int64(parts[4])!)
        }
        return totals
    }

    private func unpacked() throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/gzip")
        process.arguments = ["-dc", Self.folder.appending(path: "transactions.csv.gz").path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try #require(try pipe.fileHandleForReading.readToEnd())
        process.waitUntilExit()
        return data
    }

    @Test(.enabled(if: isThere)) func theFiguresAreThePublishedOnes() throws {
        let mapping = try Mapping(
            json: #"""
                {"source": "online-retail", "timeZone": "UTC", "timeFormat": "yyyy-MM-dd HH:mm:ss",
                 "constants": {"currency": "GBP", "kind": "payment"},
                 "columns": {"id": "invoice_line", "time": "invoiced_at", "amount": "amount_gbp", "event": "kind",
                             "payer": "customer", "service": "stock_code", "region": "country"},
                 "values": {"event": {"payment": "initiated", "refund": "refunded"}}}
                """#.utf8)
        let loading = try Loading(unpacked(), .csv, mapping)
        #expect(loading.records.count == 541_907)
        #expect(loading.rejects.map(\.field) == ["amount", "amount"])
        let verdicts = Verdicts(loading.records)
        #expect(verdicts.accepted.count == 531_223)
        #expect(verdicts.duplicates == 5131)
        #expect(verdicts.conflicts == 5553)

        var daily: [String: Totals] = [:]
        var byCountry: [String: Totals] = [:]
        var countries: [UInt16: String] = [:]
        for (name, code) in loading.codes where name.space == .region { countries[UInt16(code)] = name.text }
        for record in verdicts.accepted {
            daily[CalendarDay(daysSince1970: record.utcDay).description, default: Totals()].add(record)
            byCountry[countries[record.region]!, default: Totals()].add(record)
        }
        #expect(daily == (try expected("expected-daily.csv")))
        #expect(byCountry == (try expected("expected-by-country.csv")))
    }
}
