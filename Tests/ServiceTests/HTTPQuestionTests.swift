import Foundation
import Ledger
import Service
import Testing

/// What is read over HTTP, and the errors that all requests share.
@Suite struct HTTPQuestionTests {
    private static let rows = """
        {"id":"A","time":"2026-11-20T09:30:00Z","amount":"125000","currency":"VND","source":"shop","region":"Hà Nội"}
        {"id":"B/1","time":"2026-11-20T10:30:00Z","amount":"1000","currency":"VND","source":"shop","region":"Huế"}
        """

    private func withRows(_ body: (HTTPPeer) async throws -> Void) async throws {
        try await withHTTP { peer in
            #expect(try await peer.post(Self.rows.utf8, "application/x-ndjson").status == 200)
            try await body(peer)
        }
    }

    @Test func statisticsComeInTheFormatThatIsWanted() async throws {
        try await withRows { peer in
            let target = "/v1/daily?by=region&measures=approved,amount"
            let json = try await peer.get(target)
            #expect(json.status == 200 && json.headers["content-type"] == "application/json")
            let rows = try #require(json.json["rows"] as? [[String: Any]])
            #expect(rows.map { $0["region"] as? String } == ["Hà Nội", "Huế"])
            #expect(rows.map { $0["amount"] as? String } == ["125000", "1000"])
            #expect(json.json["sequence"] as? Int == 2)
            let csv = "region,currency,approved,amount\r\nHà Nội,VND,1,125000\r\nHuế,VND,1,1000\r\n"
            #expect(try await peer.get(target, headers: ["Accept": "text/html, text/csv;q=0.9"]).body == csv)
            #expect(try await peer.get(target + "&format=csv").body == csv)
            for accept in ["*/*", " , text", "image/png"] {
                let reply = try await peer.get(target, headers: ["Accept": accept])
                #expect(reply.headers["content-type"] == "application/json")
            }
            #expect(
                try await peer.get(target + "&format=table").headers["content-type"]?.hasPrefix("text/plain") == true)
            let one = try await peer.get(
                target + "&where=region=Hu%E1%BA%BF&where=kind=payment&from=2026-11-20&to=2026-11-20")
            #expect((one.json["rows"] as? [Any])?.count == 1)
            let classes = try await peer.get(
                "/v1/daily?by=outcome.class&where=outcome.class=approved&measures=attempts")
            #expect(try #require(classes.json["rows"] as? [[String: Any]]).map { $0["attempts"] as? Int } == [2])
            #expect(try await (peer.get("/v1/daily?from=2026-11-21").json["rows"] as? [Any])?.count == 0)
        }
    }

    @Test func aTransactionIsFoundByItsID() async throws {
        try await withRows { peer in
            let found = try await peer.get("/v1/transactions/B%2F1")
            #expect(found.status == 200)
            let row = try #require((found.json["rows"] as? [[String: Any]])?.first)
            #expect(row["region"] as? String == "Huế" && row["sequence"] as? Int == 2)
            let missing = try await peer.get("/v1/transactions/C")
            #expect(missing.status == 404 && missing.problem == "not-found")
        }
    }

    @Test func statusAndHealthAreTold() async throws {
        try await withRows { peer in
            #expect(try await peer.get("/v1/status").json["records"] as? Int == 2)
            #expect(try await peer.get("/health/live").json["status"] as? String == "live")
            #expect(try await peer.get("/health/ready").json["status"] as? String == "ready")
            let head = try await peer.send("HEAD", "/health/ready")
            #expect(head.status == 200 && head.body.isEmpty)
            for target in ["/v1/nowhere", "/v1/daily?form=csv", "/v1/transactions"] {
                let error = try await peer.send("HEAD", target)
                #expect(error.status >= 400 && error.body.isEmpty, "\(target): \(error)")
            }
        }
    }

    @Test(arguments: [
        ("/v1/daily?form=csv", 400, "unknown-parameter", "did you mean \"format\"?"),
        ("/v1/daily?from=yesterday", 400, "bad-parameter", "from: 'yesterday'"),
        ("/v1/daily?by=plan", 400, "bad-parameter", "by: 'plan' is no dimension"),
        ("/v1/names/statement", 404, "not-found", "there are no names of 'statement'"),
        ("/v1/daily?by=region.area", 400, "bad-parameter", "nothing is known of a region's 'area'"),
        ("/v1/daily?by=day,day", 400, "bad-parameter", "day"),
        ("/v1/daily?where=region", 400, "bad-parameter", "where: 'region'"),
        ("/v1/daily?where=region=Vinh", 400, "bad-parameter", "the ledger knows no such region"),
        ("/v1/daily?format=xml", 400, "bad-parameter", "table, csv, json, ndjson"),
        ("/v1/daily?from=2026-11-20&from=2026-11-21", 400, "bad-parameter", "comes 2 times"),
        ("/v1/daily?codes=maybe", 400, "bad-parameter", "true or false"),
        ("/v1/nowhere", 404, "not-found", "/v1/nowhere"),
        ("/health/ready?x", 400, "unknown-parameter", "'x'"),
    ])
    func errorsNameWhatIsWrong(target: String, status: Int, problem: String, detail: String) async throws {
        try await withHTTP { peer in
            let reply = try await peer.get(target)
            #expect(reply.status == status && reply.problem == problem, "\(reply)")
            #expect((reply.json["detail"] as? String)?.contains(detail) == true, "\(reply)")
            #expect(reply.json["status"] as? Int == status && reply.json["title"] is String)
        }
    }

    @Test func aWrongMethodIsToldWhichOnesThereAre() async throws {
        try await withHTTP { peer in
            let reply = try await peer.send("DELETE", "/v1/daily")
            #expect(reply.status == 405 && reply.headers["allow"] == "GET, HEAD")
            #expect(try await peer.get("/v1/transactions").headers["allow"] == "POST")
        }
    }

    /// A page in a browser reaches a loopback address under any name that it controls.
    @Test func onLoopbackRequestsNameThisMachine() async throws {
        try await withHTTP { peer in
            for host in ["localhost", "LocalHost.:80", "127.0.0.1", "127.8.9.1:7", "[::1]:9", "[::ffff:127.0.0.1]"] {
                let reply = try await peer.get("/health/live", headers: ["Host": host])
                #expect(reply.status == 200)
            }
            for host in [
                "evil.example", "localhost.evil.example:7580", "10.0.0.1", "127.evil.example", "127.0.0.1.evil.example",
                "127.", "127.0.0.256", "127.0.0.1 evil.example", "localhost:evil.example", "[::2]", "",
            ] {
                #expect(try await peer.get("/health/live", headers: ["Host": host]).status == 421)
            }
        }
        try await withHTTP {
            $0.takesForeignHosts = true
        } _: { peer in
            let reply = try await peer.get("/health/live", headers: ["Host": "sluice.example"])
            #expect(reply.status == 200)
        }
    }

    @Test func namesAndTheReceiptOfAllAreGiven() async throws {
        try await withHTTP { peer in
            let row =
                #"{"id":"A","time":"2026-11-20T09:30:00Z","amount":"5","currency":"VND","source":"Chợ","region":"Huế"}"#
            #expect(try await peer.post(row.utf8, "application/x-ndjson").status == 200)
            let names = try await peer.get("/v1/names/source?format=csv")
            #expect(names.status == 200 && names.body == "code,name\r\n32768,Chợ\r\n", "\(names.body)")
            #expect(try await peer.get("/v1/names/region").body.contains("Huế"))
            let none = try await peer.get("/v1/names/regions")
            #expect(none.status == 404 && none.body.contains(#"did you mean \"region\"?"#), "\(none.body)")
            let receipt = try StoredReceipt(line: try await peer.get("/v1/receipt").body[...])
            #expect(receipt.chainSequence == 1 && receipt.ledger == String(peer.ledger.ledgerID, radix: 16))
        }
    }

    @Test func aPlaceThatIsTakenIsNamed() async throws {
        try await withHTTP { peer in
            await #expect(throws: ListenError.self) {
                try await withHTTP {
                    $0.doors[0].port = peer.port
                } _: { _ in
                }
            }
        }
    }
}
