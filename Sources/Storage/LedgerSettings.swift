import Columns
import Transactions

/// What a ledger is made with. The first block of every log segment declares all of it.
public struct LedgerSettings: Hashable, Sendable {
    /// A random number that tells this ledger's files from others'.
    public var ledger: UInt64
    /// When it was made, microseconds since 1970-01-01 UTC.
    public var createdMicroseconds: Int64
    /// The zone of its business days, an IANA name.
    public var timeZone: String
    /// Minutes after midnight from which on a moment belongs to the next business day; 0: none.
    public var cutoverMinutes: Int
    /// The key of its identity hashes.
    public var identityKey: IdentityKey

    /// New settings with a number and a key drawn from `chance`.
    public init(
        timeZone: String, cutoverMinutes: Int, createdMicroseconds: Int64, chance: inout some RandomNumberGenerator
    ) {
        ledger = .random(in: 1 ... .max, using: &chance)
        self.createdMicroseconds = createdMicroseconds
        self.timeZone = timeZone
        self.cutoverMinutes = cutoverMinutes
        identityKey = .random(using: &chance)
    }

    /// The settings' keys in declarations.
    private enum Key: UInt32 {
        case ledger = 1
        case created = 2
        case timeZone = 3
        case cutover = 4
        case identityKey0 = 5
        case identityKey1 = 6
        // 7 is that of `FormerEnd`, which is no setting of the ledger's but the segment's own.
    }

    /// The settings as a block declares them.
    public var declarations: [Declaration] {
        let values: [(Key, String)] = [
            (.ledger, String(ledger, radix: 16)), (.created, String(createdMicroseconds)), (.timeZone, timeZone),
            (.cutover, String(cutoverMinutes)), (.identityKey0, String(identityKey.k0, radix: 16)),
            (.identityKey1, String(identityKey.k1, radix: 16)),
        ]
        return values.map { .setting(key: $0.rawValue, value: $1) }
    }

    /// Reads what `declarations` wrote; nil when one of them is missing or is no such value.
    public init?(_ declarations: [Declaration]) {
        var values: [UInt32: String] = [:]
        for case .setting(let key, let value) in declarations { values[key] = value }
        func text(_ key: Key) -> String? { values[key.rawValue] }
        guard let ledger = text(.ledger).flatMap({ UInt64($0, radix: 16) }),
            let created = text(.created).flatMap({ Int64($0) }), let timeZone = text(.timeZone),
            let cutover = text(.cutover).flatMap({ Int($0) }), (0..<1440).contains(cutover),
            let k0 = text(.identityKey0).flatMap({ UInt64($0, radix: 16) }),
            let k1 = text(.identityKey1).flatMap({ UInt64($0, radix: 16) })
        else { return nil }
        self.ledger = ledger
        createdMicroseconds = created
        self.timeZone = timeZone
        cutoverMinutes = cutover
        identityKey = IdentityKey(k0: k0, k1: k1)
    }
}
