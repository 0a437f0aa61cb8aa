import Access
import Logging
import NIOCore
import NIOSSL

/// Where a server listens, whether it speaks TLS there, and whom it lets in.
public struct Door: Sendable {
    /// The host or address.
    public var host: String
    /// The port; 0: any free one.
    public var port: Int
    /// The certificate that the server shows; nil: no TLS.
    public var certificate: ServerCertificate?
    /// Who is let in.
    public var gate: Gate

    /// A door at `host` and `port`, without TLS and for everybody unless it is told otherwise.
    public init(host: String, port: Int, certificate: ServerCertificate? = nil, gate: Gate = .open) {
        self.host = host
        self.port = port
        self.certificate = certificate
        self.gate = gate
    }
}

extension Door {
    /// Where certificates are asked for, one that is not trusted ends the handshake: nothing else tells of it.
    func noteHandshakeFailure(_ error: any Error, of peer: String, asking subject: String, _ logger: Logger) {
        guard certificate?.asksForClientCertificates == true, case NIOSSLError.handshakeFailed(let reason) = error
        else { return }
        logger.info("TLS failed", metadata: ["peer": .string(peer), "reason": .string("\(reason)")])
        gate.noteRefusal(of: peer, subject: subject, .handshakeFailed("\(reason)"))
    }
}

/// True when a host as it is written, without a port, can only be this machine: `localhost`, or an address of the loopback
/// networks (RFC 6761, 6.3; RFC 1122, 3.2.1.3; RFC 4291, 2.5.3) in its own notation. A name that merely begins like one is
/// somebody's name.
public func isLoopback(host: some StringProtocol) -> Bool {
    if ["localhost", "localhost."].contains(host.lowercased()) { return true }
    var text = String(host)
    if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
    switch try? SocketAddress(ipAddress: text, port: 0) {
    case .v4?: return text.hasPrefix("127.")
    case .v6?: return text == "::1" || text.lowercased().hasPrefix("::ffff:127.")
    default: return false
    }
}

extension SocketAddress {
    /// `ADDRESS:PORT`, with brackets around colons.
    var text: String {
        guard let ipAddress, let port else { return description }
        return ipAddress.contains(":") ? "[\(ipAddress)]:\(port)" : "\(ipAddress):\(port)"
    }
}

extension ChannelPipeline.SynchronousOperations {
    /// The names of the certificate that the other side proved to have; none without one, or without TLS. After the handshake.
    func certificateNames() -> [String] {
        guard let certificate = try? nioSSL_peerCertificate() else { return [] }
        return names(of: certificate)
    }
}
