import Locks
import Storage
import Transactions

/// The names of a ledger and their codes. The committer gives codes; anyone looks up those that are durable.
final class NameRegistry: Sendable {
    fileprivate struct State {
        var codes: [Name: UInt32] = [:]
        var names: [NameSpace: [UInt32: String]] = [:]
        /// Of the committer: given, and perhaps not durable yet.
        var pending: [Name: UInt32] = [:]
        var nextCode: [NameSpace: UInt32] = [:]
        /// Of all names, durable or not.
        var textByteCount = 0
        /// Durable names that no checkpoint has yet.
        var unsaved: [Catalogue.NamedCode] = []
    }

    private let state = Lock(State())
    /// The most names that a space may have.
    let largestCount: Int
    /// The most bytes of text that the names of all spaces may have.
    let largestByteCount: Int

    init(largestCount: Int, largestByteCount: Int) {
        self.largestCount = largestCount
        self.largestByteCount = largestByteCount
    }

    /// Codes of durable names, nil for each that has none.
    func codes(for names: [Name]) -> [UInt32?] {
        state.withLock { state in names.map { state.codes[$0] } }
    }

    /// The names of a space by their codes.
    func names(of space: NameSpace) -> [UInt32: String] { state.withLock { $0.names[space] ?? [:] } }

    /// The name that has a code in a space.
    func name(_ space: NameSpace, _ code: UInt32) -> String? { state.withLock { $0.names[space]?[code] } }

    /// Number of durable names by space.
    var counts: [NameSpace: Int] { state.withLock { $0.names.mapValues(\.count) } }

    /// Number of names in all spaces, those not durable yet too.
    func count(in space: NameSpace) -> Int { state.withLock { $0.names[space]?.count ?? 0 } }

    /// Whether a record may use a code: the user's own, or one that was given out.
    func bounds() -> CodeBounds {
        state.withLock { state in
            func end(_ space: NameSpace) -> UInt64 { UInt64(state.nextCode[space] ?? space.firstGivenCode) }
            return CodeBounds(
                source: end(.source), institution: end(.institution), payee: end(.payee), service: end(.service),
                region: end(.region))
        }
    }

    /// Gives codes to names that have none. The committer calls it and makes the new ones durable, then `publish`es them.
    /// - Returns: a code for each name, and the new ones.
    /// - Throws: `Refusal` when a space is full, or a name cannot have the code that it should; nothing has changed then.
    func assign(_ definitions: [NameDefinition]) throws(Refusal) -> (codes: [UInt32], new: [Catalogue.NamedCode]) {
        let result: Result<(codes: [UInt32], new: [Catalogue.NamedCode]), Refusal> = state.withLock { state in
            var draft = state
            var new: [Catalogue.NamedCode] = []
            var codes: [UInt32] = []
            do throws(Refusal) {
                for definition in definitions {
                    if let known = draft.codes[definition.name] ?? draft.pending[definition.name] {
                        if let wanted = definition.code, wanted != known { throw .taken(definition, by: known) }
                        codes.append(known)
                        continue
                    }
                    let code = try draft.newCode(for: definition, largestCount: largestCount)
                    try draft.take(definition.text, largestByteCount: largestByteCount)
                    draft.pending[definition.name] = code
                    codes.append(code)
                    new.append(Catalogue.NamedCode(name: definition.name, code: code))
                }
            } catch {
                return .failure(error)
            }
            if !new.isEmpty { state = draft }
            return .success((codes, new))
        }
        return try result.get()
    }

    /// Takes codes back that `assign` gave last, when they could not be made durable: invariant 11, no record may use a code
    /// whose name is not in the log.
    func withdraw(_ named: [Catalogue.NamedCode]) {
        state.withLock { state in
            for entry in named {
                if state.pending.removeValue(forKey: entry.name) != nil {
                    state.textByteCount -= entry.name.text.utf8.count
                }
                guard entry.code >= entry.name.space.firstGivenCode else { continue }
                state.nextCode[entry.name.space] = min(state.nextCode[entry.name.space] ?? entry.code, entry.code)
            }
        }
    }

