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
    func context() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorityFile { configuration.trustRoots = .file(authorityFile) }
        if let certificateFile {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificateFile).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(file: keyFile ?? certificateFile, format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }
}
