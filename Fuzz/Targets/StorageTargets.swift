import CPlatform
import Chance
import Columns
import Simulation
import Storage
import Transactions

extension FuzzTarget {
    /// A file of the identity index.
    static let identities = FuzzTarget(
        name: "identities", largestByteCount: 10_240, repair: IdentityRun.repair, seeds: IdentityRun.seeds
    ) { { try IdentityRun.run($0) } }

    /// The last segment of a log, through recovery.
    static let segment = FuzzTarget(
        name: "segment", largestByteCount: 4096, repair: SegmentRun.repair, seeds: SegmentRun.seeds
    ) {
        let run = SegmentRun()
        return { try run.run($0) }
    }
}

private let directory = "/ledger"

extension SimulatedDisk {
    /// A disk with one file on it, durable.
    fileprivate convenience init(holding bytes: [UInt8], at path: String) throws {
        self.init()
        try createDirectory(directory)
        let file = try open(path, .replace)
        try file.write(bytes, at: 0)
        try file.synchronise()
        try synchroniseDirectory(directory)
    }

    fileprivate func content(_ path: String) throws -> [UInt8] {
        let file = try open(path, .read)
        return try file.bytes(at: 0, count: file.byteCount())
    }
}

private enum IdentityRun {
    private static let path = directory + "/2026-03-02.60.index"
    private static let ledger: UInt64 = 9

    static func run(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        let disk = try SimulatedDisk(holding: Array(bytes), at: path)
        let opened = try? IdentityFile(
            path: path, ledger: ledger, fileSystem: disk, openFiles: OpenIdentityFiles())
        guard let file = opened else { return false }
        let isWhole = (try? file.verify()) != nil
        var partitions: [[(tag: UInt32, sequence: UInt64)]] = []
        for partition in 0..<Fingerprint.partitionCount {
            guard let entries = try? file.entries(ofPartition: partition) else { continue }
            partitions.append(entries)
            guard !entries.isEmpty else { continue }
            try find(entries[entries.count / 2], in: file, partition: partition)
        }
        try require(
            (partitions.count == Fingerprint.partitionCount) == isWhole,
            "\(partitions.count) partitions of a file that is whole: \(isWhole)")
        guard isWhole else { return false }
        try writeAgain(file.header, partitions, Array(bytes))
        return true
    }

    private static func find(
        _ entry: (tag: UInt32, sequence: UInt64), in file: IdentityFile, partition: Int
    ) throws {
        let header = file.header
        try require(
            header.from...header.through ~= entry.sequence,
            "sequence \(entry.sequence) in \(header.from)...\(header.through)")
        var found: [UInt64] = []
        try file.find(Fingerprint(partition: UInt32(partition), tag: entry.tag), into: &found)
        try require(found.contains(entry.sequence), "sequence \(entry.sequence) is there and is not found")
    }

    private static func writeAgain(
        _ header: IdentityFile.Header, _ partitions: [[(tag: UInt32, sequence: UInt64)]], _ bytes: [UInt8]
    ) throws {
        let disk = try SimulatedDisk(holding: [], at: path)
        try IdentityFile.write(
            to: path, day: header.day, ledger: header.ledger, base: header.base, from: header.from,
            through: header.through, fileSystem: disk
        ) { partitions[$0] }
        try require(try disk.content(path) == bytes, "the file is written otherwise than it was read")
    }

    @Sendable static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
        guard bytes.count >= IdentityFile.headerByteCount else { return }
        let count = (bytes.count - IdentityFile.headerByteCount) / 8
        let tables = IdentityFile.tablesOffset
        bytes.set(UInt32(0), at: 56)
        bytes.set(UInt64(count), at: 48)
        bytes.set(UInt32(count), at: tables + 4 * Fingerprint.partitionCount)
        for partition in 0..<Fingerprint.partitionCount {
            let start = Int(bytes.word(at: tables + 4 * partition))
            let end = Int(bytes.word(at: tables + 4 * partition + 4))
            guard start <= end, end <= count else { continue }
            let entries = IdentityFile.headerByteCount + 8 * start..<IdentityFile.headerByteCount + 8 * end
            bytes.seal(entries, at: IdentityFile.checksumsOffset + 4 * partition)
        }
        bytes.set(bytes.checksum(tables..<IdentityFile.headerByteCount, seed: bytes.checksum(0..<60)), at: 60)
    }

    @Sendable static func seeds() -> [[UInt8]] {
        [1, 60, 400].map { count in
            do {
                let disk = try SimulatedDisk(holding: [], at: directory + "/nothing")
                let index = IdentityIndex(
                    key: IdentityKey(k0: 1, k1: 2), ledger: ledger, directory: directory, fileSystem: disk, capacity: 1,
                    digestCount: 1)
                let record = Samples.records(count: 1)[0]
                let records = (0..<count).map { number in
                    var record = record
                    record.id.low &+= UInt64(number)
                    return record
                }
                records.withUnsafeBufferPointer { index.restore($0, firstSequence: 1) }
                _ = try index.closeDates(idleBefore: .max, durable: UInt64(count), byteLimit: 0)
                return try disk.content(directory + "/" + index.fileNames[0])
            } catch { preconditionFailure("\(error)") }
        }
    }
}

