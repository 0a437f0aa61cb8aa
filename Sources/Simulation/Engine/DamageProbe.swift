import Columns
import Ledger
import Rollups
import Storage
import Transactions

/// A copy of an exploration's disk on which bytes are flipped and put right again. For one thread.
public final class DamageProbe {
    private let exploration: DamageExploration
    private let disk: SimulatedDisk
    private let log: Log
    private let decoder = BlockDecoder()
    private let index: IdentityIndex
    /// Flips of the catalogue's file that changed no answer and that `verify` found.
    public private(set) var foundByVerify = 0
    /// Flips of the catalogue's file that changed nothing at all.
    public private(set) var withoutEffect = 0

    private var truth: DamageExploration.Truth { exploration.truth }

    /// A probe of an exploration.
    public init(_ exploration: DamageExploration) throws {
        self.exploration = exploration
        let files = exploration.files
        disk = SimulatedDisk(afterProcessCrash: exploration.image)
        log = try LogRecovery.open(directory: files.log, fileSystem: disk, mayWrite: false) { _ in 0 }.log
        _ = try log.listing(of: log.segments[0])
        index = IdentityIndex(
            key: log.settings.identityKey, ledger: log.settings.ledger, directory: files.index, fileSystem: disk,
            capacity: 1, digestCount: 1)
    }

    /// Flips a bit of a byte and looks at what is found and served.
    /// - Parameter position: which byte of the part, from 0.
    /// - Returns: what went wrong, with all that is needed to see it again.
    public func faults(flipping position: Int, of part: DamageExploration.Part) -> [String] {
        let mask: UInt8 = 1 << UInt8(position % 8)
        let found: [String]
        do {
            found =
                switch part {
                case .segment: try flipSegment(position, mask)
                case .chunks: flipChunk(position, mask)
                case .index: try flipIndex(position, mask)
                case .catalogue: try flipCatalogue(position, mask)
                }
        } catch {
            found = ["\(error)"]
        }
        return found.map { "ledger \(exploration.seed), \(part.rawValue), byte \(position): \($0)" }
    }

    private func flipped<Result>(
        _ path: String, _ offset: Int, _ mask: UInt8, _ body: () throws -> Result
    ) throws -> Result {
        try disk.flipBits(of: path, at: offset, mask: mask)
        defer { do { try disk.flipBits(of: path, at: offset, mask: mask) } catch { preconditionFailure("\(error)") } }
        return try body()
    }

    // MARK: The log

    private func flipSegment(_ position: Int, _ mask: UInt8) throws -> [String] {
        let place = truth.blocks.lastIndex { $0.offset <= position }!
        let block = truth.blocks[place]
        return try flipped(truth.segmentPath, position, mask) {
            try position - block.offset < headerByteCount(of: block)
                ? headerFaults(of: block) : contentFaults(of: block)
        }
    }

    private func headerByteCount(of block: BlockEntry) throws -> Int {
        try disk.open(truth.segmentPath, .read).bytes(at: block.offset + 8, count: 4).withUnsafeBytes {
            Int($0.loadUnaligned(as: UInt32.self))
        }
    }

    /// The list of blocks names the block and has every other.
    private func headerFaults(of block: BlockEntry) throws -> [String] {
        let fresh = try LogRecovery.open(directory: exploration.files.log, fileSystem: disk, mayWrite: false) { _ in 0 }
        let listing = try fresh.log.listing(of: fresh.log.segments[0])
        let others = truth.blocks.filter { $0 != block }
        let expected = block.firstSequence..<block.endSequence
        guard listing.damage.count == 1, let damage = listing.damage.first, damage.path == truth.segmentPath,
            damage.offset == block.offset, damage.byteCount == block.byteCount, damage.sequences == expected
        else { return ["found \(listing.damage), expected sequences \(expected) at offset \(block.offset)"] }
        return listing.blocks == others ? [] : ["the list of blocks is wrong"]
    }

