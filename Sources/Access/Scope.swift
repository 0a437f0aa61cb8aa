/// One thing that a client may do. As text, in files and on the command line: `send:*`, `send:SOURCE`, `read`, `operate`. A
/// source that is known by a code alone is written `#CODE`.
public enum Scope: Hashable, Sendable, CustomStringConvertible {
    /// Send transactions of every source.
    case sendAll
    /// Send transactions of one source, by its name.
    case send(source: String)
    /// Ask for statistics, transactions and the ledger's status.
    case read
    /// See the daemon's metrics and the ledger's status.
    case operate

    /// Reads the text of a scope; nil when it is none.
    public init?(_ text: String) {
        switch text {
        case "read": self = .read
        case "operate": self = .operate
        case "send:*": self = .sendAll
        default:
            guard text.hasPrefix("send:"), text.utf8.count > 5, text.utf8.count <= 5 + 255 else { return nil }
            self = .send(source: String(text.dropFirst(5)))
        }
    }

    /// The text of the scope.
    public var description: String {
        switch self {
        case .sendAll: "send:*"
        case .send(let source): "send:\(source)"
        case .read: "read"
        case .operate: "operate"
        }
    }
}

extension Scope: Codable {
    /// Reads what `encode` wrote.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let scope = Scope(text) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "'\(text)' is no scope, expected send:SOURCE, send:*, read or operate"))
        }
        self = scope
    }

    /// Writes it as in the file of grants.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// All that one client may do.
public struct Permissions: Hashable, Sendable {
    /// True when it may send for every source.
    public let maySendForAll: Bool
    /// The sources that it may send for, by name.
    public let sources: Set<String>
    /// Those that it may send for by code.
    public let sourceCodes: Set<UInt16>
    /// True when it may ask.
    public let mayRead: Bool
    /// True when it may see how the daemon does.
    public let mayOperate: Bool

    /// What these scopes allow together.
    public init(_ scopes: some Sequence<Scope>) {
        var sources: Set<String> = []
        var sourceCodes: Set<UInt16> = []
        var (maySendForAll, mayRead, mayOperate) = (false, false, false)
        for scope in scopes {
            switch scope {
            case .sendAll: maySendForAll = true
            case .send(let source):
                if source.hasPrefix("#"), let code = UInt16(source.dropFirst()) {
                    sourceCodes.insert(code)
                } else {
                    sources.insert(source)
                }
            case .read: mayRead = true
            case .operate: mayOperate = true
            }
        }
        self.maySendForAll = maySendForAll
        self.sources = sources
        self.sourceCodes = sourceCodes
        self.mayRead = mayRead
        self.mayOperate = mayOperate
    }

    /// Everything.
    public static let everything = Permissions([.sendAll, .read, .operate])

    /// True when it may send for a source with this name.
    public func maySend(for source: String) -> Bool { maySendForAll || sources.contains(source) }

    /// True when it may send for the source with this code, whatever its name.
    public func maySend(forCode code: UInt16) -> Bool { maySendForAll || sourceCodes.contains(code) }

    /// True when it may send at all.
    public var maySend: Bool { maySendForAll || !sources.isEmpty || !sourceCodes.isEmpty }
}
