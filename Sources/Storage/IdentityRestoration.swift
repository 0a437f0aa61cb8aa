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
        let (fingerprints, key) = (fingerprints, key)
        var date = date(records[0].utcDay)
        var times = date.times
        var run = IdentityRun(on: date)
        for index in 0..<count + IdentityIndex.lookAhead {
            if index < count {
                let fingerprint = Fingerprint(records[index], key: key)
                fingerprints[index] = fingerprint
                run?.slots.prefetch(fingerprint)
            }
            let behind = index - IdentityIndex.lookAhead
            guard behind >= 0, behind < count else { continue }
            if !times.contains(records[behind].timeMicroseconds) {
                byteCount += run?.finish() ?? 0
                date = self.date(records[behind].utcDay)
                times = date.times
                run = IdentityRun(on: date)
            }
            let sequence = firstSequence &+ UInt64(behind)
            guard sequence > date.through else { continue }
            if run?.slots.insert(fingerprints[behind], sequence: sequence) == nil {
                byteCount += date.insert(fingerprints[behind], sequence: sequence)
                run = IdentityRun(on: date)
            }
        }
        byteCount += run?.finish() ?? 0
    }
}

/// Records behind each other on one date, whose table has its partitions.
struct IdentityRun {
    let times: Range<Int64>
    var slots: IdentitySlots
    private let table: IdentityTable

    /// Nil when the date has so few identities in memory that there are no partitions.
    init?(on date: IdentityDate) {
        guard let table = date.table, let slots = table.slots else { return nil }
        (times, self.slots, self.table) = (date.times, slots, table)
    }

    /// The table takes note of what was entered; the run is not used any more.
    /// - Returns: bytes by which memory has grown.
    func finish() -> Int { table.adopt(slots) }
}
