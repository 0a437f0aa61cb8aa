import Hummingbird
import Ledger

/// Whether the daemon lives, and whether it can take and answer.
struct Health: Sendable {
    let ledger: Ledger

    /// `GET /health/live`: the process answers.
    func live(_ request: Request) throws -> Response {
        _ = try RequestQuery(request, known: [])
        return Response("{\"status\": \"live\"}\n", contentType: "application/json")
    }

    /// `GET /health/ready`: transactions can be made durable.
    func ready(_ request: Request) throws -> Response {
        _ = try RequestQuery(request, known: [])
        if let failure = ledger.failure { throw Problem(.refused, failure.description) }
        return Response("{\"status\": \"ready\"}\n", contentType: "application/json")
    }
}
