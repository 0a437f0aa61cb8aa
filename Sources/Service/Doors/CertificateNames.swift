import NIOSSL
import X509

/// The names by which a certificate's holder may be known: its subject's common name and its alternative names (RFC 5280,
/// 4.1.2.6 and 4.2.1.6).
func names(of certificate: NIOSSLCertificate) -> [String] {
    guard let bytes = try? certificate.toDERBytes(), let certificate = try? Certificate(derEncoded: bytes) else {
        return []
    }
    var names: [String] = []
    if let alternatives = try? certificate.extensions.subjectAlternativeNames {
        for name in alternatives {
            switch name {
            case .dnsName(let text), .rfc822Name(let text), .uniformResourceIdentifier(let text): names.append(text)
            default: break
            }
        }
    }
    for attribute in certificate.subject.lazy.flatMap(\.self)
    where attribute.type == .RDNAttributeType.commonName {
        names.append("\(attribute.value)")
    }
    return names
}
