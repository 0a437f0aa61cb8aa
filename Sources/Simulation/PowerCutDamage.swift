import Chance

/// Applies a power cut to a disk.
struct PowerCutDamage {
    let cut: PowerCut
    let state: DiskState
    /// Changes before this one, in the order of all, are the first changes.
    private let firstLost: Int
    /// The write that is torn, in the modes that tear one.
    private let torn: Int

    static let sectorByteCount = 512

    init(_ cut: PowerCut, _ state: DiskState) {
        self.cut = cut
        self.state = state
        let changes = state.files.compactMap(\.self).flatMap(\.pending)
        let writes = changes.filter { if case .write = $0.kind { true } else { false } }.map(\.order).sorted()
        let orders = (changes.map(\.order) + state.nameChanges.map(\.order)).sorted()
        var generator = SeededGenerator(seed: cut.seed, part: -1)
        torn = writes.randomElement(using: &generator) ?? 0
        switch cut.mode {
        case .tornWrite, .writeTornAtItsBeginning: firstLost = torn
        default: firstLost = (orders + [.max]).randomElement(using: &generator)!
        }
    }

    func result() -> DiskState {
        state.afterPowerCut(contents: content, names: keeps)
    }

    // MARK: Names

    private func keeps(_ change: DiskState.NameChange) -> Bool {
        switch cut.mode {
        case .nothing, .namesLost: return false
        case .everything, .grownWithZeros, .grownWithNoise, .grownWithOldBytes, .growthLost, .truncationsLost,
            .truncationsAlone, .namesAlone:
            return true
        case .firstChanges, .firstChangesOfEach, .firstNames, .tornWrite, .writeTornAtItsBeginning:
            return change.order < firstNameLost
        case .someChanges, .someSectors, .anyVersionOfEachSector, .someNames, .mixed:
            var generator = SeededGenerator(seed: cut.seed, part: change.order << 20)
            return Bool.random(using: &generator)
        }
    }

    private var firstNameLost: Int {
        switch cut.mode {
        case .firstNames, .firstChangesOfEach:
            var generator = SeededGenerator(seed: cut.seed, part: -2)
            return (state.nameChanges.map(\.order) + [.max]).randomElement(using: &generator)!
        default: return firstLost
        }
    }

    // MARK: Contents

    private static let modesOfMixed: [PowerCut.Mode] = [
        .nothing, .everything, .firstChangesOfEach, .someChanges, .someSectors, .anyVersionOfEachSector,
        .grownWithZeros, .grownWithNoise, .grownWithOldBytes, .growthLost, .truncationsLost, .truncationsAlone,
    ]

