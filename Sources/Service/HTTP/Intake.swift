import Access
import Formats
import HTTPTypes
import Hummingbird
import Ledger
import Presentation
import Transactions

/// `POST /v1/transactions`: takes a body of transactions in, and answers when they are durable.
///
/// A body is read whole before anything of it is submitted, so that one which cannot be read changes nothing. What is in it
/// is decided item by item; to send a body again is harmless, as what is in already is a duplicate then.
struct Intake: Sendable {
    private let ledger: Ledger
    private let limits: IntakeLimits
    private let mappings: [String: Mapping]
    private let budget: ByteBudget
    private let readers = ReaderPool()

    init(ledger: Ledger, limits: IntakeLimits, mappings: [String: Mapping]) {
        self.ledger = ledger
        self.mappings = mappings
        self.limits = limits
        budget = ByteBudget(limits.memoryByteCount)
    }

    /// Bytes that a body's records take beside it: a record of 64 bytes comes from no less than about as many of text.
    private static let bytesForEachByteOfBody = 2

    /// - Throws: a problem, or a `Denial` when the query names a source that is not the client's.
    func take(_ request: Request, from client: Client) async throws -> Response {
        if let end = client.limiter?.wait() { throw tooFast(client, until: end) }
        let query = try RequestQuery(request, known: ["mapping", "source"])
        if let source = try query.value("source"), !client.permissions.maySend(for: source) {
            throw Denial.outOfScope("\(client.name) may not send for the source '\(source)'")
        }
        let mapping = try mapping(query)
        let reader = try reader(of: format(of: request), mapping)
        var taken = 0
        defer { budget.giveBack(taken) }
        let content = try await read(request.body, with: reader, for: client, &taken)
        // Before the wait for the disk, so that few readers serve many requests.
        if reader.isReusable, mapping == nil { readers.give(reader) }
        guard content.itemCount > 0 else { throw Problem(.malformedBody, "there is no transaction in the body") }
        _ = client.limiter?.enter(content.itemCount)
        let answers = await Submission().send(
            content.records, to: ledger, sources: sources(of: client.permissions))
        let outcome = IntakeOutcome(content, answers, ledger: ledger.ledgerID)
        return try outcome.response(isMinimal: request.headers[.prefer]?.contains("return=minimal") ?? false)
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
        _ body: RequestBody, with reader: BodyReader, for client: Client, _ taken: inout Int
    ) async throws -> BodyContent {
        reader.begin(for: client.permissions, nowMicroseconds: SystemMachine().wallClockMicroseconds())
        do {
            for try await piece in body {
                try checkLength(taken / Intake.bytesForEachByteOfBody + piece.readableBytes)
                let byteCount = piece.readableBytes * Intake.bytesForEachByteOfBody
                guard budget.take(byteCount) else {
                    throw Problem(.busy, "other bodies take all of the memory that there is for them")
                        .retryable(afterSeconds: 1)
                }
                taken += byteCount
                try await reader.read(piece)
                try checkCount(reader.itemCount)
            }
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

    private func format(of request: Request) throws -> BodyReader.Format {
        if let encoding = request.headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw Problem(.unknownFormat, "Content-Encoding '\(encoding)' was found; only identity is known")
        }
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
        if let name {
            guard let known = mappings[name] else {
                throw Problem(
                    .badParameter,
                    "mapping: the daemon has no '\(name)'\(Nearest.suggestion(name, among: mappings.keys.sorted()))")
            }
            mapping = known
        }
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

/// What became of the items of a body.
struct IntakeOutcome {
    private let items: [Int]
    /// By item; those that are not in.
    private var faults: [(item: Int, isConflict: Bool, field: String?, detail: String)]
    private var receipts: [StoredReceipt] = []
    private var refusal: Refusal?
    private var (accepted, duplicates) = (0, 0)

    init(_ body: BodyContent, _ answers: [BatchAnswer], ledger: UInt64) {
        items = body.items
        faults = body.rejects.map { ($0.row, false, $0.field, $0.message) }
        for answer in answers {
            let first = Int(answer.batch) * Ledger.largestBatch
            switch answer.result {
            case .failure(let refusal): self.refusal = self.refusal ?? refusal
            case .success(let receipt):
                accepted += receipt.accepted
                duplicates += receipt.duplicates
                receipts.append(StoredReceipt(ledger: ledger, receipt))
                for exception in receipt.exceptions {
                    let reject = RowReject(row: items[first + exception.index], fault: exception.fault)
                    faults.append((reject.row, exception.fault.reason == .conflict, reject.field, reject.message))
                }
            }
        }
        faults.sort { $0.item < $1.item }
    }

    private var conflicts: Int { faults.count(where: \.isConflict) }

    /// - Parameter isMinimal: leave out the items that are in.
    func response(isMinimal: Bool) throws -> Response {
        if let refusal {
            var problem = Problem(refusal)
            problem.members = counts + [receiptsMember]
            throw problem
        }
        if accepted + duplicates == 0 {
            var problem = Problem(
                conflicts == faults.count ? .conflict : .rejected,
                "of \(faults.count) none is in; the first is item \(faults[0].item): "
                    + (faults[0].field.map { $0 + ": " } ?? "") + faults[0].detail)
            problem.members = counts + [("results", "[\(faults.map(IntakeOutcome.json).joined(separator: ", "))]")]
            throw problem
        }
        var members = counts
        if !faults.isEmpty { members.append(("results", results(isMinimal: isMinimal))) }
        members.append(receiptsMember)
        let text = members.map { "\(jsonString($0.name)): \($0.json)" }.joined(separator: ", ")
        return Response("{\(text)}\n", contentType: "application/json", status: faults.isEmpty ? .ok : .multiStatus)
    }

    private var counts: [(name: String, json: String)] {
        [
            ("accepted", "\(accepted)"), ("duplicates", "\(duplicates)"), ("conflicts", "\(conflicts)"),
            ("rejected", "\(faults.count - conflicts)"),
        ]
    }

    private var receiptsMember: (name: String, json: String) {
        ("receipts", "[\(receipts.map { $0.line.dropLast() }.joined(separator: ", "))]")
    }

    private func results(isMinimal: Bool) -> String {
        var results: [String] = []
        var next = 0
        func addFaults(before item: Int) {
            while next < faults.count, faults[next].item <= item {
                results.append(IntakeOutcome.json(faults[next]))
                next += 1
            }
        }
        if !isMinimal {
            for item in items {
                let isAtFault = next < faults.count && faults[next].item <= item
                addFaults(before: item)
                if !isAtFault || faults[next - 1].item != item {
                    results.append("{\"item\": \(item), \"status\": 200}")
                }
            }
        }
        addFaults(before: .max)
        return "[\(results.joined(separator: ", "))]"
    }

    private static func json(_ fault: (item: Int, isConflict: Bool, field: String?, detail: String)) -> String {
        let kind = fault.isConflict ? Problem.Kind.conflict : .rejected
        let field = fault.field.map { ", \"field\": \(jsonString($0))" } ?? ""
        return
            "{\"item\": \(fault.item), \"status\": \(kind.status.code)\(field), \"detail\": \(jsonString(fault.detail))}"
    }
}
