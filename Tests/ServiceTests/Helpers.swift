import Foundation
import Logging
import Service
import StreamProtocol
import Testing
import Transactions

func record(_ id: UInt64, source: UInt16 = 7) -> Record {
    Record(
        id: RecordID(low: id, high: 1), timeMicroseconds: 1_750_000_000_000_000, amountMinorUnits: 125_000,
        currency: .vnd, source: source)
}

func frames(_ encode: (inout FrameEncoder) -> Void) -> [UInt8] {
    var encoder = FrameEncoder()
    encode(&encoder)
    return encoder.bytes
}

func helloFrame(_ sources: [SourceRequest] = [.code(7)]) -> [UInt8] {
    frames { Hello(clientName: "test", sources: sources).encode(to: &$0) }
}

func batchFrame(_ number: UInt64, _ records: [Record]) -> [UInt8] {
    let payload = records.withUnsafeBytes { Array($0) }
    var bytes = [UInt8](repeating: 0, count: Wire.headerByteCount) + payload
    let checksum = payload.withUnsafeBytes { checksum32C($0) }
    bytes.withUnsafeMutableBytes {
        FrameHeader.batch(number: number, count: records.count, payloadChecksum: checksum).encode(into: $0)
    }
    return bytes
}

/// Runs `body` against a server that listens on a free loopback port and, for `local`, on a Unix socket.
func withServer(
    engine: MemoryEngine = MemoryEngine(), local: Bool = false,
    configure: (inout ServiceConfiguration) -> Void = { _ in },
    query: @escaping QueryHandler = { $0 },
    _ body: (StreamServer, MemoryEngine) async throws -> Void
) async throws {
    var configuration = ServiceConfiguration(doors: [Door(host: "127.0.0.1", port: 0)])
    if local { configuration.unixSocketPath = temporarySocketPath() }
    configuration.drainMilliseconds = 200
    configuration.lingerMilliseconds = 200
    configure(&configuration)
    let server = StreamServer(engine: engine, configuration: configuration, logger: quiet, query: query)
    try await server.start()
    do {
        try await body(server, engine)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

extension ServiceConfiguration {
    /// As a server that is killed and comes back at the same port.
    mutating func dieAtOnce(onPort port: Int) {
        doors[0].port = port
        drainMilliseconds = 0
    }
}

/// A connection whose session is open.
func openPeer(_ server: StreamServer, sources: [SourceRequest] = [.code(7)]) async throws -> RawPeer {
    let peer = try RawPeer(port: try #require(server.port))
    try await peer.send(helloFrame(sources))
    _ = try await peer.expect(.welcome)
    return peer
}

func temporarySocketPath() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("sluice-\(UUID().uuidString.prefix(8)).sock").path
}

let quiet: Logger = {
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    return logger
}()

/// Waits until `condition` holds; at most ten seconds.
func eventually(
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () -> Bool
) async throws {
    for _ in 0..<10_000 {
        if condition() { return }
        try await Task.sleep(for: .milliseconds(1))
    }
    Issue.record("it never came true", sourceLocation: sourceLocation)
}

/// What the process says on its standard error while `body` runs; it must fit into a pipe.
func standardError(during body: () async throws -> Void) async throws -> String {
    let pipe = Pipe()
    let saved = dup(2)
    dup2(pipe.fileHandleForWriting.fileDescriptor, 2)
    let result: Result<Void, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    dup2(saved, 2)
    close(saved)
    try pipe.fileHandleForWriting.close()
    let said = try pipe.fileHandleForReading.readToEnd() ?? Data()
    try result.get()
    return String(decoding: said, as: UTF8.self)
}
