import Chance
import Glibc
import StreamProtocol
import Testing
import Transactions

/// A client that sends what it is told to, byte for byte, right or wrong.
final class StreamPeer {
    /// A frame of the server.
    struct Answer {
        var kind: FrameKind
        var number: UInt64
        var count: Int
        var flags: UInt16
        var payload: [UInt8]

        func integer<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: T.Type) -> T {
            payload.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
        }

        /// Accepted, duplicates, conflicts and rejected of a receipt.
        var counts: LoadCounts {
            let fields = stride(from: 0, to: 16, by: 4).map { Int(integer($0, UInt32.self)) }
            return LoadCounts(fields[0], fields[1], fields[2], fields[3])
        }

        /// Index, reason and field of each exception of a receipt.
        var exceptions: [[Int]] {
            (0..<count).map { item in
                let offset = 64 + 4 * item
                return [Int(integer(offset, UInt16.self)), Int(payload[offset + 2]), Int(payload[offset + 3])]
            }
        }

        /// The code of an error, the cause of a refusal.
        var code: Int { Int(integer(0, UInt16.self)) }
        /// Where in the stream an error was found.
        var place: UInt64 { integer(8, UInt64.self) }
        /// The text of an error, a refusal or a failure.
        var text: String {
            let (start, length) = kind == .error ? (16, integer(4, UInt16.self)) : (8, integer(2, UInt16.self))
            return String(decoding: payload[start..<start + Int(length)], as: UTF8.self)
        }
    }

    struct Lost: Error {}

    private let descriptor: Int32
    private var received: [UInt8] = []
    /// Bytes of the stream that were sent.
    private(set) var sentByteCount: UInt64 = 0

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        let result = withUnsafeBytes(of: &address) {
            connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        guard result == 0 else { throw Lost() }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var isOn: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, 4)
    }

    deinit { close(descriptor) }

    /// This end's port.
    var localPort: Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutableBytes(of: &address) {
            getsockname(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
        }
        return Int(in_port_t(bigEndian: address.sin_port))
    }

    /// Connects and says hello for sources by their codes; the welcome has come.
    static func open(_ daemon: Daemon, sources: [UInt16] = [1]) async throws -> StreamPeer {
        let peer = try StreamPeer(port: daemon.port)
        try await peer.send(helloFrame(sources))
        _ = try await peer.expect(.welcome)
        return peer
    }

    /// Sends everything.
    /// - Throws: `Lost` when the other side is gone.
    func send(_ bytes: [UInt8]) async throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno != EAGAIN { throw Lost() }
            if count > 0 { sent += count } else { try await Task.sleep(for: .milliseconds(1)) }
        }
        sentByteCount += UInt64(bytes.count)
    }

    /// The next frame, when one has come whole; nil also when the other side is gone.
    func poll() throws -> Answer? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 { received += buffer[..<count] }
        isAtEnd = count == 0 || count < 0 && errno != EAGAIN
        guard received.count >= 32 else { return nil }
        let header = try received.withUnsafeBytes { try FrameHeader(decoding: $0) }
        guard received.count >= header.frameByteCount else { return nil }
        let payload = Array(received[32..<header.frameByteCount])
        received.removeFirst(header.frameByteCount)
        #expect(payload.withUnsafeBytes { checksum32C($0) } == header.payloadChecksum)
        return Answer(
            kind: header.kind, number: header.number, count: header.count, flags: header.flags, payload: payload)
    }

    private var isAtEnd = false

    /// The next frame; nil when the other side closed.
    func receive() async throws -> Answer? {
        for _ in 0..<30_000 {
            if let answer = try poll() { return answer }
            if isAtEnd { return nil }
            try await Task.sleep(for: .milliseconds(1))
        }
        Issue.record("nothing came for half a minute")
        return nil
    }

    /// The next frame, which must be of `kind`.
    func expect(_ kind: FrameKind, sourceLocation: SourceLocation = #_sourceLocation) async throws -> Answer {
        let answer = try #require(try await receive(), "closed, expected \(kind)", sourceLocation: sourceLocation)
        let text = [.error, .refused, .failed].contains(answer.kind) ? answer.text : ""
        try #require(answer.kind == kind, "\(text)", sourceLocation: sourceLocation)
        return answer
    }

    /// Sends records as one batch and waits for its receipt.
    func exchange(_ number: UInt64, _ records: [Record]) async throws -> Answer {
        try await send(batchFrame(number, records))
        let receipt = try await expect(.receipt)
        #expect(receipt.number == number)
        return receipt
    }

    /// Says goodbye, and expects the same and the end.
    func finish() async throws {
        try await send(frame(kind: 12))
        _ = try await expect(.goodbye)
        #expect(try await receive() == nil)
    }
}

extension StreamPeer.Answer: Equatable {}

/// A frame by `docs/protocol.md`, right in itself.
func frame(kind: UInt8, flags: UInt16 = 0, number: UInt64 = 0, count: Int = 0, payload: [UInt8] = []) -> [UInt8] {
    var bytes: [UInt8] = [0x53, 0x4C, 0x55, 0x49, 1, kind]
    bytes += littleEndian(flags) + littleEndian(UInt32(payload.count))
    bytes += littleEndian(payload.withUnsafeBytes { checksum32C($0) })
    bytes += littleEndian(number) + littleEndian(UInt32(count))
    return sealed(bytes + [0, 0, 0, 0]) + payload
}

/// A frame whose header got its checksum anew.
func sealed(_ frame: [UInt8]) -> [UInt8] {
    let checksum = frame[..<28].withUnsafeBytes { checksum32C($0) }
    return frame[..<28] + littleEndian(checksum) + frame[32...]
}

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

/// A hello for sources by their codes.
func helloFrame(_ sources: [UInt16]) -> [UInt8] {
    var payload: [UInt8] = [4, 0, 0, 0, 0, 0, 0, 0] + Array("test".utf8)
    for source in sources { payload += littleEndian(source) + [0, 0] }
    payload += [UInt8](repeating: 0, count: (8 - payload.count % 8) % 8)
    return frame(kind: 1, count: sources.count, payload: payload)
}

func batchFrame(_ number: UInt64, _ records: [Record]) -> [UInt8] {
    frame(
        kind: 3, flags: 0x4001, number: number, count: records.count, payload: records.withUnsafeBytes { Array($0) })
}

/// The test's record number `index`, 1 or more: a payment of `index` dong on one of five days of January 2024, with an id
/// that looks random and does not compress.
func payment(_ index: Int, source: UInt16 = 1) -> Record {
    var bits = SeededGenerator(seed: UInt64(index))
    return Record(
        id: RecordID(low: bits.next(), high: bits.next()),
        timeMicroseconds: 1_704_067_200_000_000 + Int64(index % 5) * 86_400_000_000 + Int64(index) * 1000,
        amountMinorUnits: Int64(index), currency: Currency(code: "VND")!, source: source)
}
