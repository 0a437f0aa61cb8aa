import Formats
import Transactions

/// A file of reference data on its way into a ledger, all of it or, when a row is wrong, nothing.
///
/// 1. The rows are read, and `names` says which names they have.
/// 2. The ledger says which codes these have, and which names the rows' own codes have: `check` holds the rows against it.
/// 3. `definitions` get their codes from the ledger.
/// 4. `statements` are what the ledger does not say yet.
public struct ReferenceImport: Sendable {
    /// What the file is about.
    public let kind: ReferenceKind
    /// How many rows it has.
    public let rowCount: Int
    /// What is wrong, by row.
    public private(set) var rejects: [RowReject]
    private var lines: [ReferenceLine]
    private let codeColumn: String

    /// Reads the rows.
    /// - Parameter from: the first day where a row names none; nil: always.
    public init(_ table: CSVTable, _ columns: ReferenceColumns, from: CalendarDay?) {
        kind = columns.kind
        rowCount = table.rows.count + table.rejects.count
        codeColumn = columns.code.map { columns.header[$0] } ?? "code"
        let (lines, rejects) = columns.lines(table.rows, from: from)
        self.lines = lines
        self.rejects = table.rejects + rejects
        findRepetitions()
        self.rejects.sort { $0.row < $1.row }
    }

    /// The names whose codes have to be known.
    public var names: [Name] { definitions.map(\.name) }

    /// The user's own codes.
    public var ownCodes: Set<UInt32> { Set(lines.compactMap(\.ownCode)) }

    /// What has to have a code, each once.
    public var definitions: [NameDefinition] {
        var seen: Set<NameDefinition> = []
        return lines.flatMap { $0.definitions(of: kind) }.filter { seen.insert($0).inserted }
    }

    /// Holds the rows' own codes against those of the ledger. A row that calls a code otherwise from a day on is about the
    /// code, and its name a value of the attribute `name`.
    /// - Parameters:
    ///   - codes: those that the `names` have.
    ///   - holders: the names that the `ownCodes` have.
    public mutating func check(codes: [Name: UInt32], holders: [UInt32: String]) {
        guard let space = kind.space else { return }
        for place in lines.indices {
            guard case .name(let name, let own?) = lines[place].subject else { continue }
            if let holder = holders[own], holder != name {
                rename(place, own, from: "'\(holder)' already")
            } else if let code = codes[Name(space, name)], code != own {
                reject(lines[place], "'\(name)' has the code \(code) already and cannot have \(own)")
            }
        }
        rejects.sort { $0.row < $1.row }
    }

    /// What the book does not say yet, in the order in which it is to be said.
    /// - Parameter codes: those of all `definitions`.
    public func statements(
        codes: [Name: UInt32], beyond book: ReferenceBook, momentMicroseconds: Int64
    ) -> [ReferenceStatement] {
        var book = book
        var new: [ReferenceStatement] = []
        func say(_ entry: ReferenceEntry, _ attribute: String, _ value: String, from: CalendarDay?) {
            let statement = ReferenceStatement(
                kind, entry, attribute, value, from: from, momentMicroseconds: momentMicroseconds)
            guard !book.says(statement) else { return }
            book.add(statement)
            new.append(statement)
        }
        for line in lines {
            guard let entry = line.entry(kind, codes) else { continue }
            for (attribute, value) in line.values { say(entry, attribute, value, from: line.from) }
        }
        for line in lines {
            guard let to = line.to, let entry = line.entry(kind, codes) else { continue }
            let next = CalendarDay(daysSince1970: to.daysSince1970 + 1)
            // Where another level begins on the next day, the offering has not ended.
            let goesOn = book.history(of: "level", of: entry, kind).contains { $0.from == next && !$0.value.isEmpty }
            if !goesOn { say(entry, "level", "", from: next) }
        }
        return new
    }

    private mutating func reject(_ line: ReferenceLine, _ message: String) {
        rejects.append(RowReject(row: line.row, field: codeColumn, message: message))
    }

    private mutating func rename(_ place: Int, _ code: UInt32, from earlier: String) {
        guard case .name(let name, _) = lines[place].subject else { return }
        guard lines[place].from != nil else {
            return reject(
                lines[place], "\(code) is \(earlier); it can be '\(name)' from a day on, which the row does not name")
        }
        lines[place].subject = .code(code)
        lines[place].values.append(("name", name))
    }

    /// A code with two names, a name with two codes, the same entry from the same day on, spans of an offering that overlap.
    private mutating func findRepetitions() {
        var codes: [String: (code: UInt32, row: Int)] = [:]
        var names: [UInt32: (name: String, row: Int)] = [:]
        for place in lines.indices {
            guard case .name(let name, let own?) = lines[place].subject else { continue }
            if let known = names[own], known.name != name {
                rename(place, own, from: "'\(known.name)' in row \(known.row)")
            } else if let known = codes[name], known.code != own {
                reject(lines[place], "'\(name)' has the code \(known.code) in row \(known.row)")
            } else {
                codes[name] = codes[name] ?? (own, lines[place].row)
                names[own] = names[own] ?? (name, lines[place].row)
            }
        }
        let wrong = Set(rejects.map(\.row))
        var earlier: [ReferenceLine.Subject: [ReferenceLine]] = [:]
        for line in lines where !wrong.contains(line.row) {
            let subject = line.ownCode.map { .code($0) } ?? line.subject
            if let other = earlier[subject]?.first(where: { $0.overlaps(line) }) {
                rejects.append(
                    RowReject(row: line.row, field: nil, message: "is about the same \(kind.name) as row \(other.row)"))
            }
            earlier[subject, default: []].append(line)
        }
    }
}

extension ReferenceLine {
    fileprivate var ownCode: UInt32? {
        switch subject {
        case .name(_, let code): code
        case .code(let code): code
        case .offering: nil
        }
    }

    /// True when both speak of the same days and the later one does not just begin where the earlier one is still in force.
    fileprivate func overlaps(_ other: ReferenceLine) -> Bool {
        if from == other.from { return true }
        let (first, second) =
            (from.map { from in other.from.map { from < $0 } ?? false } ?? true)
            ? (self, other) : (other, self)
        return first.to.map { to in second.from.map { $0 <= to } ?? true } ?? false
    }

    fileprivate func definitions(of kind: ReferenceKind) -> [NameDefinition] {
        switch subject {
        case .name(let name, let code): kind.space.map { [NameDefinition($0, name, code: code)] } ?? []
        case .code: []
        case .offering(let agency, let service, let region):
            [NameDefinition(.payee, agency), NameDefinition(.service, service)]
                + (region.map { [NameDefinition(.region, $0)] } ?? [])
        }
    }

    fileprivate func entry(_ kind: ReferenceKind, _ codes: [Name: UInt32]) -> ReferenceEntry? {
        switch subject {
        case .name(let name, _):
            return (kind.space.map { codes[Name($0, name)] } ?? kind.ownCode(of: name)).map { ReferenceEntry($0) }
        case .code(let code): return ReferenceEntry(code)
        case .offering(let agency, let service, let region):
            guard let agency = codes[Name(.payee, agency)], let service = codes[Name(.service, service)] else {
                return nil
            }
            guard let region else { return ReferenceEntry(agency: agency, service: service, region: 0) }
            return codes[Name(.region, region)].map {
                ReferenceEntry(agency: agency, service: service, region: $0)
            }
        }
    }
}
