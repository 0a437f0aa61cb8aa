import CPlatform
import Transactions

/// Sums of a rollup's chunks over calendar months that are over, so that a year is a dozen chunks and not hundreds.
///
/// A sum says of which chunks it is one: it stands for the chunks of its month as long as these are the very ones that the
/// month has, and for nothing once a late record has brought another. So nobody needs to keep sums up to date for answers to
/// be right; the checkpointer makes them anew when it has time.
extension Catalogue {
    /// Where a chunk stands.
    struct Listed {
        var row: Int64
        var day: CalendarDay
        var sequences: ClosedRange<UInt64>

        var month: Int64 {
            let (year, month, _) = day.components
            return Int64(year * 12 + month - 1)
        }
    }

    /// A rollup's chunks in a month that is over.
    public struct Month: Sendable {
        /// The rollup's name.
        public let rollup: String
        /// The days that it has chunks of.
        public let days: ClosedRange<CalendarDay>
        let number: Int64
        let members: [UInt8]
        let sequences: ClosedRange<UInt64>

        init(rollup: String, _ chunks: ArraySlice<Listed>) {
            self.rollup = rollup
            days = chunks[chunks.startIndex].day...chunks[chunks.endIndex - 1].day
            number = chunks[chunks.startIndex].month
            members = Catalogue.members(chunks)
            sequences = Catalogue.hull(chunks)
        }

        /// Which one it is, for people.
        public var place: String { "rollup \(rollup), the days from \(days.lowerBound) to \(days.upperBound)" }
    }

    /// A sum that is stored.
    struct StoredSum {
        var row: Int64
        var members: [UInt8]
        var check: Int64
    }

    /// Chunks so large that a month of them would take much memory are not added up.
    private static let largestByteCount: Int64 = 4 << 20
    /// Has a chunk's header, and with it checksums of all the rest.
    private static let checkedByteCount = 1024

    /// The months of a rollup, all but the last one, that have several chunks and no sum of just these.
    public func monthsWithoutSum(ofRollup rollup: String) throws -> [Month] {
        let large = try database.run(
            "SELECT DISTINCT day FROM chunks WHERE rollup = ? AND length(bytes) > ?",
            [.text(rollup), .integer(Catalogue.largestByteCount)])
        let largeDays = large.compactMap { $0[0].integer }
        let sums = try sums(ofRollup: rollup)
        return try months(ofRollup: rollup).dropLast().filter { month in
            let days = Int64(month.days.lowerBound.daysSince1970)...Int64(month.days.upperBound.daysSince1970)
            return month.members.count > Catalogue.memberByteCount && sums[month.number]?.members != month.members
                && !largeDays.contains(where: days.contains)
        }
    }

    /// The sums that stand for the chunks of their months.
    public func sums(
        ofRollup rollup: String, _ visit: (Month, Chunk) throws -> Void
    ) throws {
        let sums = try sums(ofRollup: rollup)
        let blobs = database.blobs(table: "months", column: "bytes")
        for month in try months(ofRollup: rollup) {
            guard let sum = sums[month.number], sum.members == month.members else { continue }
            var bytes = [UInt8](repeating: 0, count: try open(blobs, sum, month.place))
            try bytes.withUnsafeMutableBytes { try blobs.read(into: $0, at: 0) }
            try visit(
                month, Chunk(rollup: rollup, day: month.days.lowerBound, sequences: month.sequences, bytes: bytes))
        }
    }

    /// Keeps the sum of a month's chunks, which says that it is of the first of their days.
    public func setSum(of month: Month, bytes: [UInt8]) throws {
        try database.transaction {
            try database.run(
                "DELETE FROM months WHERE rollup = ? AND month = ?", [.text(month.rollup), .integer(month.number)])
            let check = Catalogue.check(month.members, bytes.prefix(Catalogue.checkedByteCount))
            try database.run(
                "INSERT INTO months VALUES (?, ?, ?, ?, ?)",
                [.text(month.rollup), .integer(month.number), .blob(month.members), .integer(check), .blob(bytes)])
        }
    }

    /// The sums of a rollup by month; none in a catalogue that was made without them and was not written to since.
    func sums(ofRollup rollup: String) throws -> [Int64: StoredSum] {
        guard hasMonths else { return [:] }
        let rows = try database.run(
            "SELECT rowid, month, chunks, \"check\" FROM months WHERE rollup = ?", [.text(rollup)])
        return rows.reduce(into: [:]) { sums, row in
            guard let number = row[0].integer, let month = row[1].integer, let members = row[2].blob,
                let check = row[3].integer
            else { return }
            sums[month] = StoredSum(row: number, members: members, check: check)
        }
    }

    /// Opens the bytes of a sum, of which the beginning must be what was written with this list of chunks.
    func open(_ blobs: SQLiteDatabase.Blobs, _ sum: StoredSum, _ place: String) throws -> Int {
        let byteCount: Int
        do {
            byteCount = try blobs.open(row: sum.row)
        } catch {
            if error.isDamage { throw error }
            throw CatalogueError.damaged(path: path, "\(place): \(error)")
        }
        var beginning = [UInt8](repeating: 0, count: min(byteCount, Catalogue.checkedByteCount))
        try beginning.withUnsafeMutableBytes { try blobs.read(into: $0, at: 0) }
        guard Catalogue.check(sum.members, beginning[...]) == sum.check else {
            throw CatalogueError.damaged(path: path, "\(place): their sum does not match its checksum")
        }
        return byteCount
    }

    private func months(ofRollup rollup: String) throws -> [Month] {
        let all = CalendarDay(daysSince1970: .min)...CalendarDay(daysSince1970: .max)
        return Catalogue.byMonth(try list(rollup: rollup, days: all)).map { Month(rollup: rollup, $0) }
    }

    /// Chunks in the order of their days, those of each month by themselves.
    static func byMonth(_ chunks: [Listed]) -> [ArraySlice<Listed>] {
        var months: [ArraySlice<Listed>] = []
        var start = 0
        for place in chunks.indices.dropFirst() where chunks[place].month != chunks[start].month {
            months.append(chunks[start..<place])
            start = place
        }
        if start < chunks.count { months.append(chunks[start...]) }
        return months
    }

    private static let memberByteCount = 24

    /// Day, first and last sequence of each chunk, 8 bytes each.
    static func members(_ chunks: ArraySlice<Listed>) -> [UInt8] {
        var words: [UInt64] = []
        words.reserveCapacity(chunks.count * 3)
        for chunk in chunks {
            words.append(UInt64(bitPattern: Int64(chunk.day.daysSince1970)).littleEndian)
            words.append(chunk.sequences.lowerBound.littleEndian)
            words.append(chunk.sequences.upperBound.littleEndian)
        }
        return words.withUnsafeBytes(Array.init)
    }

    /// From the first to the last sequence of any of the chunks.
    static func hull(_ chunks: ArraySlice<Listed>) -> ClosedRange<UInt64> {
        let first = chunks.reduce(UInt64.max) { min($0, $1.sequences.lowerBound) }
        return first...chunks.reduce(first) { max($0, $1.sequences.upperBound) }
    }

    private static func check(_ members: [UInt8], _ beginning: ArraySlice<UInt8>) -> Int64 {
        (members + beginning).withUnsafeBytes { Int64(sluice_crc32c(0, $0.baseAddress, $0.count)) }
    }
}
