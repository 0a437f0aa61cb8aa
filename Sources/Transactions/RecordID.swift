import Crypto

/// A source's own reference of a transaction: 16 bytes.
///
/// A UUID in its binary form, or up to 16 ASCII bytes padded with zeros; a longer reference enters as the first
/// 16 bytes of its SHA-256. `low` holds bytes 0 to 7 and `high` bytes 8 to 15, both little-endian.
@frozen
public struct RecordID: Hashable, Sendable, BitwiseCopyable {
    /// Bytes 0 to 7, little-endian.
    public var low: UInt64
    /// Bytes 8 to 15, little-endian.
    public var high: UInt64

    /// Takes the two halves as they lie in memory.
    @inlinable
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// The absent id, which no record may carry.
    public static let none = RecordID(low: 0, high: 0)

    /// Enters a textual reference. Nil when it is empty, or begins with a NUL that would make it look absent.
    ///
    /// A UUID (8-4-4-4-12 hexadecimal digits) becomes its 16 bytes, so both cases of its letters are one id.
    public init?(reference: some StringProtocol) {
        var reference = reference.utf8.map { $0 }
        let id = reference.withUnsafeMutableBufferPointer { RecordID(utf8: UnsafeBufferPointer($0)) }
        guard let id else { return nil }
        self = id
    }

    /// Enters a reference from its UTF-8 bytes, by the rules of `init(reference:)`.
    public init?(utf8: UnsafeBufferPointer<UInt8>) {
        guard !utf8.isEmpty else { return nil }
        if utf8.count == 36, let uuid = RecordID(uuidText: utf8) {
            self = uuid
        } else if utf8.count <= 16, utf8.allSatisfy({ $0 < 0x80 && $0 != 0 }) {
            self = RecordID(bytes: utf8)
        } else {
            let digest = SHA256.hash(data: UnsafeRawBufferPointer(utf8))
            self = digest.withUnsafeBytes { RecordID(bytes: $0.prefix(16)) }
        }
        if self == .none { return nil }
    }

    init(bytes: some Sequence<UInt8>) {
        var halves: (UInt64, UInt64) = (0, 0)
        for (position, byte) in bytes.enumerated() {
            if position < 8 {
                halves.0 |= UInt64(byte) << (8 * position)
            } else {
                halves.1 |= UInt64(byte) << (8 * (position - 8))
            }
        }
        self.init(low: halves.0, high: halves.1)
    }

    private init?(uuidText: UnsafeBufferPointer<UInt8>) {
        var value: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (position, byte) in uuidText.enumerated() {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = hexadecimalDigit(byte) else { return nil }
            if digits < 16 { value.0 = value.0 << 4 | digit } else { value.1 = value.1 << 4 | digit }
            digits += 1
        }
        self.init(low: value.0.byteSwapped, high: value.1.byteSwapped)
    }

    /// The 16 bytes in order.
    public var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? low : high) >> (8 * ($0 & 7))) }
    }

    /// True when the bytes are those of an RFC 9562 UUID: variant 10 and a version of 1 to 8.
    public var isUUID: Bool {
        let version = UInt8(truncatingIfNeeded: low >> 48) >> 4
        return UInt8(truncatingIfNeeded: high) >> 6 == 0b10 && (1...8).contains(version)
    }
}

extension RecordID: CustomStringConvertible {
    /// The reference as a person would write it: its ASCII text, else a UUID, else `sha256:` and 32 hexadecimal digits.
    ///
    /// Each form enters as the same id again: `RecordID(printed:)` is its inverse.
    public var description: String {
        String(unsafeUninitializedCapacity: RecordID.largestTextByteCount) { write(to: $0) }
    }

    /// The most bytes of a text.
    public static let largestTextByteCount = 39

    /// Writes the text of `description`.
    /// - Parameter text: has room for `largestTextByteCount`.
    /// - Returns: how many bytes it has.
    public func write(to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        if let count = textByteCount {
            for position in 0..<count { text[position] = byte(position) }
            return count
        }
        var end = 0
        func put(_ byte: UInt8) {
            text[end] = byte
            end += 1
        }
        let isUUID = isUUID
        if !isUUID { for byte in "sha256:".utf8 { put(byte) } }
        for position in 0..<16 {
            if isUUID, position == 4 || position == 6 || position == 8 || position == 10 { put(UInt8(ascii: "-")) }
            let byte = byte(position)
            put(hexadecimalDigit(of: byte >> 4))
            put(hexadecimalDigit(of: byte & 15))
        }
        return end
    }

    /// How many bytes the id's ASCII text has; nil when it is none.
    private var textByteCount: Int? {
        var count = 0
        while count < 16, byte(count) != 0 {
            guard 0x20..<0x7F ~= byte(count) else { return nil }
            count += 1
        }
        for position in count..<16 where byte(position) != 0 { return nil }
        return count
    }

    private func byte(_ position: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (position < 8 ? low : high) >> (8 * UInt64(position & 7)))
    }

    /// Reads what `description` printed, or any reference.
    public init?(printed text: String) {
        if text.hasPrefix("sha256:"), text.utf8.count == 39 {
            guard let bytes = Transactions.bytes(hexadecimal: text.dropFirst(7)) else { return nil }
            self.init(bytes: bytes)
        } else {
            self.init(reference: text)
        }
    }
}

/// Lower-case hexadecimal digits of `bytes`.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.underestimatedCount)
    for byte in bytes {
        text.append(hexadecimalDigit(of: byte >> 4))
        text.append(hexadecimalDigit(of: byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes that pairs of hexadecimal digits stand for; nil when the text is anything else.
public func bytes(hexadecimal text: some StringProtocol) -> [UInt8]? {
    let digits = text.utf8.compactMap(hexadecimalDigit)
    guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// The lower-case digit of a value of 0 to 15.
func hexadecimalDigit(of value: UInt8) -> UInt8 {
    value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
}

func hexadecimalDigit(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}
