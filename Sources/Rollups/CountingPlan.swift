/// A declaration made ready for counting: where a record's codes go in the key, and where its contribution goes in the cell.
///
/// It is made once and never changes, so any number of days can share it.
final class CountingPlan: @unchecked Sendable {
    /// Takes `mask` bits of a block's column, from `rightShift` on, to `leftShift` of a word of the key.
    struct KeyPart {
        var column: Int
        var rightShift: UInt32
        var mask: UInt32
        var leftShift: UInt64
    }

    /// What a contribution does to a cell, in offsets. A count that is not used adds 0 to the key, so that
    /// counting needs no branches and touches no more of a cell than it must.
    struct Step {
        var counts: (Count, Count, Count)
        /// 0: adds to no sum.
        var sum: Int16 = 0
        /// True when the amount and the duration enter the extremes and the duration's sum.
        var settles = false
    }

    struct Count {
        var offset: Int16
        var amount: UInt16
    }

    let declaration: RollupDeclaration
    let layout: CellLayout
    /// The parts of the key that blocks of records hold.
    let lowParts: [KeyPart]
    let highParts: [KeyPart]
    /// By number of the contribution.
    let steps: UnsafeMutablePointer<Step>
    /// The counts behind the first are unused in all steps.
    let hasOneCount: Bool

    /// - Parameter hasGroups: cells have room for the address of their group.
    init(_ declaration: RollupDeclaration, hasGroups: Bool = false) {
        self.declaration = declaration
        layout = CellLayout(declaration, hasGroup: hasGroups)
        var (low, high): ([KeyPart], [KeyPart]) = ([], [])
        for field in declaration.key.fields {
            guard let (column, shift) = field.dimension.place else { continue }
            for part in field.parts {
                let keyPart = KeyPart(
                    column: column, rightShift: UInt32(shift + part.skippedBitCount), mask: part.mask,
                    leftShift: part.shift)
                if part.isHigh { high.append(keyPart) } else { low.append(keyPart) }
            }
        }
        (lowParts, highParts) = (low, high)
        let contributions = ContributionTable.shared.distinct
        let layout = layout
        hasOneCount = contributions.allSatisfy { $0.counts.count { layout.offset(of: $0) != nil } <= 1 }
        steps = .allocate(capacity: contributions.count)
        for (number, contribution) in contributions.enumerated() {
            (steps + number).initialize(to: CountingPlan.step(contribution, layout))
        }
    }

    deinit { steps.deallocate() }

    func makeTable(seed: UInt64) -> CellTable {
        CellTable(keyWordCount: layout.keyWordCount, stride: layout.stride, extremes: layout.extremes, seed: seed)
    }

    private static func step(_ contribution: Contribution, _ layout: CellLayout) -> Step {
        precondition(contribution.counts.count <= 3, "a step has room for three counts")
        let declared = contribution.counts.compactMap(layout.offset(of:)).map { Count(offset: Int16($0), amount: 1) }
        let counts = declared + [Count](repeating: Count(offset: 0, amount: 0), count: 3)
        var step = Step(counts: (counts[0], counts[1], counts[2]))
        if let sum = contribution.sum, let offset = layout.offset(of: sum) { step.sum = Int16(offset) }
        let ofSettled: [Measure] = [.smallestAmount, .largestAmount, .durationMilliseconds, .timed]
        step.settles = contribution.settles && ofSettled.contains { layout.offset(of: $0) != nil }
        return step
    }
}
