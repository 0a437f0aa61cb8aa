import Access
import Formats
import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Presentation
import ServiceLifecycle
import Transactions

/// `POST /v1/transactions`: takes a body of transactions in, and answers when they are durable.
///
/// A body is read whole before anything of it is submitted, so that one which cannot be read changes nothing. What is in it
/// is decided item by item; to send a body again is harmless, as what is in already is a duplicate then.
struct Intake: Sendable {
    private let ledger: Ledger
    private let limits: IntakeLimits
    private let mappings: NamedMappings
    private let budget: ByteBudget
    private let readers = ReaderPool()
    private let keys = IdempotencyKeys()
    private let slowLane: SlowLane

    init(ledger: Ledger, limits: IntakeLimits, mappings: NamedMappings, slowLane: SlowLane) {
        self.slowLane = slowLane
        self.ledger = ledger
        self.mappings = mappings
        self.limits = limits
        budget = ByteBudget(limits.memoryByteCount)
    }

    /// Bytes that a body's records take beside it: a record of 64 bytes comes from no less than about as many of text.
    private static let bytesForEachByteOfBody = 2

    /// - Parameters:
    ///   - stillKnown: throws when the client is not known any more, since a body may take minutes to come.
    ///   - noteRefusal: told when transactions of the body are of a source that is not the client's; they are rejected.
    /// - Throws: a problem, or a `Denial` when the query names a source that is not the client's.
    func take(
        _ request: Request, from client: Client, stillKnown: () throws(Denial) -> Void, noteRefusal: (Denial) -> Void
    ) async throws -> Response {
        let (answer, rest) = try await decide(
            request, from: client, stillKnown: stillKnown, noteRefusal: noteRefusal)
        if let rest, budget.take(answer.byteCount) {
            defer { budget.giveBack(answer.byteCount) }
            await wait(until: rest)
        }
        return try answer.response()
    }

