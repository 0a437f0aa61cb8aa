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
/// An open file is mapped. A partition is checked when it is first looked into, and where the tags of each of its buckets begin
/// is kept in memory: tags are hash bits, so the buckets, by the tags' upper bits, have about 12 entries each, and a look-up
/// touches one or two cache lines of the file. Of the many files that there may be, only a few are open at a time.
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

    package let header: Header
    let path: String
    private let fileSystem: any FileSystem
    private let openFiles: OpenIdentityFiles
    private var opened: OpenedIdentityFile?

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
    ) throws -> (header: Header, file: any StorageFile, starts: [UInt32], checksums: [UInt32]) {
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
            return (header, file, starts, checksums)
        }
    }

    /// What a file is called. Two files of a ledger have one name only when they say the same.
    static func name(day: Int32, from: UInt64, through: UInt64) -> String {
        "\(CalendarDay(daysSince1970: day)).\(from)-\(through).index"
    }

    /// Throws unless the file is the one that its name promises, of a past that is in the log: another file's copy is found out.
    func checkName(durable: UInt64) throws(IndexError) {
        let name = IdentityFile.name(day: header.day, from: header.from, through: header.through)
        guard path.hasSuffix("/" + name) else { throw IndexError(path, "it is what \(name) should be") }
        guard header.through <= durable else {
            throw IndexError(path, "it speaks of sequences up to \(header.through), and the log ends with \(durable)")
        }
    }

    /// Lets go of the mapping and of what was found out of it.
    func close() { opened = nil }

    /// Bytes that an open file takes besides its mapping.
    var openByteCount: Int { opened?.byteCount ?? 0 }

    private func open() throws -> OpenedIdentityFile {
        if let opened { return opened }
        let (found, file, starts, checksums) = try IdentityFile.open(path, fileSystem)
        guard found == header else { throw IndexError(path, "it has changed") }
        let mapped = try file.map(byteCount: IdentityFile.headerByteCount + 8 * header.count, at: 0)
        let opened = OpenedIdentityFile(path, header, mapped, starts: starts, checksums: checksums)
        self.opened = opened
        openFiles.note(self)
        return opened
    }

    /// Looks into the file; whatever fails is looked at anew the next time.
    private func reading<Result>(_ body: (OpenedIdentityFile) throws -> Result) throws -> Result {
        do {
            let opened = try open()
            let result = try body(opened)
            try opened.mapped.check()
            return result
        } catch {
            close()
            throw error
        }
    }

    /// Checks every partition's entries: their CRC, their order and their sequences.
    package func verify() throws {
        for index in 0..<Fingerprint.partitionCount {
            try reading { try $0.verify(partition: index) }
        }
    }

    /// Appends the sequences whose fingerprint is this one.
    package func find(_ fingerprint: Fingerprint, into found: inout [UInt64]) throws {
        try reading { opened in
            try opened.verify(partition: Int(fingerprint.partition))
            opened.find(fingerprint) { found.append($0) }
        }
    }

    /// Looks for the fingerprints of many records, some of them ahead of others, so that they do not wait for memory one by
    /// one. Records for which this fails are noted.
    func find(
        _ fingerprints: UnsafePointer<Fingerprint>, of records: Range<Int>, into hits: inout FileHits
    ) throws {
        let hitCount = hits.found.count
        do {
            try reading { opened in
                let (step, last) = (OpenedIdentityFile.lookAhead, records.upperBound - 1)
                for index in records.lowerBound...last + 2 * step {
                    if index <= last { opened.prefetchPlace(of: fingerprints[index]) }
                    let (next, behind) = (index - step, index - 2 * step)
                    if next >= records.lowerBound, next <= last {
                        try opened.verify(partition: Int(fingerprints[next].partition))
                        opened.prefetchEntries(of: fingerprints[next])
                    }
                    guard behind >= records.lowerBound else { continue }
                    opened.find(fingerprints[behind]) { hits.found.append((behind, $0)) }
                }
            }
        } catch let error as StorageError where error.isOutOfDescriptors {
            throw error
        } catch {
            hits.found.removeLast(hits.found.count - hitCount)
            try findOneByOne(fingerprints, of: records, into: &hits)
        }
    }

    /// Shows which records are hurt by what is wrong with the file. It is opened anew for them, once unless the disk fails.
    private func findOneByOne(
        _ fingerprints: UnsafePointer<Fingerprint>, of records: Range<Int>, into hits: inout FileHits
    ) throws {
        var isWhole = true
        for index in records {
            do {
                let opened = try open()
                try opened.verify(partition: Int(fingerprints[index].partition))
                var sequences: [UInt64] = []
                opened.find(fingerprints[index]) { sequences.append($0) }
                try opened.mapped.check()
                hits.found += sequences.map { (index, $0) }
            } catch let error as StorageError where error.isOutOfDescriptors {
                throw error
            } catch {
                if error is StorageError { close() }
                hits.failures.append((index, error))
                isWhole = false
            }
        }
        if !isWhole { close() }
    }

    /// Every entry of a partition, by tag.
    package func entries(ofPartition index: Int) throws -> [(tag: UInt32, sequence: UInt64)] {
        try reading { opened in
            try opened.verify(partition: index)
            return opened.words(ofPartition: index).map {
                (UInt32(truncatingIfNeeded: $0 >> 32), header.base + ($0 & 0xFFFF_FFFF))
            }
        }
    }

    // MARK: Writing

    /// Writes a file durably under a temporary name and renames it; when that fails, what was written is removed.
    /// - Parameter partition: the entries of a partition, by tag; asked for from 0 on.
    package static func write(
        to path: String, day: Int32, ledger: UInt64, base: UInt64, from: UInt64, through: UInt64,
        fileSystem: any FileSystem, partition: (Int) throws -> [(tag: UInt32, sequence: UInt64)]
    ) throws {
        let temporary = path + ".new"
        let file = try fileSystem.open(temporary, .replace)
        var isWhole = false
        defer { if !isWhole { try? fileSystem.remove(temporary) } }
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
        isWhole = true
    }
}

private func littleEndian(_ words: [some FixedWidthInteger]) -> [UInt8] {
    words.map(\.littleEndian).withUnsafeBytes { Array($0) }
}

/// Which index files are mapped: those that were opened last.
///
/// A ledger may have files of many dates, some merged of several; their number is no measure for what memory holds.
package final class OpenIdentityFiles {
    /// A file that nobody looks into any more is gone with its mapping.
    private struct Entry {
        weak var file: IdentityFile?
    }

    private var entries: [Entry] = []
    private let capacity: Int
    private let byteLimit: Int

    /// - Parameters:
    ///   - capacity: the most files that are open at a time.
    ///   - byteLimit: what they take together besides their mappings; one alone may take more.
    package init(capacity: Int = 64, byteLimit: Int = 64 << 20) {
        self.capacity = capacity
        self.byteLimit = byteLimit
    }

    /// Number of open files.
    var count: Int { entries.count { $0.file != nil } }

    /// A file was opened; those that were opened longest ago are closed when there are too many.
    func note(_ file: IdentityFile) {
        entries.removeAll { $0.file == nil || $0.file === file }
        entries.append(Entry(file: file))
        var byteCount = entries.reduce(0) { $0 + ($1.file?.openByteCount ?? 0) }
        while entries.count > 1, entries.count > capacity || byteCount > byteLimit,
            let oldest = entries.removeFirst().file
        {
            byteCount -= oldest.openByteCount
            oldest.close()
        }
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
