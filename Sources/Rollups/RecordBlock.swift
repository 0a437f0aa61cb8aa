import Transactions

/// Up to 256 records of one business day as columns: what the rollups read of them, each value once.
///
/// The dimensions of a record lie in six aligned words of 32 bits; a seventh column holds the hour of the clock. A
/// dimension is a shift and a mask in one of these columns, so keys are packed a column at a time.
///
/// A block has one user at a time and holds its memory as long as it lives.
final class RecordBlock {
    static let capacity = 256
    static let wordColumnCount = 7
    static let hourColumn = 6

    var count = 0
    var day = CalendarDay(daysSince1970: 0)
    /// `wordColumnCount` columns of `capacity` values.
    let words: UnsafeMutablePointer<UInt32>
    /// Minor units.
    let amounts: UnsafeMutablePointer<Int64>
    /// Milliseconds; -1: unknown.
    let durations: UnsafeMutablePointer<Int64>
    /// Numbers of `ContributionTable`.
    let contributions: UnsafeMutablePointer<UInt8>
    /// 1: finished after its deadline.
    let overdue: UnsafeMutablePointer<UInt8>
    /// The packed keys of the rollup at hand, their hashes, and the cells that these lead to, if any.
    let lowKeys: UnsafeMutablePointer<UInt64>
    let highKeys: UnsafeMutablePointer<UInt64>
    let hashes: UnsafeMutablePointer<UInt64>
    let cells: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    /// Which records of a batch are still to be loaded, and where they lie: a batch may have as many days as records.
    private let waiting: UnsafeMutablePointer<Waiting>
    private var waitingCount = 0
    private var isBegun = false

    private struct Waiting {
        var day: CalendarDay
        var index: UInt16
        var hour: UInt8
    }

    private let contributionNumbers: UnsafeMutablePointer<UInt8>

    init() {
        words = .allocate(capacity: RecordBlock.capacity * RecordBlock.wordColumnCount)
        amounts = .allocate(capacity: RecordBlock.capacity)
        durations = .allocate(capacity: RecordBlock.capacity)
        contributions = .allocate(capacity: RecordBlock.capacity)
        overdue = .allocate(capacity: RecordBlock.capacity)
        lowKeys = .allocate(capacity: RecordBlock.capacity)
        highKeys = .allocate(capacity: RecordBlock.capacity)
        hashes = .allocate(capacity: RecordBlock.capacity)
        cells = .allocate(capacity: RecordBlock.capacity)
        waiting = .allocate(capacity: RecordBlock.capacity)
        contributionNumbers = .allocate(capacity: 256)
        for index in 0..<256 { contributionNumbers[index] = ContributionTable.shared.numbers[index] }
    }

    deinit {
        words.deallocate()
        amounts.deallocate()
        durations.deallocate()
        contributions.deallocate()
        overdue.deallocate()
        lowKeys.deallocate()
        highKeys.deallocate()
        hashes.deallocate()
        cells.deallocate()
        waiting.deallocate()
        contributionNumbers.deallocate()
    }

    /// Takes up a batch of at most `capacity` records; `loadNextDay` then gives them day by day.
    func begin(recordCount: Int) {
        precondition(recordCount <= RecordBlock.capacity)
        waitingCount = recordCount
        isBegun = true
    }

    /// Loads the records of the batch that count and lie on the same day as the first of those not yet loaded.
    /// - Parameter records: the batch that was begun, with as many records.
    /// - Returns: false when there are none left.
    func loadNextDay(_ records: UnsafePointer<Record>, _ clock: inout HourClock) -> Bool {
        count = 0
        if isBegun {
            isBegun = false
            loadFirstDay(records, &clock)
        } else {
            loadWaitingDay(records)
        }
        return count > 0
    }

    private func loadFirstDay(_ records: UnsafePointer<Record>, _ clock: inout HourClock) {
        let waiting = waiting
        let (total, numbers) = (waitingCount, contributionNumbers)
        var (loaded, kept) = (0, 0)
        var blockDay = CalendarDay(daysSince1970: 0)
        for index in 0..<total {
            let record = records + index
            let contribution = numbers[record.pointee.contributionKey]
            let isOverdue = record.pointee.flags & Record.overdueFlag
            if record.pointee.flags & Record.testFlag != 0 || contribution | isOverdue == 0 { continue }
            let (day, hour) = clock.dayAndHour(ofMicroseconds: record.pointee.timeMicroseconds)
            if loaded == 0 { blockDay = day }
            if day != blockDay {
                waiting[kept] = Waiting(day: day, index: UInt16(truncatingIfNeeded: index), hour: hour)
                kept &+= 1
                continue
            }
            load(record, into: loaded, hour: hour, contribution: contribution, isOverdue: isOverdue)
            loaded &+= 1
        }
        (count, waitingCount, day) = (loaded, kept, blockDay)
    }

