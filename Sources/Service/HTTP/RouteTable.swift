import HTTPTypes
import Hummingbird
import Logging
import Synchronization

/// What comes before and after every answer: the host that a request names, and problems in place of errors.
final class RouteTable: RouterMiddleware {
    typealias Context = RequestOrigin
    typealias Handler = @Sendable (Request, Context) async throws -> Response

    private let logger: Logger
    private let takesForeignHosts: Bool
    private let figures: RequestFigures
    private let routes = Mutex<[(path: [Substring], method: HTTPRequest.Method)]>([])

    init(logger: Logger, takesForeignHosts: Bool, figures: RequestFigures) {
        self.figures = figures
        self.logger = logger
        self.takesForeignHosts = takesForeignHosts
    }

    /// Takes note of a route, to tell a wrong method from a wrong path.
    func add(_ method: HTTPRequest.Method, _ path: String) {
        routes.withLock { $0.append((path.split(separator: "/"), method)) }
    }

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var status = HTTPResponse.Status.internalServerError
        defer {
            figures.add(
                .init(method: methodName(request), route: context.endpointPath ?? "none"), status: status.code,
                seconds: (ContinuousClock.now - start) / .seconds(1))
        }
        do {
            let response = try await answer(request, context, next)
            status = response.status
            return response
        } catch let problem as Problem {
            status = problem.status
            throw problem
        }
    }

    /// Anything may come as a method; those that are none of the usual ones share a name.
    private func methodName(_ request: Request) -> String {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        return known.contains(request.method) ? request.method.rawValue : "other"
    }

    private func answer(
        _ request: Request, _ context: Context, _ next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            try checkHost(of: request)
            return try await next(request, context)
        } catch let problem as Problem {
            throw problem
        } catch let error as HTTPError where error.status == .notFound {
            throw problem(withoutRoute: request)
        } catch let error as any HTTPResponseError {
            throw Problem(error.status == .contentTooLarge ? .tooLarge : .malformedBody, "\(error)")
        } catch {
            logger.error("\(error)", metadata: ["http": .string("\(request.method) \(request.uri.path)")])
            throw Problem(.failed, "\(error)")
        }
    }

    private func problem(withoutRoute request: Request) -> Problem {
        let path = request.uri.path.split(separator: "/")
        let methods = routes.withLock { routes in
            routes.filter { route in
                route.path.count == path.count && zip(route.path, path).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
            }.map(\.method)
        }
        guard !methods.isEmpty else {
            return Problem(.notFound, "there is nothing at \(request.uri.path); docs/http.md lists what there is")
        }
        var problem = Problem(.methodNotAllowed, "\(request.method) \(request.uri.path)")
        problem.headers[.allow] = methods.flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.rawValue] }
            .joined(separator: ", ")
        return problem
    }

    private func checkHost(of request: Request) throws(Problem) {
        guard !takesForeignHosts else { return }
        let authority = request.head.authority ?? ""
        var host = authority[...]
        if let end = host.lastIndex(of: ":"), host.last != "]" {
            guard UInt16(host[host.index(after: end)...]) != nil else { throw foreignHost(authority) }
            host = host[..<end]
        }
        guard isLoopback(host: host) else { throw foreignHost(authority) }
    }

    private func foreignHost(_ authority: String) -> Problem {
        Problem(
            .foreignHost,
            "'\(authority)' was found as the host; without --anonymous it is localhost or a loopback address")
    }
}
