/// The spaces in which names have codes. The payer's and the payee's institution share one.
///
/// Records carry codes of the first five. The last one holds statements of reference data, whose codes are their places: they
/// are durable and kept as names are, and no client that sends may write them.
public enum NameSpace: UInt8, CaseIterable, Sendable, Vocabulary, Codable {
    case source = 1
    case institution = 2
    case payee = 3
    case service = 4
    case region = 5
    case statement = 6

    /// Those whose codes records carry.
    public static let ofRecords: [NameSpace] = [.source, .institution, .payee, .service, .region]

    /// `source`, `institution`, `payee`, `service`, `region` or `statement`.
    public var name: String { "\(self)" }

    /// The first code that the committer gives out to a name first seen in text; codes below are the user's.
    public var firstGivenCode: UInt32 {
        switch self {
        case .source, .institution, .region: 0x8000
        case .payee, .service: 0x8000_0000
        case .statement: 1
        }
    }

    /// The largest code of the space.
    public var largestCode: UInt32 {
        switch self {
        case .source, .institution, .region: 0xFFFF
        case .payee, .service, .statement: 0xFFFF_FFFF
        }
    }

    /// The longest name of a record in UTF-8 bytes.
    public static let largestNameByteCount = 255

    /// The longest text of the space in UTF-8 bytes.
    public var largestByteCount: Int { self == .statement ? 4096 : NameSpace.largestNameByteCount }
}

/// A name of a space, to be given a code or to be found.
public struct Name: Hashable, Sendable {
    /// Where the name has its code.
    public var space: NameSpace
    /// The name, as many bytes of UTF-8 as its space allows, at least 1.
    public var text: String

    /// `text` in `space`.
    public init(_ space: NameSpace, _ text: String) {
        self.space = space
        self.text = text
    }
}

/// A name that is to have a code.
public struct NameDefinition: Hashable, Sendable, Codable {
    /// The space.
    public var space: NameSpace
    /// The name.
    public var text: String
    /// The user's own code, below the space's `firstGivenCode`; nil: that which it has, or the next that is given out.
    public var code: UInt32?

    /// `text` shall have `code` in `space`.
    public init(_ space: NameSpace, _ text: String, code: UInt32? = nil) {
        self.space = space
        self.text = text
        self.code = code
    }

    /// What is defined.
    public var name: Name { Name(space, text) }
}
