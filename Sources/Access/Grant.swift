import Foundation

/// What somebody was allowed: how they are known, what they may do, from when to when.
public struct Grant: Hashable, Sendable, Codable {
    /// How a client is known.
    public enum Credential: Hashable, Sendable {
        /// By a token with this hash.
        case token(BearerToken.Hash)
        /// By a certificate that the daemon's CA signed and that has this name.
        case certificate(name: String)
    }

    /// Eight hexadecimal digits.
    public var id: String
    /// What people call the client.
    public var name: String
    /// How it is known.
    public var credential: Credential
    /// What it may do.
    public var scopes: [Scope]
    /// The most records a second that are taken from it; nil: as many as there are.
    public var recordsPerSecond: Int?
    /// The most connections of the stream that it may have at a time; nil: as many as the daemon has.
    public var connections: Int?
    /// When it was granted.
    public var created: Date
    /// From when on it is void; nil: never.
    public var expires: Date?
    /// When it was taken back.
    public var revoked: Date?

    /// A grant from its parts.
    public init(
        id: String, name: String, credential: Credential, scopes: [Scope], created: Date, expires: Date? = nil,
        recordsPerSecond: Int? = nil, connections: Int? = nil
    ) {
        self.id = id
        self.name = name
        self.credential = credential
        self.scopes = scopes
        self.created = created
        self.expires = expires
        self.recordsPerSecond = recordsPerSecond
        self.connections = connections
    }

    /// Whether it holds at a moment.
    public func state(at moment: Date) -> State {
        if revoked != nil { return .revoked }
        if let expires, expires <= moment { return .expired }
        return .valid
    }

    /// Whether a grant holds.
    public enum State: String, Sendable {
        case valid, expired, revoked
    }
}

extension Grant.Credential: Codable {
    private enum Key: String, CodingKey { case token, certificate }

    /// Reads what `encode` wrote.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let name = try container.decodeIfPresent(String.self, forKey: .certificate) {
            self = .certificate(name: name)
        } else {
            self = .token(try container.decode(BearerToken.Hash.self, forKey: .token))
        }
    }

    /// Writes it as in the file of grants.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .token(let hash): try container.encode(hash, forKey: .token)
        case .certificate(let name): try container.encode(name, forKey: .certificate)
        }
    }
}
