import Foundation
import Ledger
import Testing

/// Receipts that are kept and proven, and a damaged ledger, as the command shows them.
@Suite struct ReceiptAndDamageTests {
    private func generate(_ workshop: Workshop, _ name: String, day: String, _ count: Int) async throws -> String {
        let file = workshop.path + "/" + name
        let made = try await workshop.run("generate", "--day", day, "--count", "\(count)", "--output", file)
        #expect(made.code == 0)
        return file
    }

    private func receipts(_ path: String) throws -> [StoredReceipt] {
        let text = try #require(FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) })
        return try text.split(separator: "\n").map { try StoredReceipt(line: $0) }
    }

    @Test func receiptsOfFilesAndOfADaemonAreKeptAndProven() async throws {
        try await Workshop.open { workshop in
            let (data, kept) = (workshop.data, workshop.path + "/kept.receipts")
            let first = try await generate(workshop, "one.raw", day: "2026-11-20", 3000)
            let second = try await generate(workshop, "two.raw", day: "2026-11-21", 3000)
            let loaded = try await workshop.run("load", first, "--data", data, "--receipt", kept, "--json")
            let counts = try loaded.counts()
            var stored = try receipts(kept)
            #expect(stored.count >= 3 && stored.reduce(0) { $0 + $1.accepted } == counts.accepted)
            try await workshop.withDaemon { daemon in
                let sent = try await workshop.run(
                    "load", second, "--server", daemon.address, "--receipt", kept, "--json")
                let more = try sent.counts()
                stored = try receipts(kept)
                #expect(stored.reduce(0) { $0 + $1.accepted } == counts.accepted + more.accepted)
                #expect(stored.reduce(0) { $0 + $1.duplicates } == counts.duplicates + more.duplicates)
                let status = try await workshop.run("status", "--data", data, "--json", "--receipt", kept)
                let receipt = try #require(try status.object()["receipt"] as? [String: Any])
                stored = try receipts(kept)
                #expect(receipt["chainDigest"] as? String == stored.last?.chainDigest)
                #expect(receipt["chainSequence"] as? Int == counts.accepted + more.accepted)
            }
            let proven = try await workshop.run("verify", "--data", data, "--receipt", kept)
            #expect(proven.code == 0, "\(proven.output) \(proven.errors)")
            #expect(proven.output.hasPrefix("\(stored.count) receipts up to sequence "))
            #expect(proven.output.hasSuffix(", all hold\n"))

            // Of the other load: receipts of one commit have the same chain.
            var other = try #require(stored.last)
            #expect(other.chainSequence > stored[0].chainSequence)
            other.chainDigest = stored[0].chainDigest
            _ = try workshop.write("other.receipts", stored[0].line + "\n" + other.line)
            let refuted = try await workshop.run(
                "verify", "--data", data, "--receipt", workshop.path + "/other.receipts", "--receipt", kept, "--json")
            #expect(refuted.code == 65)
            let faults = try #require(try refuted.object()["faults"] as? [String])
            #expect(
                faults.count == 1 && faults[0].contains("other.receipts, line 3: the chain at sequence "), "\(faults)")

            _ = try workshop.write("no.receipts", "{}\n")
            let unread = try await workshop.run("verify", "--data", data, "--receipt", workshop.path + "/no.receipts")
            #expect(
                unread.code == 64 && unread.errors.contains("no.receipts, line 1: no receipt: 'ledger' is missing")
                    || unread.errors.contains("no.receipts, line 1: no receipt: "), "\(unread.errors)")
        }
    }

    /// A damaged block of the log: what does not need it is answered, with a mark once it is known; the rest says what is lost.
    @Test func aDamagedLedgerAnswersWhatItCan() async throws {
        try await Workshop.open { workshop in
            let data = workshop.data
            for (place, day) in ["2026-11-20", "2026-11-21", "2026-11-22"].enumerated() {
                let file = try await generate(workshop, "\(place).raw", day: day, 3000)
                _ = try await workshop.run("load", file, "--data", data)
            }
            let path = data + "/log/00000000000000000001.log"
            var bytes = try #require(FileManager.default.contents(atPath: path))
            func integer(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
            // The block in the middle of the file, of the second day, before the last 4,096 records.
            var block = 0
            while block + integer(block + 16) <= bytes.count / 2 || integer(block + 12) == 0 {
                block += integer(block + 16)
            }
            // The bytes of the column with the regions, which is what is asked for.
            var region = block + integer(block + 8) + integer(block + 112)
            for descriptor in stride(from: block + 132, to: block + integer(block + 8) - 4, by: 40)
            where bytes[descriptor + 3] < 19 { region += integer(descriptor + 32) }
            bytes[region + 10] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))

            func ask(_ options: String...) async throws -> Workshop.Outcome {
                let arguments = ["daily", "--data", data, "--by", "outcome,region", "--measures", "attempts"]
                return try await workshop.run(program: [Workshop.executable] + arguments + options)
            }
            func check() async throws {
                let rollup = try await workshop.run(
                    "daily", "--data", data, "--format", "csv", "--measures", "attempts")
                #expect(rollup.code == 0 && rollup.rows.count >= 3, "\(rollup.errors)")
                #expect(try await ask("--to", "2026-11-19").code == 0)
                let whole = try await ask()
                #expect(whole.code == 65, "\(whole.errors)")
                #expect(whole.errors.contains("damage in \(path) at offset \(block), sequences "), "\(whole.errors)")
                #expect(whole.errors.contains("--despite-damage"))
                let partial = try await ask("--despite-damage", "--format", "json")
                #expect(partial.code == 0 && partial.errors.contains("; left out"), "\(partial.errors)")
                let damage = try #require(try partial.object()["damage"] as? [[String: Any]])
                #expect(damage.count == 1 && damage[0]["offset"] as? Int == block)
                #expect(damage[0]["left_out"] as? Bool == true)
            }
            try await check()
            try await workshop.withDaemon { _ in
                try await check()
                let status = try await workshop.run("status", "--data", data, "--json")
                #expect((try status.object()["damage"] as? [Any])?.count == 1)
                let marked = try await workshop.run("daily", "--data", data, "--format", "json")
                #expect(marked.code == 0 && marked.errors.contains("at offset \(block)"))
                #expect((try marked.object()["damage"] as? [[String: Any]])?.first?["left_out"] as? Bool == false)
            }
            let rebuilt = try await workshop.run("rebuild", "--data", data)
            #expect(rebuilt.code == 65 && rebuilt.errors.contains("nothing was removed"), "\(rebuilt.errors)")
        }
    }
}
