import Foundation
import Testing

/// A day and a half of a small shop, with an answer that was computed by hand, through every way in.
///
/// The ledger's business day ends at 23:00 in Viet Nam, where the shop is. A2 at 22:59 is on the 30th, A3 at 23:00 on the
/// 31st. A4 and A9 failed, A10 is pending: they were attempted and add to no amount. A5 is in pounds. A5 and A1 were given
/// back in part, A1 as a negative amount. The second A2 is a duplicate, the second A3 a conflict; A6 has half a dong, A7 a
/// currency and A8 a time that do not exist.
@Suite struct HandWrittenTests {
    static let mapping = #"""
        {"source": "corner-shop", "timeZone": "Asia/Ho_Chi_Minh", "timeFormat": "yyyy-MM-dd HH:mm",
         "negativeAmount": "refunded",
         "columns": {"id": "receipt", "time": "at", "event": "what", "amount": "total", "currency": "currency",
                     "outcome": "result", "payer": "card", "region": "town", "channel": "by"},
         "values": {"event": {"sale": "initiated", "return": "refunded"},
                    "outcome": {"ok": "approved", "no money": "insufficient_funds"}}}
        """#

    static let rows = """
        receipt,at,what,total,currency,result,card,town,by
        A1,2024-05-30 08:00,sale,100000,VND,ok,97040001,Huế,qr
        A2,2024-05-30 22:59,sale,250000,VND,ok,97040002,Huế,card
        A3,2024-05-30 23:00,sale,40000,VND,ok,97040001,"Đà Nẵng",qr
        A4,2024-05-30 09:15,sale,70000,VND,no money,97040003,Huế,qr
        A5,2024-05-30 10:00,sale,19.99,GBP,ok,97040004,Huế,card
        A5,2024-05-31 11:00,return,9.99,GBP,ok,97040004,Huế,card
        A1,2024-05-31 08:30,sale,-30000,VND,ok,97040001,Huế,qr
        A2,2024-05-30 22:59,sale,250000,VND,ok,97040002,Huế,card
        A3,2024-05-30 23:00,sale,41000,VND,ok,97040001,"Đà Nẵng",qr
        A6,2024-05-31 12:00,sale,100.5,VND,ok,97040005,Huế,qr
        A7,2024-05-31 12:00,sale,1,XXQ,ok,97040005,Huế,qr
        A8,2024-05-31 24:30,sale,1,VND,ok,97040005,Huế,qr
        A9,2024-05-31 12:00,sale,5000,VND,timeout,97040006,Huế,qr
        A10,2024-05-31 12:00,sale,8000,VND,pending,97040007,Huế,qr

        """

    private static let byDay = """
        day,currency,attempts,approved,business_declines,technical_declines,pending,settled,amount,refunds,refund_amount
        2024-05-30,VND,3,2,1,0,0,2,350000,0,0
        2024-05-30,GBP,1,1,0,0,0,1,19.99,0,0.00
        2024-05-31,VND,3,1,0,1,1,1,40000,1,30000
        2024-05-31,GBP,0,0,0,0,0,0,0.00,1,9.99

        """

    private static let byTown = """
        {"sequence": 9, "rows": [
          {"region": "Huế", "currency": "VND", "settled": 2, "amount": "350000", "refunds": 1, "refund_amount": "30000"},
          {"region": "Huế", "currency": "GBP", "settled": 1, "amount": "19.99", "refunds": 1, "refund_amount": "9.99"},
          {"region": "Đà Nẵng", "currency": "VND", "settled": 1, "amount": "40000", "refunds": 0, "refund_amount": "0"}
        ]}

