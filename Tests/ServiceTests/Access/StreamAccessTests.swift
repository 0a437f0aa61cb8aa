import Access
import Foundation
import Service
import SluiceClient
import StreamProtocol
import Synchronization
import Testing

/// What the stream protocol asks of a client before its hello is answered.
@Suite struct StreamAccessTests {
    private func withGate(
        certificate: ServerCertificate? = nil, _ body: (StreamServer, MemoryEngine, Desk) async throws -> Void
    ) async throws {
        let desk = try Desk()
        try await withServer { configuration in
            configuration.doors = [Door(host: "127.0.0.1", port: 0, certificate: certificate, gate: desk.gate)]
        } _: { server, engine in
            try await body(server, engine, desk)
        }
    }

    private func credentials(_ text: String) -> [UInt8] {
        frames { Credentials(token: Array(text.utf8)).encode(to: &$0) }
    }

    private func refusal(_ server: StreamServer, _ bytes: [UInt8]) async throws -> String {
        let peer = try RawPeer(port: try #require(server.port))
        try await peer.send(bytes)
        let frame = try await peer.expect(.error)
        #expect(frame.errorCode == .refusedCredentials)
        return frame.text
    }

    @Test func onlyThoseWhoAreKnownGetAWelcome() async throws {
        try await withGate { server, engine, desk in
            let token = try desk.grant("gate", [.send(source: "#7"), .send(source: "shop")])
            let expired = try desk.grant("old", [.sendAll], expires: Date(timeIntervalSince1970: 1))
            #expect(try await refusal(server, helloFrame()).contains("no credentials"))
            #expect(try await refusal(server, credentials(BearerToken().text) + helloFrame()).contains("not known"))
            #expect(try await refusal(server, credentials(expired.text) + helloFrame()).contains("expired"))
            #expect(try await refusal(server, credentials("4111111111111111")).contains("4111") == false)
            for source in [SourceRequest.code(8), .name("bank")] {
                let text = try await refusal(server, credentials(token.text) + helloFrame([.code(7), source]))
                #expect(text.contains("gate may not send"), "\(text)")
            }
            #expect(engine.submitted.isEmpty)
            #expect(try desk.lines().filter { $0["act"] as? String == "access.refused" }.count == 6)

            let results = Results()
            var configuration = configuration()
            configuration.token = token.text
            let client = try await SluiceClient.connect(
                to: .tcp(host: "127.0.0.1", port: server.port!), configuration: configuration, onResult: results.add)
            try await client.send((1...3000).map { record(UInt64($0)) })
            try await client.finish()
            #expect(results.acceptedCount == 3000)
        }
    }

    @Test func namesOfForeignSourcesAreNotGivenOut() async throws {
        try await withGate { server, _, desk in
            let peer = try RawPeer(port: try #require(server.port))
            let token = try desk.grant("gate", [.send(source: "shop")])
            try await peer.send(credentials(token.text) + helloFrame([.name("shop")]))
            _ = try await peer.expect(.welcome)
            try await peer.send(
                frames { NamesRequest(number: 1, names: [.init(.payee, "x"), .init(.source, "bank")]).encode(to: &$0) })
            #expect(try await peer.expect(.failed).text.contains("bank"))
            try await peer.send(frames { NamesRequest(number: 2, names: [.init(.source, "shop")]).encode(to: &$0) })
            _ = try await peer.expect(.codes)

            let reader = try RawPeer(port: try #require(server.port))
            try await reader.send(credentials(try desk.grant("reader", [.read]).text) + helloFrame([]))
            _ = try await reader.expect(.welcome)
            try await reader.send(frames { AccountsRequest(number: 1, accounts: [[1]]).encode(to: &$0) })
            _ = try await reader.expect(.failed)
        }
    }

    @Test func aTokenThatIsTakenBackEndsItsConnections() async throws {
        try await withGate { server, _, desk in
            let (token, other) = (try desk.grant("gate", [.sendAll]), try desk.grant("other", [.sendAll]))
            func open(_ token: BearerToken) async throws -> RawPeer {
                let peer = try RawPeer(port: try #require(server.port))
                try await peer.send(credentials(token.text) + helloFrame())
                _ = try await peer.expect(.welcome)
                return peer
            }
            let (first, second) = (try await open(token), try await open(other))
            try desk.file.change { $0[0].revoked = Date() }
            #expect(try desk.control.refresh())
            server.recheckAccess()
            let fault = try await first.expect(.error)
            #expect(fault.errorCode == .refusedCredentials)
            try await second.send(batchFrame(1, [record(1)]))
            _ = try await second.expect(.receipt)
        }
    }

    @Test func connectionsAndRatesOfAClientAreBounded() async throws {
        try await withGate { server, engine, desk in
            let token = try desk.grant("gate", [.sendAll], connections: 1, recordsPerSecond: 1)
            func open() async throws -> RawPeer {
                let peer = try RawPeer(port: try #require(server.port))
                try await peer.send(credentials(token.text) + helloFrame())
                return peer
            }
            let first = try await open()
            _ = try await first.expect(.welcome)
            #expect(try await open().expect(.error).errorCode == .tooManyConnections)

            try await first.send(batchFrame(1, [record(1), record(2), record(3)]) + batchFrame(2, [record(4)]))
            _ = try await first.expect(.receipt)
            #expect(engine.submitted.count == 1, "the second waits for its turn")
            _ = try await first.expect(.receipt)
            #expect(engine.order.count == 4)
        }
    }

    @Test func behindTLSEverythingIsAsBefore() async throws {
        let files = try Desk()
        let authority = try TestAuthority("authority", in: files.directory)
        let certificate = try ServerCertificate(try authority.issue("server", names: ["localhost"])) { _ in }
        try await withGate(certificate: certificate) { server, engine, desk in
            let token = try desk.grant("gate", [.sendAll])
            func connect(
                _ host: String, trusting authority: TestAuthority?, serverName: String? = nil,
                onResult: @escaping @Sendable (BatchResult) -> Void = { _ in }
            ) async throws -> SluiceClient {
                var configuration = configuration()
                configuration.token = token.text
                if let authority {
                    configuration.tls = ClientTLS()
                    configuration.tls?.authorityFile = authority.file
                    configuration.tls?.serverName = serverName
                }
                return try await SluiceClient.connect(
                    to: .tcp(host: host, port: server.port!), configuration: configuration, onResult: onResult)
            }
            let results = Results()
            let client = try await connect("localhost", trusting: authority, onResult: results.add)
            try await client.send((1...20_000).map { record(UInt64($0)) })
            try await client.finish()
            #expect(results.acceptedCount == 20_000 && engine.order.count == 20_000)
            try await connect("127.0.0.1", trusting: authority, serverName: "localhost").finish()

            // Who does not trust the authority, finds another name in the certificate, or speaks no TLS, gets nothing.
            let stranger = try TestAuthority("stranger", in: files.directory)
            await #expect(throws: ClientError.self) { try await connect("localhost", trusting: stranger) }
            await #expect(throws: ClientError.self) { try await connect("127.0.0.1", trusting: authority) }
            await #expect(throws: ClientError.self) {
                try await connect("127.0.0.1", trusting: authority, serverName: "other.example")
            }
            await #expect(throws: ClientError.self) { try await connect("localhost", trusting: nil) }
        }
    }

    @Test func faultsAreReadBehindTLSToo() async throws {
        let files = try Desk()
        let authority = try TestAuthority("authority", in: files.directory)
        let certificate = try ServerCertificate(try authority.issue("server")) { _ in }
        try await withGate(certificate: certificate) { server, _, _ in
            var configuration = configuration()
            configuration.token = BearerToken().text
            configuration.tls = ClientTLS()
            configuration.tls?.authorityFile = authority.file
            do {
                _ = try await SluiceClient.connect(
                    to: .tcp(host: "127.0.0.1", port: server.port!), configuration: configuration)
                Issue.record("an unknown token was taken")
            } catch {
                guard case ClientError.refused(let fault) = error else { throw error }
                #expect(fault.code == .refusedCredentials)
            }
        }
    }

    @Test func clientsAreKnownByTheirCertificates() async throws {
        let files = try Desk()
        let authority = try TestAuthority("authority", in: files.directory)
        var paths = try authority.issue("server")
        paths.clientAuthority = authority.file
        let certificate = try ServerCertificate(paths) { _ in }
        try await withGate(certificate: certificate) { server, _, desk in
            try desk.grant("gate", certificate: "gate.example", [.send(source: "#7")])
            func connect(_ client: ServerCertificate.Files?) async throws {
                var configuration = configuration()
                configuration.tls = ClientTLS()
                configuration.tls?.authorityFile = authority.file
                configuration.tls?.certificateFile = client?.certificate
                configuration.tls?.keyFile = client?.key
                configuration.reconnectMilliseconds = 0
                try await SluiceClient.connect(
                    to: .tcp(host: "127.0.0.1", port: server.port!), configuration: configuration
                ).finish()
            }
            try await connect(try authority.issue("gate", names: ["gate.example"]))
            try await connect(try authority.issue("gate.example", hasAlternatives: false))
            // Beside alternative names, which authorities check, a common name says nothing.
            let unknown = try authority.issue("gate.example", names: ["unknown.example"])
            await #expect(throws: ClientError.self) { try await connect(unknown) }
            #expect(try desk.lines().last?["detail"].map { "\($0)".contains("unknown.example") } == true)
            await #expect(throws: ClientError.self) { try await connect(nil) }
            try await eventually {
                (try? desk.lines().contains { "\($0["detail"] ?? "")".hasPrefix("TLS failed") }) == true
            }
            let rogue = try TestAuthority("rogue", in: files.directory).issue("rogue", names: ["gate.example"])
            await #expect(throws: ClientError.self) { try await connect(rogue) }
        }
    }

    @Test func anotherCertificateIsShownWithoutARestart() async throws {
        let files = try Desk()
        let authorities = [
            try TestAuthority("first", in: files.directory), try TestAuthority("second", in: files.directory),
        ]
        let reloads = Mutex<[Bool]>([])
        let certificate = try ServerCertificate(try authorities[0].issue("server")) { result in
            reloads.withLock { $0.append((try? result.get()) != nil) }
        }
        try await withGate(certificate: certificate) { server, _, desk in
            let token = try desk.grant("gate", [.sendAll])
            func canConnect(trusting authority: TestAuthority) async -> Bool {
                var configuration = configuration()
                configuration.token = token.text
                configuration.tls = ClientTLS()
                configuration.tls?.authorityFile = authority.file
                let client = try? await SluiceClient.connect(
                    to: .tcp(host: "127.0.0.1", port: server.port!), configuration: configuration)
                return (try? await client?.finish()) != nil
            }
            #expect(await canConnect(trusting: authorities[0]))
            _ = try authorities[1].issue("server")
            try certificate.reload()
            #expect(await canConnect(trusting: authorities[1]))
            #expect(await !canConnect(trusting: authorities[0]))
            try "none".write(toFile: files.directory + "/server.pem", atomically: true, encoding: .utf8)
            #expect(throws: (any Error).self) { try certificate.reload() }
            #expect(await canConnect(trusting: authorities[1]))
            #expect(reloads.withLock(\.self) == [true, false])
        }
    }

    @Test func filesThatDoNotFitAreNamed() throws {
        let desk = try Desk()
        let authority = try TestAuthority("authority", in: desk.directory)
        let (one, two) = (try authority.issue("one"), try authority.issue("two"))
        let none = desk.directory + "/none.pem"
        for (files, named) in [
            (ServerCertificate.Files(certificate: one.certificate, key: two.key), one.certificate),
            (.init(certificate: none, key: one.key), none),
            (.init(certificate: one.certificate, key: one.key, clientAuthority: none), none),
        ] {
            let error = #expect(throws: CertificateError.self) { try ServerCertificate(files) { _ in } }
            #expect(error?.description.contains(named) == true)
        }
    }
}
