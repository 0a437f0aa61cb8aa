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
/// The partition and a mask of 32 bits come from the id alone; the tag is that mask, exclusive-or'd with source, kind, event
/// and step as a one-to-one scramble of theirs. So all events of one transaction lie in one partition and can be found by
/// id: what a tag leaves when the id's mask is taken off is either a source, kind, event and step that exist or another
/// id's. Yet they are spread over the whole partition, and no two of them have the same tag: a client that sends one id
/// under each of a thousand sources, with each kind, event and step, meets no crowd of its own making.
package struct Fingerprint: BitwiseCopyable {
    static let partitionBits = 10
    package static let partitionCount = 1 << partitionBits

    var partition: UInt32
    var tag: UInt32

    package init(partition: UInt32, tag: UInt32) {
        self.partition = partition
        self.tag = tag
    }

    init(_ record: Record, key: IdentityKey) {
        let id = IDFingerprint(record.id, key: key)
        let rest = UInt32(record.source) << 16 | UInt32(record.kindAndEvent) << 8 | UInt32(record.flags & 0xF0)
        partition = id.partition
        tag = id.mask ^ scramble(rest ^ UInt32(truncatingIfNeeded: key.k1))
    }
}

/// What all events of one transaction share.
struct IDFingerprint {
    let partition: UInt32
    fileprivate let mask: UInt32
    private let restMask: UInt32

    init(_ id: RecordID, key: IdentityKey) {
        let hash = sipHash(id.low, id.high, key)
        partition = UInt32(truncatingIfNeeded: hash >> 54)
        mask = UInt32(truncatingIfNeeded: hash)
        restMask = UInt32(truncatingIfNeeded: key.k1)
    }

    /// True for the tags of the id's own events, and for few others.
    func mayBelong(_ tag: UInt32) -> Bool {
        let rest = unscramble(tag ^ mask) ^ restMask
        let kindAndEvent = UInt8(truncatingIfNeeded: rest >> 8)
        return rest & 0x0F == 0 && rest >> 16 != 0 && Kind(rawValue: kindAndEvent & 0x0F) != nil
            && Event(rawValue: kindAndEvent >> 4) != nil
    }
}

/// A one-to-one mixture of 32 bits. Source: the finaliser of MurmurHash3 (Austin Appleby, 2008).
private func scramble(_ word: UInt32) -> UInt32 {
    var mixed = word
    mixed ^= mixed >> 16
    mixed = mixed &* 0x85EB_CA6B
    mixed ^= mixed >> 13
    mixed = mixed &* 0xC2B2_AE35
    return mixed ^ mixed >> 16
}

/// Undoes `scramble`: the multipliers are the inverses of its own modulo 2^32.
private func unscramble(_ word: UInt32) -> UInt32 {
    var mixed = word
    mixed ^= mixed >> 16
    mixed = mixed &* 0x7ED1_B41D
    mixed ^= mixed >> 13 ^ mixed >> 26
    mixed = mixed &* 0xA5CB_9243
    return mixed ^ mixed >> 16
}

/// SipHash-1-3 of 16 bytes. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
@inline(__always)
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