    private func loadWaitingDay(_ records: UnsafePointer<Record>) {
        let waiting = waiting
        let (total, numbers) = (waitingCount, contributionNumbers)
        guard total > 0 else { return }
        var (loaded, kept) = (0, 0)
        let blockDay = waiting[0].day
        for position in 0..<total {
            let place = waiting[position]
            if place.day != blockDay {
                waiting[kept] = place
                kept &+= 1
                continue
            }
            let record = records + Int(place.index)
            load(
                record, into: loaded, hour: place.hour, contribution: numbers[record.pointee.contributionKey],
                isOverdue: record.pointee.flags & Record.overdueFlag)
            loaded &+= 1
        }
        (count, waitingCount, day) = (loaded, kept, blockDay)
    }

    @inline(__always)
    private func load(
        _ record: UnsafePointer<Record>, into row: Int, hour: UInt8, contribution: UInt8, isOverdue: UInt8
    ) {
        let bytes = UnsafeRawPointer(record)
        let capacity = RecordBlock.capacity
        words[row] = bytes.load(fromByteOffset: 36, as: UInt32.self)
        words[capacity &+ row] = bytes.load(fromByteOffset: 40, as: UInt32.self)
        words[2 &* capacity &+ row] = bytes.load(fromByteOffset: 44, as: UInt32.self)
        words[3 &* capacity &+ row] = bytes.load(fromByteOffset: 52, as: UInt32.self)
        words[4 &* capacity &+ row] = bytes.load(fromByteOffset: 56, as: UInt32.self)
        words[5 &* capacity &+ row] = bytes.load(fromByteOffset: 60, as: UInt32.self)
        words[6 &* capacity &+ row] = UInt32(hour)
        amounts[row] = record.pointee.amountMinorUnits
        durations[row] = record.pointee.duration.milliseconds ?? -1
        contributions[row] = contribution
        overdue[row] = isOverdue
    }
}

extension Record {
    /// Event and class of the outcome: what a record's contribution depends on.
    @inline(__always)
    fileprivate var contributionKey: Int { Int(kindAndEvent & 0xF0 | outcome.rawValue >> 4) }
}

/// A calendar that remembers the hour of the last moment: most records lie in the hour of the one before.
struct HourClock {
    private let calendar: BusinessCalendar
    private var start: Int64 = 0
    private var end: Int64 = 0
    private var day = CalendarDay(daysSince1970: 0)
    private var hour: UInt8 = 0

    init(_ calendar: BusinessCalendar) { self.calendar = calendar }

    @inline(__always)
    mutating func dayAndHour(ofMicroseconds time: Int64) -> (day: CalendarDay, hour: UInt8) {
        if time < start || time >= end { find(time) }
        return (day, hour)
    }

    @inline(never)
    private mutating func find(_ time: Int64) {
        let span = calendar.span(containingMicroseconds: time)
        let moments = span.hour(aroundMicroseconds: time)
        (start, end) = (moments.lowerBound, moments.upperBound)
        (day, hour) = span.dayAndHour(ofMicroseconds: time)
    }
}

extension Dimension {
    /// Where a block holds the dimension: its column and the bits below it there; nil of one that no rollup has.
    var place: (column: Int, shift: Int)? {
        switch self {
        case .payerInstitution: (0, 16)
        case .payee: (1, 0)
        case .service: (2, 0)
        case .source: (3, 0)
        case .payeeInstitution: (3, 16)
        case .region: (4, 0)
        case .currency: (4, 16)
        case .kind: (5, 0)
        case .event: (5, 4)
        case .outcome: (5, 8)
        case .channel: (5, 16)
        case .hour: (RecordBlock.hourColumn, 0)
        case .day, .month: preconditionFailure("\(name) belongs to a whole block")
        case .amountBand: nil
        }
    }
}
