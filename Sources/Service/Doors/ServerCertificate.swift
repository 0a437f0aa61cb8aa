import Foundation
import Logging
import NIOCertificateReloading
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The certificate that the daemon shows, and the authorities whose clients it takes: TLS 1.3 and 1.2, with ciphers that keep
/// what was said secret also from who gets the key later.
///
/// As a service it looks at the files again every few seconds: connections that are made from then on see the new certificate,
/// those that are open stay as they are. Files that do not fit together change nothing and are told of in the log.
public final class ServerCertificate: ServiceLifecycle.Service {
    /// Where certificate, key and authorities are, in PEM.
    public struct Files: Sendable {
        /// The certificate, and those between it and its authority.
        public var certificate: String
        /// Its private key.
        public var key: String
        /// The authorities of clients: with them every client must have a certificate. nil: clients need none.
        public var clientAuthority: String?

        /// The files of a certificate.
        public init(certificate: String, key: String, clientAuthority: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.clientAuthority = clientAuthority
        }
    }

    /// How connections are made, for each of them.
    public let configuration: TLSConfiguration
    /// True when every client shows a certificate.
    public let asksForClientCertificates: Bool
    let context: NIOSSLContext
    private let reloader: TimedCertificateReloader

    /// Reads the files.
    /// - Parameters:
    ///   - reloadSeconds: how often they are looked at.
    ///   - onReload: is told what came of a look that found another certificate, or failed.
    /// - Throws: `CertificateError`, when they cannot be read or do not fit together.
    public init(
        _ files: Files, reloadSeconds: Int = 10, onReload: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) throws {
        // What fails before there is one is thrown here.
        let isFirst = Mutex(true)
        do {
            reloader = try TimedCertificateReloader.makeReloaderValidatingSources(
                configuration: .init(
                    refreshInterval: .seconds(reloadSeconds),
                    certificateSource: .init(location: .file(path: files.certificate), format: .pem),
                    privateKeySource: .init(location: .file(path: files.key), format: .pem)
                ) { configuration in
                    configuration.onCertificateLoaded = { change in
                        guard let old = change.previousX509CertificateChain,
                            old != change.currentX509CertificateChain
                        else { return }
                        onReload(.success(()))
                    }
                    configuration.onCertificateLoadFailed = { failure in
                        if !isFirst.withLock({ $0 }) { onReload(.failure(failure.error)) }
                    }
                })
            var configuration =
                if let authority = files.clientAuthority {
                    try TLSConfiguration.makeServerConfigurationWithMTLS(
                        certificateReloader: reloader, trustRoots: .certificates(try authorities(in: authority)))
                } else {
                    try TLSConfiguration.makeServerConfiguration(certificateReloader: reloader)
                }
            configuration.minimumTLSVersion = .tlsv12
            configuration.cipherSuiteValues = ServerCertificate.ciphersOfTLS12
            self.configuration = configuration
            context = try NIOSSLContext(configuration: configuration)
            isFirst.withLock { $0 = false }
        } catch let error as CertificateError {
            throw error
        } catch {
            let places = [files.certificate, files.key, files.clientAuthority].compactMap(\.self)
            // What else the library says is about reloading.
            let reason = "\(error)".prefix { !$0.isNewline }.trimmingCharacters(in: .whitespaces)
            throw CertificateError("TLS with \(places.joined(separator: ", ")): \(reason)")
        }
        asksForClientCertificates = files.clientAuthority != nil
    }

    /// Looks at the files until a graceful shutdown is asked for.
    public func run() async throws { try await cancelWhenGracefulShutdown { try await self.reloader.run() } }

    /// Looks at the files now.
    public func reload() throws { try reloader.reload() }

    /// Those with a fresh key for each connection and authenticated encryption (RFC 9325, 4.2); TLS 1.3 has no others.
    private static let ciphersOfTLS12: [NIOTLSCipher] = [
        .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]
}

private func authorities(in path: String) throws -> [NIOSSLCertificate] {
    do {
        let found = try NIOSSLCertificate.fromPEMFile(path)
        if !found.isEmpty { return found }
    } catch {}
    throw CertificateError("the authorities of clients: no certificates in PEM could be read from \(path)")
}

/// Why there can be no TLS.
public struct CertificateError: Error, CustomStringConvertible, Sendable {
    /// Which files, and what is wrong.
    public let description: String

    init(_ description: String) { self.description = description }
}
