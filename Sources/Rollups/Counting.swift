extension CountingPlan {
    /// Adds a block's records to the cells of the block's day.
    ///
    /// Three passes over the block keep several memory accesses under way at a time: the first packs keys and asks for
    /// slots, the second asks for cells, the third finds the cells and adds to them.
    func count(_ block: RecordBlock, into table: CellTable) {
        pack(lowParts, of: block, into: block.lowKeys)
        pack(highParts, of: block, into: block.highKeys)
        let (count, lowKeys, highKeys, hashes) = (block.count, block.lowKeys, block.highKeys, block.hashes)
        for row in 0..<count {
            let hash = table.hash(low: lowKeys[row], high: highKeys[row])
            hashes[row] = hash
            table.prefetchSlot(hash: hash)
        }
        for row in 0..<count { table.prefetchCell(hash: hashes[row]) }
        add(block, to: table)
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

    private func add(_ block: RecordBlock, to table: CellTable) {
        let steps = steps
        let (contributions, overdue, amounts) = (block.contributions, block.overdue, block.amounts)
        let (lowKeys, highKeys, hashes) = (block.lowKeys, block.highKeys, block.hashes)
        let overdueOffset = layout.offset(of: .overdue) ?? layout.spill
        let settlement = SettlementOffsets(layout)
        for row in 0..<block.count {
            let step = steps[Int(contributions[row])]
            let cell = table.cell(low: lowKeys[row], high: highKeys[row], hash: hashes[row])
            increment(cell, Int(step.counts.0), by: 1)
            increment(cell, Int(step.counts.1), by: 1)
            increment(cell, Int(step.counts.2), by: 1)
            increment(cell, overdueOffset, by: UInt32(overdue[row]))
            if step.sumLow != 0 {
                increase(cell, Int(step.sumLow), Int(step.sumHigh), by: UInt64(bitPattern: amounts[row]))
            }
            if step.settles { settlement.add(amount: amounts[row], duration: block.durations[row], to: cell) }
        }
    }
}

/// Where a settled event leaves its extremes and its duration; 0 where that is not declared.
private struct SettlementOffsets {
    private let smallest: Int
    private let largest: Int
    private let durationLow: Int
    private let durationHigh: Int
    private let timed: Int

    init(_ layout: CellLayout) {
        smallest = layout.offset(of: .smallestAmount) ?? 0
        largest = layout.offset(of: .largestAmount) ?? 0
        durationLow = layout.offset(of: .durationMilliseconds) ?? 0
        durationHigh = layout.highOffset(of: .durationMilliseconds) ?? 0
        timed = layout.offset(of: .timed) ?? layout.spill
    }

    @inline(__always)
    func add(amount: Int64, duration: Int64, to cell: UnsafeMutableRawPointer) {
        if smallest != 0 {
            let place = (cell + smallest).assumingMemoryBound(to: UInt64.self)
            place.pointee = min(place.pointee, UInt64(bitPattern: amount))
        }
        if largest != 0 {
            let place = (cell + largest).assumingMemoryBound(to: Int64.self)
            place.pointee = max(place.pointee, amount)
        }
        guard duration >= 0 else { return }
        increment(cell, timed, by: 1)
        if durationLow != 0 { increase(cell, durationLow, durationHigh, by: UInt64(bitPattern: duration)) }
    }
}

@inline(__always)
private func increment(_ cell: UnsafeMutableRawPointer, _ offset: Int, by amount: UInt32) {
    (cell + offset).assumingMemoryBound(to: UInt32.self).pointee &+= amount
}

/// Adds to a sum of 96 bits.
@inline(__always)
private func increase(_ cell: UnsafeMutableRawPointer, _ lowOffset: Int, _ highOffset: Int, by value: UInt64) {
    let place = (cell + lowOffset).assumingMemoryBound(to: UInt64.self)
    let (sum, carries) = place.pointee.addingReportingOverflow(value)
    place.pointee = sum
    if carries { increment(cell, highOffset, by: 1) }
}
