import Formats
import Foundation
import Ledger
import Service
import Testing
import Transactions

/// `POST /v1/transactions`.
@Suite struct HTTPIntakeTests {
    private static let json = "application/json"
    private static let ndjson = "application/x-ndjson"

    private func row(_ id: String, amount: String = "125000", extra: String = "") -> String {
        #"{"id":"\#(id)","time":"2026-11-20T09:30:00Z","amount":"\#(amount)","currency":"VND","source":"shop"\#(extra)}"#
    }

    @Test func everyFormatIsTakenAndDurable() async throws {
        let csv = "id,time,amount,currency,source\nC1,2026-11-20T09:30:00Z,1500,VND,shop\n"
        let raw = withUnsafeBytes(of: record(9, source: 7)) { Array($0) }
        try await withHTTP { peer in
            let bodies: [([UInt8], String)] = [
                (Array("[\n\(row("A1")), \(row("A2", extra: #","payee":"Phở [1], {2}""#))\n]".utf8), Self.json),
                (Array((row("N1") + "\n" + row("N2")).utf8), Self.ndjson),
                (Array(csv.utf8), "text/csv; charset=utf-8"), (raw, "application/octet-stream"),
            ]
            var sequence: UInt64 = 1
            for (body, type) in bodies {
                let reply = try await peer.post(body, type)
                #expect(reply.status == 200, "\(reply)")
                let receipt = try #require((reply.json["receipts"] as? [[String: Any]])?.first)
                #expect(receipt["firstSequence"] as? UInt64 == sequence)
                sequence += UInt64(try #require(reply.count("accepted")))
                #expect(reply.json["results"] == nil)
            }
            #expect(sequence == 7)
            let image = peer.ledger.files.directory + ".image"
            try FileManager.default.copyItem(atPath: peer.ledger.files.directory, toPath: image)
            defer { try? FileManager.default.removeItem(atPath: image) }
            let reader = try LedgerReader(LedgerFiles(directory: image))
            #expect(try reader.status().records == 6)
            let found = try reader.find(printed: "A2", despiteDamage: false).records
            #expect(try reader.names(of: .payee)[#require(found.first).record.payee] == "Phở [1], {2}")
        }
    }

    /// One reader reads them all. What a mark stands before within an array is no object.
    @Test func everyBodyMayBeginWithAByteOrderMark() async throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        try await withHTTP { peer in
            for id in ["A", "B", "C"] {
                let lines = try await peer.post(mark + Array(row(id).utf8), Self.ndjson)
                #expect(lines.status == 200, "\(lines)")
                let array = try await peer.post(mark + Array("[\(row(id + "1"))]".utf8), Self.json)
                #expect(array.status == 200, "\(array)")
                let within = Array("[".utf8) + mark + Array("\(row("D")), ".utf8) + mark + Array(", \(row("D"))]".utf8)
                let reply = try await peer.post(within, Self.json)
                #expect(reply.results.map { $0["status"] as? Int } == [422, 422, 200], "\(reply)")
            }
        }
    }

