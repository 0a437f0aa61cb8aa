import Foundation
import Transactions

/// Finds the moment at which the clocks of a zone showed a date and a time, at a small cost for each row.
///
/// The zone's rules are asked once for each half minute on days near a change of the offset, and once for a whole day
/// elsewhere; since 1970 zones have changed their offset on whole half minutes. Days are remembered in a table, so that rows
/// may come in any order; it begins small, as most inputs are of few days and many are of a single row.
struct LocalClock: ~Copyable {
    enum Moment: Equatable {
        /// Seconds since 1970-01-01 UTC.
        case at(Int64)
        /// The clocks were put forward over that time; the first moment after, in seconds since 1970-01-01 UTC.
        case skipped(next: Int64)
    }

    private struct CachedDay {
        var day: Int64
        /// Seconds east of UTC throughout the day; nil on days near a change.
        var offset: Int64?
    }

    private static let fewestCachedDays = 16
    private static let mostCachedDays = 2048
    private let zone: TimeZone
    /// A day has one slot, by its low bits: the count is a power of 2.
    private var days = LocalClock.slots(fewestCachedDays)
    private var halfMinute = Int64.min
    private var halfMinuteOffset: Int64?

    init(_ zone: TimeZone) { self.zone = zone }

    deinit { days.deallocate() }

    /// The moment of a time that a clock on the wall showed; the earlier one where it showed it twice.
    /// - Parameter localSeconds: seconds from 1970-01-01 00:00 of the same clock.
    mutating func moment(localSeconds: Int64) -> Moment {
        let day = floorDivision(localSeconds, 86_400)
        var slot = slot(of: day)
        if days[slot].day != day { slot = remember(day) }
        if let offset = days[slot].offset { return .at(localSeconds - offset) }
        let halfMinute = floorDivision(localSeconds, 30)
        if halfMinute != self.halfMinute {
            self.halfMinute = halfMinute
            halfMinuteOffset = earlierOffset(localSeconds: localSeconds)
        }
        return halfMinuteOffset.map { .at(localSeconds - $0) } ?? .skipped(next: endOfGap(localSeconds: localSeconds))
    }

    private func slot(of day: Int64) -> Int { Int(day & Int64(days.count - 1)) }

    /// Gives a day its slot; a table in which another day has it grows until both have one, or it is at its largest.
    private mutating func remember(_ day: Int64) -> Int {
        while days.count < LocalClock.mostCachedDays, days[slot(of: day)].day != .min { grow() }
        let slot = slot(of: day)
        days[slot] = CachedDay(day: day, offset: offsetThroughout(day: day))
        return slot
    }

    /// Two days that had slots of their own have so in a table of twice the size.
    private mutating func grow() {
        let old = days
        days = LocalClock.slots(old.count * 2)
        for known in old where known.day != .min { days[slot(of: known.day)] = known }
        old.deallocate()
    }

    private static func slots(_ count: Int) -> UnsafeMutableBufferPointer<CachedDay> {
        let slots = UnsafeMutableBufferPointer<CachedDay>.allocate(capacity: count)
        slots.initialize(repeating: CachedDay(day: .min, offset: nil))
        return slots
    }

    private func offset(at seconds: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
    }

    /// No zone is further than a day from UTC and none changes twice within three days.
    private func offsetThroughout(day: Int64) -> Int64? {
        let before = offset(at: (day - 1) * 86_400)
        return before == offset(at: (day + 2) * 86_400) ? before : nil
    }

    private func earlierOffset(localSeconds: Int64) -> Int64? {
        let candidates = [offset(at: localSeconds - 86_400), offset(at: localSeconds + 86_400)]
        return candidates.filter { offset(at: localSeconds - $0) == $0 }.max()
    }

    private func endOfGap(localSeconds: Int64) -> Int64 {
        var (before, after) = (localSeconds - 86_400 * 2, localSeconds + 86_400 * 2)
        let old = offset(at: before)
        while after - before > 1 {
            let middle = (before + after) / 2
            if offset(at: middle) == old { before = middle } else { after = middle }
        }
        return after
    }
}
