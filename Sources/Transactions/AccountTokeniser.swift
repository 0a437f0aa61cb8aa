import Crypto

/// Turns account numbers into 48-bit tokens, so that the numbers themselves never reach a disk, a log line or an error text.
///
/// The token is the first six bytes of HMAC-SHA-256 (RFC 2104, FIPS 180-4) over the number's bytes, byte 0 lowest. The
/// same number under the same key is always the same token; without the key nobody can try numbers out.
public struct AccountTokeniser: Sendable, Equatable {
    private let key: SymmetricKey

    /// Bytes of a token key.
    public static let keyByteCount = 32

    /// The longest account number in bytes; nothing that names an account is longer (IBAN: 34, ISO 13616).
    public static let longestAccountByteCount = 64

    /// A tokeniser with a key.
    /// - Parameter key: 32 secret bytes.
    public init(key: [UInt8]) {
        precondition(key.count == AccountTokeniser.keyByteCount, "a token key has 32 bytes")
        self.key = SymmetricKey(data: key)
    }

    /// The token of an account number's bytes, 1 to 2^48 - 1; blanks and tabs at both ends do not count.
    ///
    /// A code whose 48 bits are all zero becomes 1, as 0 means that there is no payer.
    public func token(of account: UnsafeRawBufferPointer) -> UInt64 {
        let code = HMAC<SHA256>.authenticationCode(for: trimmed(account), using: key)
        let token = code.withUnsafeBytes { bytes in
            (0..<6).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * $1) }
        }
        return max(token, 1)
    }

    private func trimmed(_ account: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        guard let first = account.firstIndex(where: { !isBlank($0) }),
            let last = account.lastIndex(where: { !isBlank($0) })
        else { return UnsafeRawBufferPointer(rebasing: account[account.endIndex...]) }
        return UnsafeRawBufferPointer(rebasing: account[first...last])
    }
}

/// A token as text formats write it: `token:` and the 12 hexadecimal digits of its six bytes in order.
public enum TokenText {
    /// What the text begins with.
    public static let prefix = "token:"

    /// The text of a token.
    public static func text(of token: UInt64) -> String {
        String(unsafeUninitializedCapacity: byteCount) { write(token, to: $0) }
    }

    /// Bytes of a text.
    public static let byteCount = 18

    /// Writes the text of a token.
    /// - Parameter text: has room for `byteCount`.
    /// - Returns: `byteCount`.
    public static func write(_ token: UInt64, to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        for (position, byte) in prefix.utf8.enumerated() { text[position] = byte }
        for position in 0..<6 {
            let byte = UInt8(truncatingIfNeeded: token >> (8 * UInt64(position)))
            text[6 + 2 * position] = hexadecimalDigit(of: byte >> 4)
            text[7 + 2 * position] = hexadecimalDigit(of: byte & 15)
        }
        return byteCount
    }

    /// Reads what `text(of:)` wrote, in digits of either case; nil when it is anything else or the absent token 0.
    public static func token(_ text: some StringProtocol) -> UInt64? {
        guard text.utf8.count == 18, text.hasPrefix(prefix) else { return nil }
        var token: UInt64 = 0
        for (position, byte) in text.utf8.dropFirst(prefix.utf8.count).enumerated() {
            guard let digit = hexadecimalDigit(byte) else { return nil }
            token |= digit << (position & 1 == 0 ? 4 * position + 4 : 4 * position - 4)
        }
        return token == 0 ? nil : token
    }
}