private final class SegmentRun: @unchecked Sendable {
    private static let path = directory + "/00000000000000000001.log"
    private static let largestRecordCount = 2048
    private let decoder = BlockDecoder(capacity: largestRecordCount)
    private let last = UnsafeMutableBufferPointer<Record>.allocate(capacity: 1)

    deinit { last.deallocate() }

    func run(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        let proven: UInt64 = bytes.isEmpty ? 0 : UInt64(sluice_crc32c(0, bytes.baseAddress, bytes.count) % 4)
        let disk = try SimulatedDisk(holding: Array(bytes), at: SegmentRun.path)
        let changeCount = disk.changeCount
        let seen = try? LogRecovery.open(directory: directory, fileSystem: disk, mayWrite: false) { _ in proven }
        try require(disk.changeCount == changeCount, "a reader has changed the disk")
        let opened = try? LogRecovery.open(directory: directory, fileSystem: disk, mayWrite: true) { _ in proven }
        guard let (log, cut) = opened else {
            try require(try disk.content(SegmentRun.path) == Array(bytes), "a log that was refused was changed")
            return false
        }
        try require(
            seen?.log.endSequence == log.endSequence && seen?.cut == cut, "a reader sees another end than the writer")
        try require(log.endSequence > proven, "the log ends before what was proven to be durable")
        try checkContent(disk, Array(bytes), cut)
        try readBlocks(log)
        let again = try LogRecovery.open(directory: directory, fileSystem: disk, mayWrite: true) { _ in proven }
        try require(again.cut == nil && again.log.endSequence == log.endSequence, "a second start finds another end")
        return true
    }

    /// What is cut off is kept, and nothing else is changed. Zeros behind the last place where a block may be are as the end of
    /// the file (docs/reliability.md): they may go.
    private func checkContent(_ disk: SimulatedDisk, _ bytes: [UInt8], _ cut: LogRecovery.Cut?) throws {
        let found = try disk.content(SegmentRun.path) + (cut.map { try disk.content($0.keptAt) } ?? [])
        try require(bytes.starts(with: found), "recovery has changed what it has not cut")
        let gone = bytes[found.count...]
        try require(gone.allSatisfy { $0 == 0 }, "recovery has lost \(gone.count) bytes that are not all zero")
    }

    /// Whatever a block is, reading it ends in records or an error.
    private func readBlocks(_ log: Log) throws {
        try log.forEachBlock(from: 0) { segment, entry in
            _ = try? log.declarations(of: entry, in: segment, with: decoder)
            guard (1...SegmentRun.largestRecordCount).contains(entry.recordCount),
                let records = try? log.decode(entry, in: segment, with: decoder)
            else { return }
            try require(
                records.allSatisfy { entry.timeRange.contains($0.timeMicroseconds) },
                "a record out of its block's times")
            let (header, bytes) = try log.read(entry, in: segment)
            try bytes.withUnsafeBytes { try decoder.decode(header, $0, rows: [records.count - 1], into: last) }
            try require(last[0] == records[records.count - 1], "the last record is another when it is read alone")
        }
    }

    /// Blocks are found by their lengths; each is put in its place.
    @Sendable static func repair(_ bytes: UnsafeMutableRawBufferPointer) {
        var offset = 0
        var sequence: UInt64 = 1
        var previousChecksum: UInt32 = 0
        while bytes.count - offset >= BlockHeader.fixedByteCount {
            let block = bytes.part(from: offset, count: bytes.count - offset)
            if offset > 0 { block.set(previousChecksum, at: 20) }
            block.set(UInt64(offset), at: 32)
            block.set(sequence, at: 40)
            let byteCount = BlockRepair.repair(block)
            previousChecksum = UInt32(truncatingIfNeeded: block.word(at: block.word(at: 8) - 4))
            sequence &+= UInt64(block.word(at: 12))
            offset += byteCount
        }
    }

    @Sendable static func seeds() -> [[UInt8]] {
        var chance = SeededGenerator(seed: 3)
        let settings = LedgerSettings(
            timeZone: "Asia/Ho_Chi_Minh", cutoverMinutes: 1380, createdMicroseconds: 1, chance: &chance)
        var bytes: [UInt8] = []
        var seeds: [[UInt8]] = []
        var preface = BlockPreface(firstSequence: 1, commitTimeMicroseconds: 1, ledger: settings.ledger, offset: 0)
        let contents: [([Record], [Declaration])] = [
            ([], settings.declarations), ([], BlockSeeds.names), (Samples.records(count: 2), []),
            (Samples.mixedRecords(count: 40), []), ([], []),
        ]
        for (records, declarations) in contents {
            let block = BlockSeeds.block(records, preface: preface, declarations: declarations)
            bytes += block.bytes
            preface.firstSequence = block.header.nextSequence
            preface.offset = UInt64(bytes.count)
            preface.previousChecksum = block.header.checksum
            seeds.append(bytes)
        }
        return seeds + [seeds[3].dropLast(8)].map { Array($0) }
    }
}
