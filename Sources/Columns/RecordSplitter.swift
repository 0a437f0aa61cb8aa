import Transactions

/// Splits records into the columns of a table.
///
/// The 64 bytes are read as eight words by the layout of `Record`. Pieces, small enough for the first cache, are read twice,
/// once for the ids and once for the rest, so that neither loop needs more registers than there are.
struct RecordSplitter {
    private(set) var idCounts = IDClassCounts()
    private(set) var earliest = Int64.max
    private(set) var latest = Int64.min

    /// Fills the table; its capacity must be at least the number of records.
    mutating func split(_ records: UnsafeBufferPointer<Record>, into table: ColumnTable) {
        precondition(records.count <= table.capacity)
        let words = UnsafeRawPointer(records.baseAddress.unsafelyUnwrapped)
        var start = 0
        while start < records.count {
            let end = min(start + Piece.valueCount, records.count)
            let piece = start / Piece.valueCount
            table.start(.randomRank)[piece] = UInt64(idCounts.random)
            table.start(.textRank)[piece] = UInt64(idCounts.text)
            table.start(.otherRank)[piece] = UInt64(idCounts.other)
            splitIDs(words, start..<end, table)
            splitFields(words, start..<end, table)
            start = end
        }
    }

    /// Both common classes are written without asking which it is; only the counts advance by class.
    private mutating func splitIDs(_ words: UnsafeRawPointer, _ range: Range<Int>, _ table: ColumnTable) {
        let classes = table.start(.idClass)
        let timeOrderedMilliseconds = table.start(.timeOrderedMilliseconds)
        let (timeOrderedUpper, timeOrderedLower) = (table.start(.timeOrderedUpper), table.start(.timeOrderedLower))
        let (randomUpper, randomLower) = (table.start(.randomUpper), table.start(.randomLower))
        var counts = idCounts
        for index in range {
            let record = words + index &* Record.byteCount
            let upper = record.load(as: UInt64.self).byteSwapped
            let lower = record.load(fromByteOffset: 8, as: UInt64.self).byteSwapped
            let version = lower &>> 62 == 0b10 ? upper &>> 12 & 0xF : 0
            let isTimeOrdered = version == 7
            let isRandom = version == 4
            let time = record.load(fromByteOffset: 16, as: Int64.self)
            let base = UInt64(bitPattern: milliseconds(ofMicroseconds: time))
            timeOrderedMilliseconds[counts.timeOrdered] = (upper &>> 16 &- base) ^ signBit
            timeOrderedUpper[counts.timeOrdered] = upper & 0xFFF
            timeOrderedLower[counts.timeOrdered] = lower & BitPacking.mask(62)
            randomUpper[counts.random] = (upper &>> 16) &<< 12 | upper & 0xFFF
            randomLower[counts.random] = lower & BitPacking.mask(62)
            counts.timeOrdered &+= isTimeOrdered ? 1 : 0
            counts.random &+= isRandom ? 1 : 0
            classes[index] = isTimeOrdered ? 0 : 1
            if !isTimeOrdered && !isRandom {
                classes[index] = RecordSplitter.splitUncommon(upper, lower, table, &counts)
            }
        }
        idCounts = counts
    }

    /// Returns the class.
    @inline(__always)
    private static func splitUncommon(
        _ upper: UInt64, _ lower: UInt64, _ table: ColumnTable, _ counts: inout IDClassCounts
    ) -> UInt64 {
        if (upper | lower) & 0x8080_8080_8080_8080 == 0 {
            table.start(.textUpper)[counts.text] = upper
            table.start(.textLower)[counts.text] = lower
            counts.text &+= 1
            return UInt64(IDClass.text.rawValue)
        }
        table.start(.otherUpper)[counts.other] = upper
        table.start(.otherLower)[counts.other] = lower
        counts.other &+= 1
        return UInt64(IDClass.other.rawValue)
    }

    private mutating func splitFields(_ words: UnsafeRawPointer, _ range: Range<Int>, _ table: ColumnTable) {
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
            let time = record.load(fromByteOffset: 16, as: Int64.self)
            earliest = min(earliest, time)
            latest = max(latest, time)
            times[index] = UInt64(bitPattern: time) ^ signBit
            amounts[index] = record.load(fromByteOffset: 24, as: UInt64.self) ^ signBit
            let payer = record.load(fromByteOffset: 32, as: UInt64.self)
            payers[index] = payer & 0xFFFF_FFFF_FFFF
            payerInstitutions[index] = payer &>> 48
            let payee = record.load(fromByteOffset: 40, as: UInt64.self)
            payees[index] = payee & 0xFFFF_FFFF
            services[index] = payee &>> 32
            let duration = record.load(fromByteOffset: 48, as: UInt64.self)
            durations[index] = duration & 0xFFFF_FFFF
            sources[index] = duration &>> 32 & 0xFFFF
            payeeInstitutions[index] = duration &>> 48
            let region = record.load(fromByteOffset: 56, as: UInt64.self)
            regions[index] = region & 0xFFFF
            currencies[index] = region &>> 16 & 0xFFFF
            kinds[index] = region &>> 32 & 0xFF
            outcomes[index] = region &>> 40 & 0xFF
            channels[index] = region &>> 48 & 0xFF
            flags[index] = region &>> 56
        }
        (self.earliest, self.latest) = (earliest, latest)
    }
}
