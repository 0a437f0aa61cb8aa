import Transactions

/// Adds the payers of records to the sets of their groups: what a `ColumnCounter` does besides, where distinct payers are
/// asked.
///
/// A group is a row of the answer, and a cell leads to it: cells of several days or filtered codes to the same one. So the
/// counter's cells hold the address of their group, which is found when the first payer of a cell comes.
final class PayerCounter {
    /// The groups, with nothing but their sets.
    private(set) var groups: AnswerBuilder
    private let key: KeyLayout
    private let groupOffset: Int
    /// For each measure its bit and where a group has its set.
    private let measures: [(bit: UInt8, offset: Int)]
    /// By number of the contribution: the measures in which its payer counts.
    private let bits: UnsafeMutablePointer<UInt8>
    private let accounts: UnsafeMutablePointer<UInt64>
    private let hashes: UnsafeMutablePointer<UInt64>
    private let owners: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private let counted: UnsafeMutablePointer<UInt8>
    private let registers: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>

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
        accounts = .allocate(capacity: RecordBlock.capacity)
        hashes = .allocate(capacity: RecordBlock.capacity)
        owners = .allocate(capacity: RecordBlock.capacity)
        counted = .allocate(capacity: RecordBlock.capacity)
        registers = .allocate(capacity: RecordBlock.capacity)
    }

    deinit {
        bits.deallocate()
        accounts.deallocate()
        hashes.deallocate()
        owners.deallocate()
        counted.deallocate()
        registers.deallocate()
    }

    /// Takes out what was counted. The cells that led to it must be gone.
    func takeGroups() throws(RollupError) -> AnswerBuilder {
        let next = try AnswerBuilder(groups.question, accountHash: groups.accountHash)
        defer { groups = next }
        return groups
    }

    /// Adds the payers of a block's records, whose cells are found.
    /// - Parameters:
    ///   - payers: the column.
    ///   - rows: where the column has the block's records.
    func count(_ block: RecordBlock, payers: UnsafePointer<UInt64>, rows: UnsafePointer<Int32>) {
        let kept = collect(block, payers, rows)
        guard let sets = groups.accountSets else { return }
        let (accounts, hashes, owners, counted, registers) = (accounts, hashes, owners, counted, registers)
        for measure in measures {
            for place in 0..<kept {
                registers[place] = sets.prefetchRegister(of: hashes[place], owners[place] + measure.offset)
            }
            for place in 0..<kept where counted[place] & measure.bit != 0 {
                if let register = registers[place] {
                    HyperLogLog.raise(register, hashes[place])
                } else {
                    sets.add(accounts[place], hash: hashes[place], to: owners[place] + measure.offset)
                }
            }
        }
    }

    /// Notes the payers that count, with their groups.
    private func collect(
        _ block: RecordBlock, _ payers: UnsafePointer<UInt64>, _ rows: UnsafePointer<Int32>
    ) -> Int {
        let (bits, hash, groupOffset) = (bits, groups.accountHash, groupOffset)
        let (accounts, hashes, owners, counted) = (accounts, hashes, owners, counted)
        let (contributions, cells) = (block.contributions, block.cells)
        var kept = 0
        for row in 0..<block.count {
            let account = payers[Int(rows[row])]
            let bits = bits[Int(contributions[row])]
            guard bits != 0, account != 0 else { continue }
            let cell = cells[row].unsafelyUnwrapped
            var group = cell.load(fromByteOffset: groupOffset, as: UInt.self)
            if group == 0 { group = findGroup(of: cell, day: block.day) }
            guard group != PayerCounter.noGroup else { continue }
            accounts[kept] = account
            hashes[kept] = hash(account)
            owners[kept] = UnsafeMutableRawPointer(bitPattern: group).unsafelyUnwrapped
            counted[kept] = bits
            kept &+= 1
        }
        return kept
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
