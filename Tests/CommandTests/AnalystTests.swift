import Foundation
import Testing

/// What an analyst asks of a small ledger, with answers that were computed by hand.
///
/// Ten rows: Sacombank's and Vietcombank's customers pay each other and a third bank, in dong and in pounds. T1 is given back in
/// part, T3 is reversed whole, T4 is charged back, T5 was declined and moves nothing, T6 stays within one bank.
@Suite struct AnalystTests {
    private static let header =
        "id,time,source,event,outcome,amount,currency,payer_institution,payee_institution,service,region,kind"
    private static let rows = [
        "T1,2026-07-01T08:00:00Z,switch,initiated,approved,1000000,VND,Sacombank,Vietcombank,food,Huế,payment",
        "T1,2026-07-01T09:00:00Z,switch,refunded,approved,250000,VND,Sacombank,Vietcombank,food,Huế,payment",
        "T2,2026-07-01T08:00:00Z,switch,initiated,approved,400000,VND,Vietcombank,Sacombank,food,Đà Nẵng,payment",
        "T3,2026-07-01T08:00:01Z,switch,initiated,approved,70000,VND,Sacombank,TPBank,fuel,Huế,payment",
        "T3,2026-07-01T08:05:00Z,switch,reversed,approved,70000,VND,Sacombank,TPBank,fuel,Huế,payment",
        "T4,2026-07-01T10:00:00Z,switch,initiated,approved,50.00,GBP,Vietcombank,TPBank,fuel,Huế,payment",
        "T4,2026-07-01T11:00:00Z,switch,charged_back,approved,50.00,GBP,Vietcombank,TPBank,fuel,Huế,payment",
        "T5,2026-07-01T12:00:00Z,switch,initiated,timeout,900000,VND,TPBank,Sacombank,food,Huế,payment",
        "T6,2026-07-01T13:00:00Z,switch,initiated,approved,30000,VND,Sacombank,Sacombank,food,Huế,payment",
        "T7,2026-07-01T14:00:00Z,switch,initiated,approved,12.34,GBP,Sacombank,Vietcombank,food,Huế,payment",
    ]

    private static func file(_ rows: [String]) -> String { ([header] + rows).joined(separator: "\n") + "\n" }

    private static func withLedger(_ work: (Workshop, String) async throws -> Void) async throws {
        try await Workshop.open { workshop in
            let file = try workshop.write("day.csv", file(rows))
            let loaded = try await workshop.run("load", file, "--data", workshop.data, "--json")
            #expect(try loaded.object()["accepted"] as? Int == 10, "\(loaded.errors)")
            try await work(workshop, file)
        }
    }

