import Foundation
import Storage
import Synchronization

/// Knows clients by what they show, from the file of grants as it is now.
///
/// The file is looked at again by `refresh`, so that a token that was made is known and one that was taken back is not, a
/// moment later and without a restart. A file that cannot be read changes nothing: those who were known stay known.
public final class AccessControl: Sendable {
    private struct State {
        var content: [UInt8]?
        var grants: [String: Grant] = [:]
        var clients: [String: Client] = [:]
        /// By the certificate's name.
        var certificates: [String: String] = [:]
        var lastRefresh = Date.distantPast
    }

    /// False when there is no file of grants, so that nobody has one.
    public var hasFile: Bool { state.withLock { $0.content != nil } }

    private let file: GrantFile
    private let state = Mutex(State())

    /// - Throws: why the file of grants cannot be read.
    public init(file: GrantFile) throws {
        self.file = file
        _ = try refresh()
    }

    /// Reads the file again when it has changed.
    /// - Returns: true when somebody who was known may not be known any more.
    @discardableResult
    public func refresh(now: Date = Date()) throws -> Bool {
        let content = try file.content()
        if let hasLapsed = state.withLock({ state -> Bool? in
            guard content == state.content else { return nil }
            defer { state.lastRefresh = now }
            return state.grants.values.contains { $0.expires.map { $0 > state.lastRefresh && $0 <= now } ?? false }
        }) {
            return hasLapsed
        }
        let grants = try content.map(file.grants(in:)) ?? []
        state.withLock { state in
            let old = state
            state = State(content: content, lastRefresh: now)
            for grant in grants {
                state.grants[grant.id] = grant
                // One who was known keeps his accounts of rates and connections.
                state.clients[grant.id] =
                    old.grants[grant.id].map(\.identity) == grant.identity
                    ? old.clients[grant.id] : Client(grant)
                if case .certificate(let name) = grant.credential, grant.state(at: now) == .valid {
                    state.certificates[name.lowercased()] = grant.id
                }
            }
        }
        return true
    }

    /// The client with a token.
    public func client(token text: String, now: Date = Date()) throws(Denial) -> Client {
        guard let token = BearerToken(text) else { throw .malformed }
        let (grant, client) = state.withLock { ($0.grants[token.grantID], $0.clients[token.grantID]) }
        guard let grant, let client, case .token(let hash) = grant.credential, hash.matches(token) else {
            throw .unknown(token.description)
        }
        try AccessControl.check(grant, now)
        return client
    }

    /// The client with a certificate of one of these names; nil when none is known.
    public func client(certificateNames names: [String], now: Date = Date()) throws(Denial) -> Client? {
        let found = state.withLock { state in
            let id = names.compactMap { state.certificates[$0.lowercased()] }.first
            return id.map { (state.grants[$0], state.clients[$0]) }
        }
        guard let found, let grant = found.0, let client = found.1 else { return nil }
        try AccessControl.check(grant, now)
        return client
    }

    /// Why a client that was known may not go on; nil while it may.
    public func denial(of client: Client, now: Date = Date()) -> Denial? {
        guard let id = client.grantID else { return nil }
        let grant = state.withLock { $0.clients[id] === client ? $0.grants[id] : nil }
        guard let grant else { return .revoked("\(id) (\(client.name))") }
        do throws(Denial) {
            try AccessControl.check(grant, now)
            return nil
        } catch {
            return error
        }
    }

    private static func check(_ grant: Grant, _ now: Date) throws(Denial) {
        switch grant.state(at: now) {
        case .valid: return
        case .expired: throw .expired("\(grant.id) (\(grant.name))")
        case .revoked: throw .revoked("\(grant.id) (\(grant.name))")
        }
    }
}

extension Grant {
    /// All but whether it still holds.
    fileprivate var identity: Grant {
        var grant = self
        grant.revoked = nil
        return grant
    }
}

/// Why a client is not let in.
public enum Denial: Error, Hashable, Sendable, CustomStringConvertible {
    /// It showed nothing.
    case missing
    /// What it showed is no token.
    case malformed
    /// There is no such token.
    case unknown(String)
    /// The certificate is good, and nothing is granted to its names.
    case unknownCertificate([String])
    /// The grant's time is over.
    case expired(String)
    /// The grant was taken back.
    case revoked(String)
    /// TLS came to no end, as without a certificate that is trusted.
    case handshakeFailed(String)
    /// It is known, and may not do that.
    case outOfScope(String)

    /// What was found and what was expected.
    public var description: String {
        switch self {
        case .missing: "no credentials came; a token or a certificate that is known here was expected"
        case .malformed:
            "what came as credentials is no token; sluice_ and two groups of hexadecimal digits were expected"
        case .unknown(let token): "the token \(token) is not known here"
        case .unknownCertificate(let names):
            "nothing is granted to the certificate's \(names.joined(separator: ", ")), and no token came"
        case .expired(let grant): "the grant \(grant) has expired"
        case .revoked(let grant): "the grant \(grant) was revoked"
        case .handshakeFailed(let reason): "TLS failed where a trusted certificate is asked for: \(reason)"
        case .outOfScope(let text): text
        }
    }

    /// True when the client is not known, false when it is and asked for too much.
    public var isUnauthenticated: Bool { if case .outOfScope = self { false } else { true } }
}

extension Denial {
    /// A client may not send for a source.
    /// - Parameter source: what it was called, a name in quotes or `#` and a code.
    public static func sending(_ client: Client, for source: String) -> Denial {
        .outOfScope("\(client.name) may not send for the source \(source)")
    }
}
