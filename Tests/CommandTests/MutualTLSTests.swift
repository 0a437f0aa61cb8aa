import Foundation
import Testing

/// Clients that are known by their certificates, over HTTP and with the Python client; and what is told of those that are not.
@Suite struct MutualTLSTests {
    /// An authority `gateways`, its certificate `gate` for a client, one of another authority, and the daemon's own.
    private static let certificates = """
        set -e; cd "$1"
        key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        openssl req -x509 $key -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.pem
        for authority in gateways others; do
            openssl req -x509 $key -days 30 -subj /CN=$authority -keyout $authority.key -out $authority.pem
        done
        printf 'subjectAltName=DNS:gate.example\nextendedKeyUsage=clientAuth\n' > ext
        for pair in gate:gateways rogue:others; do
            name=${pair%:*} authority=${pair#*:}
            openssl req $key -subj /CN=gate.example -keyout $name.key -out $name.csr
            openssl x509 -req -in $name.csr -CA $authority.pem -CAkey $authority.key -CAcreateserial -days 30 -extfile ext -out $name.pem
        done
        """

    private static let client = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "tools/sluice.py").path

    private func withDaemon(
        _ options: [String] = [], _ work: (Workshop, _ stream: String, _ https: String) async throws -> Void
    ) async throws {
        try await Workshop.open { workshop in
            let made = try await workshop.run(program: ["/bin/sh", "-c", Self.certificates, "sh", workshop.path])
            #expect(made.code == 0, "\(made.errors)")
            #expect(try await workshop.run("init", "--data", workshop.data).code == 0)
            let granted = try await workshop.run(
                "token", "create", "--data", workshop.data, "--name", "gate", "--certificate", "gate.example", "--send",
                "shop", "--read")
            #expect(granted.code == 0, "\(granted.errors)")
            let process = try workshop.start(
                program: [
                    Workshop.executable, "serve", "--data", workshop.data, "--listen", "127.0.0.1:0", "--listen-tls",
                    "127.0.0.1:0", "--https", "127.0.0.1:0", "--certificate", workshop.path + "/server.pem", "--key",
                    workshop.path + "/server.key", "--client-ca", workshop.path + "/gateways.pem",
                ] + options)
            var ports: [Substring] = []
            for _ in 0..<12_000 where ports.count < 3 {
                ports = process.standardOutput.split(separator: "\n").compactMap { $0.split(separator: ":").last }
                try await Task.sleep(for: .milliseconds(5))
            }
            try #require(ports.count == 3, "\(process.standardError)")
            try await work(workshop, "localhost:\(ports[1])", "https://localhost:\(ports[2])")
            process.signal(SIGTERM)
            #expect(try await process.wait() == 0, "\(process.standardError)")
        }
    }

    private func curl(
        _ workshop: Workshop, _ place: String, certificate: String?, _ arguments: String...
    ) async throws -> Workshop.Outcome {
        let own = certificate.map { ["--cert", "\(workshop.path)/\($0).pem", "--key", "\(workshop.path)/\($0).key"] }
        return try await workshop.run(
            program: ["/usr/bin/curl", "-sS", "--cacert", workshop.path + "/server.pem"] + (own ?? []) + [place]
                + arguments)
    }

    private func audited(_ workshop: Workshop, _ text: String) async throws -> [Substring] {
        for _ in 0..<1000 {
            let lines = try String(contentsOfFile: workshop.data + "/audit.log", encoding: .utf8).split(separator: "\n")
                .filter { $0.contains(text) }
            if !lines.isEmpty { return lines }
            try await Task.sleep(for: .milliseconds(5))
        }
        return []
    }

    @Test func aCertificateWithAGrantMaySendAndReadOverHTTP() async throws {
        try await withDaemon { workshop, _, https in
            let row = #"[{"id":"A","time":"2026-11-20T09:30:00Z","amount":"5","currency":"VND","source":"shop"}]"#
            let sent = try await curl(
                workshop, https + "/v1/transactions", certificate: "gate", "-H", "Content-Type: application/json", "-d",
                row)
            #expect(try sent.object()["accepted"] as? Int == 1, "\(sent.output)\(sent.errors)")
            let read = try await curl(workshop, https + "/v1/daily?format=csv", certificate: "gate")
            #expect(read.rows.count == 1)
            let operated = try await curl(workshop, https + "/metrics", certificate: "gate")
            #expect(operated.output.contains("does not have the scope operate"))
        }
    }

    @Test func aHandshakeThatFailsOverHTTPIsNoted() async throws {
        try await withDaemon { workshop, _, https in
            for certificate in ["rogue", nil] {
                let refused = try await curl(workshop, https + "/v1/daily", certificate: certificate)
                #expect(refused.code != 0 && refused.output.isEmpty)
            }
            let lines = try await audited(workshop, "TLS failed")
            #expect(lines.count >= 1 && lines.allSatisfy { $0.contains(#""subject":"HTTP""#) }, "\(lines)")
        }
    }

    @Test func thePythonClientShowsItsCertificate() async throws {
        try await withDaemon { workshop, stream, _ in
            let file = try workshop.write("rows.csv", "id,time,amount,currency\nA,2026-11-20T09:30:00Z,5,VND\n")
            func send(_ certificate: String) async throws -> Workshop.Outcome {
                try await workshop.run(
                    program: [
                        "/usr/bin/python3", Self.client, "send", "--to", stream, "--source", "shop", "--json", "--tls",
                        "--ca", workshop.path + "/server.pem", "--patience", "1", "--cert",
                        "\(workshop.path)/\(certificate).pem", "--key", "\(workshop.path)/\(certificate).key", file,
                    ])
            }
            let sent = try await send("gate")
            #expect(try sent.object()["accepted"] as? Int == 1, "\(sent.errors)")
            #expect(try await send("rogue").code != 0)
            #expect(try await audited(workshop, #""subject":"stream""#).count >= 1)
        }
    }

    /// Who speaks without TLS where it is spoken learns what may be wrong.
    @Test func whoForgetsTLSIsToldOfIt() async throws {
        try await withDaemon { workshop, stream, _ in
            let file = try workshop.write(
                "rows.csv", "id,time,amount,currency,source\nA,2026-11-20T09:30:00Z,5,VND,shop\n")
            let python = ["/usr/bin/python3", Self.client, "send", "--to", stream, "--source", "shop", file]
            for command in [python, [Workshop.executable, "load", file, "--server", stream]] {
                let refused = try await workshop.run(program: command)
                #expect(
                    refused.code == 69 && refused.errors.contains("perhaps TLS is spoken there"), "\(refused.errors)")
            }
        }
    }

    /// A request that trickles in behind TLS has no longer than another.
    @Test func aHeadThatDoesNotEndIsCutOffBehindTLS() async throws {
        try await withDaemon(["--idle-seconds", "1"]) { workshop, _, https in
            let port = https.split(separator: ":").last!
            let slow = try await workshop.run(
                program: [
                    "/bin/sh", "-c",
                    """
                    (printf 'GET /v1/daily HTTP/1.1\\r\\nHost: localhost\\r\\nX: '; for i in $(seq 300); do printf x; sleep 0.1; done) |
                        timeout 60 openssl s_client -quiet -connect localhost:\(port) -CAfile "$1/server.pem" -cert "$1/gate.pem" -key "$1/gate.key" 2> /dev/null
                    echo "ended $?"
                    """, "sh", workshop.path,
                ])
            #expect(slow.output.hasPrefix("ended") && !slow.output.contains("HTTP/1.1 200"), "\(slow.output)")
            #expect(!slow.output.contains("ended 124"))
        }
    }
}
