import Analysis
import Formats
import Foundation
import Hummingbird
import Ledger
import NIOPosix
import Presentation
import Reference
import Rollups
import Storage
import Transactions

/// What can be read over HTTP: statistics, the events of a transaction, what is in the ledger. Work that reads disks is done on
/// threads of its own.
struct Questions: Sendable {
    let ledger: Ledger
    let threads: NIOThreadPool

    /// `GET /v1/daily`: what `sluice daily` answers, with the same words.
    func daily(_ request: Request) async throws -> Response {
        let query = try RequestQuery(
            request,
            known: [
                "from", "to", "by", "where", "measures", "bands", "compare", "moving_average", "share", "target",
                "format", "codes", "despite_damage",
            ])
        var text = QuestionText()
        text.from = try query.value("from", "a date such as 2026-11-20", CalendarDay.init)
        text.to = try query.value("to", "a date such as 2026-11-20", CalendarDay.init)
        text.by = try query.words("by") ?? text.by
        text.measures = try query.words("measures") ?? text.measures
        text.conditions = query.values("where")
        text.bands = try query.words("bands")
        text.comparison = try query.value("compare", "one of \(Comparison.words)") { $0 }
        text.averageDays = try query.value("moving_average", "a number of days") { Int($0) }
        text.showsShares = try query.flag("share")
        text.targets = query.values("target")
        let format = try format(query, request)
        let (showsCodes, despiteDamage) = (try query.flag("codes"), try query.flag("despite_damage"))
        let sheet = try await naming { [text] in
            let inquiry = try await inquiry(text)
            return inquiry.sheet(try await answers(to: inquiry.questions, of: text, despiteDamage: despiteDamage))
        }
        return try await rendered(as: format) {
            Report(sheet, names: showsCodes ? { "\($1)" } : names(of: sheet.dimensions.compactMap(\.nameSpace)))
        }
    }

    /// `GET /v1/transactions/{id}`: what `sluice find` answers.
    func events(ofTransaction id: String, _ request: Request) async throws -> Response {
        let query = try RequestQuery(request, known: ["format", "despite_damage"])
        let format = try format(query, request)
        let despiteDamage = try query.flag("despite_damage")
        return try await rendered(as: format) {
            let found = try ledger.find(printed: id, despiteDamage: despiteDamage)
            guard !found.records.isEmpty || !found.damage.isEmpty else {
                throw Problem(.notFound, "no transaction has the id '\(id)'")
            }
            var report = Report(
                events: found.records.map { ($0.sequence, $0.record) }, names: names(of: NameSpace.ofRecords))
            report.damage = found.damage
            return report
        }
    }

    /// `GET /v1/status`: what `sluice status --json` says.
    func status(_ request: Request) async throws -> Response {
        _ = try RequestQuery(request, known: [])
        let status = try await onOwnThread { try ledger.status() }
        return try Response(json: status)
    }

    /// `GET /v1/receipt`: a receipt for all that the ledger holds, as `sluice status --receipt` keeps it.
    func receipt(_ request: Request) async throws -> Response {
        _ = try RequestQuery(request, known: [])
        let receipt = try await onOwnThread { try ledger.status().receipt }
        guard let receipt else { throw Problem(.notFound, "the chain is not known") }
        return Response(receipt.line, contentType: "application/json")
    }

    /// `GET /v1/names/{space}`: the names of sources, institutions, payees, services or regions, with their codes.
    func names(ofSpace word: String, _ request: Request) async throws -> Response {
        let query = try RequestQuery(request, known: ["format"])
        let format = try format(query, request)
        guard let space = NameSpace.ofRecords.first(where: { $0.name == word }) else {
            let words = NameSpace.ofRecords.map(\.name)
            throw Problem(
                .notFound,
                "there are no names of '\(word)'\(Nearest.suggestion(word, among: words)); there are those of \(words.joined(separator: ", "))"
            )
        }
        return try await rendered(as: format) {
            Report(
                columns: [.init("code", isNumeric: true), .init("name", isNumeric: false)],
                rows: ledger.names(of: space).sorted { $0.key < $1.key }.map { [.count(Int128($0)), .text($1)] })
        }
    }

