import Transactions

/// Finds the group, a row of the answer, to which a counter's cell leads: cells of several days or filtered codes to the same
/// one.
///
/// A counter's cells hold the address of their group, which is found when the first record of a cell collects something.
final class GroupFinder {
    /// The groups, with nothing but what they collect.
    private(set) var groups: AnswerBuilder
    private let key: KeyLayout
    private let groupOffset: Int

    /// What a cell holds that no group covers.
    private static let noGroup: UInt = 1

    /// - Parameter plan: cells that have room for the group's address.
    init(_ question: Question, _ plan: CountingPlan, _ hash: AccountHash) throws(RollupError) {
        groups = try AnswerBuilder(question, accountHash: hash)
        key = plan.declaration.key
        groupOffset = plan.layout.groupOffset
    }

    /// What the groups have collected.
    var collections: Collections {
        guard let collections = groups.collections else { preconditionFailure("a question that collects nothing") }
        return collections
    }

    /// Takes out what was collected. The cells that led to it must be gone.
    func takeGroups() throws(RollupError) -> AnswerBuilder {
        let next = try AnswerBuilder(groups.question, accountHash: groups.accountHash)
        defer { groups = next }
        return groups
    }

    /// The cell of the group; nil where the question covers none.
    @inline(__always)
    func group(of cell: UnsafeMutableRawPointer, day: CalendarDay) -> UnsafeMutableRawPointer? {
        var group = cell.load(fromByteOffset: groupOffset, as: UInt.self)
        if group == 0 { group = find(cell, day) }
        return group == GroupFinder.noGroup ? nil : UnsafeMutableRawPointer(bitPattern: group).unsafelyUnwrapped
    }

    @inline(never)
    private func find(_ cell: UnsafeMutableRawPointer, _ day: CalendarDay) -> UInt {
        let low = UInt128(cell.load(as: UInt64.self))
        let key =
            key.wordCount == 1 ? low : UInt128(cell.load(fromByteOffset: 8, as: UInt64.self)) << 64 | low
        let group = groups.group(of: key, self.key, day: day).map { UInt(bitPattern: $0) } ?? GroupFinder.noGroup
        cell.storeBytes(of: group, toByteOffset: groupOffset, as: UInt.self)
        return group
    }
}
