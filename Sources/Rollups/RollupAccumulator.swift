import Transactions

/// Counts accepted records into the cells of several rollups, day by day, until it is drained.
///
/// One thread at a time. Memory grows with the number of distinct cells; `shouldDrain` tells when to stop.
public final class RollupAccumulator {
    /// The rollups that are kept, in the order of `DrainedRollups`.
    public private(set) var declarations: [RollupDeclaration]
    /// The last sequence that was folded in, or the one before the first.
    public private(set) var lastSequence: UInt64

    private var plans: [CountingPlan]
    private let block = RecordBlock()
    private let seed: UInt64
    private var clock: HourClock
    private var days: [CalendarDay: [CellTable]] = [:]
    private var firstSequence: UInt64

    /// An accumulator without records.
    /// - Parameters:
    ///   - firstSequence: the sequence of the first record that will come, at least 1.
    ///   - seed: mixed into hashes; no result depends on it. Random, so that no client can choose codes that collide.
    public init(
        _ declarations: [RollupDeclaration], calendar: BusinessCalendar, firstSequence: UInt64,
        seed: UInt64 = .random(in: 0 ... .max)
    ) {
        precondition(firstSequence >= 1, "sequences begin at 1")
        precondition(declarations.allSatisfy { $0.dimensions.allSatisfy(\.isKept) }, "a dimension that no rollup has")
        self.declarations = declarations
        self.firstSequence = firstSequence
        self.seed = seed
        lastSequence = firstSequence - 1
        plans = declarations.map { CountingPlan($0) }
        clock = HourClock(calendar)
    }

    /// Keeps these rollups from now on.
    /// - Precondition: all that was counted is drained.
    public func declare(_ declarations: [RollupDeclaration]) {
        precondition(recordCount == 0, "rollups change between a drain and the next record")
        precondition(declarations.allSatisfy { $0.dimensions.allSatisfy(\.isKept) }, "a dimension that no rollup has")
        self.declarations = declarations
        plans = declarations.map { CountingPlan($0) }
    }

    /// Adds accepted records in the order of their sequences. Test records take part in nothing.
    ///
    /// - Parameter firstSequence: the sequence of the first record; it must follow upon `lastSequence`.
    /// - Precondition: fewer than 2^32 records since the last drain, the limit of a cell's counts.
    public func fold(_ records: UnsafeBufferPointer<Record>, firstSequence: UInt64) {
        guard let base = records.baseAddress, !records.isEmpty else { return }
        precondition(firstSequence == lastSequence + 1, "records come in the order of their sequences")
        precondition(recordCount + UInt64(records.count) <= UInt64(UInt32.max), "drain before 2^32 records")
        var start = 0
        var clock = clock
        while start < records.count {
            let count = min(RecordBlock.capacity, records.count - start)
            block.begin(recordCount: count)
            while block.loadNextDay(base + start, &clock) { countBlock() }
            start += count
        }
        self.clock = clock
        lastSequence += UInt64(records.count)
    }

    /// Leaves a gap: the next record will have `sequence`, and what lies between is counted in nothing.
    public func pass(to sequence: UInt64) {
        precondition(sequence > lastSequence, "records come in the order of their sequences")
        lastSequence = sequence - 1
    }

    /// Records since the last drain.
    public var recordCount: UInt64 { lastSequence + 1 - firstSequence }

    /// Cells of all rollups and days.
    public var cellCount: Int { days.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } } }

    /// Bytes of memory that the cells and their tables use.
    public private(set) var byteCount = 0

    /// True when the cells take more than `byteLimit` bytes, or when half of the records that a cell can count are in.
    public func shouldDrain(byteLimit: Int) -> Bool { byteCount > byteLimit || recordCount > 1 << 31 }

    /// Takes out everything counted so far, so that another thread can make chunks of it; counting goes on from zero.
    public func detach() -> DrainedRollups {
        let sequences = lastSequence >= firstSequence ? firstSequence...lastSequence : nil
        let drained = DrainedRollups(plans: plans, days: days, sequences: sequences)
        days = [:]
        byteCount = 0
        firstSequence = lastSequence + 1
        return drained
    }

    /// Takes out everything counted so far as chunks, by day and in the order of the declarations; no empty ones.
    public func drain() -> [RollupChunk] { detach().chunks() }

    /// What is counted of one rollup and not yet drained, a chunk for each of the days or months that has any.
    /// - Parameter days: the days that are wanted, from first to last.
    public func snapshot(rollup: String, days wanted: ClosedRange<CalendarDay>) -> [RollupChunk] {
        guard let index = declarations.firstIndex(where: { $0.name == rollup }) else { return [] }
        return days.keys.filter(wanted.contains).sorted().compactMap { day in
            days[day].flatMap { tables in
                tables[index].chunk(plans[index], day: day, sequences: firstSequence...lastSequence)
            }
        }.byMonthWhereMonthly()
    }

    private func countBlock() {
        let tables = days[block.day] ?? makeTables()
        for (plan, table) in zip(plans, tables) {
            let before = table.byteCount
            plan.count(block, into: table)
            byteCount += table.byteCount - before
        }
    }

    private func makeTables() -> [CellTable] {
        let tables = plans.map { $0.makeTable(seed: seed) }
        days[block.day] = tables
        byteCount += tables.reduce(RollupAccumulator.dayByteCount) { $0 + $1.byteCount }
        return tables
    }

    /// About what a day takes besides its tables.
    private static let dayByteCount = 256
}

/// What an accumulator had counted when it was drained.
public struct DrainedRollups: Sendable {
    let plans: [CountingPlan]
    let days: [CalendarDay: [CellTable]]
    /// The sequences that are counted; nil when there was no record.
    public let sequences: ClosedRange<UInt64>?

    /// A chunk for each rollup and day (or month) that has any cells, by day and in the order of the declarations.
    public func chunks() -> [RollupChunk] {
        guard let sequences else { return [] }
        return days.sorted { $0.key < $1.key }.flatMap { day, tables in
            zip(plans, tables).compactMap { $1.chunk($0, day: day, sequences: sequences) }
        }.byMonthWhereMonthly()
    }
}

extension [RollupChunk] {
    /// Of rollups whose cells cover months, the chunks of a month's days as one, where the first of them was.
    fileprivate func byMonthWhereMonthly() -> [RollupChunk] {
        guard contains(where: \.rollup.isMonthly) else { return self }
        var chunks: [RollupChunk] = []
        var places: [RollupChunk.Place: Int] = [:]
        for chunk in self {
            guard chunk.rollup.isMonthly else {
                chunks.append(chunk)
                continue
            }
            let place = RollupChunk.Place(
                rollup: chunk.rollup.name, day: chunk.rollup.chunkDay(of: chunk.day), sequences: chunk.sequences)
            if let known = places[place] {
                chunks[known] = chunks[known].merged(with: chunk)
            } else {
                places[place] = chunks.count
                chunks.append(chunk.moved(to: place.day))
            }
        }
        return chunks
    }
}
