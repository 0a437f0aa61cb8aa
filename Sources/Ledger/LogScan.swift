import Columns
import Locks
import Rollups
import Storage
import Transactions

/// Counts the records of the log for a question that no rollup answers.
///
/// Blocks whose times cannot fall into the question's days are not read; of the others only the fields that the question
/// needs. Several threads take one block after another and count each by itself; their cells are added up in the end, so the
/// answer does not depend on who counted what.
struct LogScan {
    let log: Log
    let calendar: BusinessCalendar
    let machine: any Machine
    /// By which distinct accounts are counted.
    let accountHash: AccountHash
    /// Threads that count, the caller's among them.
    let threadCount: Int

    /// Cells of all threads together, before they are taken over into the answer.
    private static let cellByteLimit = 256 << 20
    /// What the groups of all threads together collect, before it is taken over into the answer.
    private static let collectedByteLimit = 512 << 20
    /// What the groups of the answer collect: more is refused.
    private static let answerByteLimit = 1 << 30

    private typealias Block = BlockPipeline.Block

    /// - Parameter sequences: those that count.
    /// - Returns: what could not be read, in order.
    func count(
        _ question: Question, days: ClosedRange<CalendarDay>, sequences: Range<UInt64>,
        into builder: inout AnswerBuilder
    ) throws -> [DamagedStretch] {
        let total = Lock(Total(builder: builder, sequences: 1...sequences.upperBound))
        let times = BusinessCalendar.microsecondsThatMayBelong(to: days)
        var passedOver: [DamagedStretch] = []
        var workers: [Worker] = []
        try log.forEachListOfBlocks(
            from: sequences.lowerBound, before: sequences.upperBound,
            where: {
                $0.recordCount > 0 && $0.firstSequence < sequences.upperBound
                    && $0.endSequence > sequences.lowerBound && $0.timeRange.overlaps(times)
            },
            damage: { passedOver.append($0) }
        ) { blocks in
            while workers.count < min(threadCount, blocks.count) {
                workers.append(try Worker(question, self, sequences, total: total))
            }
            try run(workers, over: blocks)
        }
        for worker in workers {
            passedOver += worker.passedOver
            try worker.drain()
        }
        builder = total.withLock { $0 }.builder
        return passedOver.inOrder
    }

    /// Lets each worker take blocks until there are none left, or one has failed.
    private func run(_ workers: [Worker], over blocks: [Block]) throws {
        let work = Work(blocks)
        onThreads(workers.count, of: machine) { workers[$0].run(work) }
        if let failure = work.failure { throw failure }
    }

    /// The answer, to which each worker adds what it has counted.
    private struct Total: @unchecked Sendable {
        var builder: AnswerBuilder
        let sequences: ClosedRange<UInt64>

        mutating func take(_ counter: ColumnCounter) throws(RollupError) {
            try counter.drain(into: &builder, sequences: sequences)
            guard builder.collectedByteCount <= LogScan.answerByteLimit else {
                throw .tooMuchCollected(byteLimit: LogScan.answerByteLimit)
            }
        }
    }

    /// Blocks that are to be counted.
    private final class Work: Sendable {
        private struct State {
            var next = 0
            var failure: (any Error)?
        }

        private let blocks: [Block]
        private let state = Lock(State())

        init(_ blocks: [Block]) { self.blocks = blocks }

        /// The next block; nil when there is none, or nothing more is to be done.
        func take() -> Block? {
            let place = state.withLock { state -> Int? in
                guard state.next < blocks.count, state.failure == nil else { return nil }
                defer { state.next += 1 }
                return state.next
            }
            return place.map { blocks[$0] }
        }

        var failure: (any Error)? { state.withLock { $0.failure } }

        func fail(_ error: any Error) {
            state.withLock { $0.failure = $0.failure ?? error }
        }
    }

    /// What one thread counts with. It is used by one at a time.
    private final class Worker: @unchecked Sendable {
        private let counter: ColumnCounter
        private let total: Lock<Total>
        private let threadCount: Int
        private let sequences: Range<UInt64>
        private(set) var passedOver: [DamagedStretch] = []
        private let log: Log
        private let decoder = BlockDecoder()
        private var buffer: [UInt8] = []

        init(
            _ question: Question, _ scan: LogScan, _ sequences: Range<UInt64>, total: Lock<Total>
        ) throws(RollupError) {
            self.sequences = sequences
            counter = try ColumnCounter(question, calendar: scan.calendar, accountHash: scan.accountHash)
            (log, threadCount, self.total) = (scan.log, scan.threadCount, total)
        }

        /// Adds what was counted so far to the answer.
        func drain() throws(RollupError) {
            try total.withLock { total throws(RollupError) in try total.take(counter) }
        }

        func run(_ work: Work) {
            while let (segment, entry) = work.take() {
                do {
                    let wanted = counter.columns(times: entry.timeRange)
                    let columns = try log.columns(wanted, of: entry, in: segment, with: decoder, buffer: &buffer)
                    let counted = entry.sequences.clamped(to: sequences)
                    let first = Int(counted.lowerBound - entry.firstSequence)
                    counter.count(columns, times: entry.timeRange, counted: first..<first + counted.count)
                    if counter.shouldDrain(
                        cellByteLimit: LogScan.cellByteLimit / threadCount,
                        collectedByteLimit: LogScan.collectedByteLimit / threadCount)
                    {
                        try drain()
                    }
                } catch let error as LogError where error.isDamage {
                    passedOver.append(DamagedStretch(entry, in: segment.path, reason: error.reason))
                } catch {
                    work.fail(error)
                }
            }
        }
    }
}