    @Test func tenRowsAreSettledAsByHand() async throws {
        try await Self.withLedger { workshop, _ in
            let settled = try await workshop.run("settle", "--data", workshop.data, "--format", "csv")
            #expect(
                settled.output.replacing("\r\n", with: "\n") == """
                    day,currency,institution,paid_out,paid_in,returned_in,returned_out,debits,credits,net,within
                    2026-07-01,VND,Sacombank,1070000,400000,320000,0,1070000,720000,-350000,30000
                    2026-07-01,VND,Vietcombank,400000,1000000,0,250000,650000,1000000,350000,0
                    2026-07-01,VND,TPBank,0,70000,0,70000,70000,70000,0,0
                    2026-07-01,GBP,Sacombank,12.34,0.00,0.00,0.00,12.34,0.00,-12.34,0.00
                    2026-07-01,GBP,Vietcombank,50.00,12.34,50.00,0.00,50.00,62.34,12.34,0.00
                    2026-07-01,GBP,TPBank,0.00,50.00,0.00,50.00,50.00,50.00,0.00,0.00

                    """)
        }
    }

    @Test func ratiosRankingsAndHours() async throws {
        try await Self.withLedger { workshop, _ in
            let data = workshop.data
            let rates = try await workshop.run(
                "daily", "--data", data, "--by", "region", "--measures",
                "attempts,approved_percent,technical_decline_percent",
                "--share", "--target", "approved_percent=90", "--format", "csv")
            #expect(
                rates.rows == [
                    ["Huế", "6", "85.71", "83.33", "-6.67", "16.67"],
                    ["Đà Nẵng", "1", "14.29", "100.00", "10.00", "0.00"],
                ])
            let top = try await workshop.run("top", "service", "--data", data, "--measures", "attempts", "--limit", "1")
            let cells = top.output.split(separator: "\n")[2].split(separator: " ")
            #expect(cells == ["food", "1", "5", "71.43", "71.43"])
            #expect(top.output.hasSuffix("2 of 2 have 80 % of attempts\n"))
            let hours = try await workshop.run("hours", "--data", data, "--peak", "--format", "csv")
            #expect(hours.rows.count == 24)
            #expect(hours.rows[8] == ["08", "3", "42.86", "100.00", "0.00", "2", "2026-07-01T08:00:00Z"])
            let quality = try await workshop.run("quality", "--data", data, "--format", "csv")
            #expect(quality.rows[0].prefix(4) == ["Sacombank", "4", "100.00", "0.00"])
        }
    }

    /// A late row changes a day that was read; the day can still be had as it stood.
    @Test func lateRowsAreVisible() async throws {
        try await Self.withLedger { workshop, _ in
            let late = "T9,2026-06-30T08:00:00Z,switch,initiated,approved,5000,VND,TPBank,Vietcombank,food,Huế,payment"
            _ = try await workshop.run(
                "load", try workshop.write("late.csv", Self.file([late])), "--data", workshop.data)
            let changes = try await workshop.run("changes", "--data", workshop.data, "--since", "10", "--format", "csv")
            #expect(changes.rows == [["2026-06-30", "VND", "0", "1", "1", "0", "1", "1", "0", "5000", "5000"]])
            let before = try await workshop.run(
                "daily", "--data", workshop.data, "--as-of", "10", "--measures", "attempts", "--format", "csv")
            #expect(before.rows == [["2026-07-01", "7"]])
            let grown = try await workshop.run(
                "daily", "--data", workshop.data, "--measures", "attempts", "--compare", "previous", "--format", "csv")
            #expect(grown.rows == [["2026-06-30", "1", "0", "1", ""], ["2026-07-01", "7", "1", "6", "600.00"]])
        }
    }

    @Test func aListIsReconciledAtRestAndBesideADaemon() async throws {
        try await Self.withLedger { workshop, file in
            let same = try await workshop.run("reconcile", file, "--data", workshop.data)
            #expect(same.code == 0, "\(same.output)\(same.errors)")
            var rows = Array(Self.rows.dropLast(2))
            rows[2] = rows[2].replacing("400000", with: "400001")
            rows.append("X1,2026-07-01T15:00:00Z,switch,initiated,approved,1.00,GBP,OCB,OCB,food,Huế,payment")
            let other = try workshop.write("other.csv", Self.file(rows))
            try await workshop.withDaemon { _ in
                let found = try await workshop.run(
                    "reconcile", other, "--data", workshop.data, "--output", "csv", "--details",
                    workshop.path + "/details")
                #expect(found.code == 1, "\(found.errors)")
                #expect(
                    found.rows == [
                        ["VND", "matched", "5", "2290000", "2290000", "0"],
                        ["GBP", "matched", "2", "100.00", "100.00", "0.00"],
                        ["VND", "differing", "1", "400001", "400000", "1"],
                        ["GBP", "missing_here", "1", "1.00", "0.00", "1.00"],
                        ["VND", "missing_there", "1", "0", "30000", "-30000"],
                        ["GBP", "missing_there", "1", "0.00", "12.34", "-12.34"],
                    ])
                let details = try String(contentsOfFile: workshop.path + "/details", encoding: .utf8)
                #expect(details.contains("differing,4,3,amount,"), "\(details)")
            }
        }
    }

    @Test func figuresArePublishedWithoutThoseOfFew() async throws {
        try await Self.withLedger { workshop, _ in
            let directory = workshop.path + "/open"
            let published = try await workshop.run(
                "publish", directory, "--data", workshop.data, "--by", "day,region", "--measures", "attempts",
                "--threshold",
                "2")
            #expect(published.code == 0, "\(published.errors)")
            let figures = try String(contentsOfFile: directory + "/figures.csv", encoding: .utf8)
            #expect(figures.contains("Huế,,true") && figures.contains("Đà Nẵng,,true"))
            let package = try Data(contentsOf: URL(fileURLWithPath: directory + "/datapackage.json"))
            let object = try #require(try JSONSerialization.jsonObject(with: package) as? [String: Any])
            #expect(
                (object["resources"] as? [[String: Any]])?.map { $0["path"] as? String } == [
                    "figures.csv", "totals.csv",
                ])
            let again = try await workshop.run("publish", directory, "--data", workshop.data)
            #expect(again.code == 64, "\(again.errors)")
        }
    }

    @Test(arguments: [
        ["daily", "--as-of", "300000-01-01T00:00:00Z"], ["top", "region", "--measures", "payers"],
        ["changes", "--since", "1", "--measures", "approved_percent"],
        ["daily", "--where", "day=2026-07-01", "--compare", "week"],
        ["publish", "/nonexistent/x", "--by", "day,region.area"],
        ["publish", "/nonexistent/x", "--measures", "largest_amount"],
        ["daily", "--by", "month", "--compare", "week"], ["rollup", "explain", "--by", "nothing"],
        ["daily", "--by", "region", "--bands", "50000"], ["daily", "--by", "amount_band", "--bands", ""],
        ["daily", "--by", "amount_band", "--bands", "10,5"],
        ["daily", "--where", "amount_band=10 to 50", "--bands", "10,60"],
    ])
    func wordsThatAreOffEndWith64(_ words: [String]) async throws {
        try await Workshop.open { workshop in
            _ = try await workshop.run("init", "--data", workshop.data, "--time-zone", "UTC")
            let outcome = try await workshop.run(program: [Workshop.executable] + words + ["--data", workshop.data])
            #expect(outcome.code == 64, "\(outcome.errors)")
        }
    }

    /// Whoever divides amounts divides them as it was asked.
    @Test func bandsAreThoseThatWereAskedForInEveryCommand() async throws {
        try await Self.withLedger { workshop, _ in
            let bands = [
                "--bands", "80000,500000", "--where", "amount_band=80,000 to 500,000", "--data", workshop.data,
            ]
            func csv(_ words: [String]) async throws -> [[String]] {
                let outcome = try await workshop.run(
                    program: [Workshop.executable] + words + bands + ["--format", "csv"])
                #expect(outcome.code == 0, "\(outcome.errors)")
                return outcome.output.split(whereSeparator: \.isNewline).map {
                    $0.split(separator: ",").map(String.init)
                }
            }
            // T2 and the refund of T1 alone.
            #expect(
                try await csv(["daily", "--by", "kind", "--measures", "attempts,refunds"]).last == [
                    "payment", "1", "1",
                ])
            #expect(try await csv(["settle"]).count == 3)
            #expect(try await csv(["quality"]).count == 3)
            #expect(try await csv(["top", "region", "--measures", "attempts"]).count == 3)
            let place = workshop.path + "/package"
            let published = try await workshop.run(
                program: [
                    Workshop.executable, "publish", place, "--by", "amount_band", "--measures", "attempts",
                    "--data", workshop.data, "--bands", "80000,500000",
                ])
            #expect(published.code == 0, "\(published.errors)")
            let figures = try String(contentsOfFile: place + "/figures.csv", encoding: .utf8)
            #expect(figures.contains("\"80,000 to 500,000\""), "\(figures)")
        }
    }

    @Test func placesThatCannotBeWrittenAreNamed() async throws {
        try await Self.withLedger { workshop, _ in
            let plot = try await workshop.run("daily", "--plot", "/nonexistent/plot.svg", "--data", workshop.data)
            #expect(plot.code == 74 && plot.errors.contains("/nonexistent/plot.svg"), "\(plot.errors)")
            let package = try await workshop.run("publish", "/proc/nowhere", "--data", workshop.data)
            #expect(package.code == 74 && package.errors.contains("/proc/nowhere"), "\(package.errors)")
            var changed = Self.rows
            changed[2] = changed[2].replacing("400000", with: "400001")
            let other = try workshop.write("other.csv", Self.file(changed))
            let outcome = try await workshop.run(
                "reconcile", other, "--details", "/nonexistent/details", "--data", workshop.data)
            #expect(outcome.code == 74 && outcome.errors.contains("/nonexistent/details"), "\(outcome.errors)")
        }
    }

    /// A gateway that says it sent nothing.
    @Test func aListWithoutRecordsIsReconciledWhereItIsSaidWhatItIsAbout() async throws {
        try await Self.withLedger { workshop, _ in
            let empty = try workshop.write("empty.csv", Self.file([]))
            let silent = try await workshop.run("reconcile", empty, "--data", workshop.data)
            #expect(silent.code == 64 && silent.errors.contains("--source, --since and --until"), "\(silent.errors)")
            let span = ["--since", "2026-07-01T08:00:00Z", "--until", "2026-07-01T08:00:00Z", "--output", "csv"]
            let told = try await workshop.run(
                program: [Workshop.executable, "reconcile", empty, "--source", "switch", "--data", workshop.data] + span
            )
            #expect(told.code == 1, "\(told.errors)")
            #expect(told.rows == [["VND", "missing_there", "2", "0", "1400000", "-1400000"]])
            let stranger = try await workshop.run(
                program: [Workshop.executable, "reconcile", empty, "--source", "swich", "--data", workshop.data] + span)
            #expect(stranger.code == 64 && stranger.errors.contains("the ledger knows no source 'swich'"))
        }
    }

    @Test func questionsAreExplained() async throws {
        try await Self.withLedger { workshop, _ in
            let explained = try await workshop.run(
                "rollup", "explain", "--data", workshop.data, "--by", "service", "--measures", "attempts", "--format",
                "csv")
            #expect(explained.rows.map { $0[2] } == ["no", "\"yes", "no", "no", "no", "could"])
            let listed = try await workshop.run("rollup", "list", "--data", workshop.data, "--format", "csv")
            #expect(listed.rows.count == 5)
        }
    }
}
