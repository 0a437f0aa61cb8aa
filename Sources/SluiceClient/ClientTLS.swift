import NIOSSL

/// How a client knows a server by its certificate, and is known by its own. TLS 1.2 and later.
public struct ClientTLS: Sendable {
    /// A PEM file of the authorities that sign servers; nil: those that the system trusts.
    public var authorityFile: String?
    /// A PEM file with this client's certificate and those between it and its authority; nil: it has none.
    public var certificateFile: String?
    /// A PEM file with the certificate's private key.
    public var keyFile: String?
    /// The name that the server's certificate must have; nil: the host that is connected to.
    public var serverName: String?

    /// Trusts what the system trusts.
    public init() {}

    /// Reads the files.
    /// - Throws: `ClientError.invalidArgument` that names the file which cannot be used.
    func context() throws(ClientError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorityFile {
            configuration.trustRoots = .certificates(
                try ClientTLS.read(authorityFile, "certificates of authorities") {
                    try NIOSSLCertificate.fromPEMFile($0)
                })
        }
        if let certificateFile {
            configuration.certificateChain = try ClientTLS.read(certificateFile, "a certificate") {
                try NIOSSLCertificate.fromPEMFile($0).map { .certificate($0) }
            }
            configuration.privateKey = .privateKey(
                try ClientTLS.read(keyFile ?? certificateFile, "a private key") {
                    try NIOSSLPrivateKey(file: $0, format: .pem)
                })
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .invalidArgument("TLS: the certificate and the key do not fit together")
        }
    }

    private static func read<Content>(
        _ path: String, _ expected: String, _ read: (String) throws -> Content
    ) throws(ClientError) -> Content {
        do {
            return try read(path)
        } catch {
            throw .invalidArgument("TLS: cannot read \(path), expected \(expected) in PEM")
        }
    }

    /// Why a connection failed, for people: the library's own words name its sources.
    static func reason(of error: any Error) -> String {
        switch error {
        case NIOSSLError.handshakeFailed:
            "the TLS handshake failed: is the server's certificate of an authority that is trusted here, and TLS spoken there?"
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            "the server's certificate is for another name"
        default: "\(error)"
        }
    }
}
