import Transactions

/// The key of a ledger's identity hashes: random, so that nobody can choose references that collide.
public struct IdentityKey: Hashable, Sendable {
    /// First half.
    public var k0: UInt64
    /// Second half.
    public var k1: UInt64

    /// A key from its halves.
    public init(k0: UInt64, k1: UInt64) {
        self.k0 = k0
        self.k1 = k1
    }

    /// A new key drawn from `chance`.
    public static func random(using chance: inout some RandomNumberGenerator) -> IdentityKey {
        IdentityKey(k0: .random(in: .min ... .max, using: &chance), k1: .random(in: .min ... .max, using: &chance))
    }
}

/// What the identity index keeps of a record: 10 bits choose the partition, 32 bits are the tag.
///
/// The tag's high 24 bits, as the partition, come from the id alone, so that all events of one transaction lie beside each
/// other and can be found by id; its low 8 bits come from source, kind, event and step and tell those events apart.
package struct Fingerprint: BitwiseCopyable {
    static let partitionBits = 10
    package static let partitionCount = 1 << partitionBits

    var partition: UInt32
    var tag: UInt32

    /// The tag's part that all events of one transaction share.
    static let idMask: UInt32 = 0xFFFF_FF00

    package init(partition: UInt32, tag: UInt32) {
        self.partition = partition
        self.tag = tag
    }

    init(id: RecordID, rest: UInt32, key: IdentityKey) {
        let hash = sipHash(id.low, id.high, key)
        partition = UInt32(truncatingIfNeeded: hash >> 54)
        let mixed = (rest ^ UInt32(truncatingIfNeeded: key.k1)) &* 0x9E37_79B1
        tag = UInt32(truncatingIfNeeded: hash) & Fingerprint.idMask | mixed >> 24
    }

    init(_ record: Record, key: IdentityKey) {
        let rest = UInt32(record.source) << 16 | UInt32(record.kindAndEvent) << 8 | UInt32(record.flags & 0xF0)
        self.init(id: record.id, rest: rest, key: key)
    }
}

/// SipHash-1-3 of 16 bytes. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
private func sipHash(_ low: UInt64, _ high: UInt64, _ key: IdentityKey) -> UInt64 {
    var v0 = key.k0 ^ 0x736f_6d65_7073_6575
    var v1 = key.k1 ^ 0x646f_7261_6e64_6f6d
    var v2 = key.k0 ^ 0x6c79_6765_6e65_7261
    var v3 = key.k1 ^ 0x7465_6462_7974_6573
    @inline(__always) func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 { word &<< bits | word &>> (64 &- bits) }
    @inline(__always) func round() {
        v0 = v0 &+ v1
        v1 = rotate(v1, 13) ^ v0
        v0 = rotate(v0, 32)
        v2 = v2 &+ v3
        v3 = rotate(v3, 16) ^ v2
        v0 = v0 &+ v3
        v3 = rotate(v3, 21) ^ v0
        v2 = v2 &+ v1
        v1 = rotate(v1, 17) ^ v2
        v2 = rotate(v2, 32)
    }
    v3 ^= low
    round()
    v0 ^= low
    v3 ^= high
    round()
    v0 ^= high
    let length: UInt64 = 16 << 56
    v3 ^= length
    round()
    v0 ^= length
    v2 ^= 0xFF
    round()
    round()
    round()
    return v0 ^ v1 ^ v2 ^ v3
}
