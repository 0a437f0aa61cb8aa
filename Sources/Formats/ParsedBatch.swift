import Transactions

/// What came of one piece of input: records, and the rows that became none.
///
/// Names and accounts that the reader has not met before have no code or token yet. The caller has them resolved by the
/// ledger, in this order: `accounts` with `RowReader.supply(tokens:to:)`, which may add names, then `names` with
/// `RowReader.supply(codes:to:)`. After that `records` are complete.
public struct ParsedBatch: Sendable {
    /// The records in the order of their rows.
    public internal(set) var records: [Record] = []
    /// The line on which the row of each record begins, from 1 (for raw records: the record's number).
    public internal(set) var rows: [Int] = []
    /// The rows that became no record.
    public internal(set) var rejects: [RowReject] = []
    /// Account numbers that still need a token.
    public internal(set) var accounts = AccountNumbers()
    /// Names that still need a code, each once.
    public internal(set) var names: [Name] = []

    /// Lines of nothing but blanks, which are no rows.
    public internal(set) var blankLineCount = 0

    /// True when nothing is left to be resolved.
    public var isComplete: Bool { accounts.isEmpty && names.isEmpty }

    /// A record's field that waits for a name or an account.
    struct Use {
        var record: Int
        var item: Int
        var column: Int
    }

    /// The cache entry that waits for a name or an account.
    struct Place {
        var item: Int
        var column: Int
        var entry: Int
        var generation: Int
    }

    let number: UInt64
    var accountUses: [Use] = []
    var accountPlaces: [Place] = []
    var nameUses: [Use] = []
    var namePlaces: [Place] = []
    private var positions: [Name: Int] = [:]

    /// - Parameter likelyRowCount: room that is made at once.
    init(number: UInt64, likelyRowCount: Int = 0) {
        self.number = number
        records.reserveCapacity(likelyRowCount)
        rows.reserveCapacity(likelyRowCount)
    }

    /// The position of a name among those to be resolved.
    mutating func position(of name: Name) -> Int {
        if let known = positions[name] { return known }
        positions[name] = names.count
        names.append(name)
        return names.count - 1
    }

    /// Numbers the rows from `count` + 1 on.
    mutating func shiftRows(by count: Int) {
        guard count > 0 else { return }
        for position in rows.indices { rows[position] += count }
        for position in rejects.indices { rejects[position].row += count }
    }

    mutating func reject(row: Int, _ fault: RowFault) {
        rejects.append(RowReject(row: row, field: fault.field?.name, message: fault.message))
    }

    /// Forgets the accounts, which have their tokens.
    mutating func finishAccounts() {
        accounts = AccountNumbers()
        accountUses = []
        accountPlaces = []
    }

    /// Forgets the names, which have their answers, and makes rejects of the rows whose names were refused.
    mutating func finishNames(refused: [Int: RowFault]) {
        names = []
        positions = [:]
        nameUses = []
        namePlaces = []
        guard !refused.isEmpty else { return }
        let (allRecords, allRows) = (records, rows)
        records = []
        rows = []
        for position in allRecords.indices {
            if let fault = refused[position] {
                reject(row: allRows[position], fault)
            } else {
                records.append(allRecords[position])
                rows.append(allRows[position])
            }
        }
        rejects.sort { $0.row < $1.row }
    }
}

/// What became of a name that needed a code.
public enum NameResolution: Hashable, Sendable {
    /// Its code, known before or given just now.
    case code(UInt32)
    /// It gets none, such as when the limit on new names is reached; the reason follows the name in error texts. Rows that
    /// use the name are rejected, each for the first such name. A later batch asks for it again.
    case refused(String)
}

/// The limit on new names, so that a wrong mapping does not fill a dimension.
///
/// Whoever resolves names asks it for each name that the ledger does not know, before the ledger is asked to give a code.
public struct NewNameLimit: Sendable {
    private let largestCount: Int
    private var counts = [Int](repeating: 0, count: 256)

    /// At most `largestCount` new names in each space.
    public init(_ largestCount: Int) { self.largestCount = largestCount }

    /// Counts a new name; nil when it may be given a code, else why not.
    public mutating func admit(_ name: Name) -> NameResolution? {
        guard counts[Int(name.space.rawValue)] < largestCount else {
            return .refused("would be new, and the limit of \(largestCount) new names of this kind is reached")
        }
        counts[Int(name.space.rawValue)] += 1
        return nil
    }
}
