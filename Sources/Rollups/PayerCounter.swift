import Transactions

/// Adds the payers of records to the sets of their groups: what a `ColumnCounter` does besides, where distinct payers are
/// asked.
///
/// A group is a row of the answer, and a cell leads to it: cells of several days or filtered codes to the same one. So the
/// counter's cells hold the address of their group, which is found when the first payer of a cell comes.
///
/// Registers lie all over a few megabytes. The processor is asked for those of a tile's payers when these are noted, and they
/// are raised when the next tile's payers have been.
final class PayerCounter {
    /// The groups, with nothing but their sets.
    private(set) var groups: AnswerBuilder
    private let key: KeyLayout
    private let groupOffset: Int
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

    private static let mostMeasures = Measure.allCases.count { $0.form == .distinct }

    /// What a cell holds that no group covers.
    private static let noGroup: UInt = 1

    /// - Parameter plan: cells that have room for the group's address.
    init(_ question: Question, _ plan: CountingPlan, _ hash: AccountHash) throws(RollupError) {
        groups = try AnswerBuilder(question, accountHash: hash)
        key = plan.declaration.key
        groupOffset = plan.layout.groupOffset
        let asked = question.measures.enumerated().filter { $0.element.form == .distinct }
        measures = asked.enumerated().map { number, measure in
            (UInt8(1 << number), AnswerBuilder.offset(ofMeasure: measure.offset))
        }
        let contributions = ContributionTable.shared.distinct
        bits = .allocate(capacity: contributions.count)
        for (number, contribution) in contributions.enumerated() {
            bits[number] = asked.enumerated().reduce(0) { bits, each in
                bits | (contribution.countsPayer(in: each.element.element) ? 1 << UInt8(each.offset) : 0)
            }
        }
    }

    deinit { bits.deallocate() }

    /// Takes out what was counted. The cells that led to it must be gone.
    func takeGroups() throws(RollupError) -> AnswerBuilder {
        addWaiting()
        let next = try AnswerBuilder(groups.question, accountHash: groups.accountHash)
        defer { groups = next }
        return groups
    }

    /// Adds the payers of a block's records, whose cells are found.
    /// - Parameters:
    ///   - payers: the column.
    ///   - rows: where the column has the block's records.
    func count(_ block: RecordBlock, payers: UnsafePointer<UInt64>, rows: UnsafePointer<Int32>) {
        note(block, payers, rows)
        addWaiting()
        swap(&latest, &waiting)
    }

    /// Adds the payers that were noted before the last ones.
    private func addWaiting() {
        guard let sets = groups.accountSets else { return }
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
        guard let sets = groups.accountSets else { return }
        let (bits, hash, groupOffset, tile) = (bits, sets.hash, groupOffset, latest)
        let (accounts, hashes, owners, counted) = (tile.accounts, tile.hashes, tile.owners, tile.counted)
        let (contributions, cells, registers) = (block.contributions, block.cells, tile.registers)
        let (firstOffset, secondOffset) = (measures[0].offset, measures.count > 1 ? measures[1].offset : 0)
        var kept = 0
        for row in 0..<block.count {
            let account = payers[Int(rows[row])]
            let bits = bits[Int(contributions[row])]
            guard bits != 0, account != 0 else { continue }
            let cell = cells[row].unsafelyUnwrapped
            var group = cell.load(fromByteOffset: groupOffset, as: UInt.self)
            if group == 0 { group = findGroup(of: cell, day: block.day) }
            guard group != PayerCounter.noGroup else { continue }
            let owner = UnsafeMutableRawPointer(bitPattern: group).unsafelyUnwrapped
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

    @inline(never)
    private func findGroup(of cell: UnsafeMutableRawPointer, day: CalendarDay) -> UInt {
        let low = UInt128(cell.load(as: UInt64.self))
        let key =
            key.wordCount == 1 ? low : UInt128(cell.load(fromByteOffset: 8, as: UInt64.self)) << 64 | low
        let group = groups.group(of: key, self.key, day: day).map { UInt(bitPattern: $0) } ?? PayerCounter.noGroup
        cell.storeBytes(of: group, toByteOffset: groupOffset, as: UInt.self)
        return group
    }
}

extension Contribution {
    fileprivate func countsPayer(in measure: Measure) -> Bool {
        switch measure {
        case .payers: counts.contains(.attempts)
        case .approvedPayers: counts.contains(.attempts) && counts.contains(.approved)
        default: false
        }
    }
}
