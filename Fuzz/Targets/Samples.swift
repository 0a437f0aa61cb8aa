import ReferenceDay
import Transactions

/// Records for seeds.
enum Samples {
    static let day = CalendarDay(year: 2026, month: 3, day: 2)!

    /// The first records of a generated day.
    static func records(count: Int, seed: UInt64 = 1) -> [Record] {
        var stream = ReferenceDay(day: day, count: 8192, seed: seed)
        return [Record](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = stream.fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// Records whose ids are of every class.
    static func mixedRecords(count: Int) -> [Record] {
        var records = records(count: count)
        for index in records.indices where index % 3 == 0 {
            let reference = index % 2 == 0 ? "TX-\(index)" : "a reference of more than 16: \(index)"
            records[index].id = RecordID(reference: reference)!
        }
        return records
    }
}
