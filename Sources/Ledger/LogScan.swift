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
    /// Threads that count, the caller's among them.
    let threadCount: Int

    /// Cells of all threads together, before they are taken over into the answer.
    private static let cellByteLimit = 256 << 20
    private typealias Block = BlockPipeline.Block

    /// - Parameter end: the sequence after the last that counts.
    /// - Returns: what could not be read, in order.
    func count(
        _ question: Question, days: ClosedRange<CalendarDay>, before end: UInt64, into builder: inout AnswerBuilder
    ) throws -> [DamagedStretch] {
        let declaration = try question.adHocDeclaration()
        let times = BusinessCalendar.microsecondsThatMayBelong(to: days)
        var passedOver: [DamagedStretch] = []
        var workers: [Worker] = []
        try log.forEachListOfBlocks(
            from: 1, where: { $0.recordCount > 0 && $0.firstSequence < end && $0.timeRange.overlaps(times) },
            damage: { passedOver.append($0) }
        ) { blocks in
            while workers.count < min(threadCount, blocks.count) { workers.append(Worker(declaration, self)) }
            try run(workers, over: blocks)
            for worker in workers where worker.counter.shouldDrain(byteLimit: LogScan.cellByteLimit / threadCount) {
                for chunk in worker.counter.drain(sequences: 1...end) { try builder.add(chunk) }
            }
        }
        for worker in workers {
            passedOver += worker.passedOver
            for chunk in worker.counter.drain(sequences: 1...end) { try builder.add(chunk) }
        }
        return passedOver.inOrder
    }

    /// Lets each worker take blocks until there are none left, or one has failed.
    private func run(_ workers: [Worker], over blocks: [Block]) throws {
        let work = Work(blocks)
        onThreads(workers.count, of: machine) { workers[$0].run(work) }
        if let failure = work.failure { throw failure }
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
        let counter: ColumnCounter
        private(set) var passedOver: [DamagedStretch] = []
        private let log: Log
        private let decoder = BlockDecoder()
        private var buffer: [UInt8] = []

        init(_ declaration: RollupDeclaration, _ scan: LogScan) {
            counter = ColumnCounter(declaration, calendar: scan.calendar)
            log = scan.log
        }

        func run(_ work: Work) {
            while let (segment, entry) = work.take() {
                do {
                    let wanted = counter.columns(times: entry.timeRange)
                    let columns = try log.columns(wanted, of: entry, in: segment, with: decoder, buffer: &buffer)
                    counter.count(columns, times: entry.timeRange)
                } catch let error as LogError where error.isDamage {
                    passedOver.append(DamagedStretch(entry, in: segment.path, reason: error.reason))
                } catch {
                    work.fail(error)
                }
            }
        }
    }
}
