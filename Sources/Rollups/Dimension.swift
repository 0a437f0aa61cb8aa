import Transactions

/// What statistics can be grouped and filtered by. The raw value is the dimension's code in chunks.
///
/// `docs/statistics.md` defines each. `day` and `month` are those of a whole chunk and never part of a key.
public enum Dimension: UInt8, Vocabulary {
    case day = 1
    case month = 2
    case hour = 3
    case kind = 4
    case event = 5
    case currency = 6
    case source = 7
    case payerInstitution = 8
    case payeeInstitution = 9
    case payee = 10
    case service = 11
    case region = 12
    case channel = 13
    case outcome = 14
    case amountBand = 15

    /// The name in snake case.
    public var name: String {
        switch self {
        case .payerInstitution: "payer_institution"
        case .payeeInstitution: "payee_institution"
        case .amountBand: "amount_band"
        default: "\(self)"
        }
    }

    /// Bits that a code takes in a key; 0 for `day` and `month`, which belong to a whole chunk.
    public var bitCount: Int {
        switch self {
        case .day, .month: 0
        case .kind, .event: 4
        case .hour: 5
        case .channel, .outcome: 8
        case .currency: 10
        case .source, .payerInstitution, .payeeInstitution, .region: 16
        case .payee, .service: 32
        case .amountBand: 22
        }
    }

    /// True when rollups can have it. The bands of amounts are a question's own, and are counted from the records.
    public var isKept: Bool { self != .amountBand }

    /// The space in which the codes have names; nil where the codes speak for themselves.
    public var nameSpace: NameSpace? {
        switch self {
        case .source: .source
        case .payerInstitution, .payeeInstitution: .institution
        case .payee: .payee
        case .service: .service
        case .region: .region
        default: nil
        }
    }

    /// The code of a day in keys and filters: its days since 1970-01-01.
    public static func code(of day: CalendarDay) -> UInt32 { UInt32(bitPattern: day.daysSince1970) }

    /// The code of a month in keys and filters: 202607 for July 2026.
    public static func monthCode(of day: CalendarDay) -> UInt32 {
        let (year, month, _) = day.components
        return UInt32(truncatingIfNeeded: year * 100 + month)
    }
}
