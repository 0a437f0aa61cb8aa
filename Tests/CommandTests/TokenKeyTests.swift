import Foundation
import Glibc
import Testing
import Transactions

/// Keys of account tokens that are rotated by date.
@Suite struct TokenKeyTests {
    private static let keys = ["ab", "cd", "ef"].map { String(repeating: $0, count: 32) }
    private static let header = "id,time,amount,currency,source,payer\n"

    private func row(_ id: String, _ day: String) -> String {
        "\(id),2026-11-\(day)T12:00:00Z,5,VND,shop,0901234567\n"
    }

    private func put(_ workshop: Workshop, _ lines: String...) throws {
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: workshop.data + "/token.key"))
    }

    /// The payers of transactions by id, as the ledger has them.
    private func payers(_ workshop: Workshop, _ ids: String...) async throws -> [String] {
        var payers: [String] = []
        for id in ids {
            let found = try await workshop.run("find", id, "--data", workshop.data, "--format", "ndjson")
            payers.append(try #require(try found.object()["payer"] as? String))
        }
        return payers
    }

    @Test func aResendAcrossARotationIsADuplicateOverFilesStreamAndHTTP() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            try put(workshop, Self.keys[0])
            let old = try workshop.write("old.csv", Self.header + row("A", "20") + row("B", "21"))
            #expect(try await workshop.run("load", old, "--data", workshop.data, "--json").counts() == LoadCounts(2))
            // What 'add' does, on a date before: only the date's past makes it a rotation that can be looked at today.
            try put(workshop, "# rotated", "k1 \(Self.keys[0])", "", "k2 2026-11-22 \(Self.keys[1])", "")
            let all = try workshop.write(
                "all.csv", Self.header + row("A", "20") + row("C", "22") + row("B", "21") + row("D", "23"))
            #expect(try await workshop.run("load", all, "--data", workshop.data, "--json").counts() == LoadCounts(2, 2))
            try await workshop.withDaemon(["--http", "127.0.0.1:0"]) { daemon in
                let streamed = try await workshop.run("load", all, "--server", daemon.address, "--json")
                #expect(try streamed.counts() == LoadCounts(0, 4), "\(streamed.errors)")
                let place = "http://127.0.0.1:\(try #require(daemon.httpPort))/v1/transactions"
                // Twice: the second body meets a reader that remembers.
                for _ in 0..<2 {
                    let posted = try await workshop.run(
                        program: [
                            "/usr/bin/curl", "-sS", place, "-H", "Content-Type: text/csv", "--data-binary", "@" + all,
                        ])
                    #expect(try posted.object()["duplicates"] as? Int == 4, "\(posted.output)")
                    let array = ["A", "B", "C", "D"].enumerated().map { index, id in
                        #"{"id":"\#(id)","time":"2026-11-\#(20 + index)T12:00:00Z","amount":"5","currency":"VND","source":"shop","payer":"0901234567"}"#
                    }
                    let body = try workshop.write("body.json", "[" + array.joined(separator: ",") + "]")
                    let asJSON = try await workshop.run(
                        program: [
                            "/usr/bin/curl", "-sS", place, "-H", "Content-Type: application/json", "--data-binary",
                            "@" + body,
                        ])
                    #expect(try asJSON.object()["duplicates"] as? Int == 4, "\(asJSON.output)")
                }
            }
            let tokens = try await payers(workshop, "A", "B", "C", "D")
            #expect(tokens[0] == tokens[1] && tokens[2] == tokens[3] && tokens[0] != tokens[2])
            let reconciled = try await workshop.run("reconcile", all, "--data", workshop.data)
            #expect(reconciled.code == 0, "\(reconciled.output)\(reconciled.errors)")
        }
    }

    /// The frame without a date means now; the one with dates asks for each.
    @Test func theStreamGivesTokensOfDates() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            try put(workshop, "k1 \(Self.keys[0])", "k2 2026-11-22 \(Self.keys[1])", "k3 2027-01-01 \(Self.keys[2])")
            try await workshop.withDaemon { daemon in
                let peer = try StreamPeer(port: daemon.port)
                try await peer.send(helloFrame([1]))
                _ = try await peer.expect(.welcome)
                let account: [UInt8] = [2, 0x34, 0x32]
                let days = ["2026-11-21", "2026-11-22", "2026-11-20"].map { CalendarDay($0)!.daysSince1970 }
                var dated: [UInt8] = []
                for day in days { dated += littleEndian(day) + account }
                dated += [0, 0, 0]
                try await peer.send(frame(kind: 19, number: 1, count: 3, payload: dated))
                let answer = try await peer.expect(.tokens)
                let tokens = (0..<3).map { answer.integer(8 * $0, UInt64.self) }
                let expected = Self.keys.map { key in
                    Array("42".utf8).withUnsafeBytes { AccountTokeniser(key: bytes(hexadecimal: key)!).token(of: $0) }
                }
                #expect(tokens == [expected[0], expected[1], expected[0]])
                try await peer.send(frame(kind: 8, number: 2, count: 1, payload: account + [0, 0, 0, 0, 0]))
                let now = Date() < Date(timeIntervalSince1970: 1_798_761_600) ? 1 : 2
                #expect(try await peer.expect(.tokens).integer(0, UInt64.self) == expected[now])
                // A record of that date is rejected by its time, and not for its token.
                let far = littleEndian(CalendarDay.last.daysSince1970) + account + [0]
                try await peer.send(frame(kind: 19, number: 3, count: 1, payload: far))
                #expect(try await peer.expect(.tokens).integer(0, UInt64.self) == expected[2])
                try await peer.finish()
            }
        }
    }

    @Test func aKeyIsAddedAheadAndNeverShown() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let file = workshop.data + "/token.key"
            let first = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(
                in: .whitespacesAndNewlines)
            let day = CalendarDay(daysSince1970: Int32(Date().timeIntervalSince1970 / 86_400))
            var said = ""
            func add(_ arguments: String...) async throws -> Int32 {
                let outcome = try await workshop.run(
                    program: [Workshop.executable, "token-key", "add", "--data", workshop.data] + arguments)
                said += outcome.output + outcome.errors
                return outcome.code
            }
            try await workshop.withDaemon(["--log-level", "trace"]) { daemon in
                #expect(try await add("--from", "\(day.movedBy(days: 1))") == 64)
                #expect(said.contains("expected \(day.movedBy(days: 2)) or later"), "\(said)")
                let (second, third) = (day.movedBy(days: 3), day.movedBy(days: 400))
                #expect(try await add("--from", "\(second)") == 0)
                #expect(try await add("--from", "\(second)", "--id", "again") == 64)
                #expect(try await add("--from", "\(third)", "--id", "\(second)") == 64)
                #expect(try await add("--from", "\(third)", "--id", "a b") == 64)
                #expect(try await add("--from", "soon") == 64)
                #expect(try await add("--from", "\(third)", "--env", "no name") == 64)
                #expect(try await add("--from", "\(third)", "--id", "next", "--env", "SLUICE_TOKEN_KEY_NEXT") == 0)
                let listed = try await workshop.run(
                    "token-key", "list", "--data", workshop.data, "--format", "csv")
                #expect(
                    listed.rows == [
                        ["first", "", "in force", "file"], ["\(second)", "\(second)", "coming", "file"],
                        ["next", "\(third)", "coming", "environment's SLUICE_TOKEN_KEY_NEXT"],
                    ])
                said += listed.output
                // The daemon has not that variable, and says so once; what it knew stays.
                for _ in 0..<2000 where !daemon.messages.contains("SLUICE_TOKEN_KEY_NEXT") {
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(daemon.messages.contains("token.key:3: the environment has no SLUICE_TOKEN_KEY_NEXT"))
                said += daemon.messages
            }
            let check = try await workshop.run(
                "config", "check", "--data", workshop.data, environment: ["SLUICE_TOKEN_KEY_NEXT": Self.keys[0]])
            #expect(check.code == 0, "\(check.errors)")
            var status = stat()
            #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
            let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            #expect(lines.count == 3 && lines[0] == first)
            said += try String(contentsOfFile: workshop.data + "/audit.log", encoding: .utf8)
            #expect(said.components(separatedBy: "token-key.add").count == 3)
            for key in [first[...]] + lines.map({ $0.split(separator: " ").last! }).prefix(2) {
                #expect(key.count == 64 && !said.contains(key))
            }
        }
    }

    @Test func aKeyMayBeInTheEnvironmentAlone() async throws {
        try await Workshop.open { workshop in
            let environment = ["TILL_KEY": Self.keys[0]]
            let made = try await workshop.run(
                "init", "--data", workshop.data, "--token-key-env", "TILL_KEY")
            #expect(made.code == 0 && made.errors.contains("keep the environment's TILL_KEY secret"))
            let file = try workshop.write("rows.csv", Self.header + row("A", "20"))
            let without = try await workshop.run("load", file, "--data", workshop.data)
            #expect(without.code == 64)
            #expect(
                without.errors.contains(
                    "token.key:1: the environment has no TILL_KEY; expected 64 hexadecimal digits in it"))
            let wrong = try await workshop.run(
                "load", file, "--data", workshop.data, environment: ["TILL_KEY": "abc123"])
            #expect(
                wrong.code == 64 && wrong.errors.contains("no key; expected 64") && !wrong.errors.contains("abc123"))
            let loaded = try await workshop.run(
                "load", file, "--data", workshop.data, "--json", environment: environment)
            #expect(try loaded.counts() == LoadCounts(1), "\(loaded.errors)")
            // The same key in the file is the same token.
            try put(workshop, Self.keys[0])
            #expect(
                try await workshop.run("load", file, "--data", workshop.data, "--json").counts() == LoadCounts(0, 1))
        }
    }

    @Test func aWrongFileIsRefusedWithItsLine() async throws {
        let (one, two) = (Self.keys[0], Self.keys[1])
        let cases: [([String], String)] = [
            ([""], ": it holds no key"), (["# nothing"], ": it holds no key"),
            ([String(one.dropLast())], ":1: no key; expected 64 hexadecimal digits"),
            ([one, two], ":2: 1 words were found; expected an id, a date and a key"),
            ([one, "b 2027-02-30 \(two)"], ":2: no date"), ([one, "b \(two) 2027-01-01"], ":2: no date"),
            (["a 2027-01-01 \(one)"], ":1: the first key is in force from the beginning"),
            ([one, "", "\(two) 2027-01-01 \(two)"], ":3: no id"),
            ([one, "b 2027-01-01 \(one)"], ":2: the key is that of an earlier line"),
            ([one, "b 2027-01-01 \(two)", "b 2027-01-02 \(Self.keys[2])"], ":3: the id is that of an earlier line"),
            ([one, "b 2027-01-02 \(two)", "c 2027-01-02 \(Self.keys[2])"], ":3: the date is not behind"),
            ([one, "b 2027-01-01 \(two) c"], ":2: 4 words were found"),
            ([one, "b 2027-01-01 env:"], ":2: no variable"),
        ]
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            for (lines, text) in cases {
                try put(workshop, lines.joined(separator: "\n"))
                for command in [["config", "check"], ["serve", "--listen", "127.0.0.1:0"], ["token-key", "list"]] {
                    let found = try await workshop.run(
                        program: [Workshop.executable] + command + ["--data", workshop.data])
                    if command[0] == "token-key", text.contains("that of an earlier line"), text.contains("key is") {
                        continue
                    }
                    #expect(found.code == 64 && found.errors.contains("token.key" + text), "\(found.errors)")
                    for key in Self.keys { #expect(!(found.output + found.errors).contains(key.prefix(16))) }
                }
            }
        }
    }
}
