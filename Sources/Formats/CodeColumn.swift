import Transactions

/// A field whose texts stand for numbers: a vocabulary, a currency, a name, an account. Each text is interpreted once and
/// found in a hash table afterwards. Codes in digits and tokens, which say themselves what they stand for, need no table.
///
/// A table entry's 64 bits: the two highest say what the others are.
///
/// | bits 63, 62 | others |
/// |---|---|
/// | 00 | the number to be stored |
/// | 01 | bits 32 to 61: the batch that waits for it; bits 0 to 31: its position among the batch's names |
/// | 11 | the same among the batch's accounts |
///
/// A name that was refused goes on waiting, so that the next batch asks for it again. Were the refusal kept, a row with two
/// such names would be rejected for the one or the other, as the input happened to be cut into batches.
struct CodeColumn: ~Copyable {
    enum Meaning {
        case kind, event, step, outcome, channel, currency
        case flag(UInt8)
        case name(NameSpace, takesCodes: Bool)
        case account
        case person
    }

    private enum Interpretation {
        case number(UInt64)
        case name(Name)
        case account
    }

    /// What an entry holds.
    enum Content {
        case number(UInt64)
        /// Waits in the present batch, at that position among its names.
        case waitingForName(Int)
        /// Waits in the present batch, at that position among its accounts.
        case waitingForAccount(Int)
        /// Waits in an earlier batch, which was not resolved yet or in which it was refused.
        case stale
    }

    /// Texts that are read without the table.
    private enum Plain {
        case nothing
        /// Digits, up to a largest code.
        case codes(largest: UInt64)
        case tokens
    }

    static let largestEntryCount = 1 << 20
    static let largestByteCount = 96 << 20

    let source: TextSource
    let meaning: Meaning
    /// True for an account or a person, whose texts are tokenised.
    let isTokenised: Bool
    private let values: [String: String]
    private let plain: Plain
    private var table = ByteStringTable()
    /// Counts how often the table was emptied, so that answers for entries that are gone are left aside.
    private(set) var generation = 0

    init(_ source: consuming TextSource, meaning: Meaning, values: [String: String]) {
        self.source = source
        self.meaning = meaning
        self.values = values
        isTokenised =
            switch meaning {
            case .account, .person: true
            default: false
            }
        plain =
            switch meaning {
            case .name(let space, takesCodes: true) where values.isEmpty: .codes(largest: UInt64(space.largestCode))
            case .account where values.isEmpty: .tokens
            default: .nothing
            }
    }

    /// What a text stands for, where that needs neither a table nor the ledger; nil for most texts.
    @inline(__always)
    func plainNumber(_ text: FieldText) -> UInt64? {
        switch plain {
        case .nothing: return nil
        case .tokens: return text.token
        case .codes(let largest):
            guard let code = text.shortNumber, code <= largest else { return nil }
            return code
        }
    }

    /// The entry of a text that was met before, else -1.
    @inline(__always)
    func entry(of text: FieldText) -> Int { table.entry(of: text) }

    /// The number that an entry holds; nil when it waits for one.
    @inline(__always)
    func number(_ entry: Int) -> UInt64? {
        let bits = table[entry]
        return bits >> 62 == 0 ? bits : nil
    }

    /// Empties the table when it has grown too large; only between batches.
    mutating func trim() {
        guard table.count > CodeColumn.largestEntryCount || table.sizeInBytes > CodeColumn.largestByteCount else {
            return
        }
        table.removeAll()
        generation += 1
    }

    /// What an entry holds, as the batch with this number sees it.
    func content(_ entry: Int, batch: UInt64) -> Content {
        let bits = table[entry]
        if bits >> 62 == 0 { return .number(bits) }
        let position = Int(UInt32(truncatingIfNeeded: bits))
        guard bits >> 32 & 0x3FFF_FFFF == batch & 0x3FFF_FFFF else { return .stale }
        return bits >> 62 == 1 ? .waitingForName(position) : .waitingForAccount(position)
    }

    mutating func set(_ entry: Int, number: UInt64) { table[entry] = number }

    mutating func set(_ entry: Int, waitingForName position: Int, batch: UInt64) {
        table[entry] = 1 << 62 | (batch & 0x3FFF_FFFF) << 32 | UInt64(UInt32(position))
    }

    private mutating func set(_ entry: Int, waitingForAccount position: Int, batch: UInt64) {
        table[entry] = 3 << 62 | (batch & 0x3FFF_FFFF) << 32 | UInt64(UInt32(position))
    }

