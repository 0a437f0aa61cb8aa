import Columns
import Transactions

/// Counts the records of blocks, field by field, into the cells that a question needs which no rollup answers.
///
/// It reads the fields that the question's dimensions and measures need and no others. The time is among them only where a
/// block's records may lie on several business days or the hour is asked for. The cells are those that `RollupAccumulator`
/// counts from the records themselves. One thread at a time; several counters' chunks add up.
public final class ColumnCounter {
    private let plan: CountingPlan
    private let calendar: BusinessCalendar
    private let seed: UInt64
    private let dimensions: ColumnSet
    private let readsAmounts: Bool
    private let readsDurations: Bool
    private let readsHours: Bool
    /// Nil where groups collect nothing.
    private let finder: GroupFinder?
    private let payers: PayerCounter?
    private let samples: SampleCounter?
    /// False where nothing is asked but what is collected: then it is enough that cells are there.
    private let addsMeasures: Bool
    private let parts: [Part]
    /// Bits that the parts were seen to take where they vary.
    private var widths: [UInt64]
    private let block = RecordBlock()
    private let contributionNumbers: UnsafeMutablePointer<UInt8>
    /// Of the tile at hand: the rows that count, and their days and hours.
    private let rows: UnsafeMutablePointer<Int32>
    private let moments: UnsafeMutablePointer<(day: CalendarDay, hour: UInt8)>
    private let numbers: UnsafeMutablePointer<UInt8>
    private let overdue: UnsafeMutablePointer<UInt8>
    private let direct: DirectCells
    private var clock: HourClock
    private var days: [CalendarDay: CellTable] = [:]
    private var recordCount: UInt64 = 0
    /// Records since the size of all was looked at.
    private var unmeasuredCount = 0

    /// Where a dimension's codes come from.
    private enum Source {
        case column(Column)
        case hour
        case bands(AmountBandColumn)
    }

    /// A part of a dimension's code on its way from a column into the key.
    private struct Part {
        var source: Source
        var isHigh: Bool
        var rightShift: UInt64
        var mask: UInt64
        var leftShift: UInt64

        /// What is read for it.
        var columns: ColumnSet {
            switch source {
            case .column(let column): ColumnSet(column)
            case .hour: []
            case .bands: ColumnSet(.amount, .currency)
            }
        }
    }

    /// A counter without records.
    /// - Throws: `keyTooWide` when the question's dimensions are too many for one key.
    public init(
        _ question: Question, calendar: BusinessCalendar, accountHash: AccountHash
    ) throws(RollupError) {
        let declaration = try question.adHocDeclaration()
        let collections = Set(question.measures.compactMap(\.collection))
        plan = CountingPlan(declaration, hasGroups: !collections.isEmpty)
        addsMeasures = question.measures.contains { $0.form != .collected }
        finder = collections.isEmpty ? nil : try GroupFinder(question, plan, accountHash)
        payers = finder.flatMap { PayerCounter($0) }
        samples = finder.flatMap { SampleCounter($0) }
        self.calendar = calendar
        seed = .random(in: 0 ... .max)
        clock = HourClock(calendar)
        direct = DirectCells()
        parts = ColumnCounter.parts(of: declaration.key, question.bands)
        widths = parts.map { _ in 0 }
        dimensions = parts.reduce(into: []) { $0.formUnion($1.columns) }
        readsAmounts = declaration.measures.contains { $0.isMoney } || collections.contains(.amounts)
        readsDurations =
            declaration.measures.contains { [.durationMilliseconds, .timed].contains($0) }
            || collections.contains(.durations)
        readsHours = declaration.dimensions.contains(.hour)
        contributionNumbers = .allocate(capacity: 256)
        for index in 0..<256 { contributionNumbers[index] = ContributionTable.shared.numbers[index] }
        rows = .allocate(capacity: RecordBlock.capacity)
        moments = .allocate(capacity: RecordBlock.capacity)
        numbers = .allocate(capacity: RecordBlock.capacity)
        overdue = .allocate(capacity: RecordBlock.capacity)
    }

    private static func parts(of key: KeyLayout, _ bands: AmountBands) -> [Part] {
        key.fields.flatMap { field in
            let place = field.dimension.columnPlace
            let source: Source =
                if let place {
                    .column(place.column)
                } else if field.dimension == .amountBand {
                    .bands(AmountBandColumn(bands, capacity: BlockHeader.largestRecordCount))
                } else {
                    .hour
                }
            return field.parts.map { part in
                Part(
                    source: source, isHigh: part.isHigh,
                    rightShift: UInt64((place?.shift ?? 0) + part.skippedBitCount), mask: UInt64(part.mask),
                    leftShift: part.shift)
            }
        }
    }

