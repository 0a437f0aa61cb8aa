import Crypto
import Transactions

/// A secret that a client shows to be known: `sluice_`, eight digits that say which grant it belongs to, `_` and 64 digits of
/// secret, all hexadecimal.
///
/// The secret is 32 random bytes, so nothing is gained from trying words, and one salted hash is enough to keep it by. The
/// number in front lets the daemon find the grant without comparing secrets, and lets a person find a token that leaked. The
/// first letters are for programs that search files for secrets.
public struct BearerToken: Sendable, CustomStringConvertible, CustomReflectable {
    /// Which grant it belongs to: eight hexadecimal digits.
    public let grantID: String
    private let secret: [UInt8]

    static let prefix = "sluice_"
    private static let secretByteCount = 32

    /// A new token.
    public init() {
        grantID = hexadecimal((0..<4).map { _ in UInt8.random(in: 0...255) })
        secret = (0..<BearerToken.secretByteCount).map { _ in UInt8.random(in: 0...255) }
    }

    /// Reads a token; nil when the text is none.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "sluice", parts[1].utf8.count == 8,
            bytes(hexadecimal: String(parts[1])) != nil,
            let secret = bytes(hexadecimal: String(parts[2])), secret.count == BearerToken.secretByteCount
        else { return nil }
        grantID = parts[1].lowercased()
        self.secret = secret
    }

    /// The whole token. Shown once, to whoever made it, and never written by Sluice to a file or a log.
    public var text: String { "\(BearerToken.prefix)\(grantID)_\(hexadecimal(secret))" }

    /// The grant's number, and nothing of the secret.
    public var description: String { "\(BearerToken.prefix)\(grantID)_…" }
    /// Shows nothing to `dump` and debuggers.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// What is kept of a token: HMAC-SHA-256 (RFC 2104) over its secret, with a salt of its own as key.
    public struct Hash: Hashable, Sendable, Codable {
        private let salt: String
        private let code: String

        /// The hash of a token, with a new salt.
        public init(of token: BearerToken) {
            let salt = (0..<16).map { _ in UInt8.random(in: 0...255) }
            self.salt = hexadecimal(salt)
            code = hexadecimal(
                Array(HMAC<SHA256>.authenticationCode(for: token.secret, using: SymmetricKey(data: salt))))
        }

        /// True when it is the hash of `token`; takes the same time wherever the first difference lies.
        public func matches(_ token: BearerToken) -> Bool {
            guard let salt = bytes(hexadecimal: salt), let code = bytes(hexadecimal: code) else { return false }
            return HMAC<SHA256>.isValidAuthenticationCode(
                code, authenticating: token.secret, using: SymmetricKey(data: salt))
        }
    }
}
