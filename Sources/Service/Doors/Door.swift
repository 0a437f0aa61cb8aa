import Access
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
