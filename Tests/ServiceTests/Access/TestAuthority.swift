import Crypto
import Foundation
import Service
import SwiftASN1
import X509

/// Signs certificates for servers and clients of a test.
struct TestAuthority {
    private let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    private let name: DistinguishedName
    private let directory: String
    let file: String

    /// - Parameter directory: where the files are put.
    init(_ commonName: String, in directory: String) throws {
        self.directory = directory
        name = try DistinguishedName { CommonName(commonName) }
        file = "\(directory)/\(commonName).pem"
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key.publicKey, notValidBefore: Date() - 60,
            notValidAfter: Date() + 3600, issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 1)) },
            issuerPrivateKey: key)
        try certificate.serializeAsPEM().pemString.write(toFile: file, atomically: true, encoding: .utf8)
    }

    /// A new certificate in the files `FILE.pem` and `FILE.key`, of which `FILE` is the common name; its alternative names are
    /// this machine's when no others are said.
    func issue(_ file: String, names: [String] = [], hasAlternatives: Bool = true) throws -> ServerCertificate.Files {
        let ownKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let alternatives: [GeneralName] =
            names.isEmpty
            ? [.dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))]
            : names.map { .dnsName($0) }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: ownKey.publicKey, notValidBefore: Date() - 60,
            notValidAfter: Date() + 3600, issuer: name, subject: try DistinguishedName { CommonName(file) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                Critical(BasicConstraints.notCertificateAuthority)
                if hasAlternatives { SubjectAlternativeNames(alternatives) }
            }, issuerPrivateKey: key)
        let path = "\(directory)/\(file)"
        try certificate.serializeAsPEM().pemString.write(toFile: path + ".pem", atomically: true, encoding: .utf8)
        try ownKey.serializeAsPEM().pemString.write(toFile: path + ".key", atomically: true, encoding: .utf8)
        return .init(certificate: path + ".pem", key: path + ".key")
    }
}
