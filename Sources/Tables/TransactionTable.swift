import CSQLite
import Columns
import Ledger
import Transactions

/// The table `transactions`: every record of the ledger, in the order of the log.
final class TransactionTable: VirtualTable {
    static let name = "transactions"
    static let columns = TransactionColumn.allCases.map(\.declaration)

    /// How a column is shown, with the texts of its codes at hand.
    enum Form {
        case sequence
        case id
        case time
        case day
        case hour
        case signed(Column)
        case name(Column, CodeTexts)
        case code(Column)
        case byteText(Column, [TextStore.Text])
        case byteNumber(Column, [Int64])
        case number(Column)
        case payer
        case duration
    }

    let session: QuerySession
    /// By column, each made when it is first shown.
    private var forms: [Form?] = Array(repeating: nil, count: TransactionColumn.allCases.count)
    let dayTexts: CodeTexts

    init(_ session: QuerySession) {
        self.session = session
        dayTexts = CodeTexts(session.texts, lowCount: 0) { "\(CalendarDay(daysSince1970: Int32(bitPattern: $0)))" }
        super.init(columns: TransactionTable.columns)
    }

    func form(of column: Int) -> Form {
        if let known = forms[column] { return known }
        let made = makeForm(TransactionColumn(rawValue: column)!)
        forms[column] = made
        return made
    }

    private func makeForm(_ column: TransactionColumn) -> Form {
        switch column.content {
        case .sequence: .sequence
        case .id: .id
        case .time: .time
        case .microseconds: .signed(.time)
        case .day: .day
        case .hour: .hour
        case .name(let space, let column): .name(column, session.texts(of: space))
        case .code(let column): .code(column)
        case .byteText(let column, let text):
            .byteText(column, (UInt8.min...UInt8.max).map { text($0).map(session.texts.keep) ?? .null })
        case .byteNumber(let column, let number): .byteNumber(column, (UInt8.min...UInt8.max).map(number))
        case .currency:
            .name(.currency, CodeTexts(session.texts, lowCount: 1000) { Currency(rawValue: UInt16($0)).code })
        case .currencyNumeric: .number(.currency)
        case .payer: .payer
        case .amount: .signed(.amount)
        case .duration: .duration
        }
    }

    override func plan(_ plan: inout IndexPlan) {
        let recordCount = Double(session.snapshot.endSequence - 1)
        var (blockShare, rowShare, isUnique, hasID) = (1.0, 1.0, false, false)
        var taken = 0
        for constraint in plan.constraints where TransactionFilter.takes(constraint) {
            plan.take(constraint)
            taken += 1
            let isEqual = constraint.comparison == .equal
            let share = isEqual ? 0.05 : 0.3
            switch constraint.column.map({ TransactionColumn(rawValue: $0)!.content }) ?? .sequence {
            case .sequence:
                blockShare *= share
                isUnique = isUnique || isEqual && plan.uses.last?.isList == false
            case .time, .microseconds, .day: blockShare *= share
            case .id: hasID = true
            default: rowShare *= share
            }
        }
        let isBySequence =
            plan.order.count == 1
            && plan.order[0].column.map { $0 == TransactionColumn.sequence.rawValue } ?? true
        plan.isDescending = isBySequence && plan.order[0].isDescending
        // SQLite ends the scan at a LIMIT by itself, as rows are made when it asks. What it cannot do is to leave out rows
        // unseen; that is only right where it does not drop others meanwhile, nor sorts.
        let limits = plan.constraints.filter { $0.comparison == .limit || $0.comparison == .offset }
        if taken == 0, plan.hasAllConstraints, limits.count == plan.constraints.count,
            plan.order.isEmpty || isBySequence,
            let offset = limits.first(where: { $0.comparison == .offset })
        {
            plan.take(offset, isExact: true)
        }
        if isUnique {
            plan.cost(1000, rows: 1, isOrdered: isBySequence, isUnique: true)
        } else if hasID {
            plan.cost(2000, rows: 3, isOrdered: isBySequence)
        } else {
            let rows = recordCount * blockShare * rowShare
            plan.cost(100 + recordCount * blockShare * 0.2 + rows, rows: rows, isOrdered: isBySequence)
        }
    }

    override func cursor() throws -> TableCursor { TransactionCursor(self) }
}

/// A place among the records that passed.
final class TransactionCursor: TableCursor {
    private let table: TransactionTable
    private let session: QuerySession
    private var scan: RecordScan?
    /// Records that were found by their ids, instead of a scan.
    private var found: [FoundRecord] = []
    /// The place among the block's rows, or among those that were found.
    private var place = 0
    private var row = 0
    private var isDone = true
    private var columns: [UnsafePointer<UInt64>?] = Array(repeating: nil, count: Column.allCases.count)
    private var timeText = TimeText()
    private var span: ClockSpan
    private let calendar: BusinessCalendar

