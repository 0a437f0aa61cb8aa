import ReferenceDay
import Transactions

/// Records as the committer takes them: the first of a reference day of 26 million, or some from its middle.
enum Sample {
    /// A full block.
    static let blockRecordCount = 65_536
    /// A batch of the stream protocol.
    static let batchRecordCount = 1024

    /// So many records, to be freed by the caller.
    static func records(_ count: Int = blockRecordCount) -> UnsafeMutableBufferPointer<Record> {
        let records = UnsafeMutableBufferPointer<Record>.allocate(capacity: count)
        var day = ReferenceDay(day: CalendarDay("2026-11-20")!, count: 26_000_000, seed: 1)
        precondition(day.fill(records) == count)
        return records
    }

    /// The places of batches among so many records.
    static func batches(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: batchRecordCount).map { $0..<min($0 + batchRecordCount, count) }
    }

    /// Words that look random, the same each time.
    static func words(_ count: Int) -> [UInt64] {
        var state: UInt64 = 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 16
        }
    }
}
