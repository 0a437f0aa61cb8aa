import Chance
import Columns
import Ledger
import Rollups
import Storage
import Transactions

/// A ledger at rest that is damaged in every way, one after another, and what has to be found then: the damage is named with its
/// file, offset and sequences, and nothing is served that is not what was written.
public final class DamageExploration: Sendable {
    /// What is damaged.
    public enum Part: String, CaseIterable, Sendable {
        /// A sealed segment of the log.
        case segment
        /// The catalogue's rollup chunks.
        case chunks
        /// The files of the identity index.
        case index
        /// The catalogue as a file.
        case catalogue
    }

    /// The seed of the ledger.
    public let seed: UInt64
    let files = SimulatedRun.files
    let image: DiskImage
    let truth: Truth

    /// What the undamaged ledger holds and answers.
    struct Truth: Sendable {
        var records: [Record] = []
        var declarations: [Int: [Declaration]] = [:]
        /// The blocks of the damaged segment.
        var blocks: [BlockEntry] = []
        var segmentPath = ""
        var answers: [Answer] = []
        var names: [NameSpace: [UInt32: String]] = [:]
        var ids: [RecordID: [FoundRecord]] = [:]
        var chunks: [Catalogue.Chunk] = []
        var indexFiles: [(name: String, byteCount: Int)] = []
        var catalogueByteCount = 0
    }

    /// Makes a ledger whose first segment is sealed.
    /// - Parameters:
    ///   - segmentByteCount: bytes of the segment that is damaged, about.
    ///   - largestBatch: records of a batch, at most.
    public init(seed: UInt64, segmentByteCount: Int, largestBatch: Int) throws {
        self.seed = seed
        let disk = try DamageExploration.diskWithLedger(
            in: files, seed: seed, segmentByteCount: segmentByteCount, largestBatch: largestBatch)
        disk.setHook(nil)
        image = try DamageExploration.settled(files, disk.image())
        truth = try DamageExploration.truth(of: files, on: SimulatedDisk(afterProcessCrash: image))
    }

    /// The disk without a write-ahead log of SQLite, so that the catalogue is in one file.
    private static func settled(_ files: LedgerFiles, _ image: DiskImage) throws -> DiskImage {
        let disk = SimulatedDisk(afterProcessCrash: image)
        let log = try LogRecovery.open(directory: files.log, fileSystem: disk, mayWrite: false) { _ in 0 }.log
        // SQLite empties the log when the last connection is closed.
        _ = try openCatalogue(files, log.settings, on: disk, mode: .readWrite)
        return disk.image()
    }

    private static func diskWithLedger(
        in files: LedgerFiles, seed: UInt64, segmentByteCount: Int, largestBatch: Int
    ) throws -> SimulatedDisk {
        var generator = SeededGenerator(seed: seed)
        var options = LedgerOptions(drawnFrom: &generator)
        options.segmentByteCount = segmentByteCount
        options.identityByteCount = 1 << 30
        let machine = SimulatedMachine(seed: generator.next(), startMicroseconds: SimulatedRun.startMicroseconds)
        var workload = Workload(
            seed: generator.next(), startMicroseconds: SimulatedRun.startMicroseconds, largestBatch: largestBatch)
        let disk = SimulatedDisk(SimulatedDisk.Settings(seed: generator.next()))
        disk.attach(to: machine)
        try files.create(
            timeZone: "Asia/Ho_Chi_Minh", cutoverMinutes: 1380, fileSystem: disk, machine: machine, chance: &generator)
        let journal = Journal()
        func openSession() throws -> EngineSession {
            try EngineSession(files, options: options, fileSystem: disk, machine: machine, journal: journal)
        }
        var session = try openSession()
        while try disk.list(files.log).count < 3 {
            let action = workload.next()
            session.perform(action)
            guard case .reopen = action else { continue }
            session.close()
            session = try openSession()
        }
        session.close()
        return disk
    }

    private static func truth(of files: LedgerFiles, on disk: SimulatedDisk) throws -> Truth {
        var truth = Truth()
        let log = try LogRecovery.open(directory: files.log, fileSystem: disk, mayWrite: false) { _ in 0 }.log
        let decoder = BlockDecoder()
        truth.segmentPath = log.segments[0].path
        truth.blocks = try log.blocks(of: log.segments[0])
        try log.forEachBlock(from: 1) { segment, entry in
            truth.records += try log.decode(entry, in: segment, with: decoder)
            guard segment === log.segments[0] else { return }
            truth.declarations[entry.offset] = try log.declarations(of: entry, in: segment, with: decoder)
        }
        let reader = try LedgerReader(files, options: .simulated, fileSystem: disk)
        truth.answers = try questions.map { try reader.answer($0) }
        for space in NameSpace.allCases { truth.names[space] = reader.names(of: space) }
        for record in truth.records.prefix(3) + truth.records.suffix(3) {
            truth.ids[record.id] = try reader.find(record.id)
        }
        let catalogue = try openCatalogue(files, log.settings, on: disk)
        for rollup in RollupDeclaration.defaults {
            truth.chunks += try catalogue.chunks(rollup: rollup.name, days: allDays)
        }
        truth.indexFiles = try catalogue.checkpoint().identityFiles.map { name in
            (name, try disk.open(files.index + "/" + name, .read).byteCount())
        }
        truth.catalogueByteCount = try disk.open(files.catalogue, .read).byteCount()
        return truth
    }

    static let allDays = CalendarDay(daysSince1970: 0)...CalendarDay(daysSince1970: 100_000)

    /// One for each rollup, with all that it holds, one that sums of months may answer, and two that no rollup does.
    static let questions: [Question] = {
        do {
            return try RollupDeclaration.defaults.map {
                try Question(by: [.day] + $0.dimensions, measures: $0.measures)
            } + [
                Question(by: [.region], measures: [.attempts, .amount]),
                Question(by: [.day, .region, .outcome], measures: [.attempts]),
                Question(by: [.region], measures: [.payers]),
            ]
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    static func openCatalogue(
        _ files: LedgerFiles, _ settings: LedgerSettings, on disk: SimulatedDisk,
        mode: SQLiteDatabase.Mode = .immutable
    ) throws -> Catalogue {
        try Catalogue(
            path: files.catalogue, ledger: settings.ledger, mode: mode,
            rollupSignature: RollupDeclaration.defaultsSignature, fileSystem: disk)
    }

    /// Blocks of the segment that is damaged.
    public var blockCount: Int { truth.blocks.count }

    /// Bytes of a part.
    public func byteCount(of part: Part) -> Int {
        switch part {
        case .segment: truth.blocks.last.map { $0.offset + $0.byteCount } ?? 0
        case .chunks: truth.chunks.reduce(0) { $0 + $1.bytes.count }
        case .index: truth.indexFiles.reduce(0) { $0 + $1.byteCount }
        case .catalogue: truth.catalogueByteCount
        }
    }

    /// What there is of a part, for people.
    public func description(of part: Part) -> String {
        switch part {
        case .segment: "a segment of \(truth.blocks.count) blocks"
        case .chunks: "\(truth.chunks.count) rollup chunks"
        case .index: "\(truth.indexFiles.count) index files"
        case .catalogue: "the catalogue's file"
        }
    }
}
