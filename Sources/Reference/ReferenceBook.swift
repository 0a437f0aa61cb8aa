import Transactions

/// What has been said about entries, as of every day: reference data.
///
/// Of statements about the same entry, attribute and first day the last one holds. A value stays until the next first day.
public struct ReferenceBook: Sendable {
    /// A value from a day on.
    public struct Span: Hashable, Sendable {
        /// The first day; nil: always.
        public var from: CalendarDay?
        /// The value; empty: none.
        public var value: String
        /// When it was said, microseconds since 1970-01-01 UTC.
        public var momentMicroseconds: Int64
    }

    /// A value with the days on which it is valid.
    public struct Value: Hashable, Sendable {
        /// Whose it is.
        public var entry: ReferenceEntry
        /// The attribute.
        public var attribute: String
        /// Not empty.
        public var value: String
        /// The first day; nil: always.
        public var from: CalendarDay?
        /// The last day; nil: until further notice.
        public var to: CalendarDay?
    }

    private struct Place: Hashable {
        var entry: ReferenceEntry
        var attribute: String
    }

    /// The spans of each place by their first day.
    private var histories: [ReferenceKind: [Place: [Span]]] = [:]
    /// The attributes of each kind in the order in which they first came, and the entries.
    private var attributeNames: [ReferenceKind: [String]] = [:]
    private var knownEntries: [ReferenceKind: Set<ReferenceEntry>] = [:]
    /// Services that are merchant categories of ISO 18245, by their codes.
    private var merchantCategories: [UInt32: MerchantCategory] = [:]
    /// The names of entries where they are known.
    private var ownNames: [ReferenceKind: [UInt32: String]] = [:]

    /// An empty book.
    public init() {}

    /// A book of statements in the order in which they were made. Texts that are none are passed over: a later version
    /// may have written them.
    public init(statements: some Sequence<String>) {
        for text in statements {
            if let statement = ReferenceStatement(text: text) { add(statement) }
        }
    }

    /// Adds what was said last.
    public mutating func add(_ statement: ReferenceStatement) {
        let place = Place(entry: statement.entry, attribute: statement.attribute)
        let span = Span(
            from: statement.from, value: statement.value, momentMicroseconds: statement.momentMicroseconds)
        var spans = histories[statement.kind]?[place] ?? []
        let index = spans.firstIndex { !Self.isEarlier($0.from, than: span.from) } ?? spans.count
        if index < spans.count, spans[index].from == span.from {
            spans[index] = span
        } else {
            spans.insert(span, at: index)
        }
        histories[statement.kind, default: [:]][place] = spans
        if attributeNames[statement.kind]?.contains(statement.attribute) != true {
            attributeNames[statement.kind, default: []].append(statement.attribute)
        }
        knownEntries[statement.kind, default: []].insert(statement.entry)
    }

    /// Makes services with the codes of merchant categories known as such: they have the attributes `category` and
    /// `category_group` where nothing else was said.
    public mutating func addMerchantCategories(_ categories: [UInt32: MerchantCategory]) {
        merchantCategories.merge(categories) { $1 }
    }

    /// Makes the names of entries known, which are their attribute `name` where nothing else was said.
    public mutating func addNames(_ names: [UInt32: String], of kind: ReferenceKind) { ownNames[kind] = names }

    /// True when a statement would say nothing new.
    public func says(_ statement: ReferenceStatement) -> Bool {
        history(of: statement.attribute, of: statement.entry, statement.kind).contains {
            $0.from == statement.from && $0.value == statement.value
        }
    }

    /// The spans of an attribute by their first day, built-in values apart.
    public func history(of attribute: String, of entry: ReferenceEntry, _ kind: ReferenceKind) -> [Span] {
        histories[kind]?[Place(entry: entry, attribute: attribute)] ?? []
    }

    /// The value of an attribute on a day; nil: none.
    public func value(
        of attribute: String, of entry: ReferenceEntry, _ kind: ReferenceKind, on day: CalendarDay
    ) -> String? {
        let spans = history(of: attribute, of: entry, kind)
        if let span = spans.last(where: { $0.from.map { $0 <= day } ?? true }) {
            return span.value.isEmpty ? nil : span.value
        }
        return builtInValue(of: attribute, of: entry, kind)
    }