    private func content(_ number: Int, _ file: DiskState.File) -> PagedBytes {
        guard !file.pending.isEmpty else { return file.durable }
        var generator = SeededGenerator(seed: cut.seed, part: number)
        let mode = cut.mode == .mixed ? PowerCutDamage.modesOfMixed.randomElement(using: &generator)! : cut.mode
        switch mode {
        case .nothing, .namesAlone: return file.durable
        case .everything, .namesLost, .firstNames, .someNames, .mixed: return file.keeping(file.pending)
        case .firstChanges: return file.keeping(file.pending.filter { $0.order < firstLost })
        case .firstChangesOfEach:
            return file.keeping(file.pending.prefix(Int.random(in: 0...file.pending.count, using: &generator)))
        case .someChanges: return file.keeping(file.pending.filter { _ in Bool.random(using: &generator) })
        case .someSectors: return someSectors(of: file, &generator)
        case .anyVersionOfEachSector: return anyVersions(of: file, &generator)
        case .tornWrite: return tornWrite(of: file, keepsBeginning: true, &generator)
        case .writeTornAtItsBeginning: return tornWrite(of: file, keepsBeginning: false, &generator)
        case .grownWithZeros: return grown(file, &generator) { _, count, _ in [UInt8](repeating: 0, count: count) }
        case .grownWithNoise:
            return grown(file, &generator) { _, count, generator in
                (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            }
        case .grownWithOldBytes: return grown(file, &generator, oldBytes)
        case .growthLost:
            var content = file.keeping(file.pending)
            if content.byteCount > file.durable.byteCount { content.resize(to: file.durable.byteCount) }
            return content
        case .truncationsLost:
            return file.keeping(file.pending.filter { if case .write = $0.kind { true } else { false } })
        case .truncationsAlone:
            return file.keeping(file.pending.filter { if case .resize = $0.kind { true } else { false } })
        }
    }

    private func tornWrite(
        of file: DiskState.File, keepsBeginning: Bool, _ generator: inout SeededGenerator
    ) -> PagedBytes {
        var content = file.keeping(file.pending.filter { $0.order < torn })
        guard case .write(let offset, let bytes) = file.pending.first(where: { $0.order == torn })?.kind else {
            return content
        }
        let pieces = PowerCutDamage.sectors(offset, bytes.count)
        let keptCount = Int.random(in: 0..<max(1, pieces.count), using: &generator)
        bytes.withUnsafeBytes { bytes in
            for piece in keepsBeginning ? pieces.prefix(keptCount) : pieces.suffix(keptCount) {
                content.write(
                    UnsafeRawBufferPointer(rebasing: bytes[piece.lowerBound - offset..<piece.upperBound - offset]),
                    at: piece.lowerBound)
            }
        }
        return content
    }

    private func someSectors(of file: DiskState.File, _ generator: inout SeededGenerator) -> PagedBytes {
        var content = file.durable
        for change in file.pending {
            switch change.kind {
            case .resize(let byteCount):
                if Bool.random(using: &generator) { content.resize(to: byteCount) }
            case .write(let offset, let bytes):
                bytes.withUnsafeBytes { bytes in
                    for piece in PowerCutDamage.sectors(offset, bytes.count) where Bool.random(using: &generator) {
                        content.write(
                            UnsafeRawBufferPointer(
                                rebasing: bytes[piece.lowerBound - offset..<piece.upperBound - offset]),
                            at: piece.lowerBound)
                    }
                }
            }
        }
        return content
    }

    private func anyVersions(of file: DiskState.File, _ generator: inout SeededGenerator) -> PagedBytes {
        var sizes = [file.durable.byteCount]
        // The changes of each sector, in order.
        var changes: [Int: [Int]] = [:]
        for (index, change) in file.pending.enumerated() {
            let touched: Range<Int>
            switch change.kind {
            case .write(let offset, let bytes):
                touched = offset..<offset + bytes.count
                sizes.append(max(sizes.last!, touched.upperBound))
            case .resize(let byteCount):
                touched = min(byteCount, sizes.last!)..<max(byteCount, sizes.last!)
                sizes.append(byteCount)
            }
            for piece in PowerCutDamage.sectors(touched.lowerBound, touched.count) {
                changes[piece.lowerBound / PowerCutDamage.sectorByteCount, default: []].append(index)
            }
        }
        var content = file.durable
        content.resize(to: sizes.max()!)
        for (sector, indexes) in changes.sorted(by: { $0.key < $1.key }) {
            let kept = indexes.prefix(Int.random(in: 0...indexes.count, using: &generator))
            let start = sector * PowerCutDamage.sectorByteCount
            let bytes = file.sector(at: start, after: kept)
            bytes.withUnsafeBytes { content.write($0, at: start) }
        }
        content.resize(to: sizes.randomElement(using: &generator)!)
        return content
    }

    /// All changes arrived, but from some sector beyond the durable size on other bytes stand where new ones should.
    private func grown(
        _ file: DiskState.File, _ generator: inout SeededGenerator,
        _ filling: (Int, Int, inout SeededGenerator) -> [UInt8]
    ) -> PagedBytes {
        var content = file.keeping(file.pending)
        let pieces = PowerCutDamage.sectors(
            file.durable.byteCount, max(0, content.byteCount - file.durable.byteCount))
        guard !pieces.isEmpty else { return content }
        // Half of the time all of it.
        let first = Bool.random(using: &generator) ? 0 : Int.random(in: 0..<pieces.count, using: &generator)
        let start = pieces[first].lowerBound
        let bytes = filling(start, content.byteCount - start, &generator)
        bytes.withUnsafeBytes { content.write($0, at: start) }
        return content
    }

    /// What lies at the same places of another file; of none, what lies at the beginning of the disk's largest.
    private func oldBytes(_ start: Int, _ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        let donors = state.files.compactMap(\.self).map(\.durable).filter { $0.byteCount > 0 }
        guard let donor = donors.randomElement(using: &generator) else { return [UInt8](repeating: 0, count: count) }
        var bytes: [UInt8] = []
        var position = start % donor.byteCount / PowerCutDamage.sectorByteCount * PowerCutDamage.sectorByteCount
        while bytes.count < count {
            bytes += donor.bytes(at: position, count: count - bytes.count)
            position = 0
        }
        return bytes
    }

    /// A range cut at the borders of sectors.
    static func sectors(_ offset: Int, _ byteCount: Int) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var start = offset
        while start < offset + byteCount {
            let end = min((start / sectorByteCount + 1) * sectorByteCount, offset + byteCount)
            pieces.append(start..<end)
            start = end
        }
        return pieces
    }
}

extension DiskState.File {
    fileprivate func keeping(_ changes: some Sequence<DiskState.FileChange>) -> PagedBytes {
        var content = durable
        for change in changes { content.apply(change) }
        return content
    }

    /// One sector as it was after some of the pending changes.
    fileprivate func sector(at start: Int, after kept: ArraySlice<Int>) -> [UInt8] {
        let count = PowerCutDamage.sectorByteCount
        var sector = durable.bytes(at: start, count: count)
        sector += [UInt8](repeating: 0, count: count - sector.count)
        for index in kept {
            switch pending[index].kind {
            case .write(let offset, let bytes):
                let overlap = max(start, offset)..<min(start + count, offset + bytes.count)
                sector.replaceSubrange(
                    overlap.lowerBound - start..<overlap.upperBound - start,
                    with: bytes[overlap.lowerBound - offset..<overlap.upperBound - offset])
            case .resize(let byteCount):
                let keptCount = max(0, min(count, byteCount - start))
                sector.replaceSubrange(keptCount..., with: repeatElement(0, count: count - keptCount))
            }
        }
        return sector
    }
}
