import Columns
import Rollups
import Storage
import Transactions

/// Answers questions from the smallest rollup that can, else from the records themselves.
///
/// A rollup's figures were counted when the records came: damage of the log since then does not touch them, and is only told.
/// Where records are read, those that cannot be are left out only when the question's days cannot have any of them, or when
/// the user says so.
struct Statistics {
    let log: Log
    let calendar: BusinessCalendar
    /// What the rollups in memory lack.
    var leftOut: [DamagedStretch] = []

    /// Every day that a calendar can name.
    private static let allDays = CalendarDay(daysSince1970: -800_000)...CalendarDay(daysSince1970: 3_000_000)

    private static func days(of question: Question) -> ClosedRange<CalendarDay> {
        (question.from ?? allDays.lowerBound)...(question.to ?? allDays.upperBound)
    }

    /// - Parameters:
    ///   - despiteDamage: leave out what cannot be read, and say so, instead of failing.
    ///   - catalogue: nil when there is none, so that `view` holds everything.
    ///   - view: what memory knows beyond the catalogue; asked again when a checkpoint came between.
    func answer(
        _ question: Question, despiteDamage: Bool, catalogue: Catalogue?,
        view: (RollupDeclaration, ClosedRange<CalendarDay>) throws -> Folder.View
    ) throws -> Answer {
        var (answer, passedOver) = try count(question, catalogue: catalogue, view: view)
        let known = log.knownDamage
        guard !passedOver.isEmpty || !known.isEmpty else { return answer }
        answer.damage = try DamageAssessment(calendar: calendar, catalogue: catalogue).marks(
            passedOver: passedOver, known: known, for: question, despiteDamage: despiteDamage)
        return answer
    }

    private func count(
        _ question: Question, catalogue: Catalogue?,
        view: (RollupDeclaration, ClosedRange<CalendarDay>) throws -> Folder.View
    ) throws -> (answer: Answer, passedOver: [DamagedStretch]) {
        guard let rollup = question.rollup(among: RollupDeclaration.defaults) else { return try scan(question) }
        let days = Statistics.days(of: question)
        while true {
            let view = try view(rollup, days)
            var builder = try AnswerBuilder(question)
            for chunk in view.chunks { try builder.add(chunk) }
            guard let catalogue else { return (builder.answer(asOf: view.sequence), leftOut) }
            let agrees = try catalogue.snapshot {
                guard try catalogue.checkpoint().sequence == view.checkpointSequence else { return false }
                for chunk in try catalogue.chunks(rollup: rollup.name, days: days) {
                    try chunk.add(to: &builder, of: catalogue.path)
                }
                return true
            }
            if agrees { return (builder.answer(asOf: view.sequence), leftOut) }
        }
    }

    /// Counts the records of the blocks whose times may fall into the question's days.
    private func scan(_ question: Question) throws -> (answer: Answer, passedOver: [DamagedStretch]) {
        let declaration = try question.adHocDeclaration()
        let times = BusinessCalendar.microsecondsThatMayBelong(to: Statistics.days(of: question))
        var builder = try AnswerBuilder(question)
        var passedOver: [DamagedStretch] = []
        let counting = RollupAccumulator([declaration], calendar: calendar, firstSequence: 1)
        func drain() throws { for chunk in counting.drain() { try builder.add(chunk) } }
        let decoder = BlockDecoder()
        let end = log.endSequence
        try log.forEachBlock(
            from: 1, where: { $0.recordCount > 0 && $0.firstSequence < end && $0.timeRange.overlaps(times) },
            damage: { passedOver.append($0) }
        ) { segment, entry in
            do {
                let records = try log.decode(entry, in: segment, with: decoder)
                if entry.firstSequence - counting.lastSequence > 1 << 30 { try drain() }
                if counting.lastSequence + 1 < entry.firstSequence { counting.pass(to: entry.firstSequence) }
                records.withUnsafeBufferPointer { counting.fold($0, firstSequence: entry.firstSequence) }
            } catch let error as LogError where error.isDamage {
                passedOver.append(DamagedStretch(entry, in: segment.path, reason: error.reason))
            }
            if counting.shouldDrain(byteLimit: 256 << 20) { try drain() }
        }
        try drain()
        return (builder.answer(asOf: end - 1), passedOver)
    }
}

extension Catalogue.Chunk {
    /// Adds the chunk to an answer.
    /// - Throws: `CatalogueError` when it is not the one that its row promises.
    func add(to builder: inout AnswerBuilder, of path: String) throws {
        do {
            try bytes.withUnsafeBytes { bytes in
                try check(RollupChunk.place(encoded: bytes), of: path)
                try builder.add(encoded: bytes)
            }
        } catch let error as RollupError {
            throw CatalogueError.damaged(path: path, "\(place): \(error)")
        }
    }

    /// The chunk itself.
    func decoded(of path: String) throws -> RollupChunk {
        do {
            let chunk = try bytes.withUnsafeBytes { try RollupChunk(decoding: $0) }
            try check((chunk.rollup.name, chunk.day, chunk.sequences), of: path)
            return chunk
        } catch let error as RollupError {
            throw CatalogueError.damaged(path: path, "\(place): \(error)")
        }
    }

    private func check(
        _ found: (rollup: String, day: CalendarDay, sequences: ClosedRange<UInt64>), of path: String
    ) throws {
        guard found.rollup == rollup, found.day == day, found.sequences == sequences else {
            throw CatalogueError.damaged(
                path: path,
                "\(place): it holds rollup \(found.rollup), \(found.day), sequences \(found.sequences.lowerBound) to "
                    + "\(found.sequences.upperBound)")
        }
    }
}
