import Columns
import Storage
import Transactions

/// Records of a log in order of sequence, a block at a time, for whoever asks for the next when he wants it.
///
/// Blocks are passed over by their times, and by what their headers say of the columns that have conditions. Of the others
/// the columns with conditions are read first; any other column is read, checked and decoded when it is asked for, and not for
/// blocks in which nothing passed. One thread at a time uses it.
public final class RecordScan {
    /// What scans of one thread share: memory to decode in. One of them uses it at a time.
    public final class Scratch {
        fileprivate let decoder = BlockDecoder()
        fileprivate var bytes: [UInt8] = []

        /// About 15 MB, of which as much is touched as columns are decoded.
        public init() {}
    }

    /// The sequence of the block's first record.
    public private(set) var firstSequence: UInt64 = 0
    /// The rows of the block that passed, counted from its first record, in the scan's order.
    public private(set) var rows: [UInt32] = []

    private let log: Log
    private let calendar: BusinessCalendar
    private let selection: RecordSelection
    private let sequences: Range<UInt64>
    /// What may belong to the days, and is within the times.
    private let times: ClosedRange<Int64>?
    private let scratch: Scratch
    private let check: () throws -> Void
    private let pass: (DamagedStretch) throws -> Void
    private var cursor: LogCursor
    private var block: (segment: LogSegment, entry: BlockEntry)?
    /// Copies: a decoder's columns last until its next call.
    private var copies: [UnsafeMutablePointer<UInt64>?] = Array(repeating: nil, count: Column.allCases.count)
    private var decoded = ColumnSet()
    private var records: UnsafeMutableBufferPointer<Record>?
    private var areIDsDecoded = false

    /// - Parameters:
    ///   - check: called before each block; what it throws ends the scan.
    ///   - pass: told of what cannot be read and may hold a wanted record; throws unless it can be passed over.
    public init(
        _ snapshot: LogSnapshot, _ selection: RecordSelection, scratch: Scratch,
        check: @escaping () throws -> Void = {},
        damage pass: @escaping (DamagedStretch) throws -> Void = { throw $0.error }
    ) {
        (log, calendar, self.selection) = (snapshot.log, snapshot.calendar, selection)
        (self.scratch, self.check, self.pass) = (scratch, check, pass)
        sequences = selection.sequences.clamped(to: 1..<max(1, snapshot.endSequence))
        times = RecordScan.times(of: selection)
        let mayMatter = { [times] (stretch: DamagedStretch) in
            stretch.timeRange.map { range in times.map(range.overlaps) ?? false } ?? true
        }
        cursor = LogCursor(log, sequences: times == nil ? 1..<1 : sequences, isDescending: selection.isDescending) {
            if mayMatter($0) { try pass($0) }
        }
    }

    deinit {
        copies.forEach { $0?.deallocate() }
        records?.deallocate()
    }

    /// Nil: none.
    private static func times(of selection: RecordSelection) -> ClosedRange<Int64>? {
        guard let days = selection.days else { return selection.times }
        let range = BusinessCalendar.microsecondsThatMayBelong(to: days)
        let (lower, upper) = (
            max(selection.times.lowerBound, range.lowerBound), min(selection.times.upperBound, range.upperBound - 1)
        )
        return lower <= upper ? lower...upper : nil
    }

    /// Goes to the next block of which a record passed; false at the end.
    public func advance() throws -> Bool {
        while let next = try cursor.next() {
            try check()
            guard let times, next.entry.timeRange.overlaps(times) else { continue }
            block = next
            (firstSequence, decoded, areIDsDecoded) = (next.entry.firstSequence, [], false)
            do {
                guard try mayHold(next.entry, in: next.segment) else { continue }
                try select(next.entry)
            } catch let error as LogError where error.isDamage {
                try pass(DamagedStretch(next.entry, in: next.segment.path, reason: error.reason))
                continue
            }
            if !rows.isEmpty { return true }
        }
        block = nil
        return false
    }

