import CPlatform
import Transactions

/// The identities of one UTC date between two sequences, as a file: derived, never changed once written.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | magic `SLUICEIX` |
/// | 8 | 4 | format version, 1 |
/// | 12 | 4 | UTC date, days since 1970-01-01 |
/// | 16 | 8 | ledger |
/// | 24 | 8 | base: every sequence is base + the entry's low 32 bits |
/// | 32 | 8 | from: the first sequence that the file speaks of |
/// | 40 | 8 | through: the last one |
/// | 48 | 8 | number of entries |
/// | 56 | 4 | CRC32C of the entries |
/// | 60 | 4 | CRC32C of bytes 0 to 59 and of the partitions' starts |
/// | 64 | 4,100 | 1,025 starts: partition p holds the entries from start p to start p + 1 |
/// | 4,164 | 4 | 0 |
/// | 4,168 | 8 each | entries: tag in the high 32 bits, sequence - base in the low, sorted within a partition |
///
/// Tags are hash bits, so within a partition they lie evenly: a look-up guesses the place and reads one piece around it.
package final class IdentityFile {
    static let magic: UInt64 = 0x5849_4543_4955_4C53
    static let version: UInt32 = 1
    package static let headerByteCount = 4168

    package struct Header: Equatable {
        package var day: Int32
        package var ledger: UInt64
        package var base: UInt64
        package var from: UInt64
        package var through: UInt64
        var count: Int
        var checksum: UInt32
    }

    package let header: Header
    let path: String
    private let file: any StorageFile
    private let starts: [UInt32]
    private static let verifiedEntryCount = 1 << 17
    private var isVerified = false
    private var piece: [UInt64] = []

    /// Opens a file and checks its header; the entries are checked at the first look-up.
    /// - Throws: `IndexError` when it is damaged, of another ledger or of a newer format.
    package init(path: String, ledger: UInt64, fileSystem: any FileSystem) throws {
        self.path = path
        file = try fileSystem.open(path, .read)
        let bytes = try file.bytes(at: 0, count: IdentityFile.headerByteCount)
        guard bytes.count == IdentityFile.headerByteCount else { throw IndexError(path, "the file is cut short") }
        let (header, starts) = try bytes.withUnsafeBytes { bytes in
            func word<Word: FixedWidthInteger>(_ offset: Int, as: Word.Type) -> Word {
                bytes.loadUnaligned(fromByteOffset: offset, as: Word.self)
            }
            guard word(0, as: UInt64.self) == IdentityFile.magic else { throw IndexError(path, "it is no index file") }
            guard word(8, as: UInt32.self) == IdentityFile.version else {
                throw IndexError(
                    path, "its format is version \(word(8, as: UInt32.self)), this program reads version 1")
            }
            let checksum = sluice_crc32c(sluice_crc32c(0, bytes.baseAddress, 60), bytes.baseAddress! + 64, 4104)
            guard word(60, as: UInt32.self) == checksum else {
                throw IndexError(path, "the header's checksum is wrong")
            }
            let header = Header(
                day: word(12, as: Int32.self), ledger: word(16, as: UInt64.self), base: word(24, as: UInt64.self),
                from: word(32, as: UInt64.self), through: word(40, as: UInt64.self), count: word(48, as: Int.self),
                checksum: word(56, as: UInt32.self))
            return (header, (0...Fingerprint.partitionCount).map { word(64 + 4 * $0, as: UInt32.self) })
        }
        guard header.ledger == ledger else { throw IndexError(path, "it belongs to another ledger") }
        let entriesByteCount = try file.byteCount() - IdentityFile.headerByteCount
        guard entriesByteCount % 8 == 0, header.count == entriesByteCount / 8,
            Int(starts[starts.count - 1]) == header.count
        else { throw IndexError(path, "its length does not fit its header") }
        guard starts[0] == 0, zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 }),
            bytes[4164..<4168].allSatisfy({ $0 == 0 })
        else { throw IndexError(path, "its partitions are out of order") }
        guard header.from >= 1, header.from <= header.through, header.base >= header.from - 1,
            header.base < header.through,
            header.through - header.base <= UInt64(UInt32.max)
        else { throw IndexError(path, "its sequences are out of order") }
        self.header = header
        self.starts = starts
    }

    /// What a file is called.
    static func name(day: Int32, through: UInt64) -> String { "\(CalendarDay(daysSince1970: day)).\(through).index" }

    /// Throws unless the file is the one that its name promises, of a past that is in the log: another file's copy is found out.
    func checkName(durable: UInt64) throws(IndexError) {
        guard path.hasSuffix("/" + IdentityFile.name(day: header.day, through: header.through)) else {
            throw IndexError(
                path,
                "it holds the identities of \(CalendarDay(daysSince1970: header.day)) up to sequence \(header.through)")
        }
        guard header.through <= durable else {
            throw IndexError(path, "it speaks of sequences up to \(header.through), and the log ends with \(durable)")
        }
    }

    /// Checks the CRC of the entries, their order and their sequences.
    package func verify() throws {
        var checksum: UInt32 = 0
        var order = EntryOrder(starts: starts, largestDistance: header.through - header.base)
        for first in stride(from: 0, to: header.count, by: IdentityFile.verifiedEntryCount) {
            let entries = try read(first..<min(header.count, first + IdentityFile.verifiedEntryCount))
            checksum = entries.withUnsafeBytes { sluice_crc32c(checksum, $0.baseAddress, $0.count) }
            order.take(entries, from: first)
        }
        guard checksum == header.checksum else { throw IndexError(path, "the entries' checksum is wrong") }
        guard order.isKept else { throw IndexError(path, "its entries are out of order") }
        isVerified = true
    }

    /// What look-ups rely on: within a partition entries ascend, and their sequences are those that the header tells.
    private struct EntryOrder {
        let starts: [UInt32]
        let largestDistance: UInt64
        private(set) var isKept = true
        private var last: UInt64 = 0
        private var partition = 0

        init(starts: [UInt32], largestDistance: UInt64) {
            self.starts = starts
            self.largestDistance = largestDistance
        }

        /// Takes the entries from number `first` on; they follow those taken before.
        mutating func take(_ entries: [UInt64], from first: Int) {
            for (place, entry) in entries.enumerated() {
                while first + place >= starts[partition + 1] {
                    partition += 1
                    last = 0
                }
                let distance = entry & 0xFFFF_FFFF
                isKept = isKept && entry >= last && distance >= 1 && distance <= largestDistance
                last = entry
            }
        }
    }

    /// Appends the sequences whose tag equals the fingerprint's under `mask`.
    package func find(_ fingerprint: Fingerprint, mask: UInt32, into found: inout [UInt64]) throws {
        if !isVerified { try verify() }
        let lower = Int(starts[Int(fingerprint.partition)])
        let upper = Int(starts[Int(fingerprint.partition) + 1])
        guard lower < upper else { return }
        let smallest = UInt64(fingerprint.tag & mask) << 32
        var position = try lowerBound(of: smallest, in: lower..<upper)
        while position < upper {
            let entry = try self.entry(at: position)
            guard UInt32(truncatingIfNeeded: entry >> 32) & mask == fingerprint.tag & mask else { return }
            found.append(header.base + (entry & 0xFFFF_FFFF))
            position += 1
        }
    }

    /// Every entry of a partition as (tag, sequence), by tag.
    package func entries(ofPartition index: Int) throws -> [(tag: UInt32, sequence: UInt64)] {
        if !isVerified { try verify() }
        return try read(Int(starts[index])..<Int(starts[index + 1])).map {
            (UInt32(truncatingIfNeeded: $0 >> 32), header.base + ($0 & 0xFFFF_FFFF))
        }
    }

    private var pieceStart = 0

    private func entry(at position: Int) throws -> UInt64 {
        if position < pieceStart || position >= pieceStart + piece.count {
            pieceStart = max(0, position - 256)
            piece = try read(pieceStart..<min(header.count, pieceStart + 512))
        }
        return piece[position - pieceStart]
    }

    /// Guesses by interpolation, widens the guess until it brackets the value, then halves.
    private func lowerBound(of value: UInt64, in range: Range<Int>) throws -> Int {
        let guess = range.lowerBound + Int(UInt64(range.count).multipliedFullWidth(by: value).high)
        var step = 128
        var lower = max(range.lowerBound, guess - step)
        var upper = min(range.upperBound, guess + step)
        while lower > range.lowerBound, try entry(at: lower) >= value {
            step *= 4
            lower = max(range.lowerBound, lower - step)
        }
        while upper < range.upperBound, try entry(at: upper) < value {
            step *= 4
            upper = min(range.upperBound, upper + step)
        }
        while lower < upper {
            let middle = (lower + upper) / 2
            if try entry(at: middle) < value { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }

    private func read(_ range: Range<Int>) throws -> [UInt64] {
        let entries = try [UInt64](unsafeUninitializedCapacity: range.count) { buffer, count in
            count =
                try file.read(
                    into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: range.count * 8),
                    at: IdentityFile.headerByteCount + 8 * range.lowerBound) / 8
        }
        guard entries.count == range.count else { throw IndexError(path, "the file is cut short") }
        return entries
    }

    /// Writes a file durably under a temporary name and renames it.
    /// - Parameter partition: the entries of a partition, by tag.
    package static func write(
        to path: String, day: Int32, ledger: UInt64, base: UInt64, from: UInt64, through: UInt64,
        fileSystem: any FileSystem, partition: (Int) throws -> [(tag: UInt32, sequence: UInt64)]
    ) throws {
        let temporary = path + ".new"
        let file = try fileSystem.open(temporary, .replace)
        var starts: [UInt32] = [0]
        var checksum: UInt32 = 0
        var offset = headerByteCount
        var buffer: [UInt64] = []
        func flush() throws {
            try buffer.withUnsafeBytes { bytes in
                checksum = sluice_crc32c(checksum, bytes.baseAddress, bytes.count)
                try file.write(bytes, at: offset)
                offset += bytes.count
            }
            buffer.removeAll(keepingCapacity: true)
        }
        for index in 0..<Fingerprint.partitionCount {
            let entries = try partition(index)
            buffer.append(contentsOf: entries.lazy.map { UInt64($0.tag) << 32 | ($0.sequence - base) })
            starts.append(starts.last! + UInt32(entries.count))
            if buffer.count >= 1 << 17 { try flush() }
        }
        try flush()
        var header = [UInt8]()
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { header.append(contentsOf: $0) }
        }
        append(magic)
        append(version)
        append(day)
        append(ledger)
        append(base)
        append(from)
        append(through)
        append(UInt64(starts.last!))
        append(checksum)
        let fixed = header
        header.removeAll()
        starts.forEach { append($0) }
        append(UInt32(0))
        let tail = header
        header = fixed
        append(sluice_crc32c(sluice_crc32c(0, fixed, fixed.count), tail, tail.count))
        try file.write(header + tail, at: 0)
        try file.synchronise()
        try fileSystem.rename(temporary, to: path)
    }
}

/// Damage of a derived index file; it can be made anew from the log.
public struct IndexError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file and what is wrong with it.
    public let cause: String
    /// The cause, and what to do.
    public var description: String { "\(cause); 'sluice rebuild' makes it anew" }

    init(_ path: String, _ reason: String) { cause = "\(path): \(reason)" }
}
