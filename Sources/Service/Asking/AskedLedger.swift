import Analysis
import Presentation
import Reference
import Rollups
import Transactions

/// A ledger that can be asked, whoever holds it.
public protocol AskedLedger: Sendable {
    /// Answers a question about statistics.
    func answer(_ question: Question, despiteDamage: Bool) async throws -> Answer
    /// The texts of all that was said about entries of some kinds, in order.
    func statements(of kinds: Set<ReferenceKind>) async throws -> [String]
    /// The codes of those names that have one.
    func knownCodes(for names: Set<Name>) async throws -> [Name: UInt32]
    /// The names of codes that have one.
    func names(of codes: Set<UInt32>, in space: NameSpace) async throws -> [UInt32: String]
    /// All names of a space by their codes.
    func allNames(in space: NameSpace) async throws -> [UInt32: String]
}

extension AskedLedger {
    /// What was said about entries of some kinds.
    public func book(of kinds: Set<ReferenceKind>) async throws -> ReferenceBook {
        ReferenceBook(statements: kinds.isEmpty ? [] : try await statements(of: kinds))
    }

    /// The names of all entries of a kind, by their codes.
    public func entryNames(of kind: ReferenceKind) async throws -> [UInt32: String] {
        if let space = kind.space { return try await allNames(in: space) }
        let words = kind == .outcome ? Outcome.names : Channel.names
        return Dictionary(uniqueKeysWithValues: words.compactMap { word in kind.ownCode(of: word).map { ($0, word) } })
    }

    /// As `book(of:)`, with the services that are merchant categories known as such: those whose name, or whose code
    /// without a name, is one of ISO 18245.
    public func bookWithCategories(of kinds: Set<ReferenceKind>) async throws -> ReferenceBook {
        var book = try await self.book(of: kinds)
        guard kinds.contains(.service) else { return book }
        let named = try await knownCodes(for: Set(MerchantCategory.all.map { Name(.service, $0.code) }))
        let holders = try await names(of: Set(MerchantCategory.all.map { UInt32($0.code)! }), in: .service)
        var categories: [UInt32: MerchantCategory] = [:]
        for category in MerchantCategory.all {
            if let code = named[Name(.service, category.code)] { categories[code] = category }
            if let code = UInt32(category.code), holders[code] == nil { categories[code] = category }
        }
        book.addMerchantCategories(categories)
        return book
    }
}

/// Questions in words, attributes among them.
extension AskedLedger {
    /// What is asked, with the codes of the names in it, attributes apart.
    /// - Throws: `QuestionText.Fault` or `AttributeFault` when the words stand for nothing.
    public func inquiry(_ text: QuestionText) async throws -> Inquiry {
        let words = try text.attributeWords()
        var plain = text
        (plain.by, plain.conditions) = (words.dimensions, words.conditions)
        return try plain.inquiry(codes: try await knownCodes(for: plain.names()))
    }

    /// The answers to questions that were made of a text, by and of its attributes.
    public func answers(
        to questions: [Question], of text: QuestionText, despiteDamage: Bool
    ) async throws -> [Answer] {
        let words = try text.attributeWords()
        guard !words.paths.isEmpty else { return try await answers(to: questions, despiteDamage: despiteDamage) }
        var book = try await bookWithCategories(of: words.kinds)
        for kind in words.paths.reduce(into: Set(), { $0.formUnion($1.namedKinds) }) {
            book.addNames(try await entryNames(of: kind), of: kind)
        }
        let names = words.paths.reduce(into: Set()) { $0.formUnion(book.names(on: $1)) }
        let codes = try await knownCodes(for: names)
        var answers: [Answer] = []
        for question in questions {
            let plan = try AttributePlan(question, words, book: book, codes: codes)
            answers.append(
                try plan.answer(try await self.answers(to: plan.questions, despiteDamage: despiteDamage)))
        }
        return answers
    }

    private func answers(to questions: [Question], despiteDamage: Bool) async throws -> [Answer] {
        var answers: [Answer] = []
        for question in questions { answers.append(try await answer(question, despiteDamage: despiteDamage)) }
        return answers
    }
}

extension QuestionText {
    fileprivate func attributeWords() throws(AttributeFault) -> AttributeWords {
        try AttributeWords(by: by, conditions: conditions)
    }
}