    deinit {
        contributionNumbers.deallocate()
        rows.deallocate()
        moments.deallocate()
        numbers.deallocate()
        overdue.deallocate()
    }

    /// What it reads of a block whose records have these times.
    public func columns(times: ClosedRange<Int64>) -> ColumnSet {
        var columns = dimensions.union(ColumnSet(.kindAndEvent, .outcome, .flags))
        if readsAmounts { columns.formUnion(ColumnSet(.amount)) }
        if readsDurations { columns.formUnion(ColumnSet(.duration)) }
        if payers != nil { columns.formUnion(ColumnSet(.payer)) }
        if readsHours || samples?.needsTimes == true || day(of: times) == nil { columns.formUnion(ColumnSet(.time)) }
        return columns
    }

    /// Adds a block's records.
    /// - Parameters:
    ///   - columns: those that `columns(times:)` names, and any others.
    ///   - times: the first and the last of the records' times.
    ///   - counted: those of the block's records that count; nil: all.
    public func count(_ columns: BlockColumns, times: ClosedRange<Int64>, counted: Range<Int>? = nil) {
        let counted = counted ?? 0..<columns.count
        precondition(counted.upperBound <= columns.count, "records that the block does not have")
        var fields = Fields(columns, self)
        let day = readsHours ? nil : day(of: times)
        if day != nil { fields.frame = frame(fields, count: columns.count) }
        let times = day == nil ? columns.values(of: .time).baseAddress : nil
        var start = counted.lowerBound
        while start < counted.upperBound {
            let count = min(RecordBlock.capacity, counted.upperBound - start)
            let kept = select(start..<start + count, fields)
            if let day {
                block.day = day
                fill(kept, fields)
            } else if let times {
                countByDay(kept, fields, times)
            }
            start += count
        }
        recordCount += UInt64(counted.count)
        unmeasuredCount += counted.count
    }

    /// True when the cells take more than `cellByteLimit` bytes or what groups collect more than `collectedByteLimit`, or when
    /// half of the records that a cell can count are in. It looks every 65,536 records.
    public func shouldDrain(cellByteLimit: Int, collectedByteLimit: Int) -> Bool {
        guard unmeasuredCount >= 1 << 16 else { return false }
        unmeasuredCount = 0
        return recordCount > 1 << 31 || finder.map { $0.groups.collectedByteCount > collectedByteLimit } ?? false
            || days.values.reduce(0) { $0 + $1.byteCount } > cellByteLimit
    }

    /// Adds everything counted so far to the answer of the question, and counts on from nothing.
    /// - Parameter sequences: what chunks are to say of their records.
    public func drain(into builder: inout AnswerBuilder, sequences: ClosedRange<UInt64>) throws(RollupError) {
        for (day, table) in days {
            if let chunk = table.chunk(plan, day: day, sequences: sequences) { try builder.add(chunk) }
        }
        (days, recordCount) = ([:], 0)
        payers?.addWaiting()
        if let finder { builder.add(try finder.takeGroups()) }
    }

    /// The day of all moments between two; nil where there may be several.
    private func day(of times: ClosedRange<Int64>) -> CalendarDay? {
        let span = calendar.span(containingMicroseconds: times.lowerBound)
        guard span.contains(microseconds: times.upperBound) else { return nil }
        let (first, last) = (
            span.dayAndHour(ofMicroseconds: times.lowerBound).day, span.dayAndHour(ofMicroseconds: times.upperBound).day
        )
        return first == last ? first : nil
    }

    /// Where a block's values lie; a nil column is one that is not read.
    private struct Fields {
        let kinds: UnsafePointer<UInt64>
        let outcomes: UnsafePointer<UInt64>
        let flags: UnsafePointer<UInt64>
        let amounts: UnsafePointer<UInt64>?
        let durations: UnsafePointer<UInt64>?
        let payers: UnsafePointer<UInt64>?
        let times: UnsafePointer<UInt64>?
        let parts: [UnsafePointer<UInt64>?]
        /// How keys become small numbers; nil where they are too many.
        var frame: Frame?

