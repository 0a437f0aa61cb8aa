import Rollups
import Storage
import Transactions

/// Why a question is not answered: what it asks for may lie where the log is damaged.
public struct DamageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The damage that stands in the way.
    public var damage: [DamageMark]

    /// `damage` stands in the way.
    public init(damage: [DamageMark]) { self.damage = damage }

    /// Every place, and what to do.
    public var description: String {
        damage.map(\.description).joined(separator: "; ")
            + ". Restore the segment from a copy, or ask with --despite-damage for an answer without it"
    }
}

/// Says of damaged stretches of a log what they mean for a question: which business days they may concern.
struct DamageAssessment {
    let calendar: BusinessCalendar
    /// Its chunks say on which days the records of a range of sequences were; nil when there is none.
    let catalogue: Catalogue?

    /// Times further apart than a hundred years say nothing.
    private static let mostDays = 36_525

    /// The days of which a stretch may have held records: by its times, else the days of all chunks over its sequences; nil: any.
    func days(of stretch: DamagedStretch) throws -> [CalendarDay]? {
        if stretch.sequences.isEmpty { return [] }
        if let times = stretch.timeRange {
            var calendar = calendar
            let first = calendar.dayAndHour(ofMicroseconds: times.lowerBound).day
            let last = calendar.dayAndHour(ofMicroseconds: times.upperBound).day
            guard Int(last.daysSince1970) - Int(first.daysSince1970) < DamageAssessment.mostDays else { return nil }
            return (first.daysSince1970...max(first.daysSince1970, last.daysSince1970)).map(
                CalendarDay.init(daysSince1970:))
        }
        guard let catalogue, try catalogue.checkpoint().sequence >= stretch.sequences.upperBound - 1 else { return nil }
        return try catalogue.days(overlapping: stretch.sequences.lowerBound...stretch.sequences.upperBound - 1)
    }

    func mark(_ stretch: DamagedStretch, isLeftOut: Bool) throws -> DamageMark {
        DamageMark(
            path: stretch.path, offset: stretch.offset,
            sequences: stretch.sequences.isEmpty
                ? nil : stretch.sequences.lowerBound...stretch.sequences.upperBound - 1,
            days: try days(of: stretch), reason: stretch.reason, isLeftOut: isLeftOut)
    }

    /// What an answer is to carry: damage that was passed over while it was counted, and other damage that is known.
    /// - Throws: `DamageError` when something was passed over that the question may ask for, and that is not allowed.
    func marks(
        passedOver: [DamagedStretch], known: [DamagedStretch], for question: Question, despiteDamage: Bool
    ) throws -> [DamageMark] {
        let needed = try passedOver.map { try mark($0, isLeftOut: true) }.filter { mark in
            mark.days.map { $0.contains(where: question.covers) } ?? true
        }
        guard needed.isEmpty || despiteDamage else { throw DamageError(damage: needed) }
        let others = known.filter { stretch in
            !needed.contains { $0.path == stretch.path && $0.offset == stretch.offset }
        }
        return needed + (try others.map { try mark($0, isLeftOut: false) })
    }
}
