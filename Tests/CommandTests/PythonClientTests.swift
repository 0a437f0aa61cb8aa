import Foundation
import Glibc
import Testing
import Transactions

/// `tools/sluice.py`, the Python client, against the daemon.
@Suite(.timeLimit(.minutes(2))) struct PythonClientTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func tool(_ words: String...) -> [String] {
        ["python3", root.appending(path: "tools/sluice.py").path] + words
    }

    /// Runs a script that may `from sluice import ...`.
    private static func script(_ text: String, _ words: String...) -> [String] {
        let path = root.appending(path: "tools").path
        return ["python3", "-Bc", "import sys; sys.path.insert(0, '\(path)')\n" + text] + words
    }

    @Test func itsOwnTestsPass() async throws {
        try await Workshop.open { workshop in
            let tests = Self.root.appending(path: "Tests/PythonClient").path
            let outcome = try await workshop.run(
                program: ["python3", "-W", "error", "-m", "unittest", "discover", "-s", tests])
            #expect(outcome.code == 0 && outcome.errors.hasSuffix("OK\n"), "\(outcome.errors)")
        }
    }

    /// Words of this product that the client knows by heart.
    @Test func itSpeaksOfTheSameThings() async throws {
        struct Words: Decodable {
            var kinds, events, outcomes, channels: [String: UInt8]
            var currencies: [String: UInt16]
            var digits: [String: Int]
            var fields: [String]
            var reasons: [UInt8]
        }
        try await Workshop.open { workshop in
            let outcome = try await workshop.run(
                program: Self.script(
                    """
                    import json, sluice
                    print(json.dumps({"kinds": sluice.KINDS, "events": sluice.EVENTS, "outcomes": sluice.OUTCOMES,
                        "channels": sluice.CHANNELS, "currencies": sluice.CURRENCIES, "digits": sluice.MINOR_UNIT_DIGITS,
                        "fields": sluice.FIELDS, "reasons": list(sluice.REASONS)}))
                    """))
            let words = try JSONDecoder().decode(Words.self, from: Data(outcome.output.utf8))
            #expect(words.kinds == Dictionary(uniqueKeysWithValues: Kind.allCases.map { ($0.name, $0.rawValue) }))
            #expect(words.events == Dictionary(uniqueKeysWithValues: Event.allCases.map { ($0.name, $0.rawValue) }))
            #expect(Set(words.outcomes.keys) == Set(Outcome.names))
            for (name, code) in words.outcomes { #expect(Outcome(rawValue: code).name == name) }
            #expect(Set(words.channels.keys) == Set(Channel.names))
            for (name, code) in words.channels { #expect(Channel(rawValue: code).name == name) }
            let known = (UInt16(0)...999).map { Currency(rawValue: $0) }.filter(\.isKnown)
            #expect(Set(words.currencies.values) == Set(known.map(\.rawValue)))
            for (code, number) in words.currencies { #expect(Currency(code: code)?.rawValue == number) }
            for currency in known { #expect(words.digits["\(currency.rawValue)"] == currency.minorUnitDigits) }
            #expect(words.fields == Field.allCases.map(\.name))
            #expect(words.reasons == Reason.allCases.map(\.rawValue))
        }
    }

    /// The reference day, which has all kinds of records, as text and as records.
    @Test(arguments: ["csv", "ndjson"]) func textsBecomeTheSameBytes(format: String) async throws {
        try await Workshop.open { workshop in
            let (text, raw) = (workshop.path + "/day." + format, workshop.path + "/day.raw")
            for (file, form) in [(text, format), (raw, "binary")] {
                let made = try await workshop.run(
                    "generate", "--day", "2026-11-22", "--count", "3000", "--format", form, "--output", file)
                #expect(made.code == 0, "\(made.errors)")
            }
            let outcome = try await workshop.run(
                program: Self.script(
                    """
                    import os, sluice
                    lines = sluice._Lines(os.open(sys.argv[1], os.O_RDONLY), "day", lambda: None)
                    rows = sluice._CSVRows(lines, "day", {}, ",") if sys.argv[1].endswith("csv") else sluice._JSONRows(lines, {})
                    read, records = sluice.RecordText(range(1, 1000)), []
                    while (row := rows.next()) is not None:
                        records.append(read.record(row[1]))
                    print(len(records), sluice._Directory().pack(records) == open(sys.argv[2], "rb").read())
                    """, text, raw))
            #expect(outcome.output == "3000 True\n", "\(outcome.errors)")
        }
    }

    @Test func recordsFromPythonAreFoundInTheLedger() async throws {
        try await Workshop.open { workshop in
            try await workshop.withDaemon { daemon in
                let sent = try await workshop.run(
                    program: Self.script(
                        """
                        from datetime import datetime, timedelta, timezone
                        from decimal import Decimal
                        from uuid import UUID
                        from sluice import Client, Record
                        day = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=7)))
                        with Client(sys.argv[1], sources=["shop", 12], on_result=lambda r: print(r.accepted, r.exceptions)) as client:
                            client.send(Record(
                                id="A-1", time=day, amount=Decimal("12.50"), currency="GBP", source="shop", channel="qr",
                                payer_account="0901234567", payer_institution="Bank A", payee="Phở Thìn", payee_institution=7,
                                service=5812, region="Hà Nội", duration=timedelta(seconds=1.5), overdue=True))
                            client.send(
                                Record(id=UUID(int=1 << 100 | number), time=day, amount=number, currency="VND", source=12, kind=kind,
                                       event=event, outcome="pending" if event == "initiated" else "approved",
                                       payee=f"payee {number}", payer_account=f"09{number}")
                                for number, (kind, event) in enumerate(
                                    (kind, event) for kind in ("payment", "transfer", "withdrawal", "fee", "request")
                                    for event in ("initiated", "authorised", "captured", "resolved", "refunded", "reversed",
                                                  "charged_back")))
                        """, daemon.address))
                #expect(sent.output == "1 []\n35 []\n", "\(sent.errors)")
                let found = try await workshop.run("find", "A-1", "--data", workshop.data, "--format", "json")
                let rows = try #require(
                    JSONSerialization.jsonObject(with: Data(found.output.utf8)) as? [String: Any])["rows"]
                let row = try #require((rows as? [[String: Any]])?.first).mapValues { "\($0)" }
                let expected = [
                    "time": "2026-11-20T02:30:00.000000Z", "source": "shop", "currency": "GBP", "channel": "qr",
                    "payer_institution": "Bank A", "payee": "Phở Thìn", "region": "Hà Nội", "outcome": "approved",
                ]
                for (field, value) in expected { #expect(row[field] == value, "\(field)") }
                let status = try await workshop.run("status", "--data", workshop.data, "--json").object()
                #expect(status["records"] as? Int == 36)
            }
        }
    }

    @Test func whatIsNotTakenIsNamed() async throws {
        try await Workshop.open { workshop in
            let file = try workshop.write(
                "shop.csv",
                """
                id,time,amount,currency,payer
                A-1,2026-11-20T09:12:31+07:00,250000,VND,0901234567
                A-2,2026-11-20T09:12:31+07:00,12.5,VND,0901234567
                A-1,2026-11-20T09:12:31+07:00,250001,VND,0901234567
                A-3,2099-11-20T09:12:31+07:00,1,VND,0901234567

                """)
            let rejects = workshop.path + "/rejects.csv"
            try await workshop.withDaemon { daemon in
                let words = Self.tool("send", file, "--to", daemon.address, "--source", "shop")
                let first = try await workshop.run(program: words + ["--json"])
                #expect(first.code == 1)
                #expect(try first.counts() == LoadCounts(1, 0, 1, 2))
                let named = Set(first.errors.split(separator: "\n").map(String.init))
                #expect(
                    named == [
                        "row 3: amount: \"12.5\" must be a whole number in this currency",
                        "row 4: amount: differs from the record of the same identity that is in the ledger",
                        "row 5: time: is more than a day ahead of the server's clock",
                    ])
                let again = try await workshop.run(program: words + ["--json", "--rejects", rejects])
                #expect(try again.counts() == LoadCounts(0, 1, 1, 2))
                #expect(again.errors.isEmpty)
                let written = try String(contentsOfFile: rejects, encoding: .utf8)
                #expect(
                    written.split(separator: "\r\n").map { $0.prefix(8) }.sorted() == [
                        "3,amount", "4,amount", "5,time,i", "row,fiel",
                    ])
                let wrong = try await workshop.run(program: words + ["--set", "curency=VND"])
                #expect(wrong.code == 64 && wrong.errors.contains("did you mean currency?"), "\(wrong.errors)")
            }
            let away = try await workshop.run(
                program: Self.tool("send", file, "--to", "127.0.0.1:1", "--source", "shop"))
            #expect(away.code == 69 && away.errors.contains("cannot connect"), "\(away.errors)")
        }
    }

    /// The client is killed in the middle, and run again: it goes on about where it was, and nothing is there twice.
    @Test func killedAndRunAgain() async throws {
        try await Workshop.open { workshop in
            let (file, place) = (workshop.path + "/day.csv", workshop.path + "/place")
            let count = 40_000
            try await Self.writePayments(count, to: file, workshop)
            try await workshop.withDaemon { daemon in
                let words = Self.tool(
                    "send", file, "--to", daemon.address, "--source", "shop", "--resume", place, "--json")
                let first = try workshop.start(program: words)
                while access(place, F_OK) != 0, first.reap() == nil { try await Task.sleep(for: .milliseconds(1)) }
                first.crash()
                let before = try await workshop.run("status", "--data", workshop.data, "--json").object()
                let accepted = try #require(before["records"] as? Int)
                #expect(accepted < count)
                let second = try await workshop.run(program: words)
                #expect(second.code == 0, "\(second.errors)")
                #expect(second.errors.contains("going on after line"))
                let rows = try #require(try second.object()["rows"] as? Int)
                #expect(rows < count)
                let counts = try second.counts()
                #expect(counts.accepted == count - accepted && counts.accepted + counts.duplicates == rows)
                let third = try await workshop.run(program: words)
                #expect(try third.counts() == LoadCounts(0))
                try FileManager.default.removeItem(atPath: place)
                #expect(try await workshop.run(program: words).counts() == LoadCounts(0, count))
            }
        }
    }

    /// The daemon is killed while the client streams, and comes back.
    @Test func theDaemonIsKilledAndStartedAgain() async throws {
        try await Workshop.open { workshop in
            let (file, place) = (workshop.path + "/day.csv", workshop.path + "/place")
            let count = 40_000
            try await Self.writePayments(count, to: file, workshop)
            let first = try await Daemon(workshop, data: workshop.data)
            let client = try workshop.start(
                program: Self.tool("send", file, "--to", first.address, "--source", "shop", "--resume", place, "--json")
            )
            while access(place, F_OK) != 0, client.reap() == nil { try await Task.sleep(for: .milliseconds(1)) }
            first.crash()
            try await Task.sleep(for: .milliseconds(200))
            let second = try await Daemon(workshop, data: workshop.data, port: first.port)
            #expect(try await client.wait() == 0, "\(client.standardError)")
            let counts = try JSONDecoder().decode(LoadCounts.self, from: Data(client.standardOutput.utf8))
            #expect(counts.accepted + counts.duplicates == count)
            #expect(client.standardError.contains("lost the connection"))
            let status = try await workshop.run("status", "--data", workshop.data, "--json").object()
            #expect(status["records"] as? Int == count)
            try await second.stop()
        }
    }

    private static func writePayments(_ count: Int, to file: String, _ workshop: Workshop) async throws {
        let made = try await workshop.run(
            program: script(
                """
                with open(sys.argv[1], "w") as file:
                    file.write("id,time,amount,currency\\n")
                    for number in range(int(sys.argv[2])):
                        file.write(f"P-{number},2026-11-20T09:{number // 1000:02}:00.{number % 1000:03}000Z,{number},VND\\n")
                """, file, "\(count)"))
        #expect(made.code == 0, "\(made.errors)")
    }
}
