// The closed vocabularies of a record. Zero is never a kind, an event or an outcome, so that zeroed memory is no record.

/// A small closed vocabulary with a name for each code, as text formats and figures show it.
public protocol Vocabulary: RawRepresentable, CaseIterable, Sendable, Hashable where RawValue == UInt8 {
    /// The name in snake case.
    var name: String { get }
}

extension Vocabulary {
    /// Finds a code by its name; nil when there is none.
    public init?(name: some StringProtocol) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = match
    }

    /// Every name, for error texts and help.
    public static var names: [String] { allCases.map(\.name) }
}

/// What a transaction is.
public enum Kind: UInt8, Vocabulary {
    case payment = 1
    case transfer = 2
    case withdrawal = 3
    case fee = 4
    case request = 5

    /// `payment`, `transfer`, `withdrawal`, `fee` or `request`.
    public var name: String { "\(self)" }
}

/// What happened to a transaction.
public enum Event: UInt8, Vocabulary {
    case initiated = 1
    case authorised = 2
    case captured = 3
    case resolved = 4
    case refunded = 5
    case reversed = 6
    case chargedBack = 7

    /// `initiated`, `authorised`, `captured`, `resolved`, `refunded`, `reversed` or `charged_back`.
    public var name: String { self == .chargedBack ? "charged_back" : "\(self)" }
}

/// The class of an outcome: the high four bits of its code.
public enum OutcomeClass: UInt8, Vocabulary {
    case approved = 1
    case businessDecline = 2
    case technicalDecline = 3
    case pending = 4
    case abandoned = 5

    /// The name in snake case.
    public var name: String {
        switch self {
        case .businessDecline: "business_decline"
        case .technicalDecline: "technical_decline"
        default: "\(self)"
        }
    }
}

/// What came of an event. The high four bits are the class, the low four say which of that class.
///
/// Every code of a known class is valid; those without a name of their own print as the class and a number.
@frozen
public struct Outcome: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The byte of the record.
    public var rawValue: UInt8

    /// Takes the byte as it is.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Approved in full.
    public static let approved = Outcome(rawValue: 0x10)
    /// Declined for a reason of business that was not given.
    public static let declined = Outcome(rawValue: 0x20)
    /// Failed for a technical reason that was not given.
    public static let failed = Outcome(rawValue: 0x30)
    /// Not decided yet.
    public static let pending = Outcome(rawValue: 0x40)
    /// Given up by the payer or the applicant.
    public static let abandoned = Outcome(rawValue: 0x50)

    /// Nil when the high four bits name no class.
    @inlinable
    public var outcomeClass: OutcomeClass? { OutcomeClass(rawValue: rawValue >> 4) }

    static let named: [(code: UInt8, name: String)] = [
        (0x10, "approved"), (0x11, "partially_approved"),
        (0x20, "declined"), (0x21, "insufficient_funds"), (0x22, "limit_exceeded"), (0x23, "wrong_credentials"),
        (0x24, "invalid_account"), (0x25, "expired_card"), (0x26, "suspected_fraud"), (0x27, "not_permitted"),
        (0x28, "rejected"),
        (0x30, "failed"), (0x31, "timeout"), (0x32, "institution_unavailable"), (0x33, "network_error"),
        (0x34, "format_error"), (0x35, "duplicate_reference"),
        (0x40, "pending"), (0x41, "received"), (0x42, "in_review"),
        (0x50, "abandoned"), (0x51, "cancelled"), (0x52, "expired"), (0x53, "withdrawn"),
    ]

    /// Its own name, else the class and the low four bits, such as `business_decline_9`; a bare number when it has no class.
    public var name: String {
        if let own = Outcome.named.first(where: { $0.code == rawValue }) { return own.name }
        return outcomeClass.map { "\($0.name)_\(rawValue & 0x0F)" } ?? "\(rawValue)"
    }

    /// Reads what `name` printed; nil when there is no such outcome.
    public init?(name: some StringProtocol) {
        if let own = Outcome.named.first(where: { $0.name == name }) {
            self.init(rawValue: own.code)
            return
        }
        guard let separator = name.lastIndex(of: "_"),
            let outcomeClass = OutcomeClass(name: name[..<separator]),
            let low = UInt8(name[name.index(after: separator)...]), low < 16
        else { return nil }
        self.init(rawValue: outcomeClass.rawValue << 4 | low)
    }

    /// Every outcome with a name of its own.
    public static var names: [String] { named.map(\.name) }
}

/// The way a transaction came in. Codes up to 127; those without a name print as `channel_` and a number.
@frozen
public struct Channel: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The byte of the record.
    public var rawValue: UInt8

    /// Takes the byte as it is.
    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Not given.
    public static let unknown = Channel(rawValue: 0)
    /// A payment card.
    public static let card = Channel(rawValue: 1)
    /// A QR code.
    public static let qr = Channel(rawValue: 2)
    /// From account to account.
    public static let account = Channel(rawValue: 3)
    /// An electronic wallet.
    public static let wallet = Channel(rawValue: 4)
    /// An online portal.
    public static let portal = Channel(rawValue: 5)
    /// A counter, in person.
    public static let counter = Channel(rawValue: 6)
    /// The largest code that a record may carry.
    public static let largest = Channel(rawValue: 127)

    static let named = [
        "unknown", "card", "qr", "account", "wallet", "portal", "counter", "atm", "point_of_sale", "web", "mobile",
        "post",
        "telephone", "agent",
    ]

    /// Its name, else `channel_` and the code.
    public var name: String {
        Int(rawValue) < Channel.named.count ? Channel.named[Int(rawValue)] : "channel_\(rawValue)"
    }

    /// Reads what `name` printed; nil when there is no such channel.
    public init?(name: some StringProtocol) {
        if let code = Channel.named.firstIndex(where: { $0 == name }) {
            self.init(rawValue: UInt8(code))
        } else if name.hasPrefix("channel_"), let code = UInt8(name.dropFirst(8)), code <= Channel.largest.rawValue {
            self.init(rawValue: code)
        } else {
            return nil
        }
    }

    /// Every channel with a name of its own.
    public static var names: [String] { named }
}
