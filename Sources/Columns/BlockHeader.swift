import Transactions

/// What the writer of a block knows beforehand: its place in the log and the chain before it.
public struct BlockPreface: Hashable, Sendable {
    /// The sequence of the first record; of the next record to come, when there is none. 1 or more.
    public var firstSequence: UInt64
    /// When it was committed, in microseconds since 1970-01-01 UTC.
    public var commitTimeMicroseconds: Int64
    /// The ledger's own number.
    public var ledger: UInt64
    /// Where the block begins in its segment, in bytes.
    public var offset: UInt64
    /// The header checksum of the block before; for the first in a segment whatever the writer gives.
    public var previousChecksum: UInt32
    /// Complete links of the chain before this block.
    public var chainLinkCount: UInt64
    /// The last of these links: 32 bytes, opaque here.
    public var chainDigest: [UInt8]

    /// A preface from its parts; `chainDigest` has 32 bytes.
    public init(
        firstSequence: UInt64, commitTimeMicroseconds: Int64, ledger: UInt64, offset: UInt64,
        previousChecksum: UInt32 = 0, chainLinkCount: UInt64 = 0,
        chainDigest: [UInt8] = [UInt8](repeating: 0, count: 32)
    ) {
        precondition(chainDigest.count == 32, "a link of the chain has 32 bytes")
        self.firstSequence = firstSequence
        self.commitTimeMicroseconds = commitTimeMicroseconds
        self.ledger = ledger
        self.offset = offset
        self.previousChecksum = previousChecksum
        self.chainLinkCount = chainLinkCount
        self.chainDigest = chainDigest
    }
}

/// The header of a block, from which all else is found and bounded. Little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | magic: `SLBK` |
/// | 4 | 1 | format version, 1 |
/// | 5 | 1 | record version |
/// | 6 | 1 | layout: 0 mark (no records), 1 rows, 2 columns |
/// | 7 | 1 | 0 |
/// | 8 | 4 | header bytes: 136, and 40 for each column |
/// | 12 | 4 | number of records, at most 65,536 |
/// | 16 | 4 | total bytes, a multiple of 8 |
/// | 20 | 4 | header checksum of the block before |
/// | 24 | 8 | ledger |
/// | 32 | 8 | offset of this block in its segment |
/// | 40 | 8 | first sequence, 1 or more |
/// | 48 | 8 | commit time, Int64, microseconds since 1970-01-01 UTC |
/// | 56 | 8 | earliest time of a record, Int64; 0 in a mark |
/// | 64 | 8 | latest time of a record, Int64; 0 in a mark |
/// | 72 | 8 | number of complete links of the chain before this block |
/// | 80 | 32 | the last of these links |
/// | 112 | 4 | bytes of declarations |
/// | 116 | 4 | number of declarations |
/// | 120 | 4 | CRC-32C of the declarations |
/// | 124 | 4 | CRC-32C of the rows; 0 without rows |
/// | 128 | 4 | number of columns in the directory; 0 without columns |
/// | 132 | 40 each | directory: a `ColumnDescriptor` for each column, by ascending number |
/// | last 4 | 4 | CRC-32C of all header bytes before it: the header checksum |
///
/// Behind the header come the declarations, then the rows or the columns' stored bytes in the directory's order, then
/// zero bytes up to a multiple of 8. Every format version keeps the magic, the version, the header length and the
/// place of the header checksum, so that a newer version is told from damage.
public struct BlockHeader: Hashable, Sendable {
    /// How the records are stored.
    public enum Layout: UInt8, Sendable {
        /// There are none: the block proves the one before it, or declares something.
        case mark = 0
        /// As 64 bytes each.
        case rows = 1
        /// As columns.
        case columns = 2
    }

    /// The place in the log and the chain before the block.
    public var preface: BlockPreface
    /// How the records are stored.
    public var layout: Layout
    /// Number of records, 0 to 65,536.
    public var recordCount: Int
    /// The earliest time of a record in microseconds since 1970-01-01 UTC; 0 in a mark.
    public var earliestTimeMicroseconds: Int64 = 0
    /// The latest time of a record; 0 in a mark.
    public var latestTimeMicroseconds: Int64 = 0
    /// Bytes of the declarations.
    public var declarationsByteCount = 0
    /// Number of declarations.
    public var declarationCount = 0
    /// CRC-32C of the declarations.
    public var declarationsChecksum: UInt32 = 0
    /// CRC-32C of the rows; 0 without rows.
    public var rowsChecksum: UInt32 = 0
    /// The columns that are stored, by ascending number.
    public var columns: [ColumnDescriptor] = []
    /// The header checksum, which the next block repeats.
    public var checksum: UInt32 = 0

    /// The format version that is written.
    public static let version: UInt8 = 1
    /// The most records of a block.
    public static let largestRecordCount = 65_536
    /// Bytes of a header without columns.
    public static let fixedByteCount = 136
    /// Bytes of the longest header of this version.
    public static let largestByteCount = byteCount(columnCount: Column.allCases.count)
    /// Bytes at the start that every version has in common.
    static let commonByteCount = 12
    /// No version's header is longer.
    static let largestCommonByteCount = 65_536
    /// The first four bytes of every block: `SLBK`.
    public static let magic: UInt32 = 0x4B42_4C53
    static let largestDeclarationsByteCount = 1 << 28

    init(preface: BlockPreface, layout: Layout, recordCount: Int) {
        self.preface = preface
        self.layout = layout
        self.recordCount = recordCount
    }

    static func byteCount(columnCount: Int) -> Int { fixedByteCount + columnCount * ColumnDescriptor.byteCount }

    /// Bytes of the header with its directory and checksum.
    public var byteCount: Int { BlockHeader.byteCount(columnCount: columns.count) }
    /// Where the rows or columns begin.
    var payloadOffset: Int { byteCount + declarationsByteCount }
    /// Bytes of the rows or columns.
    var payloadByteCount: Int {
        layout == .rows
            ? recordCount * Record.byteCount : columns.reduce(0) { $0 + $1.storedByteCount }
    }
    /// Bytes of the whole block.
    public var totalByteCount: Int { (payloadOffset + payloadByteCount + 7) / 8 * 8 }
    /// The sequence that the next block's first record has.
    public var nextSequence: UInt64 { preface.firstSequence + UInt64(recordCount) }

    /// Throws `.misplaced` unless the block was written for this place. Nil leaves the checksum unchecked.
    public func checkPlace(
        ledger: UInt64, offset: UInt64, previousChecksum: UInt32?, firstSequence: UInt64? = nil
    ) throws(BlockError) {
        guard preface.ledger == ledger else {
            throw .misplaced(field: .ledger, expected: ledger, found: preface.ledger)
        }
        guard preface.offset == offset else {
            throw .misplaced(field: .offset, expected: offset, found: preface.offset)
        }
        if let expected = previousChecksum, preface.previousChecksum != expected {
            throw .misplaced(
                field: .previousChecksum, expected: UInt64(expected), found: UInt64(preface.previousChecksum))
        }
        if let firstSequence, preface.firstSequence != firstSequence {
            throw .misplaced(field: .firstSequence, expected: firstSequence, found: preface.firstSequence)
        }
    }
}
