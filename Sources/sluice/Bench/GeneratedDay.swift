import Chance
import ReferenceDay
import Transactions

/// Records generated ahead, so that generating takes nothing from what is measured.
final class GeneratedDay: @unchecked Sendable {
    /// Written by the initialisers only.
    private let buffer: UnsafeMutableBufferPointer<Record>
    /// How many records a ledger accepts of all.
    let distinctCount: Int

    init(day: CalendarDay, count: Int, seed: UInt64) {
        buffer = .allocate(capacity: count)
        var generator = ReferenceDay(day: day, count: count, seed: seed)
        var filled = 0
        while filled < count {
            let more = generator.fill(UnsafeMutableBufferPointer(rebasing: buffer[filled...]))
            precondition(more > 0, "the reference day has as many records as were asked for")
            filled += more
        }
        distinctCount = generator.census.accepted
    }

    /// The same records in an order that `seed` draws.
    init(shuffling other: GeneratedDay, seed: UInt64) {
        var records = UnsafeMutableBufferPointer<Record>.allocate(capacity: other.count)
        _ = records.initialize(from: other.buffer)
        var generator = SeededGenerator(seed: seed)
        records.shuffle(using: &generator)
        buffer = records
        distinctCount = other.distinctCount
    }

    deinit { buffer.deallocate() }

    var count: Int { buffer.count }

    /// The bytes of some of the records, counted from record `first` on.
    func bytes(_ range: Range<Int>, from first: Int = 0) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            UnsafeBufferPointer(rebasing: buffer[first + range.lowerBound..<first + range.upperBound]))
    }
}
