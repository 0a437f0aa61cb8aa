/// Decides who is let in at one place, and has refusals noted.
public struct Gate: Sendable {
    private let control: AccessControl?
    private let audit: AuditLog?
    /// True when one who shows nothing may do everything.
    public let takesAnonymous: Bool

    /// A gate for those who are known, and for whoever shows nothing when `takesAnonymous` says so.
    public init(control: AccessControl, audit: AuditLog?, takesAnonymous: Bool) {
        self.control = control
        self.audit = audit
        self.takesAnonymous = takesAnonymous
    }

    private init() { (control, audit, takesAnonymous) = (nil, nil, true) }

    /// Lets everybody do everything.
    public static let open = Gate()

    /// Who it is.
    /// - Parameters:
    ///   - token: what came as a token; nil: none.
    ///   - certificateNames: names of the certificate that the client proved to have. A token goes before it.
    public func client(token: String?, certificateNames: [String] = []) throws(Denial) -> Client {
        if let token {
            guard let control else { throw .unknown("that came") }
            return try control.client(token: token)
        }
        if !certificateNames.isEmpty, let client = try control?.client(certificateNames: certificateNames) {
            return client
        }
        guard takesAnonymous else {
            throw certificateNames.isEmpty ? .missing : .unknownCertificate(certificateNames)
        }
        return .anonymous
    }

    /// Why a client that was let in may not go on; nil while it may.
    public func denial(of client: Client) -> Denial? { control?.denial(of: client) }

    /// Has it noted that somebody was refused.
    public func noteRefusal(of peer: String, subject: String, _ denial: Denial) {
        audit?.noteRefusal(of: peer, subject: subject, denial)
    }
}