    private func names(of spaces: [NameSpace]) -> NameLookup {
        let names = Dictionary(spaces.map { ($0, ledger.names(of: $0)) }) { first, _ in first }
        return { names[$0]?[$1] }
    }

    private func rendered(
        as format: OutputFormat, _ report: @escaping @Sendable () throws -> Report
    ) async throws -> Response {
        let text = try await onOwnThread { try report().rendered(as: format) }
        return Response(text, contentType: format.contentType)
    }

    private func onOwnThread<Outcome: Sendable>(
        _ work: @escaping @Sendable () throws -> Outcome
    ) async throws -> Outcome {
        try await naming { try await threads.runIfActive(work) }
    }

    /// Makes problems of what a ledger throws.
    private func naming<Outcome>(_ work: () async throws -> Outcome) async throws -> Outcome {
        do {
            return try await work()
        } catch let fault as AttributeFault {
            throw Problem(.badParameter, "\(fault)")
        } catch let fault as QuestionText.Fault {
            throw Problem(.badParameter, fault.part == .whole ? "\(fault)" : "\(fault.part.rawValue): \(fault)")
        } catch let error as DamageError {
            throw Problem(.damaged, error.damage.map(\.description).joined(separator: "; "))
        } catch let refusal as Refusal {
            throw Problem(refusal)
        }
    }

    /// What the query says, else what the client accepts, else JSON.
    private func format(_ query: RequestQuery, _ request: Request) throws(Problem) -> OutputFormat {
        if let format = try query.value("format", "one of \(OutputFormat.words)", OutputFormat.init) { return format }
        let accepted =
            request.headers[.accept]?.split(separator: ",").compactMap { $0.split(separator: ";").first } ?? []
        return accepted.lazy.compactMap { word in
            let word = word.trimmingCharacters(in: .whitespaces).lowercased()
            return OutputFormat.allCases.first { $0.mediaType == word }
        }.first ?? .json
    }
}

extension Questions: AskedLedger {
    func answer(_ question: Question, despiteDamage: Bool) async throws -> Answer {
        try await onOwnThread { try ledger.answer(question, despiteDamage: despiteDamage) }
    }

    func statements(of kinds: Set<ReferenceKind>) async throws -> [String] {
        try await onOwnThread { ledger.statements(ofKinds: kinds.map(\.name)) }
    }

    func knownCodes(for names: Set<Name>) -> [Name: UInt32] {
        let wanted = Array(names)
        let codes = zip(wanted, ledger.knownCodes(for: wanted)).compactMap { name, code in code.map { (name, $0) } }
        return Dictionary(uniqueKeysWithValues: codes)
    }

    func names(of codes: Set<UInt32>, in space: NameSpace) -> [UInt32: String] {
        ledger.names(of: space).filter { codes.contains($0.key) }
    }

    func allNames(in space: NameSpace) -> [UInt32: String] { ledger.names(of: space) }
}

extension Problem {
    /// Why the ledger refused.
    init(_ refusal: Refusal) {
        switch refusal.cause {
        case .namesExhausted, .codeTaken: self.init(.rejected, refusal.description)
        case .damaged: self.init(.damaged, refusal.description)
        case .failed, .noTokenKey: self.init(.failed, refusal.description)
        case .diskFull, .closing: self = Problem(.refused, refusal.description).retryable(afterSeconds: 5)
        }
    }
}

extension OutputFormat {
    fileprivate var contentType: String { mediaType.hasPrefix("text/") ? mediaType + "; charset=utf-8" : mediaType }

    fileprivate var mediaType: String {
        switch self {
        case .table: "text/plain"
        case .csv: "text/csv"
        case .json: "application/json"
        case .ndjson: "application/x-ndjson"
        case .markdown: "text/markdown"
        }
    }
}

extension Response {
    init(_ text: String, contentType: String, status: HTTPResponse.Status = .ok) {
        self.init(
            status: status, headers: [.contentType: contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// A value as one JSON object with its keys in order.
    init(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self.init(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n", contentType: "application/json")
    }
}
