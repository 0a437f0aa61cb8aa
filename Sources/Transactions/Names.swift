/// The spaces in which names have codes. The payer's and the payee's institution share one.
public enum NameSpace: UInt8, CaseIterable, Sendable, Vocabulary {
    case source = 1
    case institution = 2
    case payee = 3
    case service = 4
    case region = 5

    /// `source`, `institution`, `payee`, `service` or `region`.
    public var name: String { "\(self)" }

    /// The first code that the committer gives out to a name first seen in text; codes below are the user's.
    public var firstGivenCode: UInt32 {
        switch self {
        case .source, .institution, .region: 0x8000
        case .payee, .service: 0x8000_0000
        }
    }

    /// The largest code of the space.
    public var largestCode: UInt32 {
        switch self {
        case .source, .institution, .region: 0xFFFF
        case .payee, .service: 0xFFFF_FFFF
        }
    }

    /// The longest name in UTF-8 bytes.
    public static let largestNameByteCount = 255
}

/// A name of a space, to be given a code or to be found.
public struct Name: Hashable, Sendable {
    /// Where the name has its code.
    public var space: NameSpace
    /// The name, 1 to 255 bytes of UTF-8.
    public var text: String

    /// `text` in `space`.
    public init(_ space: NameSpace, _ text: String) {
        self.space = space
        self.text = text
    }
}
