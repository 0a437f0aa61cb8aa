import Columns
import Rollups
import Storage
import Transactions

/// What `verify` found.
public struct VerificationReport: Sendable {
    /// Blocks that were read.
    public var blocks = 0
    /// Records that were read.
    public var records: UInt64 = 0
    /// Chunks of statistics that were compared with a recount.
    public var chunks = 0
    /// Everything that is wrong, each with its place; empty when the ledger is whole.
    public var faults: [String] = []
    /// The chain up to the last record.
    public var chain = ChainHead.origin
}

/// Checks a ledger at rest: every checksum, the sequences, the chain, and every rollup against a recount.
public struct Verification {
    private let files: LedgerFiles
    private let fileSystem: any FileSystem
    private var report = VerificationReport()
    private var recount: [Place: RollupChunk] = [:]

    private struct Place: Hashable {
        var rollup: String
        var day: CalendarDay
    }

    /// A verification of the ledger in `files`.
    public init(_ files: LedgerFiles, fileSystem: any FileSystem = DiskFileSystem()) {
        self.files = files
        self.fileSystem = fileSystem
    }

    /// Reads everything once.
    ///
    /// - Parameter progress: told the records read so far and in all, after each block.
    /// - Returns: the report; damage is in it.
    /// - Throws: `LedgerError` when there is no ledger or a daemon holds it; `LogError` of a later format.
    public mutating func run(progress: (UInt64, UInt64) -> Void) throws -> VerificationReport {
        guard files.exist(in: fileSystem) else { throw LedgerError.notFound(directory: files.directory) }
        guard let lock = try fileSystem.lock(files.lock, exclusively: false) else {
            throw LedgerError.inUse(directory: files.directory)
        }
        defer { lock.release() }
        let log: Log
        do {
            (log, _) = try LogRecovery.open(directory: files.log, fileSystem: fileSystem, mayWrite: false) { _ in 0 }
        } catch let error as LogError where error.isDamage {
            report.faults.append("\(error)")
            return report
        }
        try checkLog(log, progress: progress)
        checkDerived(log)
        return report
    }

    // MARK: The log

    private mutating func checkLog(_ log: Log, progress: (UInt64, UInt64) -> Void) throws {
        let decoder = BlockDecoder()
        let calendar = try log.settings.calendar()
        var chain = ChainHasher()
        var accumulator = RollupAccumulator(RollupDeclaration.defaults, calendar: calendar, firstSequence: 1)
        var previousChecksum: UInt32 = 0
        for segment in log.segments {
            do {
                var formerEnd: UInt32?
                for entry in try log.blocks(of: segment) {
                    let header = try log.read(entry, in: segment).header
                    check(header, entry, segment, follows: previousChecksum, chain: chain)
                    previousChecksum = entry.checksum
                    let declarations = try log.declarations(of: entry, in: segment, with: decoder)
                    if entry.offset == 0 { formerEnd = FormerEnd.checksum(in: declarations) }
                    let records = try log.decode(entry, in: segment, with: decoder)
                    report.blocks += 1
                    report.records += UInt64(records.count)
                    records.withUnsafeBufferPointer { records in
                        chain.append(records)
                        if accumulator.lastSequence + 1 == entry.firstSequence {
                            accumulator.fold(records, firstSequence: entry.firstSequence)
                        }
                    }
                    if accumulator.shouldDrain(byteLimit: 512 << 20) { try collect(accumulator.drain()) }
                    progress(report.records, log.endSequence - 1)
                }
                previousChecksum = formerEnd ?? previousChecksum
            } catch {
                report.faults.append("\(error)")
                // The statistics of what is whole cannot be compared with those of all.
                accumulator = RollupAccumulator(RollupDeclaration.defaults, calendar: calendar, firstSequence: .max - 1)
            }
        }
        try collect(accumulator.drain())
        report.chain = chain.head
    }

    private mutating func check(
        _ header: BlockHeader, _ entry: BlockEntry, _ segment: LogSegment, follows checksum: UInt32, chain: ChainHasher
    ) {
        let place = "\(segment.path) at offset \(entry.offset)"
        if header.preface.previousChecksum != checksum {
            report.faults.append("\(place): the block does not follow the one before it")
        }
        if chain.sequence + 1 == entry.firstSequence,
            header.preface.chainLinkCount != chain.linkCount || header.preface.chainDigest != chain.link
        {
            report.faults.append(
                "\(place): the chain before sequence \(entry.firstSequence) is not that of the records")
        }
    }

    private mutating func collect(_ chunks: [RollupChunk]) throws {
        for chunk in chunks {
            let place = Place(rollup: chunk.rollup.name, day: chunk.day)
            recount[place] = try recount[place].map { try RollupChunk.merge([$0, chunk]) } ?? chunk
        }
    }

    // MARK: What is derived

    private mutating func checkDerived(_ log: Log) {
        do {
            let reader = try LedgerReader(files, fileSystem: fileSystem)
            try reader.checkDerivedFiles()
            guard report.faults.isEmpty else { return }
            for rollup in RollupDeclaration.defaults {
                let stored = try reader.chunks(of: rollup)
                try compare(stored, with: recount.values.filter { $0.rollup == rollup })
            }
        } catch {
            report.faults.append("\(error); 'sluice rebuild' makes derived files anew")
        }
    }

    private mutating func compare(_ stored: [RollupChunk], with counted: [RollupChunk]) throws {
        let storedByDay = Dictionary(uniqueKeysWithValues: stored.map { ($0.day, $0) })
        let countedByDay = Dictionary(uniqueKeysWithValues: counted.map { ($0.day, $0) })
        for day in Set(storedByDay.keys).union(countedByDay.keys).sorted() {
            report.chunks += 1
            guard let one = storedByDay[day], let other = countedByDay[day] else {
                let name = (storedByDay[day] ?? countedByDay[day])!.rollup.name
                report.faults.append(
                    "rollup \(name), \(day): only \(storedByDay[day] == nil ? "the log" : "the catalogue") has it")
                continue
            }
            if let difference = try one.difference(from: other) {
                report.faults.append("catalogue and recount of the log differ: \(difference)")
            }
        }
    }
}

extension LedgerReader {
    /// Checks SQLite's pages and every index file.
    func checkDerivedFiles() throws {
        try withParts { restored, catalogue in
            try catalogue?.checkIntegrity()
            try restored.index.verifyFiles()
        }
    }

    /// Every day of a rollup as one chunk: the catalogue's and what the log holds beyond its checkpoint.
    func chunks(of rollup: RollupDeclaration) throws -> [RollupChunk] {
        let all = CalendarDay(daysSince1970: .min)...CalendarDay(daysSince1970: .max)
        return try withParts { restored, catalogue in
            let stored = try catalogue?.chunks(rollup: rollup.name, days: all).map { stored in
                try stored.bytes.withUnsafeBytes { try RollupChunk(decoding: $0) }
            }
            let chunks = (stored ?? []) + restored.accumulator.snapshot(rollup: rollup.name, days: all)
            return try Dictionary(grouping: chunks, by: \.day).values.map { try RollupChunk.merge($0) }
        }
    }
}
