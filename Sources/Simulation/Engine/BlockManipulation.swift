import Columns
import Ledger
import Storage
import Transactions

/// A block of a sealed segment that was moved, zeroed, cut off or replaced, and what has to be found then.
public struct BlockManipulation {
    /// What is done to a block.
    public enum Way: String, CaseIterable, Sendable {
        /// It and the next one change places.
        case swapped
        /// Its bytes are zeros.
        case zeroed
        /// The segment ends in the middle of it.
        case truncated
        /// The segment ends before it, as an older copy of the file does.
        case olderFile
        /// A block of another ledger lies in its place.
        case otherLedger
        /// A block of another segment of the ledger lies in its place.
        case otherSegment
        /// The block before it lies in its place.
        case repeated
        /// It is gone, and what followed lies in its place.
        case removed
        /// A block of its own place, ledger and sequences with other records: whole in itself, and not the one that was written.
        case replaced
    }

    private let way: Way
    private let exploration: DamageExploration
    private let disk: SimulatedDisk
    private let block: BlockEntry

    /// Does something to a block.
    /// - Parameters:
    ///   - place: which block of the segment; neither the first nor the last.
    ///   - other: another ledger.
    public init(_ way: Way, of place: Int, in exploration: DamageExploration, other: DamageExploration) throws {
        self.way = way
        self.exploration = exploration
        disk = SimulatedDisk(afterProcessCrash: exploration.image)
        let blocks = exploration.truth.blocks
        block = blocks[place]
        let path = exploration.truth.segmentPath
        let bytes = try disk.open(path, .read).bytes(at: 0, count: exploration.byteCount(of: .segment))
        func content(_ block: BlockEntry) -> ArraySlice<UInt8> {
            bytes[block.offset..<block.offset + block.byteCount]
        }
        let (before, after) = (bytes[..<block.offset], bytes[(block.offset + block.byteCount)...])
        var result = Array(before)
        switch way {
        case .swapped:
            result += content(blocks[place + 1]) + content(block) + after.dropFirst(blocks[place + 1].byteCount)
        case .zeroed: result += [UInt8](repeating: 0, count: block.byteCount) + after
        case .truncated: result += content(block).prefix(block.byteCount / 2)
        case .olderFile: break
        case .otherLedger:
            result += try BlockManipulation.block(of: other, inSegment: 0, fitting: block.byteCount) + after
        case .otherSegment:
            result += try BlockManipulation.block(of: exploration, inSegment: 1, fitting: block.byteCount) + after
        case .repeated: result += content(blocks[place - 1]) + after
        case .removed: result += after
        case .replaced: result += try BlockManipulation.twin(of: content(block)) + after
        }
        let file = try disk.open(path, .replace)
        try file.write(result, at: 0)
    }

    /// A block of a segment, cut or filled up to a length.
    private static func block(
        of exploration: DamageExploration, inSegment number: Int, fitting byteCount: Int
    ) throws -> [UInt8] {
        let disk = SimulatedDisk(afterProcessCrash: exploration.image)
        let log = try LogRecovery.open(directory: exploration.files.log, fileSystem: disk, mayWrite: false) { _ in 0 }
            .log
        let segment = log.segments[number]
        let blocks = try log.blocks(of: segment).dropFirst()
        let entry = blocks.first { $0.byteCount == byteCount } ?? blocks.first!
        let bytes = try log.read(entry, in: segment).bytes
        return Array((bytes + [UInt8](repeating: 0, count: byteCount)).prefix(byteCount))
    }

    /// A block of the same length that differs in its commit time and, where that does not change the length, in one amount.
    private static func twin(of block: ArraySlice<UInt8>) throws -> [UInt8] {
        var later = Array(block)
        return try Array(block).withUnsafeBytes { bytes in
            var header = try BlockHeader(parsing: bytes)
            let decoder = BlockDecoder()
            let declarations = try decoder.declarations(header, bytes)
            var records = [Record](unsafeUninitializedCapacity: header.recordCount) { $1 = header.recordCount }
            try records.withUnsafeMutableBufferPointer { try decoder.decode(header, bytes, into: $0) }
            header.preface.commitTimeMicroseconds += 1
            later.withUnsafeMutableBytes { _ = header.write(to: $0.baseAddress!) }
            guard !records.isEmpty else { return later }
            records[0].amountMinorUnits ^= 1
            let encoder = BlockEncoder(
                scratch: EncodingScratch(capacity: records.count),
                rowsRecordCount: header.layout == .rows ? records.count : BlockEncoder.leastRowsRecordCount)
            let changed = records.withUnsafeBufferPointer {
                Array(encoder.encode($0, preface: header.preface, declarations: declarations).bytes)
            }
            return changed.count == bytes.count ? changed : later
        }
    }

    /// Every record that can be read is what it was, every other one is named, and `verify` names the place.
    /// - Returns: what went wrong.
    public func faults() throws -> [String] {
        var faults: [String] = []
        let truth = exploration.truth
        let log = try LogRecovery.open(directory: exploration.files.log, fileSystem: disk, mayWrite: false) { _ in 0 }
            .log
        let decoder = BlockDecoder()
        var isServed = [Bool](repeating: false, count: truth.records.count)
        var damage: [DamagedStretch] = []
        try log.forEachBlock(from: 0, damage: { damage.append($0) }) { segment, entry in
            let records: [Record]
            do {
                records = try log.decode(entry, in: segment, with: decoder)
            } catch let error as LogError where error.isDamage {
                return damage.append(DamagedStretch(entry, in: segment.path, reason: error.reason))
            }
            for (place, record) in records.enumerated() {
                let index = Int(entry.firstSequence) - 1 + place
                guard index < isServed.count, record == truth.records[index], !isServed[index] else {
                    faults.append("served another record as sequence \(index + 1)")
                    continue
                }
                isServed[index] = true
            }
        }
        for (index, isServed) in isServed.enumerated() where !isServed {
            if !damage.contains(where: { $0.sequences.contains(UInt64(index) + 1) }) {
                faults.append("sequence \(index + 1) is neither served nor named")
            }
        }
        if damage.isEmpty { faults.append("not found") }
        if !damage.contains(where: { $0.offset <= block.offset && $0.path == truth.segmentPath }) {
            faults.append("not named at offset \(block.offset): \(damage)")
        }
        var verification = Verification(exploration.files, fileSystem: disk)
        let named = try verification.run { _, _ in }.faults
        for stretch in damage where !named.contains("\(stretch)") {
            faults.append("verify does not say \(stretch); it says \(named)")
        }
        return faults.map { "\(way.rawValue): \($0)" }
    }
}