    @Test func eachItemHasItsResult() async throws {
        try await withHTTP { peer in
            #expect(try await peer.post(row("A").utf8, Self.ndjson).status == 200)
            let body = "[\(row("B")), \(row("A", amount: "1")), \(row("C", amount: "?")), \(row("A")), 5, \(row("D"))]"
            let reply = try await peer.post(body.utf8, Self.json)
            #expect(reply.status == 207)
            #expect(reply.results.map { $0["status"] as? Int } == [200, 409, 422, 200, 422, 200])
            #expect(reply.results.map { $0["item"] as? Int } == [1, 2, 3, 4, 5, 6])
            #expect(
                reply.results[1]["field"] as? String == "amount" && reply.results[2]["field"] as? String == "amount")
            #expect(["accepted", "duplicates", "conflicts", "rejected"].map(reply.count) == [2, 1, 1, 2])

            let minimal = try await peer.post(body.utf8, Self.json, headers: ["Prefer": "return=minimal"])
            #expect(minimal.status == 207 && minimal.count("duplicates") == 3)
            #expect(minimal.results.map { $0["item"] as? Int } == [2, 3, 5])
        }
    }

    @Test func whereNothingIsInTheFirstFaultIsNamed() async throws {
        try await withHTTP { peer in
            #expect(try await peer.post(row("A").utf8, Self.ndjson).status == 200)
            let conflict = try await peer.post(row("A", amount: "1").utf8, Self.ndjson)
            #expect(conflict.status == 409 && conflict.problem == "conflict")
            #expect(conflict.headers["content-type"] == "application/problem+json")
            #expect((conflict.json["detail"] as? String)?.contains("item 1: amount: differs") == true)
            let rejected = try await peer.post("[\(row("B", amount: "?"))]".utf8, Self.json)
            #expect(rejected.status == 422 && rejected.problem == "rejected" && rejected.count("rejected") == 1)
            #expect(try peer.ledger.status().records == 1)
        }
    }

    @Test func aBodyThatCannotBeReadChangesNothing() async throws {
        try await withHTTP { peer in
            let bodies = [
                ("[\(row("A")),,\(row("B"))]", Self.json), ("[\(row("A"))", Self.json), (row("A"), Self.json),
                ("[]", Self.json), ("", Self.ndjson), ("id,none\n1,2\n", "text/csv"),
            ]
            for (body, type) in bodies {
                let reply = try await peer.post(body.utf8, type)
                #expect(reply.status == 400 && reply.problem == "malformed-body", "\(body): \(reply)")
            }
            #expect(try peer.ledger.status().records == 0)
        }
    }

    @Test func aBodyThatBreaksOffIsForgotten() async throws {
        try await withHTTP { peer in
            let head = "POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(Self.ndjson)\r\n"
            let badChunk = try await peer.exchange(Array((head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n").utf8))
            #expect(badChunk.status == 400)
            try peer.sendAndLeave(Array((head + "Content-Length: 1000\r\n\r\n" + row("A")).utf8))
            #expect(try await peer.post(row("B").utf8, Self.ndjson).status == 200)
            #expect(try peer.ledger.status().records == 1)
        }
    }

    @Test func bodiesAreBounded() async throws {
        try await withHTTP {
            $0.intake.largestBodyByteCount = 1000
            $0.intake.largestItemCount = 3
        } _: { peer in
            let long = try await peer.post([UInt8](repeating: 0x20, count: 1001), Self.ndjson)
            #expect(long.status == 413 && long.problem == "too-large")
            let piece = "3e8\r\n" + String(repeating: " ", count: 1000) + "\r\n"
            let head = "POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(Self.ndjson)\r\n"
            let chunked = try await peer.exchange(
                Array((head + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + piece + piece).utf8))
            #expect(chunked.status == 413)
            let rows = (1...4).map { row("\($0)") }.joined(separator: "\n")
            #expect(try await peer.post(rows.utf8, Self.ndjson).problem == "too-large")
            #expect(try peer.ledger.status().records == 0)
        }
        try await withHTTP {
            $0.intake.memoryByteCount = 100
        } _: { peer in
            let busy = try await peer.post(row("A").utf8, Self.ndjson)
            #expect(busy.status == 429 && busy.headers["retry-after"] == "1")
        }
    }

    @Test(arguments: [("gzip", "gzip"), ("x-gzip", "gzip"), ("lz4", "lz4")])
    func compressedBodiesAreExpanded(encoding: String, tool: String) async throws {
        let body = (1...5000).map { row("A\($0)") }.joined(separator: "\n")
        try await withHTTP { peer in
            let compressed = try Self.compressed(Array(body.utf8), tool)
            #expect(compressed.count < body.utf8.count / 5)
            // Twice in a row is one stream; the records of the second are duplicates.
            let newline = try Self.compressed([10], tool)
            let reply = try await peer.post(
                compressed + newline + compressed, Self.ndjson, headers: ["Content-Encoding": encoding])
            #expect(reply.status == 200, "\(reply.body.prefix(200))")
            #expect(reply.count("accepted") == 5000 && reply.count("duplicates") == 5000)
            for (bytes, detail) in [
                (Array(compressed.dropLast(9)), "breaks off"), ([1, 2, 3] + compressed, "at byte"),
                (compressed + [1, 2, 3, 4, 5], "byte"),
            ] {
                let reply = try await peer.post(bytes, Self.ndjson, headers: ["Content-Encoding": encoding])
                #expect(reply.status == 400 && reply.problem == "malformed-body", "\(reply.body)")
                #expect((reply.json["detail"] as? String)?.contains(detail) == true, "\(reply.body)")
            }
        }
    }

    @Test(arguments: ["gzip", "lz4"]) func aBombIsNotExpandedBeyondTheLimit(tool: String) async throws {
        try await withHTTP {
            $0.intake.largestBodyByteCount = 1 << 20
        } _: { peer in
            let bomb = try Self.compressed([UInt8](repeating: 32, count: 64 << 20), tool)
            let reply = try await peer.post(bomb, Self.ndjson, headers: ["Content-Encoding": tool])
            #expect(bomb.count < 1 << 20 && reply.status == 413)
        }
    }

    private static func compressed(_ bytes: [UInt8], _ tool: String) throws -> [UInt8] {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool, "-c"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        Thread.detachNewThread {
            try? input.fileHandleForWriting.write(contentsOf: Data(bytes))
            try? input.fileHandleForWriting.close()
        }
        let compressed = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Array(compressed)
    }

    @Test func theSameKeyHasTheSameAnswer() async throws {
        try await withHTTP { peer in
            func post(_ body: String, _ key: String, _ target: String = "/v1/transactions") async throws
                -> HTTPPeer.Reply
            {
                try await peer.post(body.utf8, Self.ndjson, target, headers: ["Idempotency-Key": key])
            }
            let first = try await post(row("A"), "\"k1\"")
            #expect(first.status == 200 && first.count("accepted") == 1)
            #expect(try await post(row("A"), "k1").body == first.body, "with quotes or without")
            let other = try await post(row("A"), "k2")
            #expect(other.count("accepted") == 0 && other.count("duplicates") == 1)
            for reply in [
                try await post(row("B"), "k1"), try await post(row("A"), "k1", "/v1/transactions?source=x"),
            ] {
                #expect(reply.status == 422 && reply.problem == "idempotency-key-reused")
            }
            let conflict = try await post(row("A", amount: "1"), "k3")
            #expect(conflict.status == 409)
            #expect(try await post(row("A", amount: "1"), "k3").body == conflict.body)
            #expect(try await post("{", "k4").status == 422)
            for key in ["", "\"\"", "a b", String(repeating: "k", count: 256)] {
                #expect(try await post(row("A"), key).problem == "bad-idempotency-key", "\(key)")
            }
            // A body that could not be read leaves the key free.
            let array = try await peer.post("[".utf8, Self.json, headers: ["Idempotency-Key": "k5"])
            #expect(array.status == 400)
            #expect(try await post(row("E"), "k5").count("accepted") == 1)
        }
    }

    @Test func whoTricklesIsCutOff() async throws {
        try await withHTTP {
            $0.headMilliseconds = 300
            $0.bodyMilliseconds = 300
        } _: { peer in
            let host = "Host: localhost\r\n"
            for (start, trickle) in [
                ("GET /health/live HTTP/1.1\r\n\(host)", "x"),
                (
                    "POST /v1/transactions HTTP/1.1\r\n\(host)Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n[",
                    " "
                ),
            ] {
                let raw = try RawPeer(port: peer.port)
                try await raw.send(Array(start.utf8))
                var sentCount = 0
                while sentCount < 400, raw.sendWhatFits(Array(trickle.utf8)) == 1 {
                    sentCount += 1
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect((1..<400).contains(sentCount), "\(start)")
            }
            #expect(try await peer.get("/health/live").status == 200)
        }
    }

    @Test func whatIsNotUnderstoodIsRefused() async throws {
        try await withHTTP { peer in
            #expect(try await peer.post(row("A").utf8, "text/plain").problem == "unknown-format")
            let zipped = try await peer.post(row("A").utf8, Self.ndjson, headers: ["Content-Encoding": "zstd"])
            #expect(zipped.status == 415)
            #expect(
                try await peer.post(row("A").utf8, Self.ndjson, "/v1/transactions?sauce=x").problem
                    == "unknown-parameter")
            peer.ledger.close()
            let closed = try await peer.post(row("A").utf8, Self.ndjson)
            #expect(closed.status == 503 && closed.problem == "refused" && closed.headers["retry-after"] == "5")
        }
    }

    @Test func aSourceOfTheQueryIsForRowsWithoutOne() async throws {
        try await withHTTP { peer in
            let rows = row("A") + "\n" + row("B").replacingOccurrences(of: #","source":"shop""#, with: "")
            #expect(try await peer.post(rows.utf8, Self.ndjson).status == 207)
            let reply = try await peer.post(rows.utf8, Self.ndjson, "/v1/transactions?source=till%207")
            #expect(reply.status == 200 && reply.count("duplicates") == 1)
            #expect(peer.ledger.names(of: .source).values.sorted() == ["shop", "till 7"])
        }
    }

    @Test func aRequestMayNameAMapping() async throws {
        let mapping = try Mapping(
            json: Data(
                #"""
                {"separator": ";", "timeFormat": "dd/MM/yyyy HH:mm", "constants": {"currency": "GBP"},
                 "columns": {"id": "Ref", "time": "When", "amount": "Sum", "source": "Till"}}
                """#.utf8))
        try await withHTTP {
            $0.mappings = ["shop": mapping]
        } _: { peer in
            let body = "Ref;When;Sum;Till\nR1;20/11/2026 09:30;12.50;till 7\n"
            let own = try await peer.post(body.utf8, "text/csv")
            #expect(own.status == 400)
            let unknown = try await peer.post(body.utf8, "text/csv", "/v1/transactions?mapping=shap")
            #expect(unknown.status == 400 && unknown.body.contains(#"did you mean \"shop\"?"#))
            #expect(try await peer.post(body.utf8, "text/csv", "/v1/transactions?mapping=shop").status == 200)
            let other = body.replacingOccurrences(of: "R1", with: "R2")
            #expect(
                try await peer.post(other.utf8, "text/csv", "/v1/transactions?mapping=shop&source=web").status == 200)
            #expect(peer.ledger.names(of: .source).values.sorted() == ["till 7", "web"])
            let found = try peer.ledger.find(printed: "R1", despiteDamage: false).records
            #expect(found.first?.record.amountMinorUnits == 1250)
        }
    }

    /// More batches than fit into the ring's queue at once, from several requests at a time.
    @Test func manyRecordsOfManyRequestsAreEachTakenOnce() async throws {
        try await withHTTP { peer in
            try await withThrowingTaskGroup { group in
                for request in 0..<4 {
                    group.addTask {
                        let records = (1...20_000).map { record(UInt64(request * 10_000 + $0)) }
                        let reply = try await peer.post(
                            records.withUnsafeBytes { Array($0) }, "application/octet-stream")
                        #expect(reply.status == 200)
                        #expect(try #require(reply.count("accepted")) + #require(reply.count("duplicates")) == 20_000)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try peer.ledger.status().records == 50_000)
        }
    }
}
