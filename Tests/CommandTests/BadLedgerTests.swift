import Foundation
import StreamProtocol
import Testing

/// Data directories that cannot be used, and commands whose words are off: a clear message, and the documented exit code.
@Suite struct BadLedgerTests {
    private func refused(
        _ workshop: Workshop, _ code: Int32, _ word: String, _ arguments: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await workshop.run(program: [Workshop.executable] + arguments)
        let text = Comment(rawValue: "\(arguments): code \(outcome.code), \(outcome.errors)")
        #expect(outcome.code == code, text, sourceLocation: sourceLocation)
        #expect(outcome.errors.contains(word), text, sourceLocation: sourceLocation)
        #expect(outcome.output.isEmpty, text, sourceLocation: sourceLocation)
    }

    @Test func wordsThatAreOff() async throws {
        try await Workshop.open { workshop in
            let data = workshop.data
            #expect(try await workshop.run("init", "--data", data).code == 0)
            for command in ["init", "serve", "daily", "status", "verify", "rebuild"] {
                try await refused(workshop, 64, "--data", command)
            }
            try await refused(workshop, 64, "--data", "find", "A1")
            try await refused(workshop, 64, "--data", "load", "x.csv")
            try await refused(workshop, 64, "colour", "daily", "--data", data, "--by", "colour")
            try await refused(workshop, 64, "weight", "daily", "--data", data, "--measures", "weight")
            try await refused(workshop, 64, "colour", "daily", "--data", data, "--where", "colour=red")
            try await refused(workshop, 64, "region", "daily", "--data", data, "--where", "region")
            try await refused(workshop, 64, "Atlantis", "daily", "--data", data, "--where", "region=Atlantis")
            try await refused(workshop, 64, "2024-02-30", "daily", "--data", data, "--from", "2024-02-30")
            try await refused(workshop, 64, "xml", "daily", "--data", data, "--format", "xml")
            try await refused(workshop, 64, "frobnicate", "frobnicate")
            try await refused(workshop, 64, "Mars/Olympus", "init", "--data", data + "2", "--time-zone", "Mars/Olympus")
            try await refused(workshop, 64, "25:00", "init", "--data", data + "2", "--cutover", "25:00")
            try await refused(
                workshop, 64, "expected a name of letters", "init", "--data", data + "2", "--token-key-env", "A B")
            try await refused(
                workshop, 64, "expected a name of letters", "token-key", "add", "--data", data, "--from", "2027-01-01",
                "--env", "")
            try await refused(workshop, 64, "anonymous", "serve", "--data", data, "--listen", "0.0.0.0:0")
            try await refused(workshop, 64, "already", "init", "--data", data)
            for command in ["daily", "status", "verify", "rebuild"] {
                try await refused(workshop, 64, "init", command, "--data", workshop.path + "/nothing")
            }
            // A directory that was misspelt, or is not mounted, does not become a ledger.
            try await refused(
                workshop, 64, "init", "serve", "--data", workshop.path + "/nothing", "--listen", "127.0.0.1:0")
            try await refused(workshop, 64, "init", "config", "check", "--data", workshop.path + "/nothing")
            let rows = try workshop.write("in.csv", "id,time,amount,currency,source\na,2024-01-01,1,VND,s\n")
            let rejects = try workshop.write("rejects.csv", "those of another day")
            let loaded = try await workshop.run(
                "load", rows, "--rejects", rejects, environment: ["SLUICE_DATA": workshop.path + "/nothing"])
            #expect(loaded.code == 64 && loaded.errors.contains("holds no ledger"), "\(loaded.errors)")
            #expect(try String(contentsOfFile: rejects, encoding: .utf8) == "those of another day")
            #expect(!FileManager.default.fileExists(atPath: workshop.path + "/nothing"))
        }
    }

    @Test func theDataDirectoryMayComeFromTheEnvironment() async throws {
        try await Workshop.open { workshop in
            let environment = ["SLUICE_DATA": workshop.data]
            #expect(try await workshop.run("init", environment: environment).code == 0)
            let status = try await workshop.run("status", "--json", environment: environment)
            #expect(try status.object()["directory"] as? String == workshop.data)
        }
    }

    @Test func aDirectoryThatCannotBeWritten() async throws {
        try await Workshop.open { workshop in
            let file = try workshop.write("file", "x")
            try await refused(workshop, 74, "Not a directory", "init", "--data", file + "/data")
            try await refused(
                workshop, 74, "Not a directory", "serve", "--data", file + "/data", "--listen", "127.0.0.1:0")
            try await refused(workshop, 74, "/proc/sluice", "init", "--data", "/proc/sluice")
            let rows = try workshop.write("in.csv", "id,time,amount,currency,source\na,2024-01-01,1,VND,s\n")
            try await refused(workshop, 74, "Not a directory", "load", rows, "--data", file + "/data")
            let rejects = try await workshop.run("load", rows, "--data", workshop.data, "--rejects", file + "/rejects")
            #expect(rejects.code == 74, "\(rejects.errors)")
        }
    }

