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
    /// Knows what declared rollups are.
    let names: NameRegistry
    let machine: any Machine
    /// Threads that count where records are read.
    let threadCount: Int
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
    ///   - view: what memory knows of a rollup beyond the catalogue, nil when it is counted no more; asked again when a
    ///     checkpoint came between.
    func answer(
        _ question: Question, despiteDamage: Bool, catalogue: Catalogue?,
        view: (KeptRollup, ClosedRange<CalendarDay>) throws -> Folder.View?
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
        view: (KeptRollup, ClosedRange<CalendarDay>) throws -> Folder.View?
    ) throws -> (answer: Answer, passedOver: [DamagedStretch]) {
        let days = Statistics.days(of: question)
        var gone: Set<UInt32?> = []
        while true {
            let declared = try declaredRollups(catalogue).filter { !gone.contains($0.code) }
            guard let rollup = question.rollup(among: KeptRollup.inOrder(declared)) else { return try scan(question) }
            guard let view = try view(rollup, days) else {
                gone.insert(rollup.code)
                continue
            }
            var builder = try AnswerBuilder(question)
            for chunk in view.chunks { try builder.add(chunk) }
            guard let catalogue else { return (builder.answer(asOf: view.sequence), leftOut) }
            let agrees = try catalogue.snapshot {
                guard try catalogue.checkpoint().sequence == view.checkpointSequence,
                    try rollup.code == nil || declaredRollups(catalogue).contains(rollup)
                else { return false }
                let stored = StoredStatistics(
                    catalogue: catalogue, rollup: rollup.declaration.name, days: days, machine: machine,
                    threadCount: threadCount)
                try stored.add(to: &builder)
                return true
            }
            if agrees { return (builder.answer(asOf: view.sequence), leftOut) }
        }
    }

    private func declaredRollups(_ catalogue: Catalogue?) throws -> [KeptRollup] {
        try catalogue?.keptRollups { names.name(.statement, $0) } ?? []
    }

    /// Counts the records of the blocks whose times may fall into the question's days.
    private func scan(_ question: Question) throws -> (answer: Answer, passedOver: [DamagedStretch]) {
        let accountHash = AccountHash(log.settings)
        var builder = try AnswerBuilder(question, accountHash: accountHash)
        let end = question.asOf.map { min(log.endSequence - 1, $0) + 1 } ?? log.endSequence
        let start = question.after.map { min(end - 1, $0) + 1 } ?? 1
        let scan = LogScan(
            log: log, calendar: calendar, machine: machine, accountHash: accountHash, threadCount: threadCount)
        let passedOver = try scan.count(
            question, days: Statistics.days(of: question), sequences: start..<end, into: &builder)
        return (builder.answer(asOf: end - 1), passedOver)
    }
}

extension Log {
    /// The last sequence before the first block that was written after a moment. A clock that was put back does not bring
    /// anything back.
    func sequence(committedBy microseconds: Int64) throws -> UInt64 {
        var last: UInt64 = 0
        var isPast = false
        try forEachBlock(from: 1, where: { !isPast && $0.recordCount > 0 }, damage: { _ in }) { _, entry in
            if entry.commitTimeMicroseconds > microseconds { isPast = true } else { last = entry.endSequence - 1 }
        }
        return last
    }
}

extension AccountHash {
    /// The ledger's own. Both halves of the key are turned so that this is not the hash of identities.
    init(_ settings: LedgerSettings) {
        self.init(key: settings.identityKey.k1 ^ 0x7061_7965_7273_2031, settings.identityKey.k0 ^ 0x7061_7965_7273_2032)
    }
}

extension Catalogue.Chunk {
    /// The chunk itself.
    func decoded(of path: String) throws -> RollupChunk {
        do {
            let chunk = try bytes.withUnsafeBytes { try RollupChunk(decoding: $0) }
            let expected = RollupChunk.Place(rollup: rollup, day: day, sequences: sequences)
            try expected.check(
                RollupChunk.Place(rollup: chunk.rollup.name, day: chunk.day, sequences: chunk.sequences), of: path)
            return chunk
        } catch let error as RollupError {
            throw CatalogueError.damaged(path: path, "\(place): \(error)")
        }
    }
}

extension Catalogue {
    /// Adds up the chunks of a month, each sum with one of as many chunks, so that a cell is copied few times and memory
    /// holds few sums.
    func sum(of month: Month) throws -> RollupChunk? {
        var sums: [(count: Int, chunk: RollupChunk)] = []
        func addUp(while isDue: (Int, Int) -> Bool) throws {
            while sums.count > 1, isDue(sums[sums.count - 2].count, sums[sums.count - 1].count) {
                let (later, earlier) = (sums.removeLast(), sums.removeLast())
                sums.append((earlier.count + later.count, try earlier.chunk.summed(with: later.chunk)))
            }
        }
        for day in month.days.lowerBound.daysSince1970...month.days.upperBound.daysSince1970 {
            let day = CalendarDay(daysSince1970: day)
            for chunk in try chunks(rollup: month.rollup, days: day...day) {
                sums.append((1, try chunk.decoded(of: path)))
                try addUp(while: ==)
            }
        }
        try addUp { _, _ in true }
        return sums.first?.chunk
    }
}

extension RollupChunk.Place {
    /// Fails when the chunk that stands at this place of a catalogue says that it is another.
    func check(_ found: RollupChunk.Place, of path: String) throws(CatalogueError) {
        guard found == self else { throw .damaged(path: path, "\(self): it holds \(found)") }
    }
}
