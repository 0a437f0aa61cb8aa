import Rollups
import Storage
import Transactions

/// What makes answers faster or the catalogue smaller, and can wait for the next time: old days go, small chunks are merged,
/// months are summed. Used by the checkpointer's thread, between checkpoints.
struct CatalogueUpkeep {
    let catalogue: Catalogue
    let calendar: BusinessCalendar
    let machine: any Machine

    private static let mergedChunkCount = 8

    /// Retention: days that are older than the rollup's last ones, of which so many are kept; of months, those that end before
    /// so many days up to the first of the last one. A day in the future, which a gateway's clock may have made up, lets go of
    /// nothing.
    /// - Returns: the first day that is kept from now on; nil when nothing goes.
    func letGoOfOldDays(of rollup: KeptRollup) throws -> CalendarDay? {
        guard let days = rollup.retentionDays,
            let last = try catalogue.lastDay(ofRollup: rollup.declaration.name)
        else { return nil }
        var calendar = calendar
        let today = calendar.dayAndHour(ofMicroseconds: machine.wallClockMicroseconds()).day
        let first = min(last, today).movedBy(days: 1 - days)
        let keptFrom = rollup.declaration.isMonthly ? first.firstOfMonth : first
        guard keptFrom > rollup.keptFrom ?? CalendarDay(daysSince1970: .min) else { return nil }
        var rollup = rollup
        rollup.keptFrom = keptFrom
        try catalogue.letGo(Catalogue.Declared(rollup))
        return keptFrom
    }

    /// Many small chunks of a day make its questions slow: from a number on they become one. Those of a rollup that is being
    /// filled wait until no more can come between them.
    func mergeChunks(besides declared: [KeptRollup]) throws {
        let unfinished = declared.filter { $0.fill != nil }.map(\.declaration.name)
        for (rollup, day) in try catalogue.placesWithChunks(atLeast: CatalogueUpkeep.mergedChunkCount)
        where !unfinished.contains(rollup) {
            let stored = try catalogue.chunks(rollup: rollup, days: day...day)
            let merged = try RollupChunk.merge(stored.map { try $0.decoded(of: catalogue.path) })
            try catalogue.replace(stored.map(\.sequences), by: Catalogue.Chunk(merged))
        }
    }

    /// A year of days is many chunks: those of each month that is over are added up besides.
    /// - Parameter isInterrupted: true when something more urgent waits.
    func sumMonths(besides declared: [KeptRollup], until isInterrupted: () -> Bool) throws {
        let whole = declared.filter { $0.fill == nil && !$0.declaration.isMonthly }
        for rollup in RollupDeclaration.defaults + whole.map(\.declaration) {
            for month in try catalogue.monthsWithoutSum(ofRollup: rollup.name) {
                if isInterrupted() { return }
                if let sum = try catalogue.sum(of: month) { try catalogue.setSum(of: month, bytes: sum.encoded()) }
            }
        }
    }
}
