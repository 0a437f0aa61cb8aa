import NIOSSL
import X509

/// The names by which a certificate's holder may be known: its alternative names (RFC 5280, 4.2.1.6), or the common name of its
/// subject when it has none. Beside alternative names a common name says nothing (RFC 6125, 6.4.4): authorities check the former.
func names(of certificate: NIOSSLCertificate) -> [String] {
    guard let bytes = try? certificate.toDERBytes(), let certificate = try? Certificate(derEncoded: bytes) else {
        return []
    }
    do {
        if let alternatives = try certificate.extensions.subjectAlternativeNames {
            return alternatives.compactMap { name in
                switch name {
                case .dnsName(let text), .rfc822Name(let text), .uniformResourceIdentifier(let text): text
                default: nil
                }
            }
        }
    } catch {
        return []
    }
    return certificate.subject.lazy.flatMap(\.self).filter { $0.type == .RDNAttributeType.commonName }.map {
        "\($0.value)"
    }
}
