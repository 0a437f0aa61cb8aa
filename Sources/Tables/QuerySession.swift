import Ledger
import Reference
import Rollups
import Storage
import Transactions

/// What the tables of one statement share: the ledger as it was when the statement began, its names, and when to stop.
final class QuerySession {
    /// A ledger that tables can be laid over.
    typealias Source = any LedgerView & SnapshotSource

    let ledger: Source
    let snapshot: LogSnapshot
    /// Called where much work may follow without SQLite; throws when the statement has to end.
    let check: () throws -> Void
    let despiteDamage: Bool
    let texts = TextStore()
    let scratch = RecordScan.Scratch()
    /// What was left out, and what else is known to be damaged.
    private(set) var damage: [DamageMark] = []
    private var nameTables: [NameSpace: [UInt32: String]] = [:]
    private var codeTexts: [NameSpace: CodeTexts] = [:]
    private var codesByName: [NameSpace: [String: [UInt32]]] = [:]

    init(_ ledger: Source, despiteDamage: Bool, check: @escaping () throws -> Void) throws {
        (self.ledger, self.despiteDamage, self.check) = (ledger, despiteDamage, check)
        // Names are durable before the records that use them: those that are asked for later know all of these.
        snapshot = try ledger.snapshot()
    }

    /// Names of a space by code.
    func names(of space: NameSpace) -> [UInt32: String] {
        if let known = nameTables[space] { return known }
        let names = ledger.names(of: space)
        nameTables[space] = names
        return names
    }

    /// Reference data.
    var book: ReferenceBook {
        ReferenceBook(statements: names(of: .statement).sorted { $0.key < $1.key }.map(\.value))
    }

    /// How a code of a space is shown: its name, the digits of one without a name, and nothing for 0, which stands for none.
    func text(of code: UInt32, in space: NameSpace) -> String? {
        code == 0 ? nil : names(of: space)[code] ?? "\(code)"
    }

    /// The texts of a space's codes.
    func texts(of space: NameSpace) -> CodeTexts {
        if let known = codeTexts[space] { return known }
        let lowCount = space.largestCode > 0xFFFF ? 4096 : 0x1_0000
        // Not `self`: it would hold itself.
        let names = names(of: space)
        let made = CodeTexts(texts, lowCount: lowCount) { code in code == 0 ? nil : names[code] ?? "\(code)" }
        codeTexts[space] = made
        return made
    }

    /// The codes that are shown as `text`.
    func codes(shownAs text: String, in space: NameSpace) -> [UInt32] {
        if codesByName[space] == nil {
            codesByName[space] = Dictionary(grouping: names(of: space).keys) { names(of: space)[$0]! }
        }
        // Swift holds texts equal that SQLite tells apart: what looks alike to it is asked byte by byte.
        var codes = codesByName[space]![text, default: []].filter {
            names(of: space)[$0]!.utf8.elementsEqual(text.utf8)
        }
        if let code = UInt32(text), code > 0, "\(code)" == text, names(of: space)[code] == nil { codes.append(code) }
        return codes
    }

    /// Leaves out what cannot be read, or throws.
    func pass(_ stretch: DamagedStretch) throws {
        guard despiteDamage else { throw stretch.error }
        let sequences = stretch.sequences
        note([
            DamageMark(
                path: stretch.path, offset: stretch.offset,
                sequences: sequences.isEmpty ? nil : sequences.lowerBound...sequences.upperBound - 1, days: nil,
                reason: stretch.reason, isLeftOut: true)
        ])
    }

    /// Keeps what is known of damage, once.
    func note(_ marks: [DamageMark]) {
        for mark in marks where !damage.contains(mark) { damage.append(mark) }
    }
}
