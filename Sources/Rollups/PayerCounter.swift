import Transactions

/// Adds the payers of records to the sets of their groups: what a `ColumnCounter` does besides, where distinct payers are
/// asked.
///
/// Registers lie all over a few megabytes. The processor is asked for those of a tile's payers when these are noted, and they
/// are raised when the next tile's payers have been.
final class PayerCounter {
    private let finder: GroupFinder
    /// For each measure its bit and where a group has its set.
    private let measures: [(bit: UInt8, offset: Int)]
    /// By number of the contribution: the measures in which its payer counts.
    private let bits: UnsafeMutablePointer<UInt8>
    private var latest = Tile()
    private var waiting = Tile()

    /// The payers of a block that count, and where.
    private final class Tile {
        var count = 0
        let accounts = UnsafeMutablePointer<UInt64>.allocate(capacity: RecordBlock.capacity)
        let hashes = UnsafeMutablePointer<UInt64>.allocate(capacity: RecordBlock.capacity)
        let owners = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: RecordBlock.capacity)
        let counted = UnsafeMutablePointer<UInt8>.allocate(capacity: RecordBlock.capacity)
        /// By measure; nil where a set is exact.
        let registers = UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>.allocate(
            capacity: RecordBlock.capacity * PayerCounter.mostMeasures)

        deinit {
            accounts.deallocate()
            hashes.deallocate()
            owners.deallocate()
            counted.deallocate()
            registers.deallocate()
        }
    }

    private static let mostMeasures = 2

    /// Nil where the question asks for no payers.
    init?(_ finder: GroupFinder) {
        self.finder = finder
        let asked = finder.collections.places.filter { $0.collection == .payers || $0.collection == .approvedPayers }
        guard !asked.isEmpty else { return nil }
        measures = asked.enumerated().map { number, place in (UInt8(1 << number), place.offset) }
        let contributions = ContributionTable.shared.distinct
        bits = .allocate(capacity: contributions.count)
        for (number, contribution) in contributions.enumerated() {
            bits[number] = asked.enumerated().reduce(0) { bits, each in
                bits | (contribution.countsPayer(in: each.element.collection) ? 1 << UInt8(each.offset) : 0)
            }
        }
    }

    deinit { bits.deallocate() }

    /// Adds the payers of a block's records, whose cells are found.
    /// - Parameters:
    ///   - payers: the column.
    ///   - rows: where the column has the block's records.
    func count(_ block: RecordBlock, payers: UnsafePointer<UInt64>, rows: UnsafePointer<Int32>) {
        note(block, payers, rows)
        addWaiting()
        swap(&latest, &waiting)
    }

    /// Adds the payers that were noted before the last ones; to be called before the groups are taken.
    func addWaiting() {
        let sets = finder.collections.accounts
        let tile = waiting
        let (accounts, hashes, owners, counted) = (tile.accounts, tile.hashes, tile.owners, tile.counted)
        for (number, measure) in measures.enumerated() {
            let registers = tile.registers + number * RecordBlock.capacity
            for place in 0..<tile.count where counted[place] & measure.bit != 0 {
                if let register = registers[place] {
                    HyperLogLog.raise(register, hashes[place])
                } else {
                    sets.add(accounts[place], hash: hashes[place], to: owners[place] + measure.offset)
                }
            }
        }
        tile.count = 0
    }

    /// Notes the payers that count, with their groups.
    private func note(_ block: RecordBlock, _ payers: UnsafePointer<UInt64>, _ rows: UnsafePointer<Int32>) {
        let sets = finder.collections.accounts
        let (finder, bits, hash, tile) = (finder, bits, sets.hash, latest)
        let (accounts, hashes, owners, counted) = (tile.accounts, tile.hashes, tile.owners, tile.counted)
        let (contributions, cells, registers) = (block.contributions, block.cells, tile.registers)
        let (firstOffset, secondOffset) = (measures[0].offset, measures.count > 1 ? measures[1].offset : 0)
        var kept = 0
        for row in 0..<block.count {
            let account = payers[Int(rows[row])]
            let bits = bits[Int(contributions[row])]
            guard bits != 0, account != 0 else { continue }
            guard let owner = finder.group(of: cells[row].unsafelyUnwrapped, day: block.day) else { continue }
            let accountHash = hash(account)
            accounts[kept] = account
            hashes[kept] = accountHash
            owners[kept] = owner
            counted[kept] = bits
            registers[kept] = sets.prefetchRegister(of: accountHash, owner + firstOffset)
            if secondOffset != 0 {
                registers[kept &+ RecordBlock.capacity] = sets.prefetchRegister(of: accountHash, owner + secondOffset)
            }
            kept &+= 1
        }
        tile.count = kept
    }
}

extension Contribution {
    fileprivate func countsPayer(in collection: Measure.Collection) -> Bool {
        switch collection {
        case .payers: counts.contains(.attempts)
        case .approvedPayers: counts.contains(.attempts) && counts.contains(.approved)
        default: false
        }
    }
}
