extension CountingPlan {
    /// Adds a block's records to the cells of the block's day.
    func count(_ block: RecordBlock, into table: CellTable) {
        pack(lowParts, of: block, into: block.lowKeys)
        pack(highParts, of: block, into: block.highKeys)
        countPacked(block, into: table)
    }

    /// Adds records whose keys are packed already.
    ///
    /// Three passes over the block keep several memory accesses under way at a time: the first asks for slots, the second
    /// finds the cells that the slots name and asks for these, the third looks whether they are the keys' own and adds to
    /// them.
    func countPacked(_ block: RecordBlock, into table: CellTable) {
        let (count, lowKeys, highKeys, hashes) = (block.count, block.lowKeys, block.highKeys, block.hashes)
        let view = table.view
        for row in 0..<count {
            let hash = table.hash(low: lowKeys[row], high: highKeys[row])
            hashes[row] = hash
            view.prefetchSlot(hash: hash)
        }
        let cells = block.cells
        for row in 0..<count { cells[row] = view.prefetchCell(hash: hashes[row]) }
        add(block, to: table, areCellsFound: false)
    }

    /// Finds the cells of records whose keys are packed already.
    func findPacked(_ block: RecordBlock, in table: CellTable) {
        let (lowKeys, highKeys, hashes, cells) = (block.lowKeys, block.highKeys, block.hashes, block.cells)
        let view = table.view
        for row in 0..<block.count {
            let hash = table.hash(low: lowKeys[row], high: highKeys[row])
            hashes[row] = hash
            view.prefetchSlot(hash: hash)
        }
        for row in 0..<block.count {
            cells[row] = table.cell(low: lowKeys[row], high: highKeys[row], hash: hashes[row])
        }
    }

    private func pack(_ parts: [KeyPart], of block: RecordBlock, into keys: UnsafeMutablePointer<UInt64>) {
        let count = block.count
        keys.update(repeating: 0, count: count)
        for part in parts {
            let column = block.words + part.column * RecordBlock.capacity
            let (rightShift, mask, leftShift) = (part.rightShift, part.mask, part.leftShift)
            for row in 0..<count {
                keys[row] |= UInt64(column[row] &>> rightShift & mask) &<< leftShift
            }
        }
    }

    /// Adds records to the cells that the block names; where these are not found for certain, to those of the packed keys.
    func add(_ block: RecordBlock, to table: CellTable, areCellsFound: Bool) {
        let hasOneCount = hasOneCount
        let steps = steps
        let (contributions, overdue, amounts) = (block.contributions, block.overdue, block.amounts)
        let (lowKeys, highKeys, hashes, cells) = (block.lowKeys, block.highKeys, block.hashes, block.cells)
        let overdueOffset = layout.offset(of: .overdue) ?? 0
        let hasHighKey = layout.keyWordCount == 2
        let settlement = SettlementOffsets(layout)
        for row in 0..<block.count {
            let step = steps[Int(contributions[row])]
            let (low, high) = (lowKeys[row], highKeys[row])
            let found = cells[row]
            let cell =
                if areCellsFound {
                    found.unsafelyUnwrapped
                } else if let found, CellTable.holds(found, low: low, high: high, hasHighKey: hasHighKey) { found } else
                {
                    table.cell(low: low, high: high, hash: hashes[row])
                }
            increment(cell, step.counts.0)
            if !hasOneCount {
                increment(cell, step.counts.1)
                increment(cell, step.counts.2)
            }
            if overdue[row] != 0, overdueOffset != 0 { increment(cell, overdueOffset) }
            if step.sum != 0 { table.increase(cell, Int(step.sum), by: UInt64(bitPattern: amounts[row])) }
            if step.settles {
                settlement.add(amount: amounts[row], duration: block.durations[row], to: cell, of: table)
            }
        }
    }
}

/// Where a settled event leaves its extremes and its duration; 0 where that is not declared.
private struct SettlementOffsets {
    private let smallest: Int
    private let largest: Int
    private let duration: Int
    private let timed: Int

    init(_ layout: CellLayout) {
        smallest = layout.offset(of: .smallestAmount) ?? 0
        largest = layout.offset(of: .largestAmount) ?? 0
        duration = layout.offset(of: .durationMilliseconds) ?? 0
        timed = layout.offset(of: .timed) ?? 0
    }

    @inline(__always)
    func add(amount: Int64, duration milliseconds: Int64, to cell: UnsafeMutableRawPointer, of table: CellTable) {
        if smallest != 0 {
            let place = (cell + smallest).assumingMemoryBound(to: UInt64.self)
            place.pointee = min(place.pointee, UInt64(bitPattern: amount))
        }
        if largest != 0 {
            let place = (cell + largest).assumingMemoryBound(to: Int64.self)
            place.pointee = max(place.pointee, amount)
        }
        guard milliseconds >= 0 else { return }
        if timed != 0 { increment(cell, timed) }
        if duration != 0 { table.increase(cell, duration, by: UInt64(bitPattern: milliseconds)) }
    }
}

@inline(__always)
private func increment(_ cell: UnsafeMutableRawPointer, _ count: CountingPlan.Count) {
    (cell + Int(count.offset)).assumingMemoryBound(to: UInt32.self).pointee &+= UInt32(count.amount)
}

@inline(__always)
private func increment(_ cell: UnsafeMutableRawPointer, _ offset: Int) {
    (cell + offset).assumingMemoryBound(to: UInt32.self).pointee &+= 1
}

extension CellTable {
    /// Adds to a sum.
    @inline(__always)
    fileprivate func increase(_ cell: UnsafeMutableRawPointer, _ offset: Int, by value: UInt64) {
        let place = (cell + offset).assumingMemoryBound(to: UInt64.self)
        let (sum, carries) = place.pointee.addingReportingOverflow(value)
        place.pointee = sum
        if carries { carry(cell, offset) }
    }
}
