import Access
import Foundation
import Service
import Testing

/// What the HTTP API asks of a client before it answers.
@Suite struct HTTPAccessTests {
    private static let ndjson = "application/x-ndjson"

    private func row(_ id: String, source: String) -> [UInt8] {
        Array(
            #"{"id":"\#(id)","time":"2026-11-20T09:30:00Z","amount":"5","currency":"VND","source":"\#(source)"}"#.utf8)
    }

    private func bearer(_ token: BearerToken) -> [String: String] { ["Authorization": "Bearer \(token.text)"] }

    private func withGate(
        configure: (inout HTTPConfiguration) -> Void = { _ in }, _ body: (HTTPPeer, Desk) async throws -> Void
    ) async throws {
        let desk = try Desk()
        try await withHTTP {
            $0.doors[0].gate = desk.gate
            configure(&$0)
        } _: { peer in
            try await body(peer, desk)
        }
    }

    @Test func eachRouteAsksForItsScope() async throws {
        try await withGate { peer, desk in
            let tokens: [(scopes: [Scope], allowed: Set<String>)] = [
                ([.sendAll], []), ([.read], ["/v1/daily", "/v1/status", "/v1/receipt", "/v1/names/source"]),
                ([.operate], ["/metrics", "/v1/status"]),
            ]
            for (scopes, allowed) in tokens {
                let token = try desk.grant("client", scopes)
                for path in [
                    "/v1/daily", "/v1/status", "/v1/receipt", "/v1/names/source", "/metrics",
                    "/v1/transactions/nothing",
                ] {
                    let reply = try await peer.get(path, headers: bearer(token))
                    let mayRead = path == "/v1/transactions/nothing" && scopes == [.read]
                    #expect(reply.status == (mayRead ? 404 : allowed.contains(path) ? 200 : 403), "\(scopes) \(path)")
                    if reply.status == 403 {
                        #expect(reply.problem == "forbidden")
                        #expect(reply.headers["www-authenticate"]?.contains("insufficient_scope") == true)
                    }
                }
                let post = try await peer.post(row("A", source: "shop"), Self.ndjson, headers: bearer(token))
                #expect(post.status == (scopes == [.sendAll] ? 200 : 403))
            }
            #expect(try await peer.get("/health/live").status == 200)
            #expect(try await peer.get("/health/ready").status == 200)
        }
    }

    /// A day that is sent again over HTTP is answered later as long as others send new records.
    @Test func aClientWithOldRecordsMakesWay() async throws {
        try await withGate(configure: { $0.slowLane = SlowLane(courtesyMilliseconds: 60_000) }) { peer, desk in
            let (replaying, ordinary) = (try desk.grant("replaying", [.sendAll]), try desk.grant("other", [.sendAll]))
            let operating = try desk.grant("operating", [.operate])
            let rows: [[UInt8]] = (1...300).map { row("\($0)", source: "shop") }
            let day = Array(rows.joined(separator: [10]))
            func restCount() async throws -> String {
                let text = try await peer.get("/metrics", headers: bearer(operating)).body
                let line = text.split(separator: "\n").first { $0.hasPrefix("sluice_rests_total ") }
                return String(try #require(line).split(separator: " ")[1])
            }
            func send(_ body: [UInt8], as token: BearerToken, _ word: String) async throws {
                let reply = try await peer.post(body, Self.ndjson, headers: bearer(token))
                #expect(reply.status == 200 && reply.body.contains(word), "\(reply)")
            }
            try await send(day, as: replaying, "accepted")
            try await send(day, as: replaying, "duplicate")
            #expect(try await restCount() == "0", "nobody makes way for itself")
            try await send(row("A", source: "shop"), as: ordinary, "accepted")
            try await send(row("A", source: "shop"), as: ordinary, "duplicate")
            #expect(try await restCount() == "0", "a retry is no day that is sent again")
            try await send(day, as: replaying, "duplicate")
            #expect(try await restCount() == "1")
        }
    }

    @Test func whoIsNotKnownGetsNothing() async throws {
        try await withGate { peer, desk in
            let expired = try desk.grant("expired", [.read], expires: Date(timeIntervalSince1970: 1))
            let revoked = try desk.grant("revoked", [.read])
            try desk.file.change { $0[1].revoked = Date() }
            try desk.control.refresh()
            let cases: [(String?, detail: String)] = [
                (nil, "no credentials"), ("Bearer \(BearerToken().text)", "not known"),
                ("Bearer \(expired.text)", "expired"), ("Bearer \(revoked.text)", "revoked"), ("Bearer x", "no token"),
                ("Basic Z2F0ZTpnYXRl", "no token"), ("Bearer", "no token"),
            ]
            for (value, detail) in cases {
                let reply = try await peer.get("/v1/daily", headers: value.map { ["Authorization": $0] } ?? [:])
                #expect(reply.status == 401 && reply.problem == "unauthenticated", "\(value ?? "nothing")")
                #expect((reply.json["detail"] as? String)?.contains(detail) == true, "\(reply.body)")
                #expect(reply.headers["www-authenticate"]?.hasPrefix("Bearer realm=") == true)
            }
            let lines = try desk.lines().filter { $0["act"] as? String == "access.refused" }
            #expect(lines.count == cases.count)
            let noted = try String(contentsOfFile: desk.auditPath, encoding: .utf8)
            #expect(!noted.contains(expired.text.suffix(64)) && !noted.contains("Z2F0ZTpnYXRl"))
        }
    }

    @Test func sourcesOfOthersAreRejectedAndNotEvenEntered() async throws {
        try await withGate { peer, desk in
            let shop = try desk.grant("shop", [.send(source: "shop"), .send(source: "#7")])
            let body = row("A", source: "shop") + [10] + row("B", source: "bank") + [10] + row("C", source: "shop")
            let reply = try await peer.post(body, Self.ndjson, headers: bearer(shop))
            #expect(reply.status == 207 && reply.count("accepted") == 2 && reply.count("rejected") == 1)
            #expect(reply.results[1]["field"] as? String == "source")
            #expect(peer.ledger.names(of: .source).values.sorted() == ["shop"])

            let named = try await peer.post(
                row("D", source: "bank"), Self.ndjson, "/v1/transactions?source=bank", headers: bearer(shop))
            #expect(named.status == 403)

            // Another client may, and its reader has learnt nothing from the refusal.
            let all = try desk.grant("all", [.sendAll])
            #expect(try await peer.post(row("B", source: "bank"), Self.ndjson, headers: bearer(all)).status == 200)
            // And what that reader has learnt opens nothing for the first.
            let again = try await peer.post(row("E", source: "bank"), Self.ndjson, headers: bearer(shop))
            #expect(again.status == 422 && again.results.first?["field"] as? String == "source")

            for (code, status) in [(UInt16(7), 200), (8, 422)] {
                let raw = withUnsafeBytes(of: record(UInt64(code), source: code)) { Array($0) }
                let reply = try await peer.post(raw, "application/octet-stream", headers: bearer(shop))
                #expect(reply.status == status, "\(reply.body)")
            }
        }
    }

    @Test func aTokenThatIsTakenBackWhileItsBodyComesSendsNothing() async throws {
        try await withGate { peer, desk in
            let token = try desk.grant("gate", [.sendAll])
            let body = row("A", source: "shop")
            let raw = try RawPeer(port: peer.port)
            let head =
                "POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token.text)\r\n"
                + "Content-Type: \(Self.ndjson)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n"
            try await raw.send(Array(head.utf8) + body.prefix(20))
            try await Task.sleep(for: .milliseconds(100))
            try desk.file.change { $0[0].revoked = Date() }
            try desk.control.refresh()
            try await raw.send(Array(body.dropFirst(20)))
            try await eventually {
                (try? desk.lines().contains { "\($0["detail"] ?? "")".contains("was revoked") }) == true
            }
            #expect(try peer.ledger.status().records == 0)
        }
    }

    @Test func whoIsTooFastIsToldWhenToComeBack() async throws {
        try await withGate { peer, desk in
            let token = try desk.grant("gate", [.sendAll], recordsPerSecond: 1)
            let body = row("A", source: "shop") + [10] + row("B", source: "shop") + [10] + row("C", source: "shop")
            #expect(try await peer.post(body, Self.ndjson, headers: bearer(token)).status == 200)
            let reply = try await peer.post(row("D", source: "shop"), Self.ndjson, headers: bearer(token))
            #expect(reply.status == 429 && reply.problem == "busy")
            #expect(["1", "2", "3"].contains(reply.headers["retry-after"] ?? ""))
        }
    }
}
