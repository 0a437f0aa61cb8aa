import Columns
import Locks
import RingBuffer
import Storage
import Transactions

/// Brings blocks of the log back into memory with several threads: they are decoded ahead, in any order, and then pass
/// through stages, each of which takes them one at a time and in order.
///
/// Every thread does what comes next, and what lies further along comes first: a block that waits for a stage before one that
/// nobody has read yet. So each stage is done by whoever is free, no more blocks are in memory than there are places, and
/// with one thread each block goes through all stages before the next is read.
struct BlockPipeline {
    /// A block of the log, and the segment that holds it.
    typealias Block = (segment: LogSegment, entry: BlockEntry)
    /// Takes blocks in their order, and never two at a time.
    typealias Stage = @Sendable (DecodedBlock) throws -> Void

    let log: Log
    let machine: any Machine
    private let workers: [Worker]
    private let places: [DecodedBlock]

    /// Stages that wait for each other are no faster with more.
    private static let mostThreads = 4

    /// - Parameter threadCount: how many may take part, the caller's among them.
    init(_ log: Log, on machine: any Machine, threadCount: Int) {
        self.log = log
        self.machine = machine
        workers = (0..<min(threadCount, BlockPipeline.mostThreads)).map { _ in Worker(log) }
        places = (0..<2 * workers.count).map { _ in DecodedBlock() }
    }

    /// Returns when all blocks have passed all stages. A block that cannot be read passes too: its `failure` says why.
    /// - Parameter first: records before this sequence are of no use: a block of nothing else comes without its records, and
    ///   with what it declares.
    /// - Throws: what a stage has thrown; blocks behind that one may have passed the other stages.
    func run(over blocks: [Block], from first: UInt64, through stages: [Stage]) throws {
        let work = Work(blocks, from: first, places: places, stages: stages, bell: machine.makeDoorbell())
        onThreads(min(workers.count, blocks.count), of: machine) { [workers] in workers[$0].run(work) }
        if let failure = work.failure { throw failure }
    }

    /// What one thread decodes with. It is used by one at a time.
    private final class Worker: @unchecked Sendable {
        private let log: Log
        private let decoder = BlockDecoder()

        init(_ log: Log) { self.log = log }

        func run(_ work: Work) {
            while let task = work.take() {
                switch task {
                case .decode(let number):
                    work.place(number).decode(work.blocks[number], of: log, from: work.first, with: decoder)
                    work.finish(task)
                case .pass(let number, let stage):
                    do {
                        try work.stages[stage](work.place(number))
                        work.finish(task)
                    } catch {
                        work.fail(error)
                    }
                }
            }
        }
    }

    private enum Task {
        case decode(Int)
        case pass(Int, stage: Int)
    }

    /// Who has which block.
    private final class Work: Sendable {
        private struct Progress {
            /// Blocks that it has begun with.
            var begun = 0
            /// Blocks that it is done with.
            var done = 0
        }

        private struct State {
            /// Blocks that somebody has begun to decode.
            var begun = 0
            /// By place: the block in it is decoded.
            var isDecoded: [Bool]
            var stages: [Progress]
            var failure: (any Error)?
        }

        let blocks: [Block]
        let first: UInt64
        let stages: [Stage]
        private let places: [DecodedBlock]
        private let bell: Doorbell
        private let state: Lock<State>

        init(_ blocks: [Block], from first: UInt64, places: [DecodedBlock], stages: [Stage], bell: Doorbell) {
            self.blocks = blocks
            self.first = first
            self.places = places
            self.stages = stages
            self.bell = bell
            state = Lock(
                State(
                    isDecoded: Array(repeating: false, count: places.count),
                    stages: Array(repeating: Progress(), count: stages.count)))
        }

        var failure: (any Error)? { state.withLock { $0.failure } }

        func place(_ number: Int) -> DecodedBlock { places[number % places.count] }

        /// What is to be done next; waits for it. Nil when there is nothing more, or a stage has failed.
        func take() -> Task? {
            var task: Task?
            _ = bell.wait {
                state.withLock { state in
                    task = next(&state)
                    return task != nil || state.failure != nil || state.stages.allSatisfy { $0.done == blocks.count }
                }
            }
            return task
        }

        private func next(_ state: inout State) -> Task? {
            guard state.failure == nil else { return nil }
            for stage in state.stages.indices {
                let number = state.stages[stage].begun
                let isFree = number == state.stages[stage].done
                guard isFree, number < state.begun, state.isDecoded[number % places.count] else { continue }
                state.stages[stage].begun += 1
                return .pass(number, stage: stage)
            }
            let passed = state.stages.reduce(blocks.count) { min($0, $1.done) }
            guard state.begun < min(blocks.count, passed + places.count) else { return nil }
            defer { state.begun += 1 }
            state.isDecoded[state.begun % places.count] = false
            return .decode(state.begun)
        }

        func finish(_ task: Task) {
            state.withLock { state in
                switch task {
                case .decode(let number): state.isDecoded[number % places.count] = true
                case .pass(_, let stage): state.stages[stage].done += 1
                }
            }
            bell.ring()
        }

        func fail(_ error: any Error) {
            state.withLock { $0.failure = $0.failure ?? error }
            bell.ring()
        }
    }
}

/// A place for one block at a time. Whoever has the block uses it; in between a lock is taken.
final class DecodedBlock: @unchecked Sendable {
    /// Where the block lies in the log.
    private(set) var entry: BlockEntry!
    /// The path of its segment.
    private(set) var path = ""
    /// What it declares.
    private(set) var declarations: [Declaration] = []
    /// Why it cannot be read; there are no declarations and no records then.
    private(set) var failure: (any Error)?
    private var memory = UnsafeMutableBufferPointer<Record>(start: nil, count: 0)
    private var recordCount = 0

    deinit { memory.deallocate() }

    /// Its records, the first of which has `entry.firstSequence`; none where all lie before what was asked for.
    var records: UnsafeBufferPointer<Record> { UnsafeBufferPointer(rebasing: memory[..<recordCount]) }

    func decode(_ block: BlockPipeline.Block, of log: Log, from first: UInt64, with decoder: BlockDecoder) {
        (entry, path, declarations, recordCount, failure) = (block.entry, block.segment.path, [], 0, nil)
        do {
            guard entry.endSequence > first else {
                declarations = try log.declarations(of: entry, in: block.segment, with: decoder)
                return
            }
            if memory.count < entry.recordCount {
                memory.deallocate()
                memory = .allocate(capacity: entry.recordCount)
            }
            declarations = try log.decode(entry, in: block.segment, with: decoder, into: memory)
            recordCount = entry.recordCount
        } catch {
            failure = error
        }
    }
}

extension Log {
    /// Blocks are listed so many at a time; a list takes less than a megabyte.
    private static let listedBlockCount = 8192

    /// As `forEachBlock`, in lists of blocks behind each other.
    func forEachListOfBlocks(
        from first: UInt64, before end: UInt64 = .max, where isWanted: (BlockEntry) -> Bool = { _ in true },
        damage pass: (DamagedStretch) throws -> Void, _ visit: ([BlockPipeline.Block]) throws -> Void
    ) throws {
        var blocks: [BlockPipeline.Block] = []
        try forEachBlock(from: first, before: end, where: isWanted, damage: pass) { segment, entry in
            blocks.append((segment, entry))
            guard blocks.count == Log.listedBlockCount else { return }
            try visit(blocks)
            blocks.removeAll(keepingCapacity: true)
        }
        if !blocks.isEmpty { try visit(blocks) }
    }
}