        init(_ columns: BlockColumns, _ counter: ColumnCounter) {
            func start(_ column: Column) -> UnsafePointer<UInt64> { columns.values(of: column).baseAddress! }
            kinds = start(.kindAndEvent)
            outcomes = start(.outcome)
            flags = start(.flags)
            amounts = counter.readsAmounts ? start(.amount) : nil
            durations = counter.readsDurations ? start(.duration) : nil
            payers = counter.payers != nil ? start(.payer) : nil
            times = counter.samples?.needsTimes == true ? start(.time) : nil
            parts = counter.parts.map { part in
                switch part.source {
                case .column(let column): start(column)
                case .hour: nil
                case .bands(let bands):
                    bands.codes(amounts: start(.amount), currencies: start(.currency), count: columns.count)
                }
            }
        }
    }

    /// Notes which of the rows count in any measure, and with what.
    /// - Returns: how many do.
    private func select(_ range: Range<Int>, _ fields: Fields) -> Int {
        let (rows, numbers, overdue) = (rows, numbers, overdue)
        let contributionNumbers = contributionNumbers
        let (kinds, outcomes, flags) = (fields.kinds, fields.outcomes, fields.flags)
        var kept = 0
        for row in range {
            let number = contributionNumbers[Int(kinds[row] & 0xF0 | outcomes[row] &>> 4 & 0x0F)]
            let flag = UInt8(truncatingIfNeeded: flags[row])
            let isOverdue = flag & Record.overdueFlag
            rows[kept] = Int32(truncatingIfNeeded: row)
            numbers[kept] = number
            overdue[kept] = isOverdue
            kept &+= (flag & Record.testFlag == 0) && (number | isOverdue != 0) ? 1 : 0
        }
        return kept
    }

    /// Counts the rows that were kept, day by day.
    private func countByDay(_ kept: Int, _ fields: Fields, _ times: UnsafePointer<UInt64>) {
        let (rows, moments) = (rows, moments)
        for place in 0..<kept {
            moments[place] = clock.dayAndHour(ofMicroseconds: Int64(bitPattern: times[Int(rows[place])] ^ 1 << 63))
        }
        var rest = kept
        while rest > 0 {
            block.day = moments[0].day
            // The day's own rows go to the front, the others behind them, both in their order.
            var (own, others): ([Int], [Int]) = ([], [])
            for place in 0..<rest {
                if moments[place].day == block.day { own.append(place) } else { others.append(place) }
            }
            if !others.isEmpty { arrange(own + others) }
            fill(own.count, fields)
            arrange(others.indices.map { own.count + $0 })
            rest = others.count
        }
    }

    /// Moves what is noted at `places` to the first places.
    private func arrange(_ places: [Int]) {
        let noted = places.map { (rows[$0], moments[$0], numbers[$0], overdue[$0]) }
        for (place, each) in noted.enumerated() {
            (rows[place], moments[place], numbers[place], overdue[place]) = each
        }
    }

    /// Counts the first `count` of the noted rows, which lie on the block's day.
    private func fill(_ count: Int, _ fields: Fields) {
        guard count > 0 else { return }
        let rows = rows
        block.count = count
        block.contributions.update(from: numbers, count: count)
        block.overdue.update(from: overdue, count: count)
        if let amounts = fields.amounts {
            let target = block.amounts
            for place in 0..<count { target[place] = Int64(bitPattern: amounts[Int(rows[place])] ^ 1 << 63) }
        }
        if let durations = fields.durations {
            let target = block.durations
            for place in 0..<count {
                let duration = PackedDuration(rawValue: UInt32(truncatingIfNeeded: durations[Int(rows[place])]))
                target[place] = duration.milliseconds ?? -1
            }
        }
        let table =
            days[block.day]
            ?? {
                let table = plan.makeTable(seed: seed)
                days[block.day] = table
                return table
            }()
        if let frame = fields.frame {
            findCells(count, fields, frame, in: table)
            if addsMeasures { plan.add(block, to: table, areCellsFound: true) }
        } else {
            pack(count, fields)
            if finder != nil {
                plan.findPacked(block, in: table)
                if addsMeasures { plan.add(block, to: table, areCellsFound: true) }
            } else {
                plan.countPacked(block, into: table)
            }
        }
        if let payers, let column = fields.payers { payers.count(block, payers: column, rows: rows) }
        samples?.count(block, times: fields.times, rows: rows)
    }

    /// How a block's keys become numbers below `DirectCells.count`: what is the same in all of them, and where the bits of
    /// the other parts lie in the number. Bits are only ever added, so that the next block's numbers mean the same.
    struct Frame: Equatable {
        var low: UInt64 = 0
        var high: UInt64 = 0
        /// By part; nil: the same in all keys.
        var shifts: [UInt64?] = []
    }

