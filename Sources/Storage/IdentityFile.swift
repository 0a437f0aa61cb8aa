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
final class IdentityFile {
    static let magic: UInt64 = 0x5849_4543_4955_4C53
    static let version: UInt32 = 1
    static let headerByteCount = 4168

    struct Header: Equatable {
        var day: Int32
        var ledger: UInt64
        var base: UInt64
        var from: UInt64
        var through: UInt64
        var count: Int
        var checksum: UInt32
    }

    let header: Header
    let path: String
    private let file: any StorageFile
    private let starts: [UInt32]
    private var isVerified = false
    private var piece: [UInt64] = []

    /// Opens a file and checks its header; the entries are checked at the first look-up.
    /// - Throws: `IndexError` when it is damaged, of another ledger or of a newer format.
    init(path: String, ledger: UInt64, fileSystem: any FileSystem) throws {
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
        guard try file.byteCount() == IdentityFile.headerByteCount + 8 * header.count,
            starts.last == UInt32(header.count),
            zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 })
        else { throw IndexError(path, "its length does not fit its header") }
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

    /// Checks the CRC of the entries.
    func verify() throws {
        var checksum: UInt32 = 0
        var offset = IdentityFile.headerByteCount
        while true {
            let bytes = try file.bytes(at: offset, count: 1 << 20)
            if bytes.isEmpty { break }
            checksum = sluice_crc32c(checksum, bytes, bytes.count)
            offset += bytes.count
        }
        guard checksum == header.checksum else { throw IndexError(path, "the entries' checksum is wrong") }
        isVerified = true
    }

    /// Appends the sequences whose tag equals the fingerprint's under `mask`.
    func find(_ fingerprint: Fingerprint, mask: UInt32, into found: inout [UInt64]) throws {
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
    func entries(ofPartition index: Int) throws -> [(tag: UInt32, sequence: UInt64)] {
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
        try [UInt64](unsafeUninitializedCapacity: range.count) { buffer, count in
            count =
                try file.read(
                    into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: range.count * 8),
                    at: IdentityFile.headerByteCount + 8 * range.lowerBound) / 8
        }
    }

    /// Writes a file durably under a temporary name and renames it.
    /// - Parameter partition: the entries of a partition, by tag.
    static func write(
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
