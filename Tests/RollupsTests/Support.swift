import Chance
import Rollups
import Transactions

/// Foundation has a class of that name.
typealias Dimension = Rollups.Dimension

/// Microseconds of a moment in UTC.
func time(_ day: String, _ hour: Int64 = 12, _ minute: Int64 = 0) -> Int64 {
    Int64(CalendarDay(day)!.daysSince1970) * 86_400_000_000 + (hour * 60 + minute) * 60_000_000
}

/// Random records of few codes, so that cells meet often, around the given day.
func randomRecords(_ count: Int, seed: UInt64, days: Int64 = 3) -> [Record] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { index in
        var record = Record(
            id: RecordID(reference: "r\(index)")!,
            timeMicroseconds: time("2026-03-28", 0) + .random(in: 0..<days * 86_400_000_000, using: &generator),
            amountMinorUnits: .random(in: 0...1_000_000, using: &generator),
            currency: [.vnd, .gbp, .kwd].randomElement(using: &generator)!,
            source: .random(in: 1...4, using: &generator),
            kind: Kind.allCases.randomElement(using: &generator)!,
            event: Event.allCases.randomElement(using: &generator)!,
            outcome: Outcome(
                rawValue: .random(in: 1...5, using: &generator) << 4 | .random(in: 0...3, using: &generator)),
            channel: Channel(rawValue: .random(in: 0...3, using: &generator)))
        record.payerInstitution = .random(in: 0xFFF0...0xFFFF, using: &generator)
        record.payeeInstitution = .random(in: 0...9, using: &generator)
        record.payee = .random(in: 0xFFFF_FF00...0xFFFF_FFFF, using: &generator)
        record.service = .random(in: 0x7FFF_FFF0...0x8000_0010, using: &generator)
        record.region = .random(in: 0...9, using: &generator)
        let duration = Int64.random(in: 0...5_000_000_000, using: &generator)
        record.duration = Bool.random(using: &generator) ? .unknown : PackedDuration(milliseconds: duration)!
        if Int.random(in: 0..<5, using: &generator) == 0 { record.flags |= Record.overdueFlag }
        if Int.random(in: 0..<20, using: &generator) == 0 { record.flags |= Record.testFlag }
        return record
    }
}

func fold(
    _ records: [Record], _ declarations: [RollupDeclaration] = RollupDeclaration.defaults,
    calendar: BusinessCalendar = .utc, batch: Int = 1000, firstSequence: UInt64 = 1
) -> RollupAccumulator {
    let accumulator = RollupAccumulator(declarations, calendar: calendar, firstSequence: firstSequence, seed: 1)
    for start in stride(from: 0, to: records.count, by: batch) {
        let slice = Array(records[start..<min(start + batch, records.count)])
        slice.withUnsafeBufferPointer { accumulator.fold($0, firstSequence: firstSequence + UInt64(start)) }
    }
    return accumulator
}

/// A recount by the words of the documentation, one event at a time, that shares no code with what it checks.
struct Recount {
    struct Cell: Hashable {
        var day: CalendarDay
        var codes: [UInt32]
    }

    private(set) var cells: [Cell: [Measure: Int128]] = [:]
    let declaration: RollupDeclaration

    init(_ declaration: RollupDeclaration, _ records: [Record], calendar: BusinessCalendar = .utc) {
        self.declaration = declaration
        var calendar = calendar
        for record in records where !record.isTest {
            let (day, hour) = calendar.dayAndHour(ofMicroseconds: record.timeMicroseconds)
            let codes = declaration.dimensions.map { Recount.code($0, record, hour) }
            let values = Recount.values(of: record)
            if !values.isEmpty { cells[Cell(day: day, codes: codes), default: [:]].merge([:]) { old, _ in old } }
            for (measure, value) in values where declaration.measures.contains(measure) {
                let old = cells[Cell(day: day, codes: codes), default: [:]][measure]
                let new =
                    switch measure {
                    case .smallestAmount: min(old ?? value, value)
                    case .largestAmount: max(old ?? value, value)
                    default: (old ?? 0) + value
                    }
                cells[Cell(day: day, codes: codes), default: [:]][measure] = new
            }
        }
    }

    static func values(of record: Record) -> [(measure: Measure, value: Int128)] {
        let (event, outcome) = (record.event!, record.outcome.outcomeClass!)
        let amount = Int128(record.amountMinorUnits)
        var values: [(Measure, Int128)] = record.isOverdue ? [(.overdue, 1)] : []
        if event == .initiated || event == .authorised {
            values.append((.attempts, 1))
            if outcome == .approved { values.append((.approved, 1)) }
            if outcome == .businessDecline { values.append((.businessDeclines, 1)) }
            if outcome == .technicalDecline { values.append((.technicalDeclines, 1)) }
            if outcome == .pending { values.append((.pending, 1)) }
            if outcome == .abandoned { values.append((.abandoned, 1)) }
        }
        if event == .resolved { values.append((.resolved, 1)) }
        if [.initiated, .captured, .resolved].contains(event) && outcome == .approved {
            values += [(.settled, 1), (.amount, amount), (.smallestAmount, amount), (.largestAmount, amount)]
            if let milliseconds = record.duration.milliseconds {
                values += [(.timed, 1), (.durationMilliseconds, Int128(milliseconds))]
            }
        }
        let returns: [Event: (Measure, Measure)] = [
            .refunded: (.refunds, .refundAmount), .reversed: (.reversals, .reversalAmount),
            .chargedBack: (.chargebacks, .chargebackAmount),
        ]
        if let (count, sum) = returns[event] {
            if outcome == .approved { values += [(count, 1), (sum, amount)] }
            if outcome != .approved && outcome != .pending { values.append((.returnsFailed, 1)) }
        }
        return values
    }

    private static func code(_ dimension: Dimension, _ record: Record, _ hour: UInt8) -> UInt32 {
        switch dimension {
        case .day, .month, .amountBand: 0
        case .hour: UInt32(hour)
        case .kind: UInt32(record.kind!.rawValue)
        case .event: UInt32(record.event!.rawValue)
        case .currency: UInt32(record.currency.rawValue)
        case .source: UInt32(record.source)
        case .payerInstitution: UInt32(record.payerInstitution)
        case .payeeInstitution: UInt32(record.payeeInstitution)
        case .payee: record.payee
        case .service: record.service
        case .region: UInt32(record.region)
        case .channel: UInt32(record.channel.rawValue)
        case .outcome: UInt32(record.outcome.rawValue)
        }
    }
}

extension RollupChunk {
    /// The cells as a recount has them, without values of 0.
    var recounted: [Recount.Cell: [Measure: Int128]] {
        var cells: [Recount.Cell: [Measure: Int128]] = [:]
        for row in 0..<count {
            var values: [Measure: Int128] = [:]
            for measure in rollup.measures { values[measure] = value(of: measure, row: row) }
            cells[Recount.Cell(day: day, codes: codes(row: row))] = values
        }
        return cells
    }
}

/// All cells of one rollup among chunks; counts and sums of 0 are left out on both sides of a comparison.
func cells(_ chunks: [RollupChunk], _ rollup: RollupDeclaration) -> [Recount.Cell: [Measure: Int128]] {
    chunks.filter { $0.rollup == rollup }.reduce(into: [:]) { $0.merge($1.recounted) { _, new in new } }
        .mapValues(withoutZeros)
}

func withoutZeros(_ values: [Measure: Int128]) -> [Measure: Int128] {
    values.filter { $0.value != 0 || $0.key == .smallestAmount || $0.key == .largestAmount }
}