    /// Interprets a text and makes an entry of it; one that waits already (`known` is its entry) waits anew in this batch.
    /// - Parameters:
    ///   - key: under which it is entered: the text, or the text with the period of its token.
    ///   - day: the UTC date of the record.
    mutating func enter(
        _ text: FieldText, under key: FieldText, on day: CalendarDay, known: Int, as column: Int,
        into batch: inout ParsedBatch
    ) throws(RowFault) -> Int {
        let interpretation = try interpret(text)
        let entry = known >= 0 ? known : table.insert(key, value: 0)
        switch interpretation {
        case .number(let number): set(entry, number: number)
        case .name(let name):
            let position = batch.position(of: name)
            set(entry, waitingForName: position, batch: batch.number)
            batch.namePlaces.append(.init(item: position, column: column, entry: entry, generation: generation))
        case .account:
            let position = batch.accounts.count
            batch.accounts.append(UnsafeRawBufferPointer(text.bytes), on: day)
            set(entry, waitingForAccount: position, batch: batch.number)
            batch.accountPlaces.append(.init(item: position, column: column, entry: entry, generation: generation))
        }
        return entry
    }

    /// The number of a constant that needs no ledger; nil for names and accounts.
    func constantNumber(_ text: FieldText) throws(RowFault) -> UInt64? {
        if case .number(let number) = try interpret(text) { return number }
        return nil
    }

    private func account(_ field: FieldText) throws(RowFault) -> Interpretation {
        guard field.bytes.count <= AccountTokeniser.longestAccountByteCount else {
            throw source.fault(field, "has more than \(AccountTokeniser.longestAccountByteCount) bytes")
        }
        return .account
    }

    private func interpret(_ field: FieldText) throws(RowFault) -> Interpretation {
        let written = String(decoding: field.bytes, as: UTF8.self)
        let text = values[written] ?? written
        switch meaning {
        case .name(let space, let takesCodes): return try name(text, in: space, takesCodes: takesCodes, field)
        case .account:
            if let token = TokenText.token(text) { return .number(token) }
            return try account(field)
        case .person:
            if let token = TokenText.token(text) { return .name(Name(.payee, TokenText.text(of: token))) }
            return try account(field)
        default: break
        }
        guard let number = number(text) else { throw source.fault(field, "is \(expectation)") }
        return .number(number)
    }

    private func number(_ text: String) -> UInt64? {
        switch meaning {
        case .kind: Kind(name: text).map { UInt64($0.rawValue) }
        case .event: Event(name: text).map { UInt64($0.rawValue) }
        case .outcome: Outcome(name: text).map { UInt64($0.rawValue) }
        case .channel: Channel(name: text).map { UInt64($0.rawValue) }
        case .step: UInt64(text).flatMap { $0 < 16 ? $0 : nil }
        case .currency:
            currency(text.uppercased()).map { UInt64($0.rawValue) }
        case .flag(let bit):
            switch text.lowercased() {
            case "true", "yes", "1": UInt64(bit)
            case "false", "no", "0": 0
            default: nil
            }
        case .name, .account, .person: nil
        }
    }

    /// A numeric code may lack its leading zeros, as JSON numbers do.
    private func currency(_ text: String) -> Currency? {
        let isShort = text.utf8.count < 3 && !text.isEmpty && text.utf8.allSatisfy(isDigit)
        return Currency(code: isShort ? String(repeating: "0", count: 3 - text.utf8.count) + text : text)
    }

    private var expectation: String {
        func oneOf(_ names: [String], what: String) -> String {
            let known = names + values.keys.sorted().prefix(20).map { Excerpt.quoted($0) }
            return "no known \(what); expected one of " + known.joined(separator: ", ")
        }
        switch meaning {
        case .kind: return oneOf(Kind.names, what: "kind")
        case .event: return oneOf(Event.names, what: "event")
        case .outcome: return oneOf(Outcome.names, what: "outcome")
        case .channel: return oneOf(Channel.names, what: "channel")
        case .step: return "no step; expected a number from 0 to 15"
        case .currency: return "no ISO 4217 currency; expected a code such as VND, GBP or 704"
        case .flag: return "neither true nor false"
        case .name, .account, .person: return "not understood"
        }
    }

    /// Where digits are codes: `7`, `#7` and the name `name:7` are told apart.
    private func name(
        _ text: String, in space: NameSpace, takesCodes: Bool, _ field: FieldText
    ) throws(RowFault) -> Interpretation {
        var text = text[...]
        if takesCodes {
            let digits = text.hasPrefix("#") ? text.dropFirst() : text
            if !digits.isEmpty, digits.utf8.allSatisfy(isDigit) {
                guard let code = UInt32(digits), code <= space.largestCode else {
                    throw source.fault(field, "is beyond the largest code of its kind, \(space.largestCode)")
                }
                return .number(UInt64(code))
            }
            if text.hasPrefix(NameText.prefix) { text = text.dropFirst(NameText.prefix.utf8.count) }
        }
        guard !text.isEmpty else { throw source.fault(field, "holds no name") }
        guard text.utf8.count <= NameSpace.largestNameByteCount else {
            throw source.fault(field, "is longer than \(NameSpace.largestNameByteCount) bytes")
        }
        return .name(Name(space, String(text)))
    }
}
