import Glibc
import StreamProtocol
import Testing
import Transactions

/// One end of a connection that sends what it is told to, byte for byte, right or wrong.
final class RawPeer {
    struct Received {
        var kind: FrameKind
        var header: FrameHeader
        var payload: [UInt8]

        /// An unsigned number of the payload.
        func integer<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: T.Type) -> T {
            payload.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
        }

        /// The text of an error, refused or failed frame.
        var text: String {
            let (start, count) = kind == .error ? (16, integer(4, UInt16.self)) : (8, integer(2, UInt16.self))
            return String(decoding: payload[start..<start + Int(count)], as: UTF8.self)
        }

        var errorCode: ProtocolFault.Code? { kind == .error ? .init(rawValue: integer(0, UInt16.self)) : nil }
    }

    struct CannotConnect: Error {}

    private let descriptor: Int32
    private var assembler = FrameAssembler()
    private var pending: [Received] = []
    private var isAtEnd = false

    /// Takes over a connected socket.
    init(descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    /// Connects to a port on the loopback address.
    convenience init(port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: port)
        let result = withUnsafeBytes(of: &address) {
            connect(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
        guard result == 0 else {
            Glibc.close(descriptor)
            throw CannotConnect()
        }
        self.init(descriptor: descriptor)
    }

    deinit { Glibc.close(descriptor) }

    /// Writes as much as fits at once; how much that was.
    func sendWhatFits(_ bytes: [UInt8]) -> Int {
        max(0, Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)))
    }

    func send(_ bytes: [UInt8]) async throws {
        var sent = 0
        while sent < bytes.count {
            let count = sendWhatFits(Array(bytes[sent...]))
            sent += count
            if count == 0 { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    /// The next frame; nil when the other side closed.
    func receive() async throws -> Received? {
        for _ in 0..<10_000 {
            if !pending.isEmpty { return pending.removeFirst() }
            if isAtEnd { return nil }
            if try !readSome() { try await Task.sleep(for: .milliseconds(1)) }
        }
        Issue.record("nothing came for ten seconds")
        return nil
    }

    /// The next frame, which must be of `kind`.
    func expect(_ kind: FrameKind, sourceLocation: SourceLocation = #_sourceLocation) async throws -> Received {
        let received = try await receive()
        let frame = try #require(received, "closed, expected \(kind)", sourceLocation: sourceLocation)
        #expect(frame.kind == kind, "\(frame.text(of: kind))", sourceLocation: sourceLocation)
        return frame
    }

    /// The next thing must be the end of the stream.
    func expectEnd(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let frame = try await receive()
        #expect(frame == nil, "\(frame.map { "\($0.kind)" } ?? "")", sourceLocation: sourceLocation)
    }

    /// Cuts the connection as a crash would: the other side gets a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func readSome() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count == 0 || count < 0 && errno != EAGAIN { isAtEnd = true }
        guard count > 0 else { return false }
        try buffer[..<count].withUnsafeBytes { chunk in
            var offset = 0
            while let frame = try assembler.next(in: chunk, at: &offset) {
                pending.append(Received(kind: frame.header.kind, header: frame.header, payload: Array(frame.payload)))
            }
        }
        return true
    }
}

extension RawPeer.Received {
    fileprivate func text(of expected: FrameKind) -> String {
        kind == expected || ![.error, .refused, .failed].contains(kind) ? "" : text
    }
}

/// 127.0.0.1 and a port.
func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    return address
}

/// Listens on a free port of the loopback address, and hands out what connects.
final class RawListener {
    private let descriptor: Int32
    let port: Int

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: 0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeBytes(of: &address) {
            bind(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), size)
        }
        try #require(bound == 0 && listen(descriptor, 8) == 0)
        var actualSize = size
        _ = withUnsafeMutableBytes(of: &address) {
            getsockname(descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &actualSize)
        }
        port = Int(in_port_t(bigEndian: address.sin_port))
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    func accept() async throws -> RawPeer {
        for _ in 0..<10_000 {
            let connection = Glibc.accept(descriptor, nil, nil)
            if connection >= 0 { return RawPeer(descriptor: connection) }
            try await Task.sleep(for: .milliseconds(1))
        }
        throw CancellationError()
    }
}