    /// Lets everyone see names that are durable now.
    func publish(_ named: [Catalogue.NamedCode], isSaved: Bool = false) {
        state.withLock { state in
            for entry in named {
                let isNew = state.codes.updateValue(entry.code, forKey: entry.name) == nil
                if state.pending.removeValue(forKey: entry.name) == nil, isNew {
                    state.textByteCount += entry.name.text.utf8.count
                }
                state.names[entry.name.space, default: [:]][entry.code] = entry.name.text
                if entry.code >= entry.name.space.firstGivenCode {
                    state.nextCode[entry.name.space] = max(
                        state.nextCode[entry.name.space] ?? entry.name.space.firstGivenCode, entry.code + 1)
                }
            }
            if !isSaved { state.unsaved.append(contentsOf: named) }
        }
    }

    /// Takes the names that no checkpoint has yet.
    func takeUnsaved() -> [Catalogue.NamedCode] {
        state.withLock { state in
            defer { state.unsaved = [] }
            return state.unsaved
        }
    }
}

extension NameRegistry.State {
    /// The code that a name without one gets: the user's own, or the next of its space.
    fileprivate mutating func newCode(
        for definition: NameDefinition, largestCount: Int
    ) throws(Refusal) -> UInt32 {
        let space = definition.space
        if let wanted = definition.code {
            guard (1..<space.firstGivenCode).contains(wanted) else {
                throw Refusal(
                    .codeTaken,
                    "'\(definition.text)' cannot have the code \(wanted): own codes of a \(space.name) are 1 to "
                        + "\(space.firstGivenCode - 1)")
            }
            let holder =
                names[space]?[wanted] ?? pending.first { $0.key.space == space && $0.value == wanted }?.key.text
            if let holder { throw .taken(definition, by: holder) }
            return wanted
        }
        let code = nextCode[space] ?? space.firstGivenCode
        let count = Int(code - space.firstGivenCode)
        guard code < space.largestCode, count < largestCount else {
            throw Refusal(.namesExhausted, "there are \(count) names of space '\(space.name)' already, the limit")
        }
        nextCode[space] = code + 1
        return code
    }

    fileprivate mutating func take(_ text: String, largestByteCount: Int) throws(Refusal) {
        guard textByteCount + text.utf8.count <= largestByteCount else {
            throw Refusal(
                .namesExhausted,
                "the names of all spaces have \(textByteCount) bytes already, the limit is \(largestByteCount)")
        }
        textByteCount += text.utf8.count
    }
}

extension Refusal {
    fileprivate static func taken(_ definition: NameDefinition, by code: UInt32) -> Refusal {
        Refusal(.codeTaken, "'\(definition.text)' has the code \(code) already and cannot have \(definition.code!)")
    }

    fileprivate static func taken(_ definition: NameDefinition, by name: String) -> Refusal {
        Refusal(
            .codeTaken, "'\(definition.text)' cannot have the code \(definition.code!), which '\(name)' has already")
    }
}

/// For each space, the first code that was not given out.
struct CodeBounds {
    var source: UInt64
    var institution: UInt64
    var payee: UInt64
    var service: UInt64
    var region: UInt64

    /// The first field whose code nobody gave out; codes below half of a range are the user's.
    func fault(of record: Record) -> Fault? {
        if record.source >= 0x8000, UInt64(record.source) >= source { return Fault(.source, .unknownCode) }
        if record.payerInstitution >= 0x8000, UInt64(record.payerInstitution) >= institution {
            return Fault(.payerInstitution, .unknownCode)
        }
        if record.payeeInstitution >= 0x8000, UInt64(record.payeeInstitution) >= institution {
            return Fault(.payeeInstitution, .unknownCode)
        }
        if record.payee >= 0x8000_0000, UInt64(record.payee) >= payee { return Fault(.payee, .unknownCode) }
        if record.service >= 0x8000_0000, UInt64(record.service) >= service { return Fault(.service, .unknownCode) }
        if record.region >= 0x8000, UInt64(record.region) >= region { return Fault(.region, .unknownCode) }
        return nil
    }
}
