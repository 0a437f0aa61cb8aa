import CSQLite

/// A column as SQLite is told of it.
struct TableColumn: Sendable {
    /// How a value of another type is taken when it is compared with the column.
    enum Affinity: String, Sendable {
        case integer = "INTEGER"
        case text = "TEXT"
    }

    var name: String
    var affinity: Affinity
    /// Shown only when it is named; a parameter of a table-valued function is such a column.
    var isHidden = false
}

/// How a constraint compares.
enum Comparison: UInt8 {
    case equal = 2
    case greater = 4
    case lessOrEqual = 8
    case less = 16
    case greaterOrEqual = 32
    case limit = 73
    case offset = 74
}

/// What SQLite asks before it runs a statement: which of these constraints would a table look to itself, and what would that
/// cost?
struct IndexPlan {
    /// One constraint that SQLite could pass on.
    struct Constraint {
        /// Its place, by which it is taken.
        var place: Int
        /// The column; nil is the row's own number.
        var column: Int?
        var comparison: Comparison
        /// True when SQLite compares texts byte by byte.
        var isBinary: Bool
    }

    /// What a constraint became in `filter`.
    struct Use: Equatable {
        var column: Int?
        var comparison: Comparison
        var isList: Bool
    }

    private let info: UnsafeMutablePointer<sqlite3_index_info>
    /// Those that have a value when rows are asked for, and that a table might know.
    let constraints: [Constraint]
    /// True when all constraints that were offered are in `constraints`.
    let hasAllConstraints: Bool
    /// In which order rows are wanted.
    let order: [(column: Int?, isDescending: Bool)]
    private(set) var uses: [Use] = []
    /// Rows come in descending order.
    var isDescending = false
    /// True when nothing can be told without a value that is not there in this order of a join's tables.
    var isImpossible = false

    init(_ info: UnsafeMutablePointer<sqlite3_index_info>) {
        self.info = info
        let all = UnsafeBufferPointer(start: info.pointee.aConstraint, count: Int(info.pointee.nConstraint))
        constraints = all.enumerated().compactMap { place, offered in
            guard offered.usable != 0, let comparison = Comparison(rawValue: offered.op) else { return nil }
            let collation = sqlite3_vtab_collation(info, Int32(place)).map { String(cString: $0) }
            return Constraint(
                place: place, column: offered.iColumn < 0 ? nil : Int(offered.iColumn), comparison: comparison,
                isBinary: collation == "BINARY")
        }
        hasAllConstraints = constraints.count == all.count
        order = UnsafeBufferPointer(start: info.pointee.aOrderBy, count: Int(info.pointee.nOrderBy)).map {
            ($0.iColumn < 0 ? nil : Int($0.iColumn), $0.desc != 0)
        }
    }

    /// True when a column is compared with something that is not known yet in this order of a join's tables.
    func waits(for column: Int) -> Bool {
        UnsafeBufferPointer(start: info.pointee.aConstraint, count: Int(info.pointee.nConstraint)).contains {
            $0.usable == 0 && Int($0.iColumn) == column && $0.op == Comparison.equal.rawValue
        }
    }

    /// Takes a constraint: `filter` gets its value.
    /// - Parameter isExact: SQLite need not look again.
    mutating func take(_ constraint: Constraint, isExact: Bool = false) {
        let isList =
            constraint.comparison == .equal && sluice_sqlite_take_list(info, Int32(constraint.place), -1) != 0
        if isList { _ = sluice_sqlite_take_list(info, Int32(constraint.place), 1) }
        uses.append(Use(column: constraint.column, comparison: constraint.comparison, isList: isList))
        info.pointee.aConstraintUsage[constraint.place].argvIndex = Int32(uses.count)
        info.pointee.aConstraintUsage[constraint.place].omit = isExact ? 1 : 0
    }

    /// Says what it costs, about as many steps of SQLite's as it takes, and how many rows there will be.
    func cost(_ cost: Double, rows: Double, isOrdered: Bool = false, isUnique: Bool = false) {
        info.pointee.estimatedCost = cost
        info.pointee.estimatedRows = Int64(max(1, min(rows, 1e15)))
        info.pointee.orderByConsumed = isOrdered ? 1 : 0
        if isUnique { info.pointee.idxFlags = SQLITE_INDEX_SCAN_UNIQUE }
    }

    /// Writes down for `filter` what was decided.
    func finish() -> Bool {
        let words = ["\(info.pointee.colUsed)"] + uses.map(\.word)
        let text = words.joined(separator: " ").utf8CString
        guard let copy = sqlite3_malloc(Int32(text.count)) else { return false }
        text.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        info.pointee.idxStr = copy.assumingMemoryBound(to: CChar.self)
        info.pointee.needToFreeIdxStr = 1
        info.pointee.idxNum = isDescending ? 1 : 0
        return true
    }
}

extension IndexPlan.Use {
    /// Column, comparison, list or not.
    fileprivate var word: String { "\(column ?? -1),\(comparison.rawValue),\(isList ? 1 : 0)" }

    fileprivate init?(word: Substring) {
        let parts = word.split(separator: ",")
        guard parts.count == 3, let column = Int(parts[0]), let code = UInt8(parts[1]),
            let comparison = Comparison(rawValue: code)
        else { return nil }
        self.init(column: column < 0 ? nil : column, comparison: comparison, isList: parts[2] == "1")
    }
}

/// What a cursor is asked for: the constraints that its table took, with their values.
struct FilterRequest {
    /// A constraint with the value, or with each value of a list.
    struct Bound {
        var column: Int?
        var comparison: Comparison
        var values: [SQLValue]
    }

    var bounds: [Bound]
    var isDescending: Bool
    private let usedColumns: UInt64

    /// Reads what `IndexPlan.finish` wrote. Nil when a list cannot be read.
    init?(number: Int32, text: UnsafePointer<CChar>?, values: UnsafeBufferPointer<OpaquePointer?>) {
        let words = text.map { String(cString: $0) }?.split(separator: " ") ?? []
        usedColumns = words.first.flatMap { UInt64($0) } ?? .max
        isDescending = number & 1 != 0
        bounds = []
        for (use, value) in zip(words.dropFirst().compactMap(IndexPlan.Use.init(word:)), values) {
            guard let read = use.isList ? FilterRequest.list(value) : [SQLValue(value)] else { return nil }
            bounds.append(Bound(column: use.column, comparison: use.comparison, values: read))
        }
    }

    /// True when the statement looks at the column.
    func needs(_ column: Int) -> Bool { usedColumns >> UInt64(min(column, 63)) & 1 != 0 }

    private static func list(_ list: OpaquePointer?) -> [SQLValue]? {
        var values: [SQLValue] = []
        var value: OpaquePointer?
        var result = sluice_sqlite_first_of_list(list, &value)
        while result == SQLITE_OK, let found = value {
            values.append(SQLValue(found))
            result = sluice_sqlite_next_of_list(list, &value)
        }
        return result == SQLITE_OK || result == SQLITE_DONE ? values : nil
    }
}
