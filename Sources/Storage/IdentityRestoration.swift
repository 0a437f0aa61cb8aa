import Transactions

extension IdentityIndex {
    /// Enters records that the log has already, without judging them. Those that the date's files speak of are passed over.
    ///
    /// - Parameter firstSequence: the sequence of the first; it must lie above all that were entered before.
    public func restore(_ records: UnsafeBufferPointer<Record>, firstSequence: UInt64) {
        guard let base = records.baseAddress else { return }
        var start = 0
        while start < records.count {
            let count = min(capacity, records.count - start)
            enterAll(base + start, count: count, firstSequence: firstSequence + UInt64(start))
            start += count
        }
        digests.append(records, firstSequence: firstSequence)
    }

    private func enterAll(_ records: UnsafePointer<Record>, count: Int, firstSequence: UInt64) {
        for index in 0..<count { fingerprints[index] = Fingerprint(records[index], key: key) }
        var start = 0
        while start < count {
            let date = date(records[start].utcDay)
            let times = date.times
            var end = start + 1
            while end < count, times.contains(records[end].timeMicroseconds) { end += 1 }
            let known =
                date.through < firstSequence &+ UInt64(start) ? 0 : Int(date.through - firstSequence) + 1 - start
            enter(min(start + known, end)..<end, on: date, firstSequence: firstSequence)
            start = end
        }
    }

    /// Enters records of one date: its partitions one after the other, since these lie far apart.
    private func enter(_ range: Range<Int>, on date: IdentityDate, firstSequence: UInt64) {
        var next = range.lowerBound
        while next < range.upperBound, date.table?.slots == nil {
            let sequence = firstSequence &+ UInt64(next)
            byteCount += date.insert(fingerprints[next], sequence: sequence, base: sequence - 1)
            next += 1
        }
        guard next < range.upperBound, let table = date.table, var slots = table.slots else { return }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: range.upperBound - next + Fingerprint.partitionCount) {
            memory in
            let ends = UnsafeMutableBufferPointer(rebasing: memory[..<Fingerprint.partitionCount])
            let order = UnsafeMutableBufferPointer(rebasing: memory[Fingerprint.partitionCount...])
            sortByPartition(next..<range.upperBound, ends: ends, order: order)
            for place in 0..<order.count + IdentityIndex.lookAhead {
                if place < order.count { slots.prefetch(fingerprints[Int(order[place])]) }
                let behind = place - IdentityIndex.lookAhead
                guard behind >= 0, behind < order.count else { continue }
                let index = Int(order[behind])
                slots.insert(fingerprints[index], sequence: firstSequence &+ UInt64(index))
            }
        }
        byteCount += table.adopt(slots)
    }

    private func sortByPartition(
        _ range: Range<Int>, ends: UnsafeMutableBufferPointer<Int32>, order: UnsafeMutableBufferPointer<Int32>
    ) {
        ends.update(repeating: 0)
        for index in range { ends[Int(fingerprints[index].partition)] += 1 }
        var start: Int32 = 0
        for partition in ends.indices {
            (ends[partition], start) = (start, start + ends[partition])
        }
        for index in range {
            let partition = Int(fingerprints[index].partition)
            order[Int(ends[partition])] = Int32(truncatingIfNeeded: index)
            ends[partition] += 1
        }
    }
}
