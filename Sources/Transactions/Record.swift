#if _endian(big)
    #error("Records are little-endian in memory, on the wire and on disk; this processor is not.")
#endif

/// One event in the life of one transaction: 64 bytes, little-endian, one cache line.
///
/// The layout in memory is the layout on the wire and in the chain's hash:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 16 | `id` |
/// | 16 | 8 | `time`, microseconds since 1970-01-01 UTC |
/// | 24 | 8 | `amount`, minor units |
/// | 32 | 6 | `payer`, token |
/// | 38 | 2 | `payerInstitution` |
/// | 40 | 4 | `payee` |
/// | 44 | 4 | `service` |
/// | 48 | 4 | `duration` |
/// | 52 | 2 | `source` |
/// | 54 | 2 | `payeeInstitution` |
/// | 56 | 2 | `region` |
/// | 58 | 2 | `currency`, ISO 4217 numeric |
/// | 60 | 1 | kind (low four bits), event (high four bits) |
/// | 61 | 1 | `outcome` |
/// | 62 | 1 | `channel` |
/// | 63 | 1 | `flags` |
///
/// Swift lays fields out in the order of their declaration; `RecordLayoutTests` holds each offset.
@frozen
public struct Record: Hashable, Sendable, BitwiseCopyable {
    /// The source's own reference; all events of one transaction carry the same.
    public var id: RecordID
    /// When this event happened, in microseconds since 1970-01-01 UTC.
    public var timeMicroseconds: Int64
    /// This event's own amount in minor units of `currency`, 0 or more.
    public var amountMinorUnits: Int64
    @usableFromInline var payerLow: UInt32
    @usableFromInline var payerHigh: UInt16
    /// Code of the payer's bank or wallet; 0: none.
    public var payerInstitution: UInt16
    /// Code of who was paid or asked; 0: none.
    public var payee: UInt32
    /// Code of the product, merchant category or public procedure; 0: none.
    public var service: UInt32
    /// From request to outcome, in its packed form.
    public var duration: PackedDuration
    /// Code of the gateway that sent the record; never 0.
    public var source: UInt16
    /// Code of the payee's bank or wallet; 0: none.
    public var payeeInstitution: UInt16
    /// Code of the region; 0: none.
    public var region: UInt16
    /// ISO 4217 numeric code.
    public var currency: Currency
    /// Kind in the low four bits, event in the high four.
    public var kindAndEvent: UInt8
    /// What came of it; the high four bits are its class.
    public var outcome: Outcome
    /// The way it came in.
    public var channel: Channel
    /// Bit 0: finished after its deadline; bit 1: test; bits 4 to 7: step; others 0.
    public var flags: UInt8

    /// Bytes of a record, in memory, on the wire and in the chain.
    public static let byteCount = 64
    /// The version of this layout, as headers carry it.
    public static let version: UInt8 = 1
    /// Flag bit: the event finished after its deadline.
    public static let overdueFlag: UInt8 = 0b0000_0001
    /// Flag bit: a test record, stored and never counted.
    public static let testFlag: UInt8 = 0b0000_0010
    /// Flag bits that must be 0.
    public static let reservedFlags: UInt8 = 0b0000_1100

    /// A record with the given event and defaults for the rest: an approved payment's start, no codes, unknown duration.
    public init(
        id: RecordID, timeMicroseconds: Int64, amountMinorUnits: Int64, currency: Currency, source: UInt16,
        kind: Kind = .payment, event: Event = .initiated, step: UInt8 = 0, outcome: Outcome = .approved,
        channel: Channel = .unknown
    ) {
        self.id = id
        self.timeMicroseconds = timeMicroseconds
        self.amountMinorUnits = amountMinorUnits
        self.payerLow = 0
        self.payerHigh = 0
        self.payerInstitution = 0
        self.payee = 0
        self.service = 0
        self.duration = .unknown
        self.source = source
        self.payeeInstitution = 0
        self.region = 0
        self.currency = currency
        self.kindAndEvent = kind.rawValue | event.rawValue << 4
        self.outcome = outcome
        self.channel = channel
        self.flags = step << 4
    }

    /// Keyed token of the payer's account, 48 bits; 0: none.
    @inlinable
    public var payer: UInt64 {
        get { UInt64(payerLow) | UInt64(payerHigh) << 32 }
        set {
            precondition(newValue >> 48 == 0, "a payer token has 48 bits")
            payerLow = UInt32(truncatingIfNeeded: newValue)
            payerHigh = UInt16(truncatingIfNeeded: newValue >> 32)
        }
    }

    /// What it is; nil where the bits name no kind.
    public var kind: Kind? { Kind(rawValue: kindAndEvent & 0x0F) }
    /// What happened to it; nil where the bits name no event.
    public var event: Event? { Event(rawValue: kindAndEvent >> 4) }
    /// Which one of several such events, 0 to 15.
    public var step: UInt8 {
        get { flags >> 4 }
        set {
            precondition(newValue < 16, "a step is 0 to 15")
            flags = flags & 0x0F | newValue << 4
        }
    }
    /// True when the event finished after its deadline.
    public var isOverdue: Bool { flags & Record.overdueFlag != 0 }
    /// True when it is stored and never counted.
    public var isTest: Bool { flags & Record.testFlag != 0 }

    /// Days since 1970-01-01 of `timeMicroseconds` in UTC: the date of the record's identity.
    @inlinable
    public var utcDay: Int32 { CalendarDay(utcDayOf: timeMicroseconds).daysSince1970 }
}

/// From request to outcome: milliseconds, or seconds when the top bit is set; all ones: unknown.
@frozen
public struct PackedDuration: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The four bytes of the record.
    public var rawValue: UInt32

    /// Takes the four bytes as they are.
    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No duration was given.
    public static let unknown = PackedDuration(rawValue: .max)

    /// Packs milliseconds; from 2^31 on (24.8 days) whole seconds are kept. Nil when it is negative or beyond 68 years.
    public init?(milliseconds: Int64) {
        guard milliseconds >= 0 else { return nil }
        if milliseconds < 1 << 31 {
            rawValue = UInt32(milliseconds)
        } else {
            let seconds = milliseconds / 1000
            guard seconds < 0x7FFF_FFFF else { return nil }
            rawValue = 1 << 31 | UInt32(seconds)
        }
    }

    /// The duration in milliseconds; nil when unknown.
    @inlinable
    public var milliseconds: Int64? {
        if rawValue == .max { return nil }
        return rawValue >> 31 == 0 ? Int64(rawValue) : Int64(rawValue & 0x7FFF_FFFF) * 1000
    }
}