    /// A client that has to make way for others is answered later, so that it sends no more meanwhile.
    private func wait(until end: NIODeadline) async {
        let nanoseconds = (end - .now()).nanoseconds
        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .nanoseconds(nanoseconds)) }
    }

    /// What is answered to a request, and when.
    private typealias Decision = (answer: IntakeAnswer, rest: NIODeadline?)

    private func decide(
        _ request: Request, from client: Client, stillKnown: () throws(Denial) -> Void, noteRefusal: (Denial) -> Void
    ) async throws -> Decision {
        if let end = client.limiter?.wait() { throw tooFast(client, until: end) }
        let query = try RequestQuery(request, known: ["mapping", "source"])
        if let source = try query.value("source"), !client.permissions.maySend(for: source) {
            throw Denial.sending(client, for: "'\(source)'")
        }
        let key = try idempotencyKey(request, client)
        let mapping = try mapping(query)
        let reader = try reader(of: format(of: request), mapping)
        var taken = 0
        defer { budget.giveBack(taken) }
        var bytes = try BodyBytes(request, isFingerprinted: key != nil)
        let content = try await read(&bytes, of: request.body, with: reader, for: client, &taken)
        try stillKnown()
        if let refusedSource = reader.refusedSource { noteRefusal(.sending(client, for: "'\(refusedSource)'")) }
        // Before the wait for the disk, so that few readers serve many requests.
        if reader.isReusable, mapping == nil { readers.give(reader) }
        guard content.itemCount > 0 else { throw Problem(.malformedBody, "there is no transaction in the body") }
        let isMinimal = request.headers[.prefer]?.contains("return=minimal") ?? false
        guard let key, let fingerprint = bytes.fingerprint() else {
            return await submit(content, from: client, isMinimal: isMinimal, noteRefusal)
        }
        if let answer = try known(key, fingerprint) { return (answer, nil) }
        let decision = await submit(content, from: client, isMinimal: isMinimal, noteRefusal)
        keys.finish(key, decision.answer.mayChange ? nil : decision.answer)
        return decision
    }

    private func submit(
        _ content: BodyContent, from client: Client, isMinimal: Bool, _ noteRefusal: (Denial) -> Void
    ) async -> Decision {
        _ = client.limiter?.enter(content.itemCount)
        let answers = await Submission().send(
            content.records, to: ledger, sources: sources(of: client.permissions))
        let outcome = IntakeOutcome(content, answers, ledger: ledger.ledgerID)
        if let source = outcome.foreignSource { noteRefusal(.sending(client, for: "#\(source)")) }
        return (outcome.answer(isMinimal: isMinimal), slowLane.rest(of: client, after: answers))
    }

    private func idempotencyKey(_ request: Request, _ client: Client) throws(Problem) -> IdempotencyKeys.Key? {
        guard let header = request.headers[.idempotencyKey] else { return nil }
        guard let text = IdempotencyKeys.text(of: header) else {
            throw Problem(.badIdempotencyKey, "Idempotency-Key has 1 to 255 visible characters, in quotes or not")
        }
        return .init(client: client.grantID ?? "", text: text)
    }

    /// The answer that was given under a key; nil when there is none, and this request is to give it.
    private func known(
        _ key: IdempotencyKeys.Key, _ fingerprint: IdempotencyKeys.Fingerprint
    ) throws(Problem) -> IntakeAnswer? {
        switch keys.begin(key, fingerprint) {
        case .new: return nil
        case .answered(let answer): return answer
        case .underWay:
            throw Problem(.idempotencyKeyInUse, "the request with this Idempotency-Key is being answered")
                .retryable(afterSeconds: 1)
        case .ofAnotherRequest:
            throw Problem(
                .idempotencyKeyReused, "this Idempotency-Key came with another body or query before; use a new one")
        }
    }

    private func tooFast(_ client: Client, until end: ContinuousClock.Instant) -> Problem {
        let seconds = (end - .now) / .seconds(1)
        return Problem(.busy, "\(client.name) has sent more records than it may in a second")
            .retryable(afterSeconds: max(1, Int(seconds.rounded(.up))))
    }

    /// The codes of the sources that a client may send for; names that no record has used yet have none.
    private func sources(of permissions: Permissions) -> SourceSet {
        guard !permissions.maySendForAll else { return .all }
        let codes = ledger.knownCodes(for: permissions.sources.map { Name(.source, $0) })
        return SourceSet(codes.compactMap { $0.map { UInt16($0) } } + permissions.sourceCodes)
    }

    /// - Parameter taken: bytes that were taken from the budget.
    private func read(
        _ bytes: inout BodyBytes, of body: RequestBody, with reader: BodyReader, for client: Client,
        _ taken: inout Int
    ) async throws -> BodyContent {
        reader.begin(for: client.permissions, nowMicroseconds: SystemMachine().wallClockMicroseconds())
        var byteCount = 0
        do {
            try reserve(bytes.memoryByteCount, &taken)
            for try await compressed in body {
                try bytes.add(compressed)
                while let piece = try bytes.next() {
                    byteCount += piece.readableBytes
                    try checkLength(byteCount)
                    try reserve(piece.readableBytes * Intake.bytesForEachByteOfBody, &taken)
                    try await reader.read(piece)
                    try checkCount(reader.itemCount)
                    // Between two pieces of what a small body becomes, others have their turn.
                    if bytes.memoryByteCount > 0 { await Task.yield() }
                }
            }
            try bytes.finish()
            let content = try await reader.finish()
            try checkCount(content.itemCount)
            return content
        } catch let problem as Problem {
            throw problem
        } catch let error as FormatError {
            throw Problem(.malformedBody, error.description)
        } catch let refusal as Refusal {
            throw Problem(refusal)
        } catch {
            // Whoever sent it has gone, or broke the rules of HTTP: nothing that an operator could mend.
            throw Problem(.malformedBody, "the body broke off: \(error)")
        }
    }

    private func reserve(_ byteCount: Int, _ taken: inout Int) throws(Problem) {
        guard budget.take(byteCount) else {
            throw Problem(.busy, "other bodies take all of the memory that there is for them")
                .retryable(afterSeconds: 1)
        }
        taken += byteCount
    }

    private func format(of request: Request) throws -> BodyReader.Format {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }) { try checkLength(length) }
        let contentType = request.headers[.contentType] ?? ""
        guard let format = BodyReader.Format(contentType: contentType) else {
            throw Problem(
                .unknownFormat,
                "Content-Type '\(contentType)' was found; \(BodyReader.Format.contentTypes) was expected")
        }
        return format
    }

    /// What the query says of the mapping; nil when it says nothing.
    private func mapping(_ query: RequestQuery) throws(Problem) -> Mapping? {
        let (name, source) = (try query.value("mapping"), try query.value("source"))
        guard name != nil || source != nil else { return nil }
        var mapping = Mapping()
        if let name { mapping = try mappings.mapping(name) }
        if let source { mapping.setSource(source) }
        return mapping
    }

    /// A reader that knows names and fields from the bodies before is much quicker than a new one.
    private func reader(of format: BodyReader.Format, _ mapping: Mapping?) throws -> BodyReader {
        if mapping == nil, let reader = readers.take(format) { return reader }
        do {
            return try BodyReader(format, mapping: mapping ?? Mapping(), ledger: ledger)
        } catch {
            throw Problem(.badParameter, "source or mapping: \(error)")
        }
    }

    private func checkCount(_ itemCount: Int) throws(Problem) {
        guard itemCount <= limits.largestItemCount else {
            throw Problem(.tooLarge, "a body has at most \(limits.largestItemCount) transactions")
        }
    }

    private func checkLength(_ byteCount: Int) throws(Problem) {
        guard byteCount <= limits.largestBodyByteCount else {
            var problem = Problem(.tooLarge, "a body has at most \(limits.largestBodyByteCount) bytes")
            // The rest of it is not waited for.
            problem.headers[.connection] = "close"
            throw problem
        }
    }
}
