import Access
import HTTPTypes
import Hummingbird
import NIOCore

/// A request, and the connection that it came on.
struct RequestOrigin: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// Knows who sends a request, and whether it may.
struct Doorkeeper: Sendable {
    /// What a route asks of a client.
    enum Need {
        /// To send for one source at least.
        case send
        case read
        case operate
        /// To read or to operate.
        case status

        fileprivate func isMet(by permissions: Permissions) -> Bool {
            switch self {
            case .send: permissions.maySend
            case .read: permissions.mayRead
            case .operate: permissions.mayOperate
            case .status: permissions.mayRead || permissions.mayOperate
            }
        }

        fileprivate var text: String {
            switch self {
            case .send: "send:SOURCE"
            case .read: "read"
            case .operate: "operate"
            case .status: "read or operate"
            }
        }
    }

    let door: Door

    /// The client of a request.
    /// - Throws: a problem, 401 or 403, that is noted too.
    func client(of request: Request, _ context: RequestOrigin, need: Need) async throws -> Client {
        let names = try await certificateNames(context)
        do throws(Denial) {
            let client = try door.gate.client(token: try token(of: request), certificateNames: names)
            guard need.isMet(by: client.permissions) else {
                throw .outOfScope("\(client.name) does not have the scope \(need.text)")
            }
            return client
        } catch {
            throw refusal(error, request, context)
        }
    }

    /// The problem of one who is not let in; noted.
    func refusal(_ denial: Denial, _ request: Request, _ context: RequestOrigin) -> Problem {
        let peer = context.channel.remoteAddress?.text ?? "unknown"
        // The path as it was declared: what is in its place may be anything.
        door.gate.noteRefusal(
            of: peer, subject: "\(request.method.rawValue) \(context.endpointPath ?? "")", denial)
        return Problem(denial)
    }

    private func token(of request: Request) throws(Denial) -> String? {
        guard let value = request.headers[.authorization] else { return nil }
        let words = value.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bearer" else { throw .malformed }
        return String(words[1])
    }

    private func certificateNames(_ context: RequestOrigin) async throws -> [String] {
        guard door.certificate?.asksForClientCertificates == true else { return [] }
        return try await context.channel.eventLoop.submit { [channel = context.channel] in
            channel.pipeline.syncOperations.certificateNames()
        }.get()
    }
}

extension Problem {
    /// RFC 6750, 3.
    init(_ denial: Denial) {
        self.init(denial.isUnauthenticated ? .unauthenticated : .forbidden, denial.description)
        let error =
            switch denial {
            case .missing, .unknownCertificate, .handshakeFailed: ""
            case .outOfScope: ", error=\"insufficient_scope\""
            default: ", error=\"invalid_token\""
            }
        headers[.wwwAuthenticate] = "Bearer realm=\"sluice\"\(error)"
    }
}
