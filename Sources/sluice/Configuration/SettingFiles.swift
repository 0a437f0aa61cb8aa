import Access
import Formats
import Ledger
import Service
import Storage

/// The files that settings name.
extension DaemonSettings {
    /// The mappings that requests may name.
    func readMappings() throws -> [String: Mapping] { try mappings.map(readMappingFiles) ?? [:] }

    /// The certificate for TLS; nil without one.
    func readCertificate(
        onReload: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) throws -> ServerCertificate? {
        guard let certificate, let key else { return nil }
        return try ServerCertificate(
            .init(certificate: certificate, key: key, clientAuthority: clientCA), onReload: onReload)
    }

    /// Who may do what.
    func readGrants() throws -> AccessControl { try AccessControl(file: GrantFile(path: files.grants)) }

    /// The keys of account tokens; nil when there is no ledger yet, which is made with a key.
    func readTokenKeys() throws -> TokenKeys? {
        try files.exist(in: DiskFileSystem()) ? TokenKeys(files.tokenKeyFile()) : nil
    }
}

extension LedgerFiles {
    /// These files, when there is a ledger.
    func existing() throws -> LedgerFiles {
        guard try exist(in: DiskFileSystem()) else { throw LedgerError.notFound(directory: directory) }
        return self
    }
}
