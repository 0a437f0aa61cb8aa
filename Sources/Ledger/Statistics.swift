import Columns
import Rollups
import Storage
import Transactions

/// Answers questions from the smallest rollup that can, else from the records themselves.
struct Statistics {
    let log: Log
    let calendar: BusinessCalendar

    /// Every day that a calendar can name.
    private static let allDays = CalendarDay(daysSince1970: -800_000)...CalendarDay(daysSince1970: 3_000_000)

    /// - Parameters:
    ///   - catalogue: nil when there is none, so that `view` holds everything.
    ///   - view: what memory knows beyond the catalogue; asked again when a checkpoint came between.
    func answer(
        _ question: Question, catalogue: Catalogue?,
        view: (RollupDeclaration, ClosedRange<CalendarDay>) throws -> Folder.View
    ) throws -> Answer {
        guard let rollup = question.rollup(among: RollupDeclaration.defaults) else { return try scan(question) }
        let days = (question.from ?? Statistics.allDays.lowerBound)...(question.to ?? Statistics.allDays.upperBound)
        while true {
            let view = try view(rollup, days)
            var builder = try AnswerBuilder(question)
            for chunk in view.chunks { try builder.add(chunk) }
            guard let catalogue else { return builder.answer(asOf: view.sequence) }
            let agrees = try catalogue.snapshot {
                guard try catalogue.checkpoint().sequence == view.checkpointSequence else { return false }
                for chunk in try catalogue.chunks(rollup: rollup.name, days: days) {
                    try chunk.bytes.withUnsafeBytes { try builder.add(encoded: $0) }
                }
                return true
            }
            if agrees { return builder.answer(asOf: view.sequence) }
        }
    }

    /// Counts the records of the blocks whose times may fall into the question's days.
    private func scan(_ question: Question) throws -> Answer {
        let declaration = try question.adHocDeclaration()
        let times = BusinessCalendar.microsecondsThatMayBelong(
            to: (question.from ?? CalendarDay(daysSince1970: 0))...(question.to ?? CalendarDay(daysSince1970: 100_000)))
        var builder = try AnswerBuilder(question)
        var accumulator: RollupAccumulator?
        let decoder = BlockDecoder()
        let end = log.endSequence
        try log.forEachBlock(from: 1, where: { $0.recordCount > 0 && $0.timeRange.overlaps(times) }) { segment, entry in
            guard entry.firstSequence < end else { return }
            // Blocks that were passed over leave a gap that an accumulator does not take.
            if let counted = accumulator,
                counted.lastSequence + 1 != entry.firstSequence
                    || counted.shouldDrain(byteLimit: 256 << 20)
            {
                for chunk in counted.drain() { try builder.add(chunk) }
                accumulator = nil
            }
            let counting =
                accumulator
                ?? RollupAccumulator([declaration], calendar: calendar, firstSequence: entry.firstSequence)
            accumulator = counting
            try log.decode(entry, in: segment, with: decoder).withUnsafeBufferPointer {
                counting.fold($0, firstSequence: entry.firstSequence)
            }
        }
        for chunk in accumulator?.drain() ?? [] { try builder.add(chunk) }
        return builder.answer(asOf: end - 1)
    }
}
