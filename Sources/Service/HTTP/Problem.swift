import HTTPTypes
import Hummingbird
import Presentation

/// Why a request was not answered as asked, in the form of RFC 9457: `application/problem+json`.
struct Problem: HTTPResponseError {
    /// What kind of trouble it is; its name ends the problem's `type`.
    enum Kind: String {
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        case unauthenticated
        case forbidden
        case foreignHost = "foreign-host"
        case unknownParameter = "unknown-parameter"
        case badParameter = "bad-parameter"
        case unknownFormat = "unknown-format"
        case malformedBody = "malformed-body"
        case badIdempotencyKey = "bad-idempotency-key"
        case idempotencyKeyInUse = "idempotency-key-in-use"
        case idempotencyKeyReused = "idempotency-key-reused"
        case tooLarge = "too-large"
        case busy = "busy"
        case conflict = "conflict"
        case rejected = "rejected"
        case refused = "refused"
        case damaged = "damaged"
        case failed = "failed"

        var status: HTTPResponse.Status {
            switch self {
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .unauthenticated: .unauthorized
            case .forbidden: .forbidden
            case .foreignHost: .misdirectedRequest
            case .unknownParameter, .badParameter, .malformedBody, .badIdempotencyKey: .badRequest
            case .unknownFormat: .unsupportedMediaType
            case .tooLarge: .contentTooLarge
            case .busy: .tooManyRequests
            case .conflict, .idempotencyKeyInUse: .conflict
            case .rejected, .idempotencyKeyReused: .unprocessableContent
            case .refused: .serviceUnavailable
            case .damaged, .failed: .internalServerError
            }
        }

        var title: String {
            switch self {
            case .notFound: "There is no such thing here"
            case .methodNotAllowed: "That cannot be done here"
            case .unauthenticated: "Who you are is not known here"
            case .forbidden: "You may not do that"
            case .foreignHost: "The request was meant for another host"
            case .unknownParameter: "The query has a parameter that is not known"
            case .badParameter: "A parameter of the query is wrong"
            case .unknownFormat: "The body's format is none that is known"
            case .malformedBody: "The body cannot be read"
            case .badIdempotencyKey: "The Idempotency-Key is none"
            case .idempotencyKeyInUse: "The same request is being answered"
            case .idempotencyKeyReused: "The Idempotency-Key belongs to another request"
            case .tooLarge: "The body is too large"
            case .busy: "Too much is on its way already"
            case .conflict: "The ledger has these transactions with other content"
            case .rejected: "No transaction could be taken"
            case .refused: "The ledger takes nothing now"
            case .damaged: "The log is damaged"
            case .failed: "The daemon could not do it"
            }
        }
    }

    let kind: Kind
    /// What was found and what was expected.
    let detail: String
    /// Further members, each with its value as JSON.
    var members: [(name: String, json: String)] = []
    /// Further headers.
    var headers: HTTPFields = [:]

    init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }

    /// The same, to be tried again after so many seconds.
    func retryable(afterSeconds seconds: Int) -> Problem {
        var problem = self
        problem.headers[.retryAfter] = String(seconds)
        return problem
    }

    var status: HTTPResponse.Status { kind.status }

    func response(from request: Request, context: some RequestContext) -> Response {
        let own = [
            ("type", jsonString("urn:sluice:problem:\(kind.rawValue)")), ("title", jsonString(kind.title)),
            ("status", String(status.code)), ("detail", jsonString(detail)),
        ]
        let text = (own + members).map { "\(jsonString($0.0)): \($0.1)" }.joined(separator: ", ")
        var headers = headers
        headers[.contentType] = "application/problem+json"
        // What answers HEAD has no content, errors neither (RFC 9110, 9.3.2).
        let body =
            request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(string: "{\(text)}\n"))
        return Response(status: status, headers: headers, body: body)
    }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let prefer = HTTPField.Name("Prefer")!
    static let retryAfter = HTTPField.Name("Retry-After")!
}

extension HTTPResponse.Status {
    /// RFC 4918, 11.1.
    static let multiStatus = HTTPResponse.Status(code: 207, reasonPhrase: "Multi-Status")
}