    private func frame(_ fields: Fields, count: Int) -> Frame? {
        var frame = Frame()
        var shift: UInt64 = 0
        for (number, part) in parts.enumerated() {
            guard let column = fields.parts[number] else { return nil }
            let first = column[0]
            var (seen, difference): (UInt64, UInt64) = (0, 0)
            for row in 0..<count {
                seen |= column[row]
                difference |= column[row] ^ first
            }
            if difference &>> part.rightShift & part.mask == 0, widths[number] == 0 {
                let fixed = (first &>> part.rightShift & part.mask) &<< part.leftShift
                if part.isHigh { frame.high |= fixed } else { frame.low |= fixed }
                frame.shifts.append(nil)
            } else {
                let width = UInt64(64 - (seen &>> part.rightShift & part.mask).leadingZeroBitCount)
                widths[number] = max(widths[number], width)
                frame.shifts.append(shift)
                shift += widths[number]
            }
        }
        return shift <= DirectCells.bitCount ? frame : nil
    }

    private func findCells(_ count: Int, _ fields: Fields, _ frame: Frame, in table: CellTable) {
        direct.begin(table, frame)
        let (rows, numbers, cells) = (rows, block.hashes, block.cells)
        numbers.update(repeating: 0, count: count)
        for (number, part) in parts.enumerated() {
            guard let shift = frame.shifts[number], let column = fields.parts[number] else { continue }
            let (rightShift, mask) = (part.rightShift, part.mask)
            for place in 0..<count {
                numbers[place] |= (column[Int(rows[place])] &>> rightShift & mask) &<< shift
            }
        }
        let found = direct.cells
        for place in 0..<count {
            if let cell = found[Int(numbers[place])] {
                cells[place] = cell
            } else {
                let (low, high) = key(Int(rows[place]), fields)
                cells[place] = direct.add(Int(numbers[place]), table.cell(low: low, high: high))
            }
        }
    }

    private func key(_ row: Int, _ fields: Fields) -> (low: UInt64, high: UInt64) {
        var (low, high): (UInt64, UInt64) = (0, 0)
        for (number, part) in parts.enumerated() {
            guard let column = fields.parts[number] else { continue }
            let bits = (column[row] &>> part.rightShift & part.mask) &<< part.leftShift
            if part.isHigh { high |= bits } else { low |= bits }
        }
        return (low, high)
    }

    private func pack(_ count: Int, _ fields: Fields) {
        let (rows, moments) = (rows, moments)
        block.lowKeys.update(repeating: 0, count: count)
        block.highKeys.update(repeating: 0, count: count)
        for (part, column) in zip(parts, fields.parts) {
            let keys = part.isHigh ? block.highKeys : block.lowKeys
            let (rightShift, mask, leftShift) = (part.rightShift, part.mask, part.leftShift)
            if let column {
                for place in 0..<count { keys[place] |= (column[Int(rows[place])] &>> rightShift & mask) &<< leftShift }
            } else {
                for place in 0..<count {
                    keys[place] |= (UInt64(moments[place].hour) &>> rightShift & mask) &<< leftShift
                }
            }
        }
    }
}

/// Cells by a small number, for one table and one frame of keys at a time.
private final class DirectCells {
    static let bitCount: UInt64 = 16
    let cells: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private var used: [Int] = []
    private var table: CellTable?
    private var frame = ColumnCounter.Frame()

    init() {
        cells = .allocate(capacity: 1 << Int(DirectCells.bitCount))
        cells.initialize(repeating: nil, count: 1 << Int(DirectCells.bitCount))
    }

    deinit { cells.deallocate() }

    /// Forgets all cells, unless they are of this table and frame.
    func begin(_ table: CellTable, _ frame: ColumnCounter.Frame) {
        if self.table === table, self.frame == frame { return }
        (self.table, self.frame) = (table, frame)
        for number in used { cells[number] = nil }
        used.removeAll(keepingCapacity: true)
    }

    func add(_ number: Int, _ cell: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        cells[number] = cell
        used.append(number)
        return cell
    }
}

extension Dimension {
    /// The column of a block that holds the dimension, and the bits below it there; nil for what is made of others.
    fileprivate var columnPlace: (column: Column, shift: Int)? {
        switch self {
        case .payerInstitution: (.payerInstitution, 0)
        case .payee: (.payee, 0)
        case .service: (.service, 0)
        case .source: (.source, 0)
        case .payeeInstitution: (.payeeInstitution, 0)
        case .region: (.region, 0)
        case .currency: (.currency, 0)
        case .kind: (.kindAndEvent, 0)
        case .event: (.kindAndEvent, 4)
        case .outcome: (.outcome, 0)
        case .channel: (.channel, 0)
        case .hour, .day, .month, .amountBand: nil
        }
    }
}