    @Test func aLedgerThatIsHeld() async throws {
        try await Workshop.open { workshop in
            let rows = try workshop.write("in.csv", "id,time,amount,currency,source\na,2024-01-01,1,VND,s\n")
            try await workshop.withDaemon { daemon in
                let data = workshop.data
                try await refused(workshop, 69, "in use", "serve", "--data", data, "--listen", "127.0.0.1:0")
                try await refused(workshop, 69, "in use", "load", rows, "--data", data)
                try await refused(workshop, 69, "in use", "rebuild", "--data", data)
                try await refused(workshop, 69, "in use", "verify", "--data", data)
                let loaded = try await workshop.run("load", rows, "--server", daemon.address, "--json")
                #expect(try loaded.counts() == LoadCounts(1))
                try await workshop.makeLedgerIfAbsent(data + "2")
                try await refused(
                    workshop, 74, "cannot listen on \(daemon.address): Address already in use", "serve", "--data",
                    data + "2", "--listen", daemon.address)
            }
            try await refused(workshop, 69, "127.0.0.1:1", "load", rows, "--server", "127.0.0.1:1")
        }
    }

    @Test func aLedgerOfALaterVersion() async throws {
        try await Workshop.open { workshop in
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let path = workshop.data + "/log/00000000000000000001.log"
            var bytes = try #require(FileManager.default.contents(atPath: path))
            bytes[4] = 2
            let headerByteCount = Int(bytes[8]) | Int(bytes[9]) << 8
            let checksum = Array(bytes[..<(headerByteCount - 4)]).withUnsafeBytes { checksum32C($0) }
            bytes.replaceSubrange(headerByteCount - 4..<headerByteCount, with: littleEndian(checksum))
            try bytes.write(to: URL(fileURLWithPath: path))
            for command in ["status", "daily", "verify", "rebuild"] {
                try await refused(workshop, 65, "later version", command, "--data", workshop.data)
            }
            try await refused(
                workshop, 65, "later version", "serve", "--data", workshop.data, "--listen", "127.0.0.1:0")
            #expect(FileManager.default.contents(atPath: path) == bytes)
        }
    }

    /// A bit flipped in a block's header, or in its content: later blocks prove that it was whole once.
    @Test(arguments: [true, false])
    func damageIsNamedAndNotServed(isInHeader: Bool) async throws {
        try await Workshop.open { workshop in
            let file = workshop.path + "/day.raw"
            #expect(
                try await workshop.run("generate", "--day", "2026-11-20", "--count", "2000", "--output", file).code == 0
            )
            _ = try await workshop.run("load", file, "--data", workshop.data)
            let more = try workshop.write("in.csv", "id,time,amount,currency,source\na,2024-01-01,1,VND,s\n")
            #expect(try await workshop.run("load", more, "--data", workshop.data).code == 0)
            let path = workshop.data + "/log/00000000000000000001.log"
            var bytes = try #require(FileManager.default.contents(atPath: path))
            func integer(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
            // The second block is the first with records; its length of header and in all are 8 and 16 bytes into it.
            let block = integer(16)
            bytes[block + (isInHeader ? 60 : integer(block + 8) + 10)] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            let verified = try await workshop.run("verify", "--data", workshop.data, "--json")
            #expect(verified.code == 65, "\(verified.output) \(verified.errors)")
            let faults = try #require(try verified.object()["faults"] as? [String])
            #expect(faults.contains { $0.contains("\(path) at offset \(block), sequences 1 to ") }, "\(faults)")
            let rebuilt = try await workshop.run("rebuild", "--data", workshop.data)
            #expect(rebuilt.code == 65)
            #expect(rebuilt.errors.contains("at offset \(block)"), "\(rebuilt.errors)")
            #expect(FileManager.default.contents(atPath: path) == bytes)
        }
    }

    /// Binary goes into files and pipes; a terminal gets a message.
    @Test func binaryIsNotWrittenToATerminal() async throws {
        try await Workshop.open { workshop in
            let command = "\(Workshop.executable) generate --day 2026-11-20 --count 2"
            let outcome = try await workshop.run(program: ["script", "-qec", command, "/dev/null"])
            #expect(outcome.code == 64, "\(outcome.output)")
            #expect(outcome.output.contains("terminal"))
            let piped = try await workshop.run("generate", "--day", "2026-11-20", "--count", "2")
            #expect(piped.code == 0)
        }
    }
}