    init(_ table: TransactionTable) {
        (self.table, session) = (table, table.session)
        calendar = session.snapshot.calendar
        span = calendar.span(containingMicroseconds: 0)
    }

    override var isAtEnd: Bool { isDone }

    override var rowID: Int64 { Int64(bitPattern: sequence) }

    private var sequence: UInt64 {
        if let scan { scan.firstSequence + UInt64(row) } else { found[place].sequence }
    }

    override func filter(_ request: FilterRequest) throws {
        let filter = TransactionFilter(request, session)
        (scan, found, place, isDone) = (nil, [], 0, false)
        if filter.isEmpty {
            isDone = true
        } else if let ids = filter.ids {
            try find(ids, filter.selection)
            isDone = found.isEmpty
        } else {
            scan = RecordScan(
                session.snapshot, filter.selection, scratch: session.scratch, check: session.check,
                damage: session.pass)
            try nextBlock(skipping: filter.offset)
        }
    }

    override func advance() throws {
        place += 1
        if let scan {
            if place < scan.rows.count { row = Int(scan.rows[place]) } else { try nextBlock(skipping: 0) }
        } else if place >= found.count {
            isDone = true
        }
    }

    private func nextBlock(skipping offset: Int) throws {
        var left = offset
        while try scan!.advance() {
            for column in columns.indices { columns[column] = nil }
            if left < scan!.rows.count {
                place = left
                row = Int(scan!.rows[left])
                return
            }
            left -= scan!.rows.count
        }
        isDone = true
    }

    private func find(_ ids: [RecordID], _ selection: RecordSelection) throws {
        for id in ids {
            try session.check()
            let findings = try session.ledger.find(id, despiteDamage: session.despiteDamage)
            session.note(findings.damage)
            found += findings.records.filter {
                $0.sequence < session.snapshot.endSequence && selection.sequences.contains($0.sequence)
            }
        }
        found.sort { selection.isDescending ? $0.sequence > $1.sequence : $0.sequence < $1.sequence }
    }

    @inline(__always)
    private func stored(_ column: Column) throws -> UInt64 {
        guard let scan else { return found[place].record.stored(column) }
        if let values = columns[Int(column.rawValue)] { return values[row] }
        let values = try scan.values(of: column)
        columns[Int(column.rawValue)] = values
        return values[row]
    }

    override func show(_ column: Int, in context: OpaquePointer?) throws {
        switch table.form(of: column) {
        case .sequence: sqlite3_result_int64(context, rowID)
        case .id:
            let id = try scan?.id(ofRow: row) ?? found[place].record.id
            showTransient(in: context, capacity: RecordID.largestTextByteCount) { id.write(to: $0) }
        case .time:
            timeText.withBytes(ofMicroseconds: RecordScan.signed(try stored(.time))) { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    sqlite3_result_text(context, $0.baseAddress, Int32($0.count), transientResult)
                }
            }
        case .day:
            table.dayTexts.text(of: UInt32(bitPattern: try dayAndHour().day.daysSince1970)).show(in: context)
        case .hour: sqlite3_result_int64(context, Int64(try dayAndHour().hour))
        case .signed(let column): sqlite3_result_int64(context, RecordScan.signed(try stored(column)))
        case .name(let column, let texts): texts.text(of: UInt32(try stored(column))).show(in: context)
        case .byteText(let column, let texts): texts[Int(try stored(column))].show(in: context)
        case .byteNumber(let column, let numbers): sqlite3_result_int64(context, numbers[Int(try stored(column))])
        case .number(let column): sqlite3_result_int64(context, Int64(try stored(column)))
        case .code(let column):
            let code = try stored(column)
            if code == 0 { sqlite3_result_null(context) } else { sqlite3_result_int64(context, Int64(code)) }
        case .payer:
            let token = try stored(.payer)
            guard token != 0 else { return sqlite3_result_null(context) }
            showTransient(in: context, capacity: TokenText.byteCount) { TokenText.write(token, to: $0) }
        case .duration:
            if let milliseconds = PackedDuration(rawValue: UInt32(try stored(.duration))).milliseconds {
                sqlite3_result_int64(context, milliseconds)
            } else {
                sqlite3_result_null(context)
            }
        }
    }

    private func dayAndHour() throws -> (day: CalendarDay, hour: UInt8) {
        let time = RecordScan.signed(try stored(.time))
        if !span.contains(microseconds: time) { span = calendar.span(containingMicroseconds: time) }
        return span.dayAndHour(ofMicroseconds: time)
    }
}
