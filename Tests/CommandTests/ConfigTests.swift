import Foundation
import Testing

/// Settings from flags, environment and file, and what may change without a restart.
@Suite struct ConfigTests {
    private func ledger(_ workshop: Workshop) async throws {
        #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
    }

    @Test func flagsGoBeforeTheEnvironmentAndThatBeforeTheFile() async throws {
        try await Workshop.open { workshop in
            try await ledger(workshop)
            let file = try workshop.write(
                "c.json", #"{"idle-seconds": 11, "connections": 12, "segment-mib": 13, "anonymous": true}"#)
            let shown = try await workshop.run(
                "config", "show", "--data", workshop.data, "--config", file, "--idle-seconds", "31", "--format", "csv",
                environment: ["SLUICE_IDLE_SECONDS": "21", "SLUICE_CONNECTIONS": "22"])
            #expect(shown.code == 0, "\(shown.errors)")
            let rows = Dictionary(uniqueKeysWithValues: shown.rows.map { ($0[0], Array($0[1...2])) })
            #expect(rows["idle-seconds"] == ["31", "--idle-seconds"])
            #expect(rows["connections"] == ["22", "SLUICE_CONNECTIONS"])
            #expect(rows["segment-mib"] == ["13", file] && rows["anonymous"] == ["true", file])
            #expect(rows["log-level"] == ["info", "default"] && rows["https"] == ["", ""])
        }
    }

    @Test(arguments: [
        (#"{"htp": "x"}"#, [:], "'htp' is not known; did you mean \"http\"?"),
        (#"{"connections": "many"}"#, [:], "connections: expected a whole number"),
        (#"{"anonymous": 1.5}"#, [:], "anonymous: expected true or false"),
        (#"{"http": ["x"]}"#, [:], "http: expected a text"), (#"{"http": 7}"#, [:], "http: expected a text"),
        ("{\"http\": \"127.0.0.1:1\",\n \"http\": \"127.0.0.1:2\"}", [:], "the key \"http\" comes twice"),
        ("[1]", [:], "expected one JSON object"), ("{", [:], "expected one JSON object"),
        (#"{"idle-seconds": 0}"#, [:], "'0' was found, expected 1 to 86,400"),
        (#"{"http": "nowhere"}"#, [:], "'nowhere' was found, expected HOST:PORT or none"),
        (#"{"log-level": "loud"}"#, [:], "expected one of trace"),
        (#"{"https": "127.0.0.1:0"}"#, [:], "needs a certificate and a key"),
        (
            #"{"https": "127.0.0.1:0", "certificate": "none.pem", "key": "none.key", "client-ca": "none.ca"}"#, [:],
            "none.pem"
        ),
        (#"{"key": "k"}"#, [:], "goes with --listen-tls or --https"),
        (#"{"mappings": "m"}"#, [:], "goes with --http or --https"),
        (#"{"http": "0.0.0.0:0"}"#, [:], "can be reached from other machines"),
        (#"{"https": "127.0.0.1:0", "certificate": "none.pem", "key": "none.key"}"#, [:], "not found: none.pem\n"),
        ("{}", ["SLUICE_LISTN": "x"], "did you mean \"SLUICE_LISTEN\"?"),
        ("{}", ["SLUICE_SEGMENT_MIB": "x"], "SLUICE_SEGMENT_MIB: segment-mib: expected a whole number"),
    ])
    func whatDoesNotFitIsNamed(file: String, environment: [String: String], text: String) async throws {
        try await Workshop.open { workshop in
            try await ledger(workshop)
            let path = try workshop.write("c.json", file)
            for command in [["config", "check"], ["serve", "--listen", "127.0.0.1:0"]] {
                let found = try await workshop.run(
                    program: [Workshop.executable] + command + ["--data", workshop.data, "--config", path],
                    environment: environment)
                #expect(found.code == 64 && found.errors.contains(text), "\(command): \(found.errors)")
            }
        }
    }

    @Test func aTokenThatIsNotGrantedLeavesNoFile() async throws {
        try await Workshop.open { workshop in
            try await ledger(workshop)
            // An act that cannot be noted is not done.
            let log = workshop.data + "/audit.log"
            try? FileManager.default.removeItem(atPath: log)
            try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: false)
            let kept = workshop.path + "/kept"
            let refused = try await workshop.run(
                "token", "create", "--data", workshop.data, "--name", "x", "--read", "--output", kept)
            #expect(refused.code == 74 && refused.errors.contains("audit.log"), "\(refused.errors)")
            #expect(!FileManager.default.fileExists(atPath: kept))
            let listed = try await workshop.run("token", "list", "--data", workshop.data)
            #expect(listed.output == "nothing is granted\n", "\(listed.output)\(listed.errors)")
        }
    }

    @Test func nothingListensWhereNoneIsSaid() async throws {
        try await Workshop.open { workshop in
            try await ledger(workshop)
            let check = ["config", "check", "--data", workshop.data]
            let nowhere = try await workshop.run(program: [Workshop.executable] + check + ["--listen", "none"])
            #expect(
                nowhere.code == 64 && nowhere.errors.contains("--listen-tls, --http or --https"), "\(nowhere.errors)")
            let http = ["--listen", "none", "--http", "127.0.0.1:0"]
            #expect(try await workshop.run(program: [Workshop.executable] + check + http).code == 0)
            let daemon = try workshop.start(program: [Workshop.executable, "serve", "--data", workshop.data] + http)
            for _ in 0..<4000 where !daemon.standardOutput.hasSuffix("\n") {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(daemon.standardOutput.hasPrefix("listening on http://127.0.0.1:"), "\(daemon.standardError)")
            daemon.signal(SIGTERM)
            #expect(try await daemon.wait() == 0)
            #expect(daemon.standardOutput.split(separator: "\n").count == 1)
        }
    }

    /// Whoever sends for a source that is not his is noted, in a hello, a look-up or a body, whatever is known of the source.
    @Test func foreignSourcesAreNoted() async throws {
        try await Workshop.open { workshop in
            try await ledger(workshop)
            let token = workshop.path + "/token"
            _ = try await workshop.run(
                "token", "create", "--data", workshop.data, "--name", "till", "--send", "shop", "--output", token)
            let other = workshop.path + "/other"
            _ = try await workshop.run(
                "token", "create", "--data", workshop.data, "--name", "gate", "--send", "portal", "--output", other)
            let rows = try workshop.write(
                "rows.csv", "id,time,amount,currency,source\nA,2026-11-20T09:30:00Z,5,VND,portal\n")
            let body = ["portal", "portal", "shop"].enumerated().map { number, source in
                #"{"id": "\#(number)", "time": "2026-11-20T09:30:00Z", "amount": "5", "currency": "VND", "source": "\#(source)"}"#
            }
            try await workshop.withDaemon(["--http", "127.0.0.1:0", "--no-anonymous"]) { daemon in
                let loaded = try await workshop.run(
                    "load", rows, "--server", daemon.address, "--token-file", token)
                #expect(loaded.errors.contains("till may not send for the source 'portal'"), "\(loaded.errors)")
                // The first may send for "portal", so that its code is known from then on, whoever sends.
                for (token, accepted) in [(other, 2), (token, 1), (token, 0)] {
                    let secret = try String(contentsOfFile: token, encoding: .utf8).trimmingCharacters(in: .newlines)
                    let answer = try await workshop.run(program: [
                        "curl", "-s", "http://127.0.0.1:\(daemon.httpPort!)/v1/transactions", "-H",
                        "Authorization: Bearer \(secret)", "-H", "Content-Type: application/json", "-d",
                        "[" + body.joined(separator: ",") + "]",
                    ])
                    #expect(answer.output.contains(#""accepted": \#(accepted)"#), "\(answer.output)")
                }
            }
            let noted = try String(contentsOfFile: workshop.data + "/audit.log", encoding: .utf8).split(separator: "\n")
            let refusals = noted.filter { $0.contains("till may not send for the source") }
            // Two within a minute, or one on each side of its end.
            #expect(2...3 ~= refusals.count, "\(noted)")
            #expect(noted.contains { $0.contains("gate may not send for the source 'shop'") })
            #expect(refusals.last?.contains("POST /v1/transactions") == true)
        }
    }

    /// An example that is wider than a terminal is broken where a shell would not see it.
    @Test func examplesFitATerminal() async throws {
        try await Workshop.open { workshop in
            var commands: [[String]] = [[]]
            while let command = commands.popLast() {
                let help = try await workshop.run(
                    program: [Workshop.executable, "help"] + command, environment: ["COLUMNS": "80"])
                #expect(help.code == 0, "\(help.errors)")
                var lines = help.output.split(separator: "\n", omittingEmptySubsequences: false)[...]
                if let start = lines.firstIndex(where: { $0.hasPrefix("SUBCOMMANDS:") }) {
                    commands += lines[(start + 1)...].prefix { !$0.isEmpty }
                        .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
                        .compactMap { $0.split(separator: " ").first.map { command + [String($0)] } }
                }
                guard let start = lines.firstIndex(where: { $0.hasPrefix("EXAMPLE") }) else { continue }
                lines = lines[(start + 1)...].prefix { !$0.isEmpty }
                for (before, line) in zip(lines, lines.dropFirst()) where !before.hasSuffix("\\") {
                    #expect(line.hasPrefix("  "), "\(command): \(line)")
                }
            }
        }
    }

    @Test func hangupReadsAnewWhatMayChange() async throws {
        try await Workshop.open { workshop in
            try await ledger(workshop)
            let file = workshop.data + "/sluice.json"
            try FileManager.default.createDirectory(atPath: workshop.path + "/m", withIntermediateDirectories: true)
            _ = try workshop.write("m/till.json", #"{"columns": {"id": "Ref"}}"#)
            try Data(#"{"idle-seconds": 20}"#.utf8).write(to: URL(fileURLWithPath: file))
            try await workshop.withDaemon { daemon in
                try Data(#"{"idle-seconds": 30}"#.utf8).write(to: URL(fileURLWithPath: file))
                kill(daemon.processID, SIGHUP)
                try await said("waits for a restart", by: daemon)
                try await said("configuration read anew", by: daemon)
                try Data("{".utf8).write(to: URL(fileURLWithPath: file))
                kill(daemon.processID, SIGHUP)
                try await said("the configuration stays as it was", by: daemon)
            }
            let noted = try String(contentsOfFile: workshop.data + "/audit.log", encoding: .utf8)
            #expect(noted.contains("configuration.reload") && noted.contains("daemon.stop"))
        }
    }

    @Test func grantsThatAreGoneAreToldOf() async throws {
        try await Workshop.open { workshop in
            try await ledger(workshop)
            #expect(
                try await workshop.run("token", "create", "--data", workshop.data, "--name", "x", "--read").code == 0)
            try await workshop.withDaemon { daemon in
                try FileManager.default.removeItem(atPath: workshop.data + "/grants.json")
                try await said("the file of grants is gone", by: daemon)
            }
            let noted = try String(contentsOfFile: workshop.data + "/audit.log", encoding: .utf8)
            #expect(noted.contains("grants.gone"))
        }
    }

    @Test func hangupOpensTheAuditLogAgain() async throws {
        try await Workshop.open { workshop in
            try await ledger(workshop)
            let log = workshop.data + "/audit.log"
            try await workshop.withDaemon { daemon in
                try FileManager.default.moveItem(atPath: log, toPath: log + ".1")
                kill(daemon.processID, SIGHUP)
                try await said("configuration read anew", by: daemon)
            }
            let (old, new) = (
                try String(contentsOfFile: log + ".1", encoding: .utf8),
                try String(contentsOfFile: log, encoding: .utf8)
            )
            #expect(old.contains("daemon.start") && !old.contains("daemon.stop"))
            #expect(new.contains("configuration.reload") && new.contains("daemon.stop"))
        }
    }

    @Test func bothWordsForRecordsAreTaken() async throws {
        try await Workshop.open { workshop in
            let generate = ["generate", "--day", "2026-11-20", "--count", "100", "--output"]
            let files = ["raw", "binary"].map { workshop.path + "/\($0)" }
            for (word, file) in zip(["raw", "binary"], files) {
                let made = try await workshop.run(
                    program: [Workshop.executable] + generate + [file, "--format", word])
                #expect(made.code == 0, "\(made.errors)")
            }
            #expect(FileManager.default.contentsEqual(atPath: files[0], andPath: files[1]))
            for (word, count) in [("binary", 100), ("raw", 0)] {
                let loaded = try await workshop.run(
                    "load", files[0], "--format", word, "--data", workshop.data, "--json")
                let counts = try loaded.counts()
                #expect((counts.accepted > 0) == (count > 0), "\(loaded.errors)")
            }
        }
    }

    private func said(_ text: String, by daemon: Daemon) async throws {
        for _ in 0..<2000 where !daemon.messages.contains(text) { try await Task.sleep(for: .milliseconds(5)) }
        #expect(daemon.messages.contains(text), "\(daemon.messages)")
    }

    @Test func grantsAreMadeShownAndTakenBack() async throws {
        try await Workshop.open { workshop in
            try await ledger(workshop)
            let made = try await workshop.run(
                "token", "create", "--data", workshop.data, "--name", "Chợ", "--send", "shop", "--read", "--expires",
                "1d")
            #expect(made.code == 0 && made.output.hasPrefix("sluice_") && !made.errors.contains(made.output))
            let kept = workshop.path + "/kept"
            for code in [0, 74] as [Int32] {
                let again = try await workshop.run(
                    "token", "create", "--data", workshop.data, "--name", "x", "--read", "--output", kept)
                #expect(again.code == code && again.output.isEmpty, "\(again.errors)")
            }
            #expect(try String(contentsOfFile: kept, encoding: .utf8).hasPrefix("sluice_"))
            let mode = try FileManager.default.attributesOfItem(atPath: kept)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let file = try workshop.write(
                "rows.csv", "id,time,amount,currency,source\nA,2026-11-20T09:30:00Z,5,VND,shop\n")
            let token = try workshop.write("token", made.output)
            try await workshop.withDaemon(["--no-anonymous"]) { daemon in
                func load(_ arguments: [String]) async throws -> Workshop.Outcome {
                    try await workshop.run(
                        program: [Workshop.executable, "load", file, "--server", daemon.address, "--json"] + arguments)
                }
                #expect(try await load([]).errors.contains("no credentials came"))
                #expect(try await load(["--token-file", token]).counts() == LoadCounts(1))
                let number = String(made.output.split(separator: "_")[1])
                let listed = try await workshop.run("token", "list", "--data", workshop.data, "--format", "csv")
                #expect(
                    listed.rows.map { Array($0[1...4]) } == [
                        ["Chợ", "token", "valid", "send:shop read"], ["x", "token", "valid", "read"],
                    ])
                #expect(try await load(["--token-file", kept]).errors.contains("none of its scopes is send:SOURCE"))
                #expect(try await workshop.run("token", "revoke", "--data", workshop.data, number).code == 0)
                #expect(try await workshop.run("token", "revoke", "--data", workshop.data, number).code == 64)
                var outcome = try await load(["--token-file", token])
                for _ in 0..<100 where outcome.code == 0 {
                    try await Task.sleep(for: .milliseconds(100))
                    outcome = try await load(["--token-file", token])
                }
                #expect(outcome.errors.contains("was revoked"), "\(outcome.errors)")
            }
            for words in [["--name", "x"], ["--name", "", "--read"], ["--name", "x", "--read", "--expires", "soon"]] {
                let refused = try await workshop.run(
                    program: [Workshop.executable, "token", "create", "--data", workshop.data] + words)
                #expect(refused.code == 64 && refused.output.isEmpty)
            }
        }
    }
}
