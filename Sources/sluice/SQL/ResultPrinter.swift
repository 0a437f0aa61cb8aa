import Presentation
import Tables
import Transactions

/// Prints the rows of a statement: as they come where a format has no end, else all at once.
struct ResultPrinter {
    private let format: OutputFormat
    private var names: [String] = []
    private var rows: [[Report.Value]] = []
    private var isNumeric: [Bool] = []
    private var hasBegun = false

    /// Rows that are printed together.
    private static let rowsAtOnce = 1000
    /// Rows that are kept where all are printed at once.
    private static let mostRows = 1_000_000

    init(format: OutputFormat) { self.format = format }

    private var streams: Bool { format == .csv || format == .ndjson }

    mutating func begin(_ names: [String]) {
        self.names = ResultPrinter.distinct(names)
        isNumeric = names.map { _ in true }
    }

    mutating func add(_ row: borrowing ResultRow) throws {
        rows.append(
            (0..<row.count).map { column in
                let value = Report.Value(row[column])
                switch value {
                case .number, .none: break
                default: isNumeric[column] = false
                }
                return value
            })
        if streams {
            if rows.count == ResultPrinter.rowsAtOnce { try flush() }
        } else if rows.count > ResultPrinter.mostRows {
            throw UsageError(
                "more than \(formatCount(ResultPrinter.mostRows)) rows: with --format csv or ndjson they are written as they come"
            )
        }
    }

    mutating func finish() throws {
        if streams { return try flush() }
        if format == .table, rows.isEmpty { return try emit("no rows\n") }
        try emit(report.rendered(as: format))
    }

    private mutating func flush() throws {
        if format == .csv { try emit(report.csv(isContinued: hasBegun)) } else { try emit(report.rendered(as: format)) }
        hasBegun = true
        rows.removeAll(keepingCapacity: true)
    }

    private var report: Report {
        Report(columns: zip(names, isNumeric).map { Report.Column($0, isNumeric: $1) }, rows: rows)
    }

    /// Columns of one name would be one key in JSON.
    private static func distinct(_ names: [String]) -> [String] {
        var counts: [String: Int] = [:]
        return names.map { name in
            let count = counts[name, default: 0] + 1
            counts[name] = count
            return count == 1 ? name : "\(name):\(count - 1)"
        }
    }
}

extension Report.Value {
    /// A value of SQL: numbers as they are, bytes in hexadecimal digits.
    init(_ value: SQLValue) {
        switch value {
        case .null: self = .none
        case .integer(let number): self = .number("\(number)")
        case .real(let number): self = number.isFinite ? .number("\(number)") : .text("\(number)")
        case .text(let text): self = .text(text)
        case .blob(let bytes): self = .text(hexadecimal(bytes))
        }
    }
}