    /// Whoever reads the block is told, or gets what was written.
    private func contentFaults(of block: BlockEntry) -> [String] {
        let segment = log.segments[0]
        var errors: [any Error] = []
        var faults: [String] = []
        do {
            let records = try log.decode(block, in: segment, with: decoder)
            let start = Int(block.firstSequence) - 1
            if records != Array(truth.records[start..<start + block.recordCount]) {
                faults.append("other records served")
            }
        } catch {
            errors.append(error)
        }
        do {
            let declarations = try log.declarations(of: block, in: segment, with: decoder)
            if declarations != truth.declarations[block.offset] { faults.append("other declarations served") }
        } catch {
            errors.append(error)
        }
        if block.recordCount > 0 {
            do {
                _ = try log.records(at: [block.firstSequence], cache: BlockCache())
                faults.append("a row served from a damaged block")
            } catch {
                errors.append(error)
            }
        }
        if errors.isEmpty { faults.append("not found") }
        for error in errors {
            guard case LogError.damaged(truth.segmentPath, block.offset, let sequences, _) = error,
                sequences == block.firstSequence..<block.endSequence
            else {
                faults.append("named as '\(error)'")
                continue
            }
        }
        return faults
    }

    // MARK: What is derived

    private func flipChunk(_ position: Int, _ mask: UInt8) -> [String] {
        var offset = position
        let chunk = truth.chunks.first { chunk in
            if offset < chunk.bytes.count { return true }
            offset -= chunk.bytes.count
            return false
        }!
        var bytes = chunk.bytes
        bytes[offset] ^= mask
        do throws(RollupError) {
            _ = try RollupChunk(decoding: bytes)
            return ["\(chunk.place), byte \(offset): not found"]
        } catch {
            return []
        }
    }

    private func flipIndex(_ position: Int, _ mask: UInt8) throws -> [String] {
        var offset = position
        let file = truth.indexFiles.first { file in
            if offset < file.byteCount { return true }
            offset -= file.byteCount
            return false
        }!
        let path = exploration.files.index + "/" + file.name
        let faults = try flipped(path, offset, mask) {
            index.faults(ofFilesNamed: [file.name], durable: log.endSequence - 1)
        }
        guard faults.count == 1 else { return ["\(path), byte \(offset): not found"] }
        return faults[0].cause.contains(path) ? [] : ["\(path): named as '\(faults[0])'"]
    }

    /// Whatever is read through a damaged catalogue is an error or what it was.
    private func flipCatalogue(_ position: Int, _ mask: UInt8) throws -> [String] {
        try flipped(exploration.files.catalogue, position, mask) {
            let served = servedFaults()
            var verification = Verification(exploration.files, fileSystem: disk)
            let isFound = try !verification.run { _, _ in }.faults.isEmpty
            if isFound { foundByVerify += 1 } else if served.errorCount == 0 { withoutEffect += 1 }
            return served.faults + (!isFound && served.errorCount > 0 ? ["an error, and verify finds nothing"] : [])
        }
    }

    /// Asks everything of a reader: what is served has to be what it was.
    func servedFaults() -> (faults: [String], errorCount: Int) {
        var faults: [String] = []
        var errorCount = 0
        func ask<Value: Equatable>(_ what: String, _ expected: Value, _ body: () throws -> Value) {
            do {
                let found = try body()
                if found != expected { faults.append("\(what): served \(found) instead of \(expected)") }
            } catch {
                errorCount += 1
            }
        }
        do {
            let reader = try LedgerReader(exploration.files, options: .simulated, fileSystem: disk)
            for (question, answer) in zip(DamageExploration.questions, truth.answers) {
                ask("answer", answer.rows) { try reader.answer(question).rows }
            }
            for space in NameSpace.allCases { ask("names", truth.names[space]) { reader.names(of: space) } }
            for (id, found) in truth.ids { ask("id \(id)", found) { try reader.find(id) } }
        } catch {
            errorCount += 1
        }
        return (faults, errorCount)
    }
}
