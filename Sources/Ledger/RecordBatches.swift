import Columns
import Storage
import Transactions

extension LogSnapshot {
    /// Shows whole records in order, a block at a time.
    /// - Parameters:
    ///   - days: only records of these business days; nil: all.
    ///   - pass: told of what cannot be read; throws unless it can be passed over.
    public func forEachBatch(
        of days: ClosedRange<CalendarDay>? = nil,
        damage pass: @escaping (DamagedStretch) throws -> Void = { throw $0.error },
        _ visit: (UnsafeBufferPointer<Record>) throws -> Void
    ) throws {
        var calendar = calendar
        let times = days.map(BusinessCalendar.microsecondsThatMayBelong(to:))
        let decoder = BlockDecoder()
        let records = UnsafeMutableBufferPointer<Record>.allocate(capacity: BlockHeader.largestRecordCount)
        defer { records.deallocate() }
        var cursor = LogCursor(log, sequences: 1..<max(1, endSequence), damage: pass)
        while let (segment, entry) = try cursor.next() {
            if let times, !entry.timeRange.overlaps(times) { continue }
            do {
                _ = try log.decode(entry, in: segment, with: decoder, into: records)
            } catch let error as LogError where error.isDamage {
                try pass(DamagedStretch(entry, in: segment.path, reason: error.reason))
                continue
            }
            var count = entry.recordCount
            if let days {
                count = 0
                for record in records[..<entry.recordCount] {
                    guard days.contains(calendar.dayAndHour(ofMicroseconds: record.timeMicroseconds).day) else {
                        continue
                    }
                    records[count] = record
                    count += 1
                }
            }
            if count > 0 { try visit(UnsafeBufferPointer(rebasing: records[..<count])) }
        }
    }
}