    /// Every value of a kind that was said and holds on some day, by entry, attribute and day; built-in ones apart.
    public func values(of kind: ReferenceKind) -> [Value] {
        var values: [Value] = []
        for (place, spans) in histories[kind] ?? [:] {
            for (number, span) in spans.enumerated() where !span.value.isEmpty {
                let next = number + 1 < spans.count ? spans[number + 1].from : nil
                values.append(
                    Value(
                        entry: place.entry, attribute: place.attribute, value: span.value, from: span.from,
                        to: next.map { CalendarDay(daysSince1970: $0.daysSince1970 - 1) }))
            }
        }
        return values.sorted { a, b in
            if a.entry != b.entry { return a.entry.codes.lexicographicallyPrecedes(b.entry.codes) }
            if a.attribute != b.attribute { return a.attribute < b.attribute }
            return Self.isEarlier(a.from, than: b.from)
        }
    }

    /// The attributes of a kind of which anything was said, in the order in which they first came.
    public func attributes(of kind: ReferenceKind) -> [String] { attributeNames[kind] ?? [] }

    /// The attributes of a kind that values can be had of, those built in too.
    public func knownAttributes(of kind: ReferenceKind) -> [String] {
        let own = attributes(of: kind)
        return own + Self.builtInAttributes(of: kind).filter { !own.contains($0) }
    }

    /// The entries of a kind of which anything was said.
    public func entries(of kind: ReferenceKind) -> Set<ReferenceEntry> { knownEntries[kind] ?? [] }

    /// The entries of a kind that may have a value of an attribute.
    func entries(of kind: ReferenceKind, with attribute: String) -> Set<ReferenceEntry> {
        let said = histories[kind]?.keys.lazy.filter { $0.attribute == attribute }.map(\.entry)
        var entries = Set(said.map(Array.init) ?? [])
        guard Self.builtInAttributes(of: kind).contains(attribute) else { return entries }
        if attribute == "name" { return entries.union((ownNames[kind] ?? [:]).keys.map { ReferenceEntry($0) }) }
        switch kind {
        case .outcome: entries.formUnion((0...UInt32(UInt8.max)).map { ReferenceEntry($0) })
        case .service: entries.formUnion(merchantCategories.keys.map { ReferenceEntry($0) })
        default: break
        }
        return entries
    }

    /// Every value that an attribute of a kind ever had.
    func values(of attribute: String, _ kind: ReferenceKind) -> Set<String> {
        var values: Set<String> = []
        for (place, spans) in histories[kind] ?? [:] where place.attribute == attribute {
            values.formUnion(spans.map(\.value))
        }
        return values.subtracting([""])
    }

    /// Every value that an attribute of a kind ever had, built-in ones too.
    func everyValue(of attribute: String, _ kind: ReferenceKind) -> Set<String> {
        let builtIn = entries(of: kind, with: attribute).compactMap { builtInValue(of: attribute, of: $0, kind) }
        return values(of: attribute, kind).union(builtIn)
    }

    /// The first days of an attribute's values, of all entries of a kind.
    func firstDays(of attribute: String, _ kind: ReferenceKind) -> Set<CalendarDay> {
        var days: Set<CalendarDay> = []
        for (place, spans) in histories[kind] ?? [:] where place.attribute == attribute {
            days.formUnion(spans.compactMap(\.from))
        }
        return days
    }

    static func builtInAttributes(of kind: ReferenceKind) -> [String] {
        switch kind {
        case .outcome: ["name", "class"]
        case .service: ["name", "category", "category_group"]
        case .offering: []
        default: ["name"]
        }
    }

    private func builtInValue(of attribute: String, of entry: ReferenceEntry, _ kind: ReferenceKind) -> String? {
        switch (kind, attribute) {
        case (_, "name"): ownNames[kind]?[entry.codes[0]]
        case (.outcome, "class"):
            UInt8(exactly: entry.codes[0]).flatMap { Outcome(rawValue: $0).outcomeClass?.name }
        case (.service, "category"): merchantCategories[entry.codes[0]]?.name
        case (.service, "category_group"): merchantCategories[entry.codes[0]]?.group
        default: nil
        }
    }

    private static func isEarlier(_ a: CalendarDay?, than b: CalendarDay?) -> Bool {
        guard let b else { return false }
        return a.map { $0 < b } ?? true
    }
}