        """

    private func checkAnswers(_ workshop: Workshop) async throws {
        let measures =
            "attempts,approved,business_declines,technical_declines,pending,settled,amount,refunds,refund_amount"
        let days = try await workshop.run("daily", "--data", workshop.data, "--measures", measures, "--format", "csv")
        #expect(days.code == 0)
        #expect(days.output == Self.byDay.replacing("\n", with: "\r\n"))
        let towns = try await workshop.run(
            "daily", "--data", workshop.data, "--by", "region", "--measures", "settled,amount,refunds,refund_amount",
            "--format", "json")
        #expect(towns.output == Self.byTown)
        let found = try await workshop.run("find", "A1", "--data", workshop.data, "--format", "csv")
        #expect(
            found.rows.map { Array($0[1...7]) } == [
                ["2024-05-30T01:00:00.000000Z", "corner-shop", "payment", "initiated", "0", "approved", "100000"],
                ["2024-05-31T01:30:00.000000Z", "corner-shop", "payment", "refunded", "0", "approved", "30000"],
            ])
        let status = try await workshop.run("status", "--data", workshop.data, "--json").object()
        #expect(status["records"] as? Int == 9)
        #expect(status["days"] as? Int == 2)
    }

    private func makeLedger(_ workshop: Workshop) async throws {
        let made = try await workshop.run(
            "init", "--data", workshop.data, "--time-zone", "Asia/Ho_Chi_Minh", "--cutover", "23:00")
        #expect(made.code == 0)
        #expect(made.output.isEmpty)
    }

    private func checkVerified(_ workshop: Workshop) async throws {
        let verified = try await workshop.run("verify", "--data", workshop.data, "--json")
        #expect(verified.code == 0)
        #expect(try verified.object()["faults"] as? [String] == [])
    }

    @Test func fromAFileIntoADirectory() async throws {
        try await Workshop.open { workshop in
            try await makeLedger(workshop)
            let file = try workshop.write("shop.csv", Self.rows)
            let mapping = try workshop.write("shop.json", Self.mapping)
            let rejects = workshop.path + "/rejects.csv"
            let load = ["load", file, "--mapping", mapping, "--data", workshop.data, "--json", "--rejects", rejects]
            let first = try await workshop.run(program: [Workshop.executable] + load)
            #expect(first.code == 1)
            #expect(try first.counts() == LoadCounts(9, 1, 1, 3))
            let places = try String(contentsOfFile: rejects, encoding: .utf8).split(separator: "\n").dropFirst()
                .map { $0.split(separator: ",").prefix(2).joined(separator: " ") }
            #expect(places == ["10 amount", "11 amount", "12 currency", "13 time"])
            try await checkAnswers(workshop)
            let second = try await workshop.run(program: [Workshop.executable] + load)
            #expect(try second.counts() == LoadCounts(0, 10, 1, 3))
            try await checkAnswers(workshop)
            try await checkVerified(workshop)
        }
    }

    @Test func throughADaemonThatIsAskedWhileItRuns() async throws {
        try await Workshop.open { workshop in
            try await makeLedger(workshop)
            let mapping = try workshop.write("shop.json", Self.mapping)
            let input = try workshop.write("shop.txt", Self.rows)
            try await workshop.withDaemon { daemon in
                for expected in [LoadCounts(9, 1, 1, 3), LoadCounts(0, 10, 1, 3)] {
                    let loaded = try await workshop.run(
                        "load", "-", "--format", "csv", "--mapping", mapping, "--server", daemon.address, "--json",
                        input: input)
                    #expect(loaded.code == 1)
                    #expect(try loaded.counts() == expected)
                    try await checkAnswers(workshop)
                }
            }
            try await checkAnswers(workshop)
            try await checkVerified(workshop)
        }
    }

    /// The same rows as objects: what is a number in CSV is one here, empty values are left out.
    private static var objects: String {
        let keys = rows.split(separator: "\n")[0].split(separator: ",")
        return rows.split(separator: "\n").dropFirst().map { row in
            let values = row.replacing("\"", with: "").split(separator: ",", omittingEmptySubsequences: false)
            let members = zip(keys, values).map { key, value in
                key == "total" ? "\"\(key)\": \(value)" : "\"\(key)\": \"\(value)\""
            }
            return "{" + members.joined(separator: ", ") + "}\n"
        }.joined()
    }

    @Test func asObjects() async throws {
        try await Workshop.open { workshop in
            try await makeLedger(workshop)
            let mapping = try workshop.write("shop.json", Self.mapping)
            let file = try workshop.write("shop.ndjson", Self.objects)
            let loaded = try await workshop.run("load", file, "--mapping", mapping, "--data", workshop.data, "--json")
            #expect(try loaded.counts() == LoadCounts(9, 1, 1, 3))
            try await checkAnswers(workshop)
        }
    }

    /// A part of the reference day gives the same counts and statistics as raw records and as text, by file and by stream.
    @Test func theReferenceDayIsTheSameInEveryFormat() async throws {
        try await Workshop.open { workshop in
            var answers: Set<String> = []
            var counts: [LoadCounts] = []
            for (format, name) in [("binary", "day.raw"), ("csv", "day.csv"), ("ndjson", "day.ndjson")] {
                let file = workshop.path + "/" + name
                let made = try await workshop.run(
                    "generate", "--day", "2026-11-20", "--count", "3000", "--seed", "7", "--format", format, "--output",
                    file)
                #expect(made.code == 0)
                let data = workshop.path + "/" + format
                let loaded = try await workshop.run("load", file, "--data", data, "--json")
                counts.append(try loaded.counts())
                let answer = try await workshop.run(
                    "daily", "--data", data, "--by", "day,kind,event,source,region", "--measures", "all", "--format",
                    "csv")
                answers.insert(answer.output)
            }
            let streamed = workshop.path + "/streamed"
            try await workshop.withDaemon(data: streamed) { daemon in
                let file = workshop.path + "/day.raw"
                counts.append(try await workshop.run("load", file, "--server", daemon.address, "--json").counts())
                let answer = try await workshop.run(
                    "daily", "--data", streamed, "--by", "day,kind,event,source,region", "--measures", "all",
                    "--format", "csv")
                answers.insert(answer.output)
            }
            #expect(answers.count == 1)
            #expect(Set(counts.map { "\($0)" }).count == 1, "\(counts)")
            #expect(counts[0].duplicates > 0 && counts[0].conflicts > 0 && counts[0].rejected == 0)
            #expect(counts[0].accepted + counts[0].duplicates + counts[0].conflicts == 3000)
        }
    }
}