    /// The block's values of a column of `ColumnSet.fields`, by row; valid until `advance`.
    public func values(of column: Column) throws -> UnsafePointer<UInt64> {
        let place = Int(column.rawValue)
        if decoded.contains(column), let values = copies[place] { return UnsafePointer(values) }
        guard let (segment, entry) = block else { preconditionFailure("there is no block") }
        let wanted = ColumnSet(column)
        let columns = try log.columns(wanted, of: entry, in: segment, with: scratch.decoder, buffer: &scratch.bytes)
        let copy = copies[place] ?? .allocate(capacity: BlockHeader.largestRecordCount)
        copies[place] = copy
        copy.update(from: columns.values(of: column).baseAddress!, count: entry.recordCount)
        decoded.formUnion(wanted)
        return UnsafePointer(copy)
    }

    /// The id of a row of the block.
    public func id(ofRow row: Int) throws -> RecordID {
        if !areIDsDecoded {
            guard let (segment, entry) = block else { preconditionFailure("there is no block") }
            let records = self.records ?? .allocate(capacity: BlockHeader.largestRecordCount)
            self.records = records
            try log.ids(of: entry, in: segment, with: scratch.decoder, into: records)
            areIDsDecoded = true
        }
        return records![row].id
    }

    /// False when the header alone says that no record can pass.
    private func mayHold(_ entry: BlockEntry, in segment: LogSegment) throws -> Bool {
        guard !selection.conditions.isEmpty else { return true }
        let header = try log.header(of: entry, in: segment)
        return selection.conditions.allSatisfy { column, condition in
            header.bounds(of: column).map(condition.mayHold(within:)) ?? true
        }
    }

    /// Finds the rows that pass.
    private func select(_ entry: BlockEntry) throws {
        let lower = max(sequences.lowerBound, entry.firstSequence) - entry.firstSequence
        let upper = min(sequences.upperBound, entry.endSequence) - entry.firstSequence
        rows = lower < upper ? Array(UInt32(lower)..<UInt32(upper)) : []
        for (column, condition) in selection.conditions where !rows.isEmpty {
            let values = try values(of: column)
            switch condition {
            case .range(let range): rows.removeAll { !range.contains(values[Int($0)]) }
            case .codes(let codes) where codes.count == 1:
                let code = codes.first!
                rows.removeAll { values[Int($0)] != code }
            case .codes(let codes): rows.removeAll { !codes.contains(values[Int($0)]) }
            }
        }
        try selectByTime(entry)
        if selection.isDescending { rows.reverse() }
    }

    private func selectByTime(_ entry: BlockEntry) throws {
        let wanted = selection.times
        let isWithin = wanted.contains(entry.timeRange.lowerBound) && wanted.contains(entry.timeRange.upperBound)
        if !rows.isEmpty, !isWithin {
            let values = try values(of: .time)
            rows.removeAll { !wanted.contains(RecordScan.signed(values[Int($0)])) }
        }
        guard let days = selection.days, !rows.isEmpty, !isWhole(entry.timeRange, within: days) else { return }
        let values = try values(of: .time)
        var span = calendar.span(containingMicroseconds: entry.timeRange.lowerBound)
        rows.removeAll { row in
            let time = RecordScan.signed(values[Int(row)])
            if !span.contains(microseconds: time) { span = calendar.span(containingMicroseconds: time) }
            return !days.contains(span.dayAndHour(ofMicroseconds: time).day)
        }
    }

    /// True when all moments between two belong to the days. Days do not go back while no clock is changed.
    private func isWhole(_ times: ClosedRange<Int64>, within days: ClosedRange<CalendarDay>) -> Bool {
        let span = calendar.span(containingMicroseconds: times.lowerBound)
        return span.contains(microseconds: times.upperBound)
            && days.contains(span.dayAndHour(ofMicroseconds: times.lowerBound).day)
            && days.contains(span.dayAndHour(ofMicroseconds: times.upperBound).day)
    }

    /// A time or an amount from the form in which its column stores it.
    public static func signed(_ stored: UInt64) -> Int64 { Int64(bitPattern: stored ^ (1 << 63)) }

    /// How the columns of times and amounts store a value.
    public static func stored(_ signed: Int64) -> UInt64 { UInt64(bitPattern: signed) ^ (1 << 63) }
}
