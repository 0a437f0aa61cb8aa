import Transactions

/// Joins the columns of a table to records; the inverse of `RecordSplitter`.
///
/// The columns must have been checked to hold no value beyond their width.
struct RecordJoiner {
    private static let tileRecordCount = 256
    private var idCounts = IDClassCounts()
    private var seenMilliseconds: UInt64 = 0
    private var earliest = Int64.max
    private var latest = Int64.min

    /// What the records showed.
    struct Outcome {
        /// True when no version 7 id was found with more than 48 bits of milliseconds.
        var areIDsValid: Bool
        var earliest: Int64
        var latest: Int64
    }

    /// Fills `records`; without ids these stay `RecordID.none`.
    mutating func join(
        _ table: ColumnTable, withIDs: Bool, into records: UnsafeMutableBufferPointer<Record>
    ) -> Outcome {
        precondition(records.count <= table.capacity)
        let words = UnsafeMutableRawPointer(records.baseAddress.unsafelyUnwrapped)
        var start = 0
        while start < records.count {
            let end = min(start + RecordJoiner.tileRecordCount, records.count)
            joinFields(words, start..<end, table)
            if withIDs { joinIDs(words, start..<end, table) }
            start = end
        }
        return Outcome(areIDsValid: seenMilliseconds >> 48 == 0, earliest: earliest, latest: latest)
    }

    private mutating func joinIDs(_ words: UnsafeMutableRawPointer, _ range: Range<Int>, _ table: ColumnTable) {
        let classes = table.start(.idClass)
        let timeOrderedMilliseconds = table.start(.timeOrderedMilliseconds)
        let (timeOrderedUpper, timeOrderedLower) = (table.start(.timeOrderedUpper), table.start(.timeOrderedLower))
        let (randomUpper, randomLower) = (table.start(.randomUpper), table.start(.randomLower))
        var (counts, seen) = (idCounts, seenMilliseconds)
        for index in range {
            let record = words + index &* Record.byteCount
            var upper: UInt64
            var lower: UInt64
            if classes[index] == 0 {
                let time = record.load(fromByteOffset: 16, as: Int64.self)
                let base = UInt64(bitPattern: milliseconds(ofMicroseconds: time))
                let instant = (timeOrderedMilliseconds[counts.timeOrdered] ^ signBit) &+ base
                seen |= instant
                upper = instant &<< 16 | 0x7000 | timeOrderedUpper[counts.timeOrdered]
                lower = signBit | timeOrderedLower[counts.timeOrdered]
                counts.timeOrdered &+= 1
            } else if classes[index] == 1 {
                let random = randomUpper[counts.random]
                upper = (random &>> 12) &<< 16 | 0x4000 | random & 0xFFF
                lower = signBit | randomLower[counts.random]
                counts.random &+= 1
            } else if classes[index] == 2 {
                upper = table.start(.textUpper)[counts.text]
                lower = table.start(.textLower)[counts.text]
                counts.text &+= 1
            } else {
                upper = table.start(.otherUpper)[counts.other]
                lower = table.start(.otherLower)[counts.other]
                counts.other &+= 1
            }
            record.storeBytes(of: upper.byteSwapped, as: UInt64.self)
            record.storeBytes(of: lower.byteSwapped, toByteOffset: 8, as: UInt64.self)
        }
        (idCounts, seenMilliseconds) = (counts, seen)
    }

    private mutating func joinFields(_ words: UnsafeMutableRawPointer, _ range: Range<Int>, _ table: ColumnTable) {
        let (times, amounts) = (table.start(.time), table.start(.amount))
        let (payers, payerInstitutions) = (table.start(.payer), table.start(.payerInstitution))
        let (payees, services) = (table.start(.payee), table.start(.service))
        let (durations, sources) = (table.start(.duration), table.start(.source))
        let (payeeInstitutions, regions) = (table.start(.payeeInstitution), table.start(.region))
        let (currencies, kinds) = (table.start(.currency), table.start(.kindAndEvent))
        let (outcomes, channels, flags) = (table.start(.outcome), table.start(.channel), table.start(.flags))
        var (earliest, latest) = (earliest, latest)
        for index in range {
            let record = words + index &* Record.byteCount
            let time = Int64(bitPattern: times[index] ^ signBit)
            earliest = min(earliest, time)
            latest = max(latest, time)
            record.storeBytes(of: SIMD2<UInt64>(0, 0), as: SIMD2<UInt64>.self)
            record.storeBytes(of: time, toByteOffset: 16, as: Int64.self)
            record.storeBytes(of: amounts[index] ^ signBit, toByteOffset: 24, as: UInt64.self)
            let payer = payers[index] | payerInstitutions[index] &<< 48
            record.storeBytes(of: payer, toByteOffset: 32, as: UInt64.self)
            let payee = payees[index] | services[index] &<< 32
            record.storeBytes(of: payee, toByteOffset: 40, as: UInt64.self)
            let duration = durations[index] | sources[index] &<< 32 | payeeInstitutions[index] &<< 48
            record.storeBytes(of: duration, toByteOffset: 48, as: UInt64.self)
            let codes = regions[index] | currencies[index] &<< 16 | kinds[index] &<< 32
            let bytes = outcomes[index] &<< 40 | channels[index] &<< 48 | flags[index] &<< 56
            record.storeBytes(of: codes | bytes, toByteOffset: 56, as: UInt64.self)
        }
        (self.earliest, self.latest) = (earliest, latest)
    }
}
