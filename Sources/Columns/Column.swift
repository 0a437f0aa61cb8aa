import Transactions

/// The columns into which a block splits its records; the raw value is the number in the block's directory.
///
/// An id is stored by its class, so that what a class fixes costs nothing. In big-endian order of its 16 bytes:
///
/// | class | id | columns |
/// |---|---|---|
/// | 0 | UUID version 7: 48 bits of milliseconds, 7, 12 bits, binary 10, 62 bits | 1 to 3, one value for each such record |
/// | 1 | UUID version 4: 48 bits, 4, 12 bits, binary 10, 62 bits | 4 and 5, likewise |
/// | 2 | text: every byte is ASCII or zero padding | 6 and 7, likewise |
/// | 3 | anything else | 8 and 9, likewise |
///
/// Signed values (time, amount, column 1) are stored plus 2^63, which turns their order into the unsigned one. A column
/// whose values are all stored as 0 is left out.
public enum Column: UInt8, CaseIterable, Sendable {
    /// The class of the id, 0 to 3.
    case idClass = 0
    /// Version 7: its milliseconds less the whole milliseconds (rounded down) of the record's time, plus 2^63.
    case timeOrderedMilliseconds = 1
    /// Version 7: the 12 bits behind the version.
    case timeOrderedUpper = 2
    /// Version 7: the 62 bits behind the variant.
    case timeOrderedLower = 3
    /// Version 4: the 48 bits before the version and the 12 behind it.
    case randomUpper = 4
    /// Version 4: the 62 bits behind the variant.
    case randomLower = 5
    /// Text: bytes 0 to 7, big-endian.
    case textUpper = 6
    /// Text: bytes 8 to 15, big-endian.
    case textLower = 7
    /// Other ids: bytes 0 to 7, big-endian.
    case otherUpper = 8
    /// Other ids: bytes 8 to 15, big-endian.
    case otherLower = 9
    /// Microseconds since 1970-01-01 UTC, plus 2^63.
    case time = 10
    /// Minor units, plus 2^63.
    case amount = 11
    /// 48 bits.
    case payer = 12
    /// 16 bits.
    case payerInstitution = 13
    /// 32 bits.
    case payee = 14
    /// 32 bits.
    case service = 15
    /// 32 bits, in the record's packed form.
    case duration = 16
    /// 16 bits.
    case source = 17
    /// 16 bits.
    case payeeInstitution = 18
    /// 16 bits.
    case region = 19
    /// 16 bits.
    case currency = 20
    /// 8 bits: the kind, and the event in the upper four.
    case kindAndEvent = 21
    /// 8 bits.
    case outcome = 22
    /// 8 bits.
    case channel = 23
    /// 8 bits: the flags, and the step in the upper four.
    case flags = 24
    /// For each piece of the block the number of ids of class 1 before it.
    case randomRank = 25
    /// For each piece the number of ids of class 2 before it.
    case textRank = 26
    /// For each piece the number of ids of class 3 before it.
    case otherRank = 27

    /// Bits of the largest value that the column may hold.
    var width: Int {
        switch self {
        case .idClass: 2
        case .timeOrderedUpper: 12
        case .timeOrderedLower, .randomLower: 62
        case .randomUpper: 60
        case .timeOrderedMilliseconds, .textUpper, .textLower, .otherUpper, .otherLower, .time, .amount: 64
        case .payer: 48
        case .payee, .service, .duration: 32
        case .payerInstitution, .source, .payeeInstitution, .region, .currency: 16
        case .randomRank, .textRank, .otherRank: 16
        case .kindAndEvent, .outcome, .channel, .flags: 8
        }
    }

    /// How many values the column has in a block of `recordCount` records with so many ids of each class.
    func valueCount(recordCount: Int, idCounts: IDClassCounts) -> Int {
        if let idClass { return idCounts[idClass] }
        return isRank ? Piece.count(of: recordCount) : recordCount
    }

    /// True of a column that says for each piece where the values of its ids begin, which only reading rows needs.
    var isRank: Bool { rawValue >= Column.randomRank.rawValue }

    /// The class of the ids that the column belongs to; nil for all other columns.
    var idClass: IDClass? {
        switch self {
        case .timeOrderedMilliseconds, .timeOrderedUpper, .timeOrderedLower: .timeOrdered
        case .randomUpper, .randomLower: .random
        case .textUpper, .textLower: .text
        case .otherUpper, .otherLower: .other
        default: nil
        }
    }

    /// The field of a record that the column serves; kind and event share one, and flags and step.
    public var field: Field {
        switch self {
        case .time: .time
        case .amount: .amount
        case .payer: .payer
        case .payerInstitution: .payerInstitution
        case .payee: .payee
        case .service: .service
        case .duration: .duration
        case .source: .source
        case .payeeInstitution: .payeeInstitution
        case .region: .region
        case .currency: .currency
        case .kindAndEvent: .kind
        case .outcome: .outcome
        case .channel: .channel
        case .flags: .flags
        default: .id
        }
    }
}

/// How a record's id is stored.
enum IDClass: Int, CaseIterable {
    case timeOrdered = 0
    case random = 1
    case text = 2
    case other = 3
}

/// A set of columns, to read a part of a block.
public struct ColumnSet: OptionSet, Hashable, Sendable {
    /// Bit n stands for the column with raw value n.
    public let rawValue: UInt32

    /// Takes the bits as they are.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The given columns.
    public init(_ columns: Column...) { rawValue = columns.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }

    /// True when the column is in the set.
    public func contains(_ column: Column) -> Bool { rawValue >> UInt32(column.rawValue) & 1 != 0 }

    /// All columns.
    public static let all = ColumnSet(rawValue: 1 << UInt32(Column.allCases.count) - 1)
    /// What an id is made from: columns 0 to 9, and the time.
    public static let ids = ColumnSet(rawValue: 1 << 10 - 1).union(ColumnSet(.time))
    /// What a record's identity is made from: id, time, source, kind, event and step.
    public static let identities = ids.union(ColumnSet(.source, .kindAndEvent, .flags))
}
