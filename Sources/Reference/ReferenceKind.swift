import Transactions

/// What reference data is about.
public enum ReferenceKind: UInt8, Vocabulary {
    case source = 1
    case institution = 2
    case payee = 3
    case service = 4
    case region = 5
    case outcome = 6
    case channel = 7
    /// A service that an agency offers online in a region.
    case offering = 8

    /// The word in statements: `source`, `institution`, ... `offering`.
    public var name: String { "\(self)" }

    /// Finds a kind by its word, in the singular or the plural.
    public init?(word: String) {
        self.init(name: word.hasSuffix("s") ? String(word.dropLast()) : word)
    }

    /// The space in which entries have names and codes; nil: the codes speak for themselves, or the entry has three.
    public var space: NameSpace? {
        switch self {
        case .source: .source
        case .institution: .institution
        case .payee: .payee
        case .service: .service
        case .region: .region
        case .outcome, .channel, .offering: nil
        }
    }

    /// The code of an entry without a space by its name.
    public func ownCode(of name: String) -> UInt32? {
        switch self {
        case .outcome: Outcome(name: name).map { UInt32($0.rawValue) }
        case .channel: Channel(name: name).map { UInt32($0.rawValue) }
        default: nil
        }
    }

    /// The name of an entry without a space.
    public func ownName(of code: UInt32) -> String? {
        switch self {
        case .outcome: Outcome(rawValue: UInt8(truncatingIfNeeded: code)).name
        case .channel: Channel(rawValue: UInt8(truncatingIfNeeded: code)).name
        default: nil
        }
    }

    /// The kind of entries that the values of an attribute of this kind name: that which the attribute is called after, an
    /// agency being a payee, else the same kind.
    public func kind(namedBy attribute: String) -> ReferenceKind {
        if attribute == "agency" { return .payee }
        return ReferenceKind(name: attribute).flatMap { $0 == .offering ? nil : $0 } ?? self
    }
}

/// What statements are about: the code of an entry, or the three codes of an offering: its agency (a payee), its service and
/// its region (0: everywhere).
public struct ReferenceEntry: Hashable, Sendable, CustomStringConvertible {
    /// One code, of an offering three.
    public var codes: [UInt32]

    /// The entry with a code.
    public init(_ code: UInt32) { codes = [code] }

    /// An offering.
    public init(agency: UInt32, service: UInt32, region: UInt32) { codes = [agency, service, region] }

    /// Reads what `description` wrote.
    init?(_ text: some StringProtocol, kind: ReferenceKind) {
        codes = text.split(separator: "/", omittingEmptySubsequences: false).compactMap { UInt32($0) }
        guard codes.count == (kind == .offering ? 3 : 1), description == text else { return nil }
    }

    /// The codes in decimal digits, with slashes between.
    public var description: String { codes.map { String($0) }.joined(separator: "/") }
}
