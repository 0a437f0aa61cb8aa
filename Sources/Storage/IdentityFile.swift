import CPlatform
import Transactions

/// The identities of one UTC date between two sequences, as a file: derived, never changed once written.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | magic `SLUICEIX` |
/// | 8 | 4 | format version, 2 |
/// | 12 | 4 | UTC date, days since 1970-01-01 |
/// | 16 | 8 | ledger |
/// | 24 | 8 | base: every sequence is base + the entry's low 32 bits |
/// | 32 | 8 | from: the first sequence that the file speaks of |
/// | 40 | 8 | through: the last one |
/// | 48 | 8 | number of entries |
/// | 56 | 4 | 0 |
/// | 60 | 4 | CRC32C of bytes 0 to 59 and 64 to 8,263 |
/// | 64 | 4,100 | 1,025 starts: partition p holds the entries from start p to start p + 1 |
/// | 4,164 | 4 | 0 |
/// | 4,168 | 4,096 | CRC32C of each partition's entries |
/// | 8,264 | 8 each | entries: tag in the high 32 bits, sequence - base in the low, sorted within a partition |
///
/// Tags are hash bits, so within a partition they lie evenly: a look-up guesses the place and reads one piece around it. A
/// partition is checked when it is first looked into. Of the many files that there may be, only a few are open at a time.
package final class IdentityFile {
    static let magic: UInt64 = 0x5849_4543_4955_4C53
    static let version: UInt32 = 2
    package static let headerByteCount = 8264
    package static let tablesOffset = 64
    package static let checksumsOffset = 4168
    private static let tablesByteCount = headerByteCount - tablesOffset

    package struct Header: Equatable {
        package var day: Int32
        package var ledger: UInt64
        package var base: UInt64
        package var from: UInt64
        package var through: UInt64
        var count: Int
    }

    /// What an open file has in memory.
    private struct Opened {
        var file: any StorageFile
        var starts: [UInt32]
        var checksums: [UInt32]
        var isVerified = [Bool](repeating: false, count: Fingerprint.partitionCount)
        var piece: [UInt64] = []
        var pieceStart = 0

        var pieceRange: Range<Int> { pieceStart..<pieceStart + piece.count }
    }

    package let header: Header
    let path: String
    private let fileSystem: any FileSystem
    private let openFiles: OpenIdentityFiles
    private var opened: Opened?

    /// Checks a file's header; entries are checked when they are looked at.
    /// - Throws: `IndexError` when it is damaged, of another ledger or of another format.
    package init(path: String, ledger: UInt64, fileSystem: any FileSystem, openFiles: OpenIdentityFiles) throws {
        self.path = path
        self.fileSystem = fileSystem
        self.openFiles = openFiles
        header = try IdentityFile.open(path, fileSystem).header
        guard header.ledger == ledger else { throw IndexError(path, "it belongs to another ledger") }
    }

    private static func open(
        _ path: String, _ fileSystem: any FileSystem
    ) throws -> (header: Header, opened: Opened) {
        let file = try fileSystem.open(path, .read)
        let bytes = try file.bytes(at: 0, count: headerByteCount)
        guard bytes.count == headerByteCount else { throw IndexError(path, "the file is cut short") }
        return try bytes.withUnsafeBytes { bytes in
            func word<Word: FixedWidthInteger>(_ offset: Int, as: Word.Type) -> Word {
                bytes.loadUnaligned(fromByteOffset: offset, as: Word.self)
            }
            func table(_ offset: Int, _ count: Int) -> [UInt32] {
                [UInt32](unsafeUninitializedCapacity: count) { words, initializedCount in
                    UnsafeMutableRawBufferPointer(words).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + 4 * count]))
                    initializedCount = count
                }
            }
            guard word(0, as: UInt64.self) == magic else { throw IndexError(path, "it is no index file") }
            guard word(8, as: UInt32.self) == version else {
                throw IndexError(
                    path, "its format is version \(word(8, as: UInt32.self)), this program reads version \(version)")
            }
            let checksum = sluice_crc32c(
                sluice_crc32c(0, bytes.baseAddress, 60), bytes.baseAddress! + tablesOffset, tablesByteCount)
            guard word(60, as: UInt32.self) == checksum else {
                throw IndexError(path, "the header's checksum is wrong")
            }
            let header = Header(
                day: word(12, as: Int32.self), ledger: word(16, as: UInt64.self), base: word(24, as: UInt64.self),
                from: word(32, as: UInt64.self), through: word(40, as: UInt64.self), count: word(48, as: Int.self))
            let starts = table(tablesOffset, Fingerprint.partitionCount + 1)
            let checksums = table(checksumsOffset, Fingerprint.partitionCount)
            let entriesByteCount = try file.byteCount() - headerByteCount
            guard entriesByteCount % 8 == 0, header.count == entriesByteCount / 8,
                Int(starts[starts.count - 1]) == header.count
            else { throw IndexError(path, "its length does not fit its header") }
            guard starts[0] == 0, (1..<starts.count).allSatisfy({ starts[$0 - 1] <= starts[$0] }),
                word(4164, as: UInt32.self) == 0
            else { throw IndexError(path, "its partitions are out of order") }
            guard header.from >= 1, header.from <= header.through, header.base >= header.from - 1,
                header.base < header.through, header.through - header.base <= UInt64(UInt32.max)
            else { throw IndexError(path, "its sequences are out of order") }
            guard word(56, as: UInt32.self) == 0 else { throw IndexError(path, "its bytes 56 to 59 are not 0") }
            return (header, Opened(file: file, starts: starts, checksums: checksums))
        }
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

    /// Lets go of the descriptor and of what was read.
    func close() { opened = nil }

    private func withOpened<Result>(_ body: (inout Opened) throws -> Result) throws -> Result {
        if opened == nil {
            let found = try IdentityFile.open(path, fileSystem)
            guard found.header == header else { throw IndexError(path, "it has changed") }
            opened = found.opened
            openFiles.note(self)
        }
        return try body(&opened!)
    }

    /// Checks every partition's entries: their CRC, their order and their sequences.
    package func verify() throws {
        for index in 0..<Fingerprint.partitionCount { _ = try entries(ofPartition: index) }
    }

    /// Appends the sequences whose fingerprint is this one.
    package func find(_ fingerprint: Fingerprint, into found: inout [UInt64]) throws {
        let index = Int(fingerprint.partition)
        try withOpened { opened in
            let range = Int(opened.starts[index])..<Int(opened.starts[index + 1])
            guard !range.isEmpty else { return }
            if !opened.isVerified[index] { _ = try read(partition: index, of: &opened) }
            var position = try lowerBound(of: UInt64(fingerprint.tag) << 32, in: range, of: &opened)
            while position < range.upperBound {
                let entry = try self.entry(at: position, of: &opened)
                guard UInt32(truncatingIfNeeded: entry >> 32) == fingerprint.tag else { return }
                found.append(header.base + (entry & 0xFFFF_FFFF))
                position += 1
            }
        }
    }

    /// Every entry of a partition, by tag.
    package func entries(ofPartition index: Int) throws -> [(tag: UInt32, sequence: UInt64)] {
        try withOpened { opened in
            try read(partition: index, of: &opened).map {
                (UInt32(truncatingIfNeeded: $0 >> 32), header.base + ($0 & 0xFFFF_FFFF))
            }
        }
    }

    // MARK: Reading

    private func read(partition index: Int, of opened: inout Opened) throws -> ArraySlice<UInt64> {
        let words = try entries(Int(opened.starts[index])..<Int(opened.starts[index + 1]), of: &opened)
        let checksum = words.withUnsafeBytes { sluice_crc32c(0, $0.baseAddress, $0.count) }
        guard checksum == opened.checksums[index] else {
            throw IndexError(path, "the checksum of the entries of partition \(index) is wrong")
        }
        guard isInOrder(words) else {
            throw IndexError(path, "its entries are out of order in partition \(index)")
        }
        opened.isVerified[index] = true
        return words
    }

    /// What look-ups rely on: within a partition entries ascend, and their sequences are those that the header tells.
    private func isInOrder(_ words: ArraySlice<UInt64>) -> Bool {
        let distances = 1...(header.through - header.base)
        return words.allSatisfy { distances.contains($0 & 0xFFFF_FFFF) }
            && zip(words, words.dropFirst()).allSatisfy { $0 <= $1 }
    }

    private static let pieceCount = 512

    private func entry(at position: Int, of opened: inout Opened) throws -> UInt64 {
        if !opened.pieceRange.contains(position) { try load(max(0, position - Self.pieceCount / 2), 1, of: &opened) }
        return opened.piece[position - opened.pieceStart]
    }

    /// One read is for many small partitions.
    private func entries(_ range: Range<Int>, of opened: inout Opened) throws -> ArraySlice<UInt64> {
        if range.isEmpty { return [] }
        if !opened.pieceRange.contains(range) { try load(range.lowerBound, range.count, of: &opened) }
        return opened.piece[range.lowerBound - opened.pieceStart..<range.upperBound - opened.pieceStart]
    }

    /// Brings at least `count` entries into memory.
    private func load(_ start: Int, _ count: Int, of opened: inout Opened) throws {
        opened.piece = []
        opened.pieceStart = start
        opened.piece = try read(start..<min(header.count, start + max(count, Self.pieceCount)), of: opened)
    }

    /// Guesses by interpolation, widens the guess until it brackets the value, then halves.
    private func lowerBound(of value: UInt64, in range: Range<Int>, of opened: inout Opened) throws -> Int {
        let guess = range.lowerBound + Int(UInt64(range.count).multipliedFullWidth(by: value).high)
        var step = 128
        var lower = max(range.lowerBound, guess - step)
        var upper = min(range.upperBound, guess + step)
        while lower > range.lowerBound, try entry(at: lower, of: &opened) >= value {
            step *= 4
            lower = max(range.lowerBound, lower - step)
        }
        while upper < range.upperBound, try entry(at: upper, of: &opened) < value {
            step *= 4
            upper = min(range.upperBound, upper + step)
        }
        while lower < upper {
            let middle = (lower + upper) / 2
            if try entry(at: middle, of: &opened) < value { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }

    private func read(_ range: Range<Int>, of opened: Opened) throws -> [UInt64] {
        let words = try [UInt64](unsafeUninitializedCapacity: range.count) { buffer, count in
            count =
                try opened.file.read(
                    into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: range.count * 8),
                    at: IdentityFile.headerByteCount + 8 * range.lowerBound) / 8
        }
        guard words.count == range.count else { throw IndexError(path, "the file is cut short") }
        return words
    }

    // MARK: Writing

    /// Writes a file durably under a temporary name and renames it.
    /// - Parameter partition: the entries of a partition, by tag; asked for from 0 on.
    package static func write(
        to path: String, day: Int32, ledger: UInt64, base: UInt64, from: UInt64, through: UInt64,
        fileSystem: any FileSystem, partition: (Int) throws -> [(tag: UInt32, sequence: UInt64)]
    ) throws {
        let temporary = path + ".new"
        let file = try fileSystem.open(temporary, .replace)
        var starts: [UInt32] = [0]
        var checksums: [UInt32] = []
        var offset = headerByteCount
        var buffer: [UInt64] = []
        func flush() throws {
            try buffer.withUnsafeBytes { bytes in
                try file.write(bytes, at: offset)
                offset += bytes.count
            }
            buffer.removeAll(keepingCapacity: true)
        }
        for index in 0..<Fingerprint.partitionCount {
            let start = buffer.count
            let entries = try partition(index)
            buffer.append(contentsOf: entries.lazy.map { UInt64($0.tag) << 32 | ($0.sequence - base) })
            starts.append(starts.last! + UInt32(entries.count))
            checksums.append(
                buffer[start...].withUnsafeBytes { sluice_crc32c(0, $0.baseAddress, $0.count) })
            if buffer.count >= 1 << 17 { try flush() }
        }
        try flush()
        let count = UInt64(starts.last!)
        let fields: [UInt64] = [ledger, base, from, through, count]
        let fixed =
            littleEndian([magic]) + littleEndian([version]) + littleEndian([day]) + littleEndian(fields)
            + littleEndian([UInt32(0)])
        let tables = littleEndian(starts + [0] + checksums)
        let checksum = sluice_crc32c(sluice_crc32c(0, fixed, fixed.count), tables, tables.count)
        try file.write(fixed + littleEndian([checksum]) + tables, at: 0)
        try file.synchronise()
        try fileSystem.rename(temporary, to: path)
    }
}

private func littleEndian(_ words: [some FixedWidthInteger]) -> [UInt8] {
    words.map(\.littleEndian).withUnsafeBytes { Array($0) }
}

/// Which index files have a descriptor and their tables in memory: those used last.
///
/// A ledger may have files of many dates, some merged of several; their number is no measure for what memory holds.
package final class OpenIdentityFiles {
    /// A file that nobody looks into any more is gone with its descriptor.
    private struct Entry {
        weak var file: IdentityFile?
    }

    private var entries: [Entry] = []
    private let capacity: Int

    /// - Parameter capacity: the most files that are open at a time, each with about 10 KiB and the partition that was read last.
    package init(capacity: Int = 64) { self.capacity = capacity }

    /// Number of open files.
    var count: Int { entries.count { $0.file != nil } }

    /// A file was opened; the one that was opened longest ago is closed when there are too many.
    func note(_ file: IdentityFile) {
        entries.removeAll { $0.file == nil }
        entries.append(Entry(file: file))
        if entries.count > capacity { entries.removeFirst().file?.close() }
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
