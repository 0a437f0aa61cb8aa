import Columns
import Storage
import Transactions

/// Reads every block of a log once, checks all that can be checked without any derived file, and goes on behind whatever is wrong.
struct LogAudit {
    private let log: Log
    /// Everything that is wrong, each with its place.
    private(set) var faults: [String] = []
    /// What could not be read.
    private(set) var damage: [DamagedStretch] = []
    /// Blocks that were read.
    private(set) var blocks = 0
    /// Records that were read.
    private(set) var records: UInt64 = 0
    /// The chain up to the last record; nil when damage keeps it from being known.
    var chain: ChainHead? { chainCheck.head }

    private var chainCheck = ChainCheck()
    /// The header checksum that the next block has to name; nil when it is not known.
    private var previousChecksum: UInt32? = 0
    /// What the segment ended with before it was compacted, which the next one repeats.
    private var formerEnd: UInt32?
    private let decoder = BlockDecoder()

    /// Told of each good block: its records and what it declares.
    typealias Visitor = (BlockEntry, UnsafeBufferPointer<Record>, [Declaration]) throws -> Void

    init(_ log: Log) { self.log = log }

    /// - Parameter progress: told the records read so far and in all, after each block.
    mutating func run(progress: (UInt64, UInt64) -> Void = { _, _ in }, visit: Visitor = { _, _, _ in }) throws {
        // Damage and blocks come through two closures; what both change has to be outside of `self` meanwhile.
        var audit = self
        defer { self = audit }
        try log.forEachBlock(from: 0, damage: { audit.passOver($0) }) { segment, entry in
            do {
                try audit.check(entry, in: segment, visit)
            } catch let error as LogError where error.isDamage {
                audit.passOver(DamagedStretch(entry, in: segment.path, reason: error.reason))
                audit.previousChecksum = entry.checksum
            }
            progress(audit.records, audit.log.endSequence - 1)
        }
    }

    private mutating func passOver(_ stretch: DamagedStretch) {
        faults.append("\(stretch)")
        damage.append(stretch)
        previousChecksum = nil
        if stretch.offset == 0 { formerEnd = nil }
        if !stretch.sequences.isEmpty { chainCheck.passOver(to: stretch.sequences.upperBound) }
    }

    private mutating func check(_ entry: BlockEntry, in segment: LogSegment, _ visit: Visitor) throws {
        let header = try log.read(entry, in: segment).header
        let declarations = try log.declarations(of: entry, in: segment, with: decoder)
        let records = try log.decode(entry, in: segment, with: decoder)
        let place = "\(segment.path) at offset \(entry.offset)"
        if entry.offset == 0, let formerEnd { previousChecksum = formerEnd }
        if let previousChecksum, header.preface.previousChecksum != previousChecksum {
            faults.append("\(place): the block does not follow the one before it")
        }
        previousChecksum = entry.checksum
        if entry.offset == 0 { formerEnd = FormerEnd.checksum(in: declarations) }
        blocks += 1
        self.records += UInt64(records.count)
        try records.withUnsafeBufferPointer { records in
            if !chainCheck.take(header.preface, records) {
                faults.append(
                    "\(place): the chain before sequence \(entry.firstSequence) is not that of the records")
            }
            try visit(entry, records, declarations)
        }
    }
}
