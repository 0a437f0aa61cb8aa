import Foundation
import Glibc
import Ledger
import NIOPosix
import Service
import Synchronization
import Testing

/// Runs `body` against the HTTP API of a new ledger, on a free loopback port.
func withHTTP(
    configure: (inout HTTPConfiguration) -> Void = { _ in },
    _ body: (HTTPPeer) async throws -> Void
) async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-\(UUID().uuidString)").path
    let files = LedgerFiles(directory: directory)
    try files.create(timeZone: "UTC", cutoverMinutes: 0)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let ledger = try Ledger(files)
    let threads = NIOThreadPool(numberOfThreads: 1)
    threads.start()
    var configuration = HTTPConfiguration(doors: [Door(host: "127.0.0.1", port: 0)])
    configure(&configuration)
    let server = HTTPServer(ledger: ledger, configuration: configuration, threads: threads, logger: quiet)
    let failure = Mutex<(any Error)?>(nil)
    let running = Task {
        do { try await server.run() } catch { failure.withLock { $0 = error } }
    }
    func end() async {
        running.cancel()
        await running.value
        ledger.close()
        try? await threads.shutdownGracefully()
    }
    do {
        try await eventually { server.port != nil || failure.withLock { $0 != nil } }
        if let failure = failure.withLock(\.self) { throw failure }
        try await body(HTTPPeer(port: try #require(server.port), ledger: ledger))
    } catch {
        await end()
        throw error
    }
    await end()
}

/// A client that sends what it is told, byte for byte, on a connection for each request.
struct HTTPPeer {
    let port: Int
    let ledger: Ledger

    struct Reply {
        var status = 0
        /// By name in lower case.
        var headers: [String: String] = [:]
        var body = ""

        /// The body as JSON; empty when it is no object.
        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
        }

        /// The last part of a problem's type.
        var problem: String? { (json["type"] as? String)?.split(separator: ":").last.map(String.init) }
        var results: [[String: Any]] { json["results"] as? [[String: Any]] ?? [] }
        func count(_ name: String) -> Int? { json[name] as? Int }
    }

    func get(_ target: String, headers: [String: String] = [:]) async throws -> Reply {
        try await send("GET", target, headers: headers)
    }

    func post(
        _ body: some Sequence<UInt8>, _ contentType: String, _ target: String = "/v1/transactions",
        headers: [String: String] = [:]
    ) async throws -> Reply {
        try await send(
            "POST", target, headers: ["Content-Type": contentType].merging(headers) { $1 }, body: Array(body))
    }

    func send(_ method: String, _ target: String, headers: [String: String] = [:], body: [UInt8] = []) async throws
        -> Reply
    {
        let fields = ["Host": "127.0.0.1:\(port)", "Content-Length": "\(body.count)", "Connection": "close"]
            .merging(headers) { $1 }
        let head =
            "\(method) \(target) HTTP/1.1\r\n" + fields.map { "\($0.key): \($0.value)\r\n" }.sorted().joined() + "\r\n"
        return try await exchange(Array(head.utf8) + body)
    }

    /// Sends bytes and reads all that comes until the server closes; on a thread of its own, as the server needs the others.
    func exchange(_ bytes: [UInt8]) async throws -> Reply {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try blockingExchange(bytes) }) }
        }
    }

    /// Sends bytes and closes without waiting for an answer.
    func sendAndLeave(_ bytes: [UInt8]) throws {
        let descriptor = try connected()
        defer { close(descriptor) }
        send(bytes, on: descriptor)
    }

    private func blockingExchange(_ bytes: [UInt8]) throws -> Reply {
        let descriptor = try connected()
        defer { close(descriptor) }
        send(bytes, on: descriptor)
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            received += buffer[..<count]
        }
        return try reply(String(decoding: received, as: UTF8.self))
    }

    private func connected() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafeBytes(of: &address) {
            connect(
                descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        try #require(status == 0)
        return descriptor
    }

    /// Sends all, or until the server closes: one that has said enough may do so before it has read all.
    private func send(_ bytes: [UInt8], on descriptor: Int32) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
    }

    private func reply(_ text: String) throws -> Reply {
        let parts = text.components(separatedBy: "\r\n\r\n")
        var lines = parts[0].components(separatedBy: "\r\n")[...]
        var reply = Reply(body: parts.dropFirst().joined(separator: "\r\n\r\n"))
        reply.status = try #require(lines.popFirst()?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        for line in lines {
            let halves = line.split(separator: ":", maxSplits: 1)
            reply.headers[halves[0].lowercased()] = halves[1].trimmingCharacters(in: .whitespaces)
        }
        return reply
    }
}
